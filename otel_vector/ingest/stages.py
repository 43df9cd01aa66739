"""What the worker counts: items, and the time each stage takes of them.

`otel_vector_ingest_stage_seconds_total` divided by the items is a stage's cost per span.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns

from otel_vector.spans.meanings import Signal
from otel_vector.telemetry import Telemetry

__all__ = ["STAGES", "Stages"]

STAGES = ("decode", "redact", "describe", "store")
_NS = 1_000_000_000


class Stages:
    """The worker's counters."""

    def __init__(self, telemetry: Telemetry) -> None:
        count = telemetry.counter
        self._seconds = count(
            "otel_vector_ingest_stage_seconds_total", "seconds spent in a stage", ("stage",)
        )
        self._items = {
            Signal.SPANS: count("otel_vector_ingest_spans_total", "spans handed to the store"),
            Signal.LOGS: count("otel_vector_ingest_logs_total", "log records handed to the store"),
        }
        self._duplicates = count(
            "otel_vector_ingest_duplicates_total", "items that were stored already", ("signal",)
        )
        self.announced = count(
            "otel_vector_ingest_functions_total",
            "functions that were announced, by outcome: kept, refused",
            ("outcome",),
        )
        self.redacted = count("otel_vector_ingest_redacted_total", "values that were redacted")
        self.deliveries = count(
            "otel_vector_ingest_deliveries_total",
            "deliveries by outcome: stored, retried, buried",
            ("outcome",),
        )
        self.checkpoints = telemetry.histogram(
            "otel_vector_ingest_checkpoint_seconds", "duration of a checkpoint"
        )

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Count the time of a block of code as one stage's."""
        started = perf_counter_ns()
        try:
            yield
        finally:
            self._seconds.add((perf_counter_ns() - started) / _NS, stage)

    def stored(self, signal: Signal, items: int, duplicates: int) -> None:
        """Count what one write took in."""
        self._items[signal].add(items)
        if duplicates:
            self._duplicates.add(duplicates, signal.value)

    def ns_per_item(self) -> dict[str, float]:
        """Return each stage's time per span or log record, in nanoseconds."""
        items = sum(counter.value() for counter in self._items.values()) or 1
        return {stage: self._seconds.value(stage) * _NS / items for stage in STAGES}
