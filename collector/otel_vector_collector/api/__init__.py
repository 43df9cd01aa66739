"""The HTTP API over the services."""
