"""The one place where blocking work leaves the event loop.

Questions share a pool of threads; followers of events, which wait most of the time, have one
of their own, so that they can never take the threads of those who ask.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

__all__ = ["FOLLOWERS", "answered", "awaited", "streamed"]

P = ParamSpec("P")
T = TypeVar("T")

FOLLOWERS: Final = 64
"""Followers of events at the same time."""

_END: Final = object()


async def answered(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a thread and return what it gives."""
    return await to_thread.run_sync(lambda: work(*args, **kwargs))


async def awaited(wait: Callable[[float], T], timeout_s: float, limiter: CapacityLimiter) -> T:
    """Wait in a thread of the followers' pool; a cancelled wait ends by its own timeout."""
    return await to_thread.run_sync(wait, timeout_s, abandon_on_cancel=True, limiter=limiter)


async def streamed(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Read an iterator in threads, one step at a time."""
    while (chunk := await to_thread.run_sync(next, chunks, _END)) is not _END:
        assert isinstance(chunk, bytes)
        yield chunk
        await anyio.lowlevel.checkpoint()
