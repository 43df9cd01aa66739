"""Clients of a collector's HTTP API: `Client` blocks, `AsyncClient` is for an event loop.

Answers are the API's JSON, typed by `otel_vector.client.shapes`; errors are those of
`otel_vector.errors`, whichever side of the wire raised them.
"""

from otel_vector.client.access import Access
from otel_vector.client.async_client import AsyncClient
from otel_vector.client.call import Json
from otel_vector.client.client import Client

__all__ = ["Access", "AsyncClient", "Client", "Json"]
