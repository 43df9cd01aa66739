"""Calls to the server: several at once, with patience for what passes."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Final

import grpc
from qdrant_client import grpc as pb

from otel_vector.errors import (
    ConfigError,
    OtelVectorError,
    StoreDamagedError,
    StoreUnavailableError,
    StoreVersionError,
)
from otel_vector.settings.config import StoreConfig
from otel_vector.store.qdrant.address import Address
from otel_vector.store.qdrant.faults import may_pass, translated

__all__ = ["Call", "Connection"]

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 1.0
_HERE: Final = ("localhost:", "127.0.0.1:", "[::1]:")
_WRITTEN: Final = frozenset({pb.UpdateStatus.Completed})
_OPTIONS: Final = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
]
_ANSWERS: Final[dict[str, Any]] = {
    "Points/Upsert": pb.PointsOperationResponse,
    "Points/Delete": pb.PointsOperationResponse,
    "Points/SetPayload": pb.PointsOperationResponse,
    "Points/DeletePayload": pb.PointsOperationResponse,
    "Points/UpdateVectors": pb.PointsOperationResponse,
    "Points/CreateFieldIndex": pb.PointsOperationResponse,
    "Points/CreateVectorName": pb.PointsOperationResponse,
    "Points/DeleteVectorName": pb.PointsOperationResponse,
    "Points/Count": pb.CountResponse,
    "Points/Facet": pb.FacetResponse,
    "Points/Scroll": pb.ScrollResponse,
    "Points/QueryBatch": pb.QueryBatchResponse,
    "Collections/List": pb.ListCollectionsResponse,
    "Collections/Get": pb.GetCollectionInfoResponse,
    "Collections/Create": pb.CollectionOperationResponse,
    "Collections/CreateShardKey": pb.CreateShardKeyResponse,
    "Qdrant/HealthCheck": pb.HealthCheckReply,
}

Call = tuple[str, Any]
"""A method, `Service/Name`, and its request: a message or its bytes."""


class Connection:
    """A channel to one server. Any number of threads."""

    def __init__(self, config: StoreConfig) -> None:
        """Prepare to connect; nothing is asked yet.

        Raises:
            ConfigError: the URL or a file of TLS is wrong.
        """
        address = Address.of(config.url)
        self.target = address.target
        self._config = config
        self._metadata = (("api-key", config.api_key),) if config.api_key else ()
        self._closing = Event()
        self.opened = False
        """Whether the store has been opened: what is refused from then on may be set right on the
        server, and what is to be written waits until then."""
        if address.secure:
            credentials = grpc.ssl_channel_credentials(_authority(config.ca))
            self._channel = grpc.secure_channel(self.target, credentials, _OPTIONS)
        else:
            if config.api_key and not self.target.startswith(_HERE):
                _log.warning(
                    "the key of the Qdrant server and all that is stored travel unencrypted to "
                    "%s: write https:// in store.url",
                    self.target,
                )
            self._channel = grpc.insecure_channel(self.target, _OPTIONS)
        self._methods = {name: self._method(name) for name in _ANSWERS}

    def _method(self, name: str) -> Any:
        read = _ANSWERS[name].FromString
        return self._channel.unary_unary(
            f"/qdrant.{name}", request_serializer=_bytes, response_deserializer=read
        )

    def call(self, method: str, request: Any) -> Any:
        """Ask, and return the answer.

        Raises:
            StoreUnavailableError: no answer within the patience of the setting.
            StorageFullError: the server's disk is full.
            ConfigError: the address, key or TLS is wrong.
            StoreVersionError: the server is too old.
        """
        return self._finished(method, request, self._start(method, request))

    def gather(self, calls: Sequence[Call]) -> list[Any]:
        """Ask several at once, a bounded number of them, and return the answers in order."""
        bound = self._config.in_flight
        futures = [self._start(*call) for call in calls[:bound]]
        answers = []
        for number, (method, request) in enumerate(calls):
            answers.append(self._finished(method, request, futures[number]))
            if len(futures) < len(calls):
                futures.append(self._start(*calls[len(futures)]))
        return answers

    def tried(self, method: str, request: Any, allowed: Callable[[grpc.RpcError], bool]) -> None:
        """Ask once for something that may be done already, which is success."""
        try:
            self._start(method, request).result()
        except grpc.RpcError as error:
            if not allowed(error):
                self._again(method, request, error, allowed)

    def _again(self, method: str, request: Any, error: grpc.RpcError, allowed: Any) -> None:
        if not may_pass(error):
            raise self._told(error, method) from error
        if self._closing.wait(_FIRST_PAUSE_S):
            raise StoreUnavailableError("the store is closing") from error
        try:
            self._start(method, request).result()
        except grpc.RpcError as second:
            if not allowed(second):
                raise self._told(second, method) from second

    def _start(self, method: str, request: Any) -> Any:
        return self._methods[method].future(
            request, timeout=self._config.timeout_s, metadata=self._metadata
        )

    def _finished(self, method: str, request: Any, future: Any) -> Any:
        end, pause_s = monotonic() + self._config.patience_s, _FIRST_PAUSE_S
        while True:
            try:
                return self._checked(method, future.result())
            except grpc.RpcError as error:
                if not may_pass(error) or monotonic() + pause_s > end:
                    raise self._told(error, method) from error
                fault: Exception = error
            except StoreUnavailableError as error:
                if monotonic() + pause_s > end:
                    raise
                fault = error
            if self._closing.wait(pause_s * random.uniform(0.5, 1.0)):
                raise StoreUnavailableError("the store is closing") from fault
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            future = self._start(method, request)

    def _told(self, error: grpc.RpcError, method: str) -> OtelVectorError:
        told = translated(error, method, self.target)
        if self.opened and isinstance(told, ConfigError | StoreVersionError | StoreDamagedError):
            return StoreUnavailableError(str(told))
        return told

    def _checked(self, method: str, answer: Any) -> Any:
        """Take a write for done only if the server says that it is."""
        if isinstance(answer, pb.PointsOperationResponse) and answer.result.status not in _WRITTEN:
            status = pb.UpdateStatus.Name(answer.result.status)
            raise StoreUnavailableError(
                f"the Qdrant server {self.target} did not finish {method} in time ({status})"
            )
        return answer

    def close(self) -> None:
        """Give up what waits, and release the channel."""
        self._closing.set()
        self._channel.close()


def _bytes(request: Any) -> bytes:
    return request if isinstance(request, bytes) else bytes(request.SerializeToString())


def _authority(path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"store.ca: {path} cannot be read ({error.strerror})") from error
