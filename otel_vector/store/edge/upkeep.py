"""Looks after one tenant's folder; each kind of work is in a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from threading import Lock

from otel_vector.progress import Progress
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.store.answers import Tally
from otel_vector.store.edge.data import TenantData
from otel_vector.store.edge.drop import Dropper
from otel_vector.store.edge.merge import Merger
from otel_vector.store.edge.rebuild import Rebuilder
from otel_vector.store.edge.seal import Sealer
from otel_vector.store.edge.verify import Verifier
from otel_vector.store.edge.warm import Warmer
from otel_vector.store.upkeep import Describe, Partition, Sealed, StoredBlock

__all__ = ["EdgeUpkeep"]


class EdgeUpkeep:
    """Implements `Upkeep`."""

    def __init__(
        self, data: TenantData, dropper: Dropper, rebuilder: Rebuilder,
        verifier: Verifier, checkpoint: Callable[[], None],
    ) -> None:  # fmt: skip
        """Look after a tenant's folder.

        Args:
            data: the folder.
            dropper: drops what is too old.
            rebuilder: makes points again from blocks.
            verifier: knows what is damaged.
            checkpoint: makes every finished write survive power loss.
        """
        self._data = data
        self._checkpoint = checkpoint
        self._dropper = dropper
        self._rebuilder = rebuilder
        self._verifier = verifier
        self._sealer = Sealer(data)
        self._merger = Merger(data)
        self._warmer = Warmer(data)
        self._sealing = Lock()

    def partitions(self) -> list[Partition]:
        """See `Upkeep`."""
        return self._dropper.partitions()

    def drop(self, partition: str, before_ns: int | None = None) -> int:
        """See `Upkeep`."""
        counted = self._dropper.count(partition, before_ns)
        with self._data.writing:
            self._checkpoint()
            return self._dropper.drop(partition, before_ns, counted)

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """See `Upkeep`."""
        return self._data.ledger.retired(meanings)

    def tombstones(self, after: SpanId | None = None, limit: int = 10_000) -> list[SpanId]:
        """See `Upkeep`."""
        return self._data.ledger.tombstones(after, limit)

    def bury(self, ids: Sequence[SpanId]) -> None:
        """See `Upkeep`."""
        with self._data.writing:
            self._data.ledger.bury(ids)

    def seal(self, progress: Progress, idle_s: float) -> Sealed:
        """See `Upkeep`."""
        with self._sealing:
            self._warmer.warm()
            sealed = Sealed(self._sealer.seal(progress, idle_s), self._merger.merge(progress))
            self.compact()
            return sealed

    def compact(self) -> None:
        """See `Upkeep`."""
        with self._data.writing:
            if self._data.ledger.is_soiled():
                self._data.meanings.rewrite()
                self._data.ledger.clean()

    def blocks(self, partition: str, after: str = "") -> Iterator[StoredBlock]:
        """See `Upkeep`."""
        return self._rebuilder.blocks(partition, after)

    def damaged(self) -> dict[str, str]:
        """See `Upkeep`."""
        return self._verifier.damaged()

    def rebuild(self, partition: str, describe: Describe, progress: Progress) -> int:
        """See `Upkeep`."""
        return self._rebuilder.rebuild(partition, describe, progress)
