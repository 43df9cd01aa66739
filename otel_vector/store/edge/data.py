"""One tenant's folder: what reading and writing share.

::

    TENANT/manifest.db        partitions, shards, first and last starts, waiting joins
           meanings/          the shard of meanings
           <partition>/blocks.db, <stream>-<n>/ (a shard), <stream>-<n>.bloom
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, RLock

from otel_vector.errors import OtelVectorError, StoreDamagedError
from otel_vector.spans.batch import Join
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Meaning, Signal
from otel_vector.store.edge.blocks import BlockFile, unplace
from otel_vector.store.edge.gate import Gate
from otel_vector.store.edge.ledger import Ledger
from otel_vector.store.edge.manifest import Manifest, Seen, ShardRow, Waiting
from otel_vector.store.edge.meanings import open_meanings
from otel_vector.store.edge.outgoing import Outgoing
from otel_vector.store.edge.pool import Pool
from otel_vector.store.edge.repairs import ASIDE, MEANINGS, Repairs, set_aside
from otel_vector.store.edge.shard import SUMMARY, create_shard_folder, shard_folder
from otel_vector.store.edge.shared import Shared
from otel_vector.store.edge.shelf import shelf_folder
from otel_vector.store.reading.cache import BlockCache, CachedBlock
from otel_vector.store.reading.deadline import Deadline

_log = logging.getLogger(__name__)

__all__ = ["Late", "TenantData"]


@dataclass(slots=True)
class Late:
    """What comes while a partition is rebuilt, and has to be made up for.

    Attributes:
        joins: None while nothing is rebuilt.
        cuts: partitions that lost their early items, and the first microsecond that is left.
        seen: first and last starts by stream of the meanings that the new points point at.
    """

    joins: list[Join] | None = None
    cuts: dict[str, int] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)


class TenantData:
    """Files, open shards and in-memory tables of one tenant."""

    def __init__(self, root: Path, shared: Shared, *, unclean: bool = True) -> None:
        """Open or create the tenant's folder; ask its shards themselves after an unclean stop.

        Raises:
            StoreDamagedError: something is missing beside what it belongs to.
        """
        _require(root / "manifest.db", beside=any(root.glob("*/")))
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root
        self.config = shared.config
        self.gate = Gate()
        self.writing = RLock()
        """Held by whatever changes points, blocks, meanings or the manifest; readers never."""
        self.late = Late()
        self.cache = BlockCache(self.config.block_cache_bytes)
        self.version = 0
        self._files: dict[str, BlockFile] = {}
        self._files_lock = Lock()
        self.unreadable: dict[str, str] = {}
        """Partitions whose blocks cannot be read, and why."""
        self._held = ExitStack()
        """What is open; the last one is released first."""
        try:
            self._open(shared)
            self._remove_leftovers()
            self._recount(ask=unclean)
        except BaseException:  # whatever it is, nobody else could release what is open
            with suppress(OtelVectorError):  # the first fault says why
                self._held.close()
            raise

    def _open(self, shared: Shared) -> None:
        """Open what every tenant has open, and read the tables."""
        path, held = self.root / "manifest.db", self._held
        self.manifest = Manifest(path, self.config.max_partitions)
        held.callback(self.manifest.close)
        self.meanings, lost = open_meanings(
            self.root, shared, self.gate, self.writing, expected=bool(self.manifest.shards())
        )
        held.callback(self.meanings.close)
        self.ledger = Ledger(path)
        held.callback(self.ledger.close)
        self.repairs = Repairs(path)
        held.callback(self.repairs.close)
        self._note_lost(lost)
        self._gone = BlockFile(Path(":memory:"), self.config.compression_level)
        held.callback(self._gone.close)
        held.callback(self._close_files)
        self.pool = Pool(self.root, shared.room.points)
        held.callback(self.pool.close)
        self.pool.broken = self._set_aside_broken
        self.outgoing = Outgoing(self.root, self.pool, self.config.query_timeout_s)
        self.shards: list[ShardRow] = self.manifest.shards()
        self.seen: dict[str, Seen] = self.manifest.seen()
        self.waiting = _by_span(self.manifest.waiting())

    def _note_lost(self, why: str) -> None:
        """Remember that the meanings were made anew: every partition is to be described again."""
        if why:
            again = dict.fromkeys(self.manifest.folders(), f"the meanings were lost: {why}")
            self.repairs.note({MEANINGS: why, **again})

    def operations(self) -> Sequence[Meaning] | None:
        """Return all `operation` meanings; None while not all of them are known."""
        return None if MEANINGS in self.repairs.damaged() else self.meanings.operations()

    def set_aside(self, row: ShardRow, why: str) -> None:
        """Let a damaged shard count no longer; a rebuild makes its points again."""
        _log.error("shard %s-%05d of %s: %s; it is set aside, and its points are made again from"
                   " the blocks", row.stream, row.id, row.folder, why)  # fmt: skip
        self.repairs.note({row.folder: f"a shard was set aside: {why}"}, [row])
        self.shards = [other for other in self.shards if other is not row]
        self.pool.retire([row])
        set_aside(shard_folder(self.root / row.folder, row))
        self.version += 1

    def _set_aside_broken(self, row: ShardRow, fault: StoreDamagedError) -> None:
        """Let a shard count no longer that cannot be loaded: who asks for it finds it empty."""
        wrong = str(fault).removesuffix("; restore it from a backup")
        _log.error("%s; it is set aside, and its points are made again from the blocks", wrong)
        self.repairs.note({row.folder: f"a shard was set aside: {wrong}"}, [row])
        set_aside(shard_folder(self.root / row.folder, row))
        self.version += 1

    def _remove_leftovers(self) -> None:
        """Remove shard folders that were being made when the process ended."""
        listed = {shard_folder(self.root / row.folder, row) for row in self.shards}
        for folder in self.manifest.folders():
            for found in (self.root / folder).glob("*-?????*"):
                if found.is_dir() and found not in listed and ASIDE not in found.name:
                    # The process that sealed a copy may outlive this one's last life a little.
                    shutil.rmtree(found, ignore_errors=True)

    def _recount(self, *, ask: bool) -> None:
        """Bring counts and ranges of shards that were being filled up to date.

        After a clean stop the manifest knows them, and no shard is opened for it (`ask`).
        """
        filling = [row for row in self.shards if not row.full]
        last = {(row.folder, row.stream): row.id for row in self.shards}
        self._distrust_summaries()
        for row in filling:
            gone = not shard_folder(self.root / row.folder, row).is_dir()
            with self.pool.lease(row) if ask or gone else nullcontext() as shard:
                if row.full:  # set aside just now
                    continue
                if shard is not None:
                    row.points, row.min_us, row.max_us = shard.extent()
            over = row.points >= self.config.span_shard_points
            row.full = over or last[row.folder, row.stream] != row.id
        if filling:
            self.manifest.save(filling, {}, ())

    def _distrust_summaries(self) -> None:
        """Know shards as changed that were when the process ended, which no row says yet.

        The summary is removed before the first change.
        """
        for row in self.shards:
            folder = shard_folder(self.root / row.folder, row)
            row.sealed = row.sealed and (folder / SUMMARY).exists()

    def folders(self) -> set[Path]:
        """Return the folders that count: partitions, shards that are listed, the meanings."""
        shards = {shard_folder(self.root / row.folder, row) for row in self.shards}
        partitions = {self.root / folder for folder in self.manifest.folders()}
        return shards | partitions | {shelf_folder(self.root)}

    def held(self, folder: Path) -> AbstractContextManager[object]:
        """Keep the shard in a folder open; while nobody writes, its files stay as they are."""
        if folder == shelf_folder(self.root):
            return self.meanings.held()
        found = (r for r in self.shards if shard_folder(self.root / r.folder, r) == folder)
        row = next(found, None)
        return nullcontext() if row is None else self.pool.lease(row)

    def deadline(self) -> Deadline:
        """Return the time that a question asked now may take."""
        return Deadline(self.config.query_timeout_s)

    def blocks(self, folder: str) -> BlockFile:
        """Return the block file of a partition; an empty one if it is not there any more."""
        with self._files_lock:
            file = self._files.get(folder)
            if file is None and folder not in self.manifest.folders():
                return self._gone
            if file is None:
                path = self.root / folder
                path.mkdir(parents=True, exist_ok=True, mode=0o700)
                try:
                    file = BlockFile(path / "blocks.db", self.config.compression_level)
                except StoreDamagedError as fault:
                    self.unreadable[folder] = str(fault)
                    raise
                self.unreadable.pop(folder, None)
                self._files[folder] = file
            return file

    def block_count(self) -> int:
        """Return the number of blocks in all files that can be read."""
        count = 0
        for folder in self.manifest.folders():
            with suppress(StoreDamagedError):
                count += self.blocks(folder).count()
        return count

    def leave(self, folder: str) -> None:
        """Let go of a partition whose rows are removed; who still reads finds it empty."""
        self.manifest.forget(folder)
        self.shards = [row for row in self.shards if row.folder != folder]
        self.version += 1
        with self._files_lock:
            file = self._files.pop(folder, None)
        if file is not None:
            file.abandon()
        self.cache.drop(folder)

    def new_shard(self, folder: str, stream: str) -> ShardRow:
        """Create a shard, list it, and return it."""
        row = ShardRow(self.manifest.reserve(), folder, stream)
        create_shard_folder(shard_folder(self.root / folder, row))
        self.manifest.list_shard(row)
        self.shards = [*self.shards, row]
        return row

    def shards_of(self, streams: Sequence[str], folder: str | None = None) -> list[ShardRow]:
        """Return the shards of some streams, of one partition or all."""
        return [
            row
            for row in self.shards
            if row.stream in streams and (folder is None or row.folder == folder)
        ]

    def item_at(self, folder: str, p: int, signal: Signal) -> Item | None:
        """Return the item a point's `p` names, from the cache or the file.

        None if the block is not there: it was lost with the power and is delivered again.
        """
        name, position = unplace(p)
        block = self.cache.get((folder, name))
        if block is None:
            stored = self.blocks(folder).read(name)
            if stored is None:
                return None
            block = self.cache.keep((folder, name), CachedBlock(signal, stored))
        return block.item(position)

    def checkpoint(self, changed: Iterable[ShardRow], seen: dict[str, Seen],
                   joined: Iterable[Waiting]) -> None:  # fmt: skip
        """Make everything written survive power loss: blocks, meanings, points, manifest."""
        with self._files_lock:
            files = list(self._files.values())
        for file in files:
            file.sync()
        self.gate.step_aside()
        self.meanings.flush()
        for row in self.pool.dirty():
            self.gate.step_aside()
            with self.pool.lease(row) as shard:
                shard.flush()
        self.manifest.save(changed, seen, joined)
        self.outgoing.sweep()

    def close(self) -> None:
        """Release everything, also after a fault; call `checkpoint` before."""
        with self._held:
            self.outgoing.sweep(now=True)

    def _close_files(self) -> None:
        with ExitStack() as closing:
            for file in self._files.values():
                closing.callback(file.close)


def _by_span(waiting: Iterable[Waiting]) -> dict[bytes, list[Waiting]]:
    found: dict[bytes, list[Waiting]] = {}
    for entry in waiting:
        found.setdefault(entry.trace_id + entry.span_id, []).append(entry)
    return found


def _require(path: Path, *, beside: bool) -> None:
    """Refuse to make anew what must have been there before what is found beside it."""
    if beside and not path.exists():
        raise StoreDamagedError(
            f"{path} is missing beside what belongs to it; restore it from a backup"
        )
