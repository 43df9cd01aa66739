"""The command `otel-vector`."""
