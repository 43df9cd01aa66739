"""Tempo's HTTP API below `/tempo`, for Grafana's data source: traces, TraceQL, tags."""
