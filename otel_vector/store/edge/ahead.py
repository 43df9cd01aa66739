"""Reading the blocks of points that are walked, before their turn comes.

Points under a condition that an index tells stand in blocks all over, one or two in each: read one
by one, a question waits for each of them. They are read some at a time, in threads, while those
before are looked at; few at first, since many walks end with them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeAlias

from otel_vector.spans.meanings import Signal
from otel_vector.store.edge.blocks import unplace
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.walk import Found
from otel_vector.store.reading.cache import CachedBlock

__all__ = ["read_before"]

_FIRST: Final = 8  # points whose blocks are read at once
_MOST: Final = 32
_PARTS: Final = 2  # groups of points ahead
_THREADS: Final = 2

_Part: TypeAlias = tuple[list[list[Found]], list[Future[None]]]


def read_before(
    data: TenantData, signal: Signal, groups: Iterable[list[Found]]
) -> Iterator[list[Found]]:
    """Yield groups of points as they are, with their blocks in the cache as far as it has room."""
    with ThreadPoolExecutor(_THREADS, "ahead") as threads:
        ahead: deque[_Part] = deque()
        try:
            for part in _parts(groups):
                ahead.append((part, _reading(threads, data, signal, part)))
                if len(ahead) > _PARTS:
                    yield from _read(ahead.popleft())
            while ahead:
                yield from _read(ahead.popleft())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _parts(groups: Iterable[list[Found]]) -> Iterator[list[list[Found]]]:
    """Cut groups into parts that have some points each, of which there are more each time."""
    part: list[list[Found]] = []
    points, most = 0, _FIRST
    for group in groups:
        part.append(group)
        points += len(group)
        if points >= most:
            yield part
            part, points, most = [], 0, min(2 * most, _MOST)
    if part:
        yield part


def _reading(
    threads: ThreadPoolExecutor, data: TenantData, signal: Signal, part: Sequence[list[Found]]
) -> list[Future[None]]:
    """Begin to read the blocks of a part that the cache has not."""
    missing: dict[str, dict[int, None]] = {}
    for point in (point for group in part[:_MOST] for point in group[:_MOST]):
        folder, name = point.row.folder, unplace(point.payload["p"])[0]
        if data.cache.get((folder, name)) is None:
            missing.setdefault(folder, {})[name] = None
    return [
        threads.submit(_keep, data, signal, folder, list(names))
        for folder, names in missing.items()
    ]


def _keep(data: TenantData, signal: Signal, folder: str, names: Sequence[int]) -> None:
    for name, block in data.blocks(folder).read_many(names):
        data.cache.keep((folder, name), CachedBlock(signal, block))


def _read(part: _Part) -> list[list[Found]]:
    groups, reading = part
    for future in reading:
        future.result()
    return groups
