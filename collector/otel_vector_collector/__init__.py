"""The otel-vector process: doors, API and command line."""
