"""The HTTP API over the services: parse, call one service, render."""
