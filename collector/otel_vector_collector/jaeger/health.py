"""`grpc.health.v1`: whether each service is there. Open to whoever can reach the port.

A request's one field is a text and an answer's an enumeration, so two of protobuf's wrappers,
which have the same form on the wire, serve as its messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from google.protobuf.wrappers_pb2 import Int32Value, StringValue

__all__ = ["health_methods"]

_NAMES: Final = frozenset(
    {
        "",
        *(
            f"jaeger.storage.v2.{name}"
            for name in ("TraceReader", "DependencyReader", "TraceWriter", "Capabilities")
        ),
        "opentelemetry.proto.collector.trace.v1.TraceService",
    }
)
_SERVING: Final = Int32Value(value=1)
_UNKNOWN: Final = Int32Value(value=3)


def health_methods() -> dict[str, Any]:
    """Return the handlers of `Check` and `Watch` by the methods' paths."""
    kinds = {"Check": (grpc.unary_unary_rpc_method_handler, _check),
             "Watch": (grpc.unary_stream_rpc_method_handler, _watch)}  # fmt: skip
    return {
        f"/grpc.health.v1.Health/{name}": made(
            answer,
            request_deserializer=StringValue.FromString,
            response_serializer=Int32Value.SerializeToString,
        )
        for name, (made, answer) in kinds.items()
    }


async def _check(request: StringValue, context: Any) -> Int32Value:
    if request.value not in _NAMES:
        await context.abort(grpc.StatusCode.NOT_FOUND, f"there is no service {request.value!r}")
    return _SERVING


async def _watch(request: StringValue, _context: Any) -> AsyncIterator[Int32Value]:
    """Tell how a service is, once: while this process answers, it does not change."""
    yield _SERVING if request.value in _NAMES else _UNKNOWN
    await asyncio.Event().wait()
