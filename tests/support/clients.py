"""Both clients behind one face, so that one test holds both to the same."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Self

from otel_vector.client import AsyncClient, Client


class Driven:
    """An `AsyncClient` whose methods are called as those of a `Client` are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._drive(AsyncClient(*args, **kwargs))

    @classmethod
    def over_socket(cls, *args: Any, **kwargs: Any) -> Self:
        made = cls.__new__(cls)
        made._drive(AsyncClient.over_socket(*args, **kwargs))
        return made

    def _drive(self, client: AsyncClient) -> None:
        self._client = client
        self._loop = asyncio.Runner()

    def __enter__(self) -> Self:
        self._loop.run(self._client.__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.run(self._client.__aexit__(kind, error, trace))
        self._loop.close()

    def __repr__(self) -> str:
        return repr(self._client)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if not callable(method):
            return method

        def driven(*args: Any, **kwargs: Any) -> Any:
            made = method(*args, **kwargs)
            return self._run(made) if inspect.isawaitable(made) else self._each(made)

        return driven

    def _run(self, made: Any) -> Any:
        async def awaited() -> Any:
            return await made

        return self._loop.run(awaited())

    def _each(self, values: AsyncIterator[Any]) -> Any:
        try:
            while True:
                try:
                    yield self._run(anext(values))
                except StopAsyncIteration:
                    return
        finally:
            self._run(values.aclose())


CLIENTS = {"blocking": Client, "async": Driven}
