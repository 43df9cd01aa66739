"""OTLP bytes to messages, and the checks that refuse a bad span."""
