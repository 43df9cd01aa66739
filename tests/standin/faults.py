"""What tests switch on: failing, stalling, a full disk, a key; and how often what was called."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import grpc

from standin.refusals import DISK_FULL, RefusedError

__all__ = ["Faults"]

_OPEN = {"HealthCheck"}
_POLL_S = 0.05


class Faults(grpc.ServerInterceptor):
    """Stands before every call of the stand-in. Its switches may be turned at any time."""

    def __init__(self, api_key: str = "") -> None:
        """Let every call through, with a key if one is named."""
        self.api_key = api_key
        self.disk_full = False
        self.calls: Counter[str] = Counter()
        self._failing: dict[str, list[RefusedError]] = {}
        self._unanswered: Counter[str] = Counter()
        self._stalled: set[str] = set()
        self._lock = threading.Lock()

    def fail(
        self,
        method: str,
        times: int = 1,
        code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE,
        details: str = "transport error",
    ) -> None:
        """Refuse the next calls of a method (its name without the service)."""
        with self._lock:
            self._failing.setdefault(method, []).extend([RefusedError(code, details)] * times)

    def lose_answers(self, method: str, times: int = 1) -> None:
        """Do what the next calls of a method ask for, and answer UNAVAILABLE."""
        with self._lock:
            self._unanswered[method] += times

    @contextmanager
    def stalled(self, method: str) -> Iterator[None]:
        """Leave calls of a method unanswered while the block runs; then let them through."""
        self._stalled.add(method)
        try:
            yield
        finally:
            self._stalled.discard(method)

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        """See `grpc.ServerInterceptor`."""
        handler = cast("Any", continuation(handler_call_details))
        if handler is None or handler.unary_unary is None:
            return cast("grpc.RpcMethodHandler | None", handler)
        method = handler_call_details.method.rpartition("/")[2]
        given = dict(handler_call_details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(
            self._around(method, given, handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    def _around(
        self, method: str, given: dict[str, Any], inner: Callable[[Any, Any], Any]
    ) -> Callable[[Any, grpc.ServicerContext], Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            try:
                self._before(method, given, request, context)
                answer = inner(request, context)
                self._after(method)
            except RefusedError as error:
                _refuse(context, error)
            return answer

        return call

    def _before(self, method: str, given: dict[str, Any], request: Any, context: Any) -> None:
        self.calls[method] += 1
        self._check_key(method, given)
        pause = threading.Event()
        while method in self._stalled and context.is_active():
            pause.wait(_POLL_S)
        with self._lock:
            waiting = self._failing.get(method)
            failure = waiting.pop(0) if waiting else None
        if failure is not None:
            raise failure
        if self.disk_full and "wait" in type(request).DESCRIPTOR.fields_by_name:
            text = f"Service internal error: {DISK_FULL}"
            raise RefusedError(grpc.StatusCode.INTERNAL, text)

    def _after(self, method: str) -> None:
        with self._lock:
            lost = self._unanswered[method] > 0
            self._unanswered[method] -= lost
        if lost:
            raise RefusedError(grpc.StatusCode.UNAVAILABLE, "transport error")

    def _check_key(self, method: str, given: dict[str, Any]) -> None:
        if not self.api_key or method in _OPEN:
            return
        key = given.get("api-key") or given.get("authorization", "").removeprefix("Bearer ")
        if not key:
            text = "Must provide an API key or an Authorization bearer token"
            raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, text)
        if key != self.api_key:
            raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, "Invalid API key or JWT")


def _refuse(context: grpc.ServicerContext, error: RefusedError) -> NoReturn:
    context.abort(error.code, error.details)
    raise AssertionError
