"""The shard of meanings of one tenant, open while it is used and as long as there is room.

It is used within a lease; a leased shard is never closed. What is written is flushed before it
is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock

import qdrant_edge as engine

from otel_vector.errors import OtelVectorError, RetryableError
from otel_vector.store.edge.faults import engine_writing, translated
from otel_vector.store.edge.open_shards import OpenShards
from otel_vector.store.edge.shelf import load_shelf, open_shelf

__all__ = ["Shelved"]


class Shelved:
    """Opens and closes the shard; any number of threads use it."""

    def __init__(self, folder: Path, slots: Mapping[str, int], room: OpenShards) -> None:
        """Open or create the shard in a folder.

        Args:
            folder: where it lives.
            slots: names and lengths of the dense vectors it is to have.
            room: counts the open shards of all tenants.

        Raises:
            StoreDamagedError: it cannot be loaded.
            StoreLockedError: another process has it open.
        """
        self.folder = folder
        self._room = room
        self._lock = RLock()
        self._leases = 0
        self._shard: engine.EdgeShard | None = None
        self._closed = False
        self._dirty = True
        room.enter(self, self._put_away)
        try:
            self._shard = open_shelf(folder, slots)
        except BaseException:  # whatever it is, it is not open
            room.leave(self)
            raise

    @contextmanager
    def lease(self) -> Iterator[engine.EdgeShard]:
        """Use the shard, opening it if need be.

        Raises:
            StoreDamagedError: it can be loaded no longer; the next start makes it again.
            RetryableError: the store is closed.
        """
        with self._lock:
            shard = self._opened()
            self._leases += 1
        try:
            yield shard
        finally:
            with self._lock:
                self._leases -= 1

    def _opened(self) -> engine.EdgeShard:
        if self._closed:
            raise RetryableError("the store is closed; open it again")
        if self._shard is None:
            self._room.enter(self, self._put_away)
            try:
                self._shard = load_shelf(self.folder)
            except BaseException:  # whatever it is, it is not open
                self._room.leave(self)
                raise
        else:
            self._room.used(self)
        return self._shard

    def update(self, operation: engine.UpdateOperation) -> None:
        """Change the shard."""
        with self.lease() as shard, engine_writing("writing", self.folder):
            self._dirty = True
            shard.update(operation)

    def replace(self, folder: Path, shard: engine.EdgeShard) -> None:
        """Let another shard take its place.

        The one before closes when the last who has it in use lets go of it.
        """
        with self._lock:
            self._room.enter(self, self._put_away)
            self._shard, self.folder, self._dirty = shard, folder, True

    def flush(self) -> None:
        """Make what was written survive power loss."""
        if self._dirty:
            with self.lease() as shard, engine_writing("flushing", self.folder):
                self._dirty = False
                try:
                    shard.flush()
                except BaseException:  # whatever it is, what was written is not flushed
                    self._dirty = True
                    raise

    def _put_away(self) -> None:
        """Flush and close it if nobody uses it."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._shard is not None and not self._leases:
                with suppress(OtelVectorError):  # it stays open; the next checkpoint tells
                    self.flush()
                    with translated(f"closing {self.folder}"):
                        self._shard.close()
                    self._shard = None
                    self._room.leave(self)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Flush and release."""
        with self._lock:
            try:
                if self._shard is not None:
                    self.flush()
            finally:
                self._closed = True
                if self._shard is not None:
                    self._shard.close()
                    self._shard = None
                self._room.leave(self)
