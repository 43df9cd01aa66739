"""Duration buckets: geometric, at most 5 % wide, so that a facet on them is a histogram.

Bucket 0 holds zero (and negative) durations; bucket b ≥ 1 holds the nanoseconds in
``[GROWTH**(b-1), GROWTH**b)``. 2**64 nanoseconds fall in bucket 910, so a facet limit of
1,000 always returns every bucket. Any value is within 2.5 % of its bucket's middle.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from operator import add
from typing import Final

__all__ = [
    "BUCKETS",
    "GROWTH",
    "bucket_bounds_ns",
    "bucket_of",
    "percentile_ns",
]

GROWTH: Final = 1.05
BUCKETS: Final = 911
_EDGES: Final = [GROWTH**b for b in range(BUCKETS)]


def bucket_of(duration_ns: int) -> int:
    """Return the bucket of a duration in nanoseconds."""
    return bisect_right(_EDGES, duration_ns)


def bucket_bounds_ns(bucket: int) -> tuple[float, float]:
    """Return the half-open interval of nanoseconds ``[low, high)`` that a bucket holds."""
    if bucket <= 0:
        return 0.0, 1.0
    return GROWTH ** (bucket - 1), GROWTH**bucket


def percentile_ns(histogram: Mapping[int, int], quantile: float) -> int:
    """Return the nanoseconds at a quantile of a bucket histogram, within 2.5 %.

    Args:
        histogram: bucket → count.
        quantile: between 0 and 1.

    Returns:
        The geometric middle of the bucket that holds the quantile; 0 when nothing was counted.
    """
    buckets = sorted(histogram)
    running = list(accumulate((histogram[b] for b in buckets), add))
    if not running or not running[-1]:
        return 0
    rank = max(1.0, quantile * running[-1])
    position = next(i for i, total in enumerate(running) if total >= rank)
    low, high = bucket_bounds_ns(buckets[position])
    return round((low * high) ** 0.5) if low else 0
