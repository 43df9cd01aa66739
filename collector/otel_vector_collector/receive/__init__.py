"""The OTLP doors: gRPC and HTTP requests into the inbox."""
