"""Sealing: full shards, and those idle for long, become immutable and mapped.

::

    flush, copy ─▶ a process seals the copy ─▶ make up for changes ─▶ swap ─▶ old one goes
    (writes wait)  (writes and questions go on; changes are journaled)   (one row)

A crash before the row is written leaves the old shard and a folder that is removed at the next
opening; after it, the new one and the old one's folder, which is removed likewise.
"""

from __future__ import annotations

import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final
from uuid import uuid4

from otel_vector.errors import RetryableError, StorageFullError, StoreDamagedError
from otel_vector.progress import Progress
from otel_vector.store.edge.copies import copy_folder
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.durable import rename_durably
from otel_vector.store.edge.faults import lacking
from otel_vector.store.edge.manifest import ShardRow
from otel_vector.store.edge.shard import SpanShard

__all__ = ["Sealer"]

_POLL_S: Final = 0.2
_NEW: Final = ".sealing"
_MUCH: Final = 0.2
_LITTLE_POINTS: Final = 1_000
_log = logging.getLogger(__name__)


class Sealer:
    """Seals the shards of one tenant, one after the other."""

    def __init__(self, data: TenantData) -> None:
        """Seal within a tenant's folder."""
        self._data = data

    def due(self, idle_s: float) -> list[ShardRow]:
        """Return the shards to be sealed: full ones, and those nobody changed for a while."""
        now = monotonic()
        return [
            row
            for row in self._data.shards
            if row.points and not row.sealed and _is_due(row, now - row.touched_s, idle_s)
        ]

    def seal(self, progress: Progress, idle_s: float) -> int:
        """Seal what is due; return how many shards were.

        Raises:
            StorageFullError: the disk is full; the shard stays as it was.
            StoreDamagedError: a shard cannot be sealed; it stays as it was.
            JobCancelledError: told to end; the shard in hand stays as it was.
        """
        due = self.due(idle_s)
        sealed = 0
        faults: list[StoreDamagedError] = []
        for at, row in enumerate(due):
            note = f"sealing {row.folder}/{row.stream}-{row.id}"
            try:
                sealed += self._seal(row, partial(progress, at, len(due), note))
            except StoreDamagedError as fault:  # the others are sealed all the same
                faults.append(fault)
        if faults:
            raise faults[0]
        return sealed

    def _seal(self, row: ShardRow, report: Callable[[], None]) -> bool:
        """Seal one shard; return False if it was dropped or replaced meanwhile."""
        generation = row.generation + 1
        target = self._data.root / row.folder / f"{row.stream}-{row.id:05d}.{generation}"
        # A name of its own: what sealed it when this process was killed may still be writing.
        copy = target.with_name(f"{target.name}-{uuid4().hex[:8]}{_NEW}")

        def watch() -> None:
            report()
            self._require_listed(row)

        with ExitStack() as held, suppress(_GoneError):
            try:
                shard = self._copied(row, copy, held)
                shutil.rmtree(target, ignore_errors=True)
                _run(copy, watch)
                rename_durably(copy, target)
                self._swap(shard, generation, target)
            finally:  # while the shard is held: who drops it removes the folder afterwards
                shutil.rmtree(copy, ignore_errors=True)
                if row.generation != generation:
                    shutil.rmtree(target, ignore_errors=True)
        if row.generation != generation:
            return False
        self._data.pool.unused(shard)
        shard.dismantle()
        shutil.rmtree(shard.folder, ignore_errors=True)
        return True

    def _require_listed(self, row: ShardRow) -> None:
        if not any(row is other for other in self._data.shards):
            raise _GoneError

    def _copied(self, row: ShardRow, copy: Path, held: ExitStack) -> SpanShard:
        """Copy a shard as it is now; from here on it is held, and its changes are journaled."""
        with self._writing(row):
            shard = held.enter_context(self._data.pool.lease(row))
            if shard.row is not row:  # it cannot be loaded, and was set aside
                raise _GoneError
            shard.flush()
            copy_folder(shard.folder, copy)
            held.callback(setattr, shard, "journal", None)
            shard.journal = []
            return shard

    @contextmanager
    def _writing(self, row: ShardRow) -> Iterator[None]:
        """Hold the tenant's lock, unless a shard is dropped or replaced by who holds it.

        They wait until nobody holds the shard: so it is not waited for without end.
        """
        lock = self._data.writing
        while not lock.acquire(timeout=_POLL_S):
            self._require_listed(row)
        try:
            self._require_listed(row)
            yield
        finally:
            lock.release()

    def _swap(self, shard: SpanShard, generation: int, target: Path) -> None:
        """Put the sealed shard in force."""
        data, row = self._data, shard.row
        with self._writing(row):
            fresh = replace(row, generation=generation, sealed=True, changed=0)
            sealed = SpanShard(target, fresh)
            for change in shard.journal or ():
                change(sealed)
            sealed.flush()
            data.manifest.swap(sealed.row)
            row.generation, row.sealed = generation, sealed.row.sealed
            row.changed = sealed.row.changed
            sealed.row = row
            data.pool.replace(sealed)
            data.version += 1


class _GoneError(Exception):
    """The shard was dropped or replaced while it was being sealed."""


def _is_due(row: ShardRow, since_s: float, idle_s: float) -> bool:
    """Whether a shard is to be sealed that nobody changed since so many seconds.

    One that holds much in memory, because most of its points were never sealed, waits for less
    of `idle_s`: with 100,000 points a hundredth of it, 36 s of an hour.
    """
    loose = row.points if not row.generation else row.changed
    if loose < row.points * _MUCH:
        return since_s >= idle_s
    full = row.full and not row.generation
    return full or since_s >= idle_s * min(1.0, _LITTLE_POINTS / loose)


def _run(folder: Path, report: Callable[[], None]) -> None:
    """Run the sealing process on a copy."""
    command = [sys.executable, "-m", "otel_vector.store.edge.sealing", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 -- our own module
        try:
            report()
            while not _ended(process):
                report()
        except BaseException:  # also when cancelled: nobody waits for the child then
            process.kill()
            raise
        told = process.stderr.read() if process.stderr else ""
    if process.returncode:
        # Writing to a mapped file on a full disk ends a process by a signal.
        if process.returncode == -signal.SIGBUS or "space" in told.lower():
            raise StorageFullError(f"sealing {folder}: the disk is full; free some space")
        if without := lacking(told):
            raise RetryableError(f"sealing {folder}: {without}")
        raise StoreDamagedError(
            f"{folder} cannot be sealed (exit code {process.returncode}):"
            f" {told.strip().splitlines()[-1:] or 'no reason given'}; run otel-vector reindex"
        )


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(_POLL_S)
    except subprocess.TimeoutExpired:
        return False
    return True
