"""Merging: neighbouring small blocks of a sealed partition become one.

A block takes some 200 bytes besides its items, and compresses the better the longer it is. A few
items a request, as a quiet service sends them, would otherwise stay blocks of a few items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from otel_vector.progress import Progress
from otel_vector.store.edge.blocks import StoredName
from otel_vector.store.edge.data import TenantData

__all__ = ["Merger"]

_SMALL_ROWS: Final = 256
_LARGE_ROWS: Final = 1_024


class Merger:
    """Merges small blocks of one tenant."""

    def __init__(self, data: TenantData) -> None:
        """Merge within a tenant's folder."""
        self._data = data
        self._done: set[str] = set()

    def merge(self, progress: Progress) -> int:
        """Merge small blocks where nothing is being filled; return how many there are fewer.

        Raises:
            StorageFullError: the disk is full; what is merged stays merged.
            JobCancelledError: told to end; what is merged stays merged.
        """
        filling = {row.folder for row in self._data.shards if row.points and not row.sealed}
        self._done -= filling
        todo = set(self._data.manifest.folders()) - filling - self._done
        fewer = 0
        for folder in sorted(todo):
            fewer += self._merge(folder, progress)
            self._done.add(folder)
        return fewer

    def _merge(self, folder: str, progress: Progress) -> int:
        blocks, fewer = self._data.blocks(folder), 0
        groups = list(_groups(blocks.small(_SMALL_ROWS)))
        for at, group in enumerate(groups):
            progress(at, len(groups), f"merging blocks of {folder}")
            with self._data.writing:
                blocks.merge([block.name for block in group])
            fewer += len(group) - 1
        return fewer


def _groups(blocks: list[StoredName]) -> Iterator[list[StoredName]]:
    """Cut neighbours of one stream into groups of some size, two at least."""
    group: list[StoredName] = []
    for block in blocks:
        kind = (block.signal, block.stream)
        full = sum(b.rows for b in group) + block.rows > _LARGE_ROWS
        if group and (full or kind != (group[0].signal, group[0].stream)):
            if len(group) > 1:
                yield group
            group = []
        group.append(block)
    if len(group) > 1:
        yield group
