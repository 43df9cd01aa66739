"""The reading side of Jaeger's remote storage: calls let in, answered in threads, and timed.

A call is let in or refused by its metadata alone. Jaeger forwards the key of who asks it as
`bearer.token`, and the tenant by a header that its setting names (`x-tenant` by default).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from otel_vector.decode.compression import decompress
from otel_vector.errors import MalformedError, NotFoundError, OtelVectorError, PermanentError
from otel_vector.keys.contract import Key, Role
from otel_vector.keys.limits import QuestionRates
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store
from otel_vector.telemetry import Telemetry
from otel_vector_collector.jaeger.idl import capabilities_pb2, dependency_storage_pb2
from otel_vector_collector.jaeger.idl import trace_storage_pb2 as storage
from otel_vector_collector.jaeger.reader import Reader
from otel_vector_collector.receive.gate import Gate, require
from otel_vector_collector.receive.grpc_door import abort, encoding_of, headers_of, refusing
from otel_vector_collector.receive.limits import Holding
from otel_vector_collector.receive.tenant import DEFAULT_TENANT, tenant_of

__all__ = ["Asking", "forwarded"]

_LOG = logging.getLogger(__name__)
_FORWARDED: Final = "bearer.token"
_LARGEST_REQUEST: Final = 1 << 20
_FAULT: Final = "this is a fault of otel-vector; its log tells more"


@dataclass(frozen=True, slots=True)
class _Method:
    """One method: the message it takes, what answers, and whether the answer is a stream."""

    parse: Callable[[bytes], Any]
    answer: Callable[[Tenant, Any], Any]
    streams: bool = False


def forwarded(metadata: Any) -> list[tuple[str, str]]:
    """Return a call's headers, with a key that Jaeger forwards where keys are looked for."""
    return [
        ("x-api-key" if name == _FORWARDED else name, value)
        for name, value in headers_of(metadata)
    ]


class Asking(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Gives each reading call its handler: one that answers, or one that refuses.

    Args:
        reader: answers.
        store: knows which tenants there are.
        gate: lets calls in.
        rates: how often keys may ask.
        threads: where answers are made.
        telemetry: times them.
    """

    def __init__(
        self, reader: Reader, store: Store, gate: Gate, rates: QuestionRates, threads: Executor,
        telemetry: Telemetry,
    ) -> None:  # fmt: skip
        self._methods = _methods(reader)
        self._store = store
        self._gate = gate
        self._rates = rates
        self._threads = threads
        self._holding = Holding()
        self._seconds = telemetry.histogram(
            "otel_vector_jaeger_request_seconds",
            "time until an answer to Jaeger ended",
            ("method", "status"),
        )

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a call, None if there is no such method."""
        method = self._methods.get(handler_call_details.method)
        if method is None:
            return None
        try:
            tenant, key = self._admitted(handler_call_details.invocation_metadata)
        except OtelVectorError as error:
            return grpc.stream_unary_rpc_method_handler(refusing(error, self._holding))
        name = handler_call_details.method.rpartition("/")[2]
        call = _Call(self._threads, lambda body: self._answer(method, tenant, key, body),
                     lambda since, status: self._seconds.observe(since, name, status))  # fmt: skip
        if method.streams:
            return grpc.unary_stream_rpc_method_handler(call.stream)
        return grpc.unary_unary_rpc_method_handler(call.one)

    def _admitted(self, metadata: Any) -> tuple[Tenant, Key | None]:
        headers = forwarded(metadata)
        key = self._gate.key_of(headers)
        require(key, Role.READ)
        tenant = tenant_of(headers, key)
        _, limited = self._rates.ask(key)
        if limited is not None:
            raise limited
        return tenant, key

    def _answer(
        self, method: _Method, tenant: Tenant, key: Key | None, body: bytes
    ) -> Iterator[bytes]:
        """Yield the messages of an answer."""
        request = _parsed(method, body)
        is_made_up = key is not None and key.is_universal and tenant != DEFAULT_TENANT
        if is_made_up and tenant not in self._store.tenants():
            raise NotFoundError(f"nothing was stored for tenant {tenant!r} yet")
        answer = method.answer(tenant, request)
        if method.streams:
            yield from answer
        else:
            yield answer.SerializeToString()


def _parsed(method: _Method, body: bytes) -> Any:
    plain = decompress(body, encoding_of(body), _LARGEST_REQUEST)
    try:
        return method.parse(plain)
    except DecodeError as error:
        raise MalformedError("the request is no message of jaeger.storage.v2") from error


class _Call:
    """One call: its answer is made in a thread, message by message, as they are sent."""

    def __init__(
        self, threads: Executor, answer: Callable[[bytes], Iterator[bytes]],
        observe: Callable[[float, str], None],
    ) -> None:  # fmt: skip
        self._threads = threads
        self._answer = answer
        self._observe = observe

    async def one(self, body: bytes, context: Any) -> bytes:
        """Answer with one message."""
        return b"".join([message async for message in self.stream(body, context)])

    async def stream(self, body: bytes, context: Any) -> AsyncIterator[bytes]:
        """Answer with any number of messages."""
        loop, begun, status = asyncio.get_running_loop(), time.perf_counter(), "cancelled"
        messages = self._answer(body)
        try:
            more = True
            while more:
                message = await loop.run_in_executor(self._threads, next, messages, None)
                more = message is not None
                if message is not None:
                    yield message
            status = "ok"
        except OtelVectorError as error:
            status = "refused"
            await abort(context, error)
        except Exception as error:
            status = "fault"
            _LOG.exception("a question of Jaeger's could not be answered")
            await abort(context, PermanentError(_FAULT))
            raise PermanentError(_FAULT) from error
        finally:
            self._observe(time.perf_counter() - begun, status)


def _methods(reader: Reader) -> Mapping[str, _Method]:
    """Return the methods by their paths."""
    traces = {
        "GetTraces": _Method(storage.GetTracesRequest.FromString, reader.get_traces, True),
        "GetServices": _Method(storage.GetServicesRequest.FromString, reader.get_services),
        "GetOperations": _Method(storage.GetOperationsRequest.FromString, reader.get_operations),
        "FindTraces": _Method(storage.FindTracesRequest.FromString, reader.find_traces, True),
        "FindTraceIDs": _Method(storage.FindTraceIDsRequest.FromString, reader.find_trace_ids),
        "FindTraceSummaries": _Method(
            storage.FindTraceSummariesRequest.FromString, reader.find_trace_summaries, True
        ),
    }
    dependencies = _Method(
        dependency_storage_pb2.GetDependenciesRequest.FromString, reader.get_dependencies
    )
    capabilities = _Method(
        capabilities_pb2.GetCapabilitiesRequest.FromString, reader.get_capabilities
    )
    package = "/jaeger.storage.v2."
    return {
        **{f"{package}TraceReader/{name}": method for name, method in traces.items()},
        f"{package}DependencyReader/GetDependencies": dependencies,
        f"{package}Capabilities/GetCapabilities": capabilities,
    }
