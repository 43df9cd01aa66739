"""What the process counts about itself, free of any vendor.

A `Telemetry` is made once by the wiring and passed to the parts, which ask it for counters,
gauges and histograms; whoever serves them (`/metrics`, `/v1/stats`) reads `collect()` or
`totals()`. Names follow Prometheus: `otel_vector_ingest_spans_total`, seconds and bytes as
units. Asking twice for the same name gives the same instrument.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from otel_vector.errors import StoreUnavailableError

__all__ = [
    "SECONDS",
    "Counter",
    "Family",
    "Histogram",
    "HistogramSample",
    "Labels",
    "PartHealth",
    "Reading",
    "Sample",
    "Telemetry",
]

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds that suit the duration of a request, in seconds."""

Labels = tuple[str, ...]
Reading = float | Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class PartHealth:
    """Whether one part works, and what to know or do about it."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One value, with the values of its family's labels in their order."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """One distribution.

    Attributes:
        labels: values of the family's labels.
        buckets: (upper bound, observations at or below it), growing; the last bound is infinite.
        total: sum of the observations.
        count: observations.
    """

    labels: Labels
    buckets: tuple[tuple[float, int], ...]
    total: float
    count: int


@dataclass(frozen=True, slots=True)
class Family:
    """One instrument as it is read: `kind` is counter, gauge or histogram."""

    name: str
    text: str
    kind: str
    labels: Labels
    samples: tuple[Sample | HistogramSample, ...]


class Counter:
    """Something that only grows. Safe to add to from any thread."""

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._lock = threading.Lock()
        self._values: dict[Labels, float] = {} if labels else {(): 0.0}

    def add(self, value: float = 1, *labels: str) -> None:
        """Add to the series with these label values."""
        _check(self.name, self.labels, labels)
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + value

    def value(self, *labels: str) -> float:
        """Return the series' value; 0 if nothing was ever added."""
        return self._values.get(labels, 0.0)

    def family(self) -> Family:
        """Return all series."""
        with self._lock:
            values = dict(self._values)
        return Family(self.name, self.text, "counter", self.labels, _samples(values))


class Histogram:
    """A distribution with fixed bounds. Safe to observe from any thread."""

    def __init__(self, name: str, text: str, labels: Labels, bounds: tuple[float, ...]) -> None:
        self.name, self.text, self.labels, self.bounds = name, text, labels, bounds
        self._lock = threading.Lock()
        self._counts: dict[Labels, list[int]] = {}
        self._sums: dict[Labels, float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one observation in the series with these label values."""
        _check(self.name, self.labels, labels)
        bucket = bisect_left(self.bounds, value)
        with self._lock:
            counts = self._counts.setdefault(labels, [0] * (len(self.bounds) + 1))
            counts[bucket] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def family(self) -> Family:
        """Return all series."""
        with self._lock:
            series = [(k, list(c), self._sums[k]) for k, c in self._counts.items()]
        samples = tuple(self._sample(*one) for one in series)
        return Family(self.name, self.text, "histogram", self.labels, samples)

    def _sample(self, labels: Labels, counts: list[int], total: float) -> HistogramSample:
        running, buckets = 0, []
        for bound, count in zip((*self.bounds, float("inf")), counts, strict=True):
            running += count
            buckets.append((bound, running))
        return HistogramSample(labels, tuple(buckets), total, running)


@dataclass(frozen=True, slots=True)
class _Observed:
    """A value that somebody else keeps and that is read when somebody asks."""

    name: str
    text: str
    kind: str
    labels: Labels
    read: Callable[[], Reading]

    def family(self) -> Family:
        reading = self.read()
        if isinstance(reading, Mapping):
            samples = _samples(reading)
        else:
            samples = (Sample((), float(reading)),)
        return Family(self.name, self.text, self.kind, self.labels, samples)


class Telemetry:
    """All instruments of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instruments: dict[str, Counter | Histogram | _Observed] = {}

    def counter(self, name: str, text: str, labels: Labels = ()) -> Counter:
        """Return the counter of this name, made on first use."""
        with self._lock:
            found = self._instruments.setdefault(name, Counter(name, text, labels))
        if not isinstance(found, Counter):
            raise TypeError(f"{name} is no counter")
        return found

    def histogram(
        self, name: str, text: str, labels: Labels = (), bounds: tuple[float, ...] = SECONDS
    ) -> Histogram:
        """Return the histogram of this name, made on first use."""
        with self._lock:
            found = self._instruments.setdefault(name, Histogram(name, text, labels, bounds))
        if not isinstance(found, Histogram):
            raise TypeError(f"{name} is no histogram")
        return found

    def gauge(
        self, name: str, text: str, read: Callable[[], Reading], labels: Labels = ()
    ) -> None:
        """Have `read` called whenever the gauge is collected; asking again replaces it.

        `read` returns a number, or with labels a mapping from label values to numbers.
        """
        with self._lock:
            self._instruments[name] = _Observed(name, text, "gauge", labels, read)

    def observed_counter(
        self, name: str, text: str, read: Callable[[], Reading], labels: Labels = ()
    ) -> None:
        """Like `gauge`, for a number that only grows and that another part keeps."""
        with self._lock:
            self._instruments[name] = _Observed(name, text, "counter", labels, read)

    def collect(self) -> list[Family]:
        """Return everything, by name. Gauges are read in the calling thread.

        Those of a store that does not answer are left out: zero would be wrong.
        """
        with self._lock:
            instruments = sorted(self._instruments.values(), key=lambda one: one.name)
        found = []
        for one in instruments:
            with suppress(StoreUnavailableError):
                found.append(one.family())
        return found

    def totals(self, name: str) -> dict[Labels, float]:
        """Return a counter's series by label values; empty if there is no such counter."""
        with self._lock:
            found = self._instruments.get(name)
        if not isinstance(found, Counter):
            return {}
        return {s.labels: s.value for s in found.family().samples if isinstance(s, Sample)}


def _samples(values: Mapping[Labels, float]) -> tuple[Sample, ...]:
    return tuple(Sample(labels, value) for labels, value in values.items())


def _check(name: str, expected: Labels, given: Labels) -> None:
    if len(expected) != len(given):
        raise ValueError(f"{name} takes the labels {expected}, not {given}")
