"""What a sealed shard knows of each meaning, so that nobody has to ask the engine.

Columns rather than a dictionary a meaning: some 10 bytes for each meaning and bucket. A summary
is made when a shard is sealed, in the process that seals it, and is removed before the first
change after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.keys import STATUS_ERROR
from otel_vector.store.reading.sums import Sum, as_list

__all__ = ["Summary", "write_summary"]


class Summary:
    """Count, errors and duration histogram of the items that point at each meaning."""

    def __init__(self, path: Path) -> None:
        """Load a summary.

        Raises:
            OSError: there is none.
            ValueError: the file is not one.
        """
        try:
            with np.load(path, allow_pickle=False) as saved:
                self._meanings, self._errors = saved["meanings"], saved["errors"]
                self._ends, self._buckets = saved["ends"], saved["buckets"]
                self._counts = saved["counts"]
        except (BadZipFile, KeyError) as fault:
            raise ValueError(f"{path} is no summary: {fault}") from fault

    def add_to(self, total: Sum, meaning: int) -> bool:
        """Add what is known of one meaning to a sum; return whether there is anything."""
        at = int(np.searchsorted(self._meanings, meaning))
        if at == len(self._meanings) or self._meanings[at] != meaning:
            return False
        first, last = int(self._ends[at - 1]) if at else 0, int(self._ends[at])
        total.errors += int(self._errors[at])
        for bucket, count in zip(
            self._buckets[first:last].tolist(), self._counts[first:last].tolist(), strict=True
        ):
            total.histogram[bucket] += count
        return True

    def holding(self, meanings: Collection[MeaningId]) -> set[MeaningId]:
        """Return those of some meanings that an item points at."""
        return set(meanings).intersection(map(MeaningId, self._meanings.tolist()))

    def counts(self) -> dict[MeaningId, int]:
        """Return how many items point at each meaning."""
        sums = np.concatenate(([0], np.cumsum(self._counts)))[np.concatenate(([0], self._ends))]
        found = map(MeaningId, self._meanings.tolist())
        return dict(zip(found, np.diff(sums).tolist(), strict=True))


def write_summary(payloads: Iterable[dict[str, Any]], path: Path) -> None:
    """Summarise points and write the file.

    Args:
        payloads: of every point of the shard: `m`, `d` and `k`.
        path: where; not durable before it is synced.
    """
    pairs: Counter[tuple[int, int]] = Counter()
    errors: Counter[int] = Counter()
    for payload in payloads:
        failed = STATUS_ERROR in as_list(payload.get("k"))
        for meaning in as_list(payload.get("m")):
            pairs[meaning, payload["d"]] += 1
            errors[meaning] += failed
    meanings = sorted(errors)
    buckets = Counter(meaning for meaning, _ in pairs)
    ordered = sorted(pairs)
    np.savez(
        path,
        meanings=np.array(meanings, np.int64),
        errors=np.array([errors[m] for m in meanings], np.int64),
        ends=np.cumsum(np.array([buckets[m] for m in meanings], np.int64)),
        buckets=np.array([bucket for _, bucket in ordered], np.int32),
        counts=np.array([pairs[pair] for pair in ordered], np.int64),
    )
