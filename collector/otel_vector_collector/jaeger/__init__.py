"""Jaeger on this store: remote storage over gRPC, and the HTTP API that Grafana asks."""
