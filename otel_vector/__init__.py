"""otel-vector: an OpenTelemetry-native span store that answers questions."""
