"""The way of a call to a collector and back, for an event loop; see `wire`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import TypeVar

import httpx

from otel_vector.client.access import Destination
from otel_vector.client.call import Call, Reader
from otel_vector.client.problems import RefusedError, reader_of
from otel_vector.client.retries import Tries
from otel_vector.client.wire import failure_of, headers_of, request_of, trust_of

__all__ = ["AsyncWire"]

T = TypeVar("T")


class AsyncWire:
    """Connections to one collector, for the tasks of one event loop.

    Raises:
        ConfigError: the key or a certificate file cannot be used.
    """

    def __init__(self, to: Destination) -> None:
        self._to = to
        socket = to.place.socket
        self._http = httpx.AsyncClient(
            base_url=to.place.url,
            timeout=to.timeout_s,
            headers=headers_of(to.access),
            transport=None if socket is None else httpx.AsyncHTTPTransport(uds=str(socket)),
            verify=trust_of(to),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def each(self, call: Call[T]) -> AsyncIterator[T]:
        """Yield the values of a call's answer as they come.

        Raises:
            OtelVectorError: there is no answer, or it is an error.
        """
        tries = Tries(call, self._to.retry_s)
        while True:
            try:
                async with self._http.stream(**request_of(call, self._to)) as answer:
                    reader = reader_of(call, answer.status_code, answer.headers)
                    async for value in _values(reader, answer.aiter_bytes()):
                        tries.handed_out = True
                        yield value
                    return
            except (httpx.RequestError, RefusedError) as error:
                pause_s = tries.pause_after(failure_of(error, self._to.place))
            await asyncio.sleep(pause_s)


async def _values(reader: Reader[T], parts: AsyncIterable[bytes]) -> AsyncIterator[T]:
    async for part in parts:
        for value in reader.feed(part):
            yield value
    for value in reader.end():
        yield value
