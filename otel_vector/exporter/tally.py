"""Counts what an outlet sent and what it had to drop, and says the latter once a minute."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Final

from otel_vector.exporter.notices import Notices
from otel_vector.spans.meanings import Signal

__all__ = ["ADVICE", "Tally"]

ADVICE: Final = {
    "queue_full": "more came than could be written to the spool; raise exporter.queue_items, or"
    " sample",
    "spool_full": "the collector has been away for too long; see that it runs, or raise"
    " exporter.spool_max_bytes",
    "disk": "the spool cannot be written; make room on its disk, or set exporter.spool",
    "refused": "the collector refuses them; the dead letters of the spool say why",
    "rejected": "the collector refuses single items; its log and statistics say why",
    "encoding": "they hold what OpenTelemetry has no encoding for; look at their attributes",
    "too_large": "a single one is larger than a request may be; capture less",
    "fault": "a fault of the exporter; the log says which",
    "shutdown": "they came after the shutdown; end spans before it",
}
"""Why items are dropped, and what to do about it."""

_DROPPED: Final = "dropped"


class Tally:
    """Sums by reason and signal. Any thread may add, also one that interrupts itself."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._turn = threading.RLock()
        self._sent: Counter[Signal] = Counter()
        self._dropped: Counter[tuple[str, Signal]] = Counter()
        self._untold: Counter[str] = Counter()

    def sent(self, signal: Signal, items: int) -> None:
        """Count items that the collector, or the store of this process, has."""
        with self._turn:
            self._sent[signal] += items

    def dropped(self, reason: str, signal: Signal, items: int = 1) -> None:
        """Count items that are lost; `reason` is one of `ADVICE`."""
        with self._turn:
            self._dropped[reason, signal] += items
            self._untold[reason] += items

    def all_sent(self) -> dict[Signal, int]:
        """Return how many items were sent, by signal."""
        with self._turn:
            return dict(self._sent)

    def all_dropped(self) -> dict[tuple[str, Signal], int]:
        """Return how many items were dropped, by reason and signal."""
        with self._turn:
            return dict(self._dropped)

    def tell(self) -> float | None:
        """Log what was dropped since the last time; return when to call again, in seconds.

        None if there is nothing left to be told.
        """
        if not self._untold:
            return None
        if not self._notices.is_due(_DROPPED):
            return self._notices.left_s(_DROPPED)
        with self._turn:
            untold, self._untold = self._untold, Counter()
        parts = "; ".join(f"{n} for {r} ({ADVICE[r]})" for r, n in untold.most_common())
        self._notices.warn("dropped now", "%d items were dropped: %s", untold.total(), parts)
        return None

    def renew(self) -> None:
        """Start at zero in a forked child: what the parent counted is the parent's."""
        self._turn = threading.RLock()
        self._sent, self._dropped, self._untold = Counter(), Counter(), Counter()
