"""Leaving out what is too old on arrival, while retention is on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from otel_vector.spans.batch import Batch, without_rows
from otel_vector.telemetry import Telemetry

__all__ = ["Aging"]

_NAME: Final = "otel_vector_ingest_too_old_total"


class Aging:
    """Leaves rows out of batches and counts them."""

    def __init__(self, oldest_ns: Callable[[], int | None], telemetry: Telemetry) -> None:
        """Prepare the counter.

        Args:
            oldest_ns: returns the start from which on items are kept; None for all.
            telemetry: where it is counted.
        """
        self._oldest_ns = oldest_ns
        self._counter = telemetry.counter(
            _NAME, "items that were older than retention keeps when they came", ("signal",)
        )
        self.count = 0
        """Items left out so far."""

    def kept(self, batch: Batch) -> Batch:
        """Return a batch without the rows that started too long ago."""
        oldest_ns = self._oldest_ns()
        if oldest_ns is None or not len(batch) or min(batch.start_ns) >= oldest_ns:
            return batch
        pairs = zip(batch.ids, batch.start_ns, strict=True)
        rows = [identity for identity, start_ns in pairs if start_ns < oldest_ns]
        self.count += len(rows)
        self._counter.add(len(rows), batch.signal.value)
        return without_rows(batch, frozenset(rows))
