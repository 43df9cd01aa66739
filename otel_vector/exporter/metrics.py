"""What the exporter tells the application's own metrics, if it has a meter provider.

| instrument | unit | attributes |
|---|---|---|
| `otel_vector.exporter.dropped` | `{item}` | `reason`, `signal` |
| `otel_vector.exporter.sent` | `{item}` | `signal` |
| `otel_vector.exporter.queue` | `{item}` | `signal` |
| `otel_vector.exporter.spool` | `By` | |
| `otel_vector.exporter.spool.requests` | `{request}` | |
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from opentelemetry.metrics import CallbackOptions, Observation, get_meter

from otel_vector.exporter.outgoing import Outlet

__all__ = ["observe"]

_PREFIX = "otel_vector.exporter."
Callback = Callable[[CallbackOptions], Iterable[Observation]]


@cache
def observe(outlets: Callable[[], Sequence[Outlet]]) -> None:
    """Make the instruments, once; they are read when somebody collects them."""
    meter = get_meter("otel_vector")
    readings = _Readings(outlets)
    meter.create_observable_counter(
        _PREFIX + "dropped", [readings.dropped], "{item}", "spans and log records that were lost"
    )
    meter.create_observable_counter(
        _PREFIX + "sent", [readings.sent], "{item}", "spans and log records that arrived"
    )
    meter.create_observable_up_down_counter(
        _PREFIX + "queue", [readings.queue], "{item}", "spans and log records that wait in memory"
    )
    meter.create_observable_up_down_counter(
        _PREFIX + "spool", [readings.spool_bytes], "By", "what waits on disk"
    )
    meter.create_observable_up_down_counter(
        _PREFIX + "spool.requests", [readings.spool_requests], "{request}", "what waits on disk"
    )


class _Readings:
    def __init__(self, outlets: Callable[[], Sequence[Outlet]]) -> None:
        self._outlets = outlets

    def dropped(self, _: CallbackOptions) -> Iterable[Observation]:
        sums = Counter[tuple[str, str]]()
        for outlet in self._outlets():
            for (reason, signal), items in outlet.tally.all_dropped().items():
                sums[reason, signal.value] += items
        for (reason, kind), items in sums.items():
            yield Observation(items, {"reason": reason, "signal": kind})

    def sent(self, _: CallbackOptions) -> Iterable[Observation]:
        sums = Counter[str]()
        for outlet in self._outlets():
            for signal, items in outlet.tally.all_sent().items():
                sums[signal.value] += items
        return [Observation(items, {"signal": kind}) for kind, items in sums.items()]

    def queue(self, _: CallbackOptions) -> Iterable[Observation]:
        sums = Counter[str]()
        for outlet in self._outlets():
            for signal, items in outlet.waiting().items():
                sums[signal.value] += items
        return [Observation(items, {"signal": kind}) for kind, items in sums.items()]

    def spool_bytes(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(sum(outlet.spooled()[1] for outlet in self._outlets()))]

    def spool_requests(self, _: CallbackOptions) -> Iterable[Observation]:
        return [Observation(sum(outlet.spooled()[0] for outlet in self._outlets()))]
