"""Shards whose place was taken: readable until every question that may know of them is over."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final

from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.pool import Pool
from otel_vector.store.edge.shard import shard_folder

__all__ = ["Outgoing"]

_QUESTIONS: Final = 2.0
"""How many times as long as one question may take they are kept."""


class Outgoing:
    """Lets go of shards that are unlisted, and removes their folders, some time later."""

    def __init__(self, root: Path, pool: Pool, question_s: float) -> None:
        """Look after the unlisted shards of a tenant's folder.

        Args:
            root: the tenant's folder.
            pool: may have them open.
            question_s: seconds that one question may take.
        """
        self._root = root
        self._pool = pool
        self._keep_s = _QUESTIONS * question_s
        self._lock = Lock()
        self._rows: list[tuple[float, ShardRow]] = []

    def add(self, rows: Sequence[ShardRow]) -> None:
        """Take shards that are unlisted."""
        with self._lock:
            self._rows += [(monotonic(), row) for row in rows]

    def sweep(self, *, now: bool = False) -> None:
        """Remove those that nobody can know of any more, or all."""
        before = monotonic() - self._keep_s
        with self._lock:
            due = [row for at, row in self._rows if now or at <= before]
            self._rows = [(at, row) for at, row in self._rows if not (now or at <= before)]
        if due:
            self._pool.retire(due)
            for row in due:
                folder = shard_folder(self._root / row.folder, row)
                shutil.rmtree(folder, ignore_errors=True)
                folder.with_suffix(".bloom").unlink(missing_ok=True)
