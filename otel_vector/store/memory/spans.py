"""Spans and log records of one tenant, in memory.

Each item is kept as a block of its own: what is read is parsed anew, so that no caller can
change what is stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from otel_vector.spans.batch import Batch, Join, assemble
from otel_vector.spans.durations import bucket_of
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import Item, items_of
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import Meaning, Signal
from otel_vector.store.contract import Cursor, Page, Tally, Written
from otel_vector.store.memory.meanings import MemoryMeanings

__all__ = ["MemorySpans"]

SpanKey = tuple[bytes, bytes]


@dataclass(slots=True)
class _Stored:
    """One item: its block, and a parsed copy that filters are evaluated on."""

    block: bytes
    own: Item

    def copy(self) -> Item:
        item = items_of(self.own.signal, self.block, [self.own.id])[0]
        item.meanings = self.own.meanings
        return item


@dataclass(slots=True)
class _Signal:
    """The items of one signal: by id, and which of them belong to a trace."""

    items: dict[SpanId, _Stored] = field(default_factory=dict)
    traces: defaultdict[bytes, list[SpanId]] = field(default_factory=lambda: defaultdict(list))


class MemorySpans:
    """Writes and reads the items of one tenant."""

    def __init__(self, meanings: MemoryMeanings, lock: AbstractContextManager[object]) -> None:
        self._meanings = meanings
        self._lock = lock
        self._signals = {signal: _Signal() for signal in Signal}
        self._joined: defaultdict[SpanKey, dict[MeaningId, None]] = defaultdict(dict)

    def write(self, batch: Batch, digest: bytes) -> Written:
        """Store what is new; the digest tells nothing that the ids do not."""
        del digest
        with self._lock:
            self._meanings.add(batch.texts.values())
            rows = range(len(batch))
            new = tuple(batch.ids[row] for row in rows if self._store(batch, row))
        return Written(new, len(batch) - len(new))

    def join(self, joins: Sequence[Join], texts: Mapping[MeaningId, Meaning]) -> None:
        """Add meanings to spans that are stored, and to those that will be."""
        with self._lock:
            self._meanings.add(texts.values())
            for join in joins:
                key = (join.trace_id, join.span_id)
                self._joined[key].update(dict.fromkeys(join.meanings))
                for identity in self._signals[Signal.SPANS].traces.get(join.trace_id, ()):
                    self._add_joined(self._signals[Signal.SPANS].items[identity].own)

    def find(self, signal: Signal, where: Where, limit: int, after: Cursor | None = None) -> Page:
        """Return items under a filter, newest first."""
        found = [s for s in self._under(signal, where) if after is None or _is_after(s, after)]
        found.sort(key=_position, reverse=True)
        page = found[:limit]
        more = len(found) > len(page) and page
        following = Cursor(page[-1].own.start_ns, page[-1].own.id) if more else None
        return Page(tuple(stored.copy() for stored in page), following)

    def trace(self, trace_id: bytes) -> list[Item]:
        """Return all spans of a trace, by start."""
        return self._trace(Signal.SPANS, trace_id)

    def logs(self, trace_id: bytes) -> list[Item]:
        """Return all log records of a trace, by time."""
        return self._trace(Signal.LOGS, trace_id)

    def items(self, signal: Signal, ids: Sequence[SpanId]) -> list[Item]:
        """Return the items with these ids, in this order."""
        with self._lock:
            items = self._signals[signal].items
            return [items[identity].copy() for identity in ids if identity in items]

    def tally(
        self, signal: Signal, where: Where, meanings: Collection[MeaningId]
    ) -> dict[MeaningId, Tally]:
        """Return what is known of the items that point at each of these meanings."""
        groups: dict[MeaningId, list[Item]] = {meaning: [] for meaning in meanings}
        for stored in self._under(signal, where):
            for meaning in set(stored.own.meanings) & groups.keys():
                groups[meaning].append(stored.own)
        return {meaning: _tally_of(items) for meaning, items in groups.items()}

    def candidates(self, signal: Signal, where: Where) -> dict[MeaningId, int]:
        """Return how many items under the filter point at each meaning."""
        found = self._under(signal, where)
        return dict(Counter(m for stored in found for m in set(stored.own.meanings)))

    def total(self, signal: Signal) -> int:
        """Return how many items of a signal are stored, of all runs."""
        return len(self._signals[signal].items)

    def _store(self, batch: Batch, row: int) -> bool:
        """Store one row; return whether it was new."""
        part, identity = self._signals[batch.signal], batch.ids[row]
        if identity in part.items:
            return False
        block = assemble(batch, [row])
        own = items_of(batch.signal, block, [identity])[0]
        own.meanings = batch.meanings[row]
        if batch.signal is Signal.SPANS:
            self._add_joined(own)
        part.items[identity] = _Stored(block, own)
        part.traces[batch.trace_ids[row]].append(identity)
        return True

    def _add_joined(self, own: Item) -> None:
        joined = self._joined.get((own.message.trace_id, own.message.span_id), {})
        own.meanings = tuple(dict.fromkeys((*own.meanings, *joined)))

    def _under(self, signal: Signal, where: Where) -> list[_Stored]:
        holds = compile_where(where)
        with self._lock:
            everything = list(self._signals[signal].items.values())
        return [stored for stored in everything if holds(stored.own)]

    def _trace(self, signal: Signal, trace_id: bytes) -> list[Item]:
        with self._lock:
            part = self._signals[signal]
            members = part.traces.get(trace_id, []) if trace_id else []
            found = sorted((part.items[identity] for identity in members), key=_position)
            return [stored.copy() for stored in found]


def _position(stored: _Stored) -> tuple[int, SpanId]:
    return stored.own.start_ns, stored.own.id


def _is_after(stored: _Stored, cursor: Cursor) -> bool:
    return _position(stored) < (cursor.start_ns, cursor.id)


def _tally_of(items: Iterable[Item]) -> Tally:
    counted = list(items)
    starts = [item.start_ns for item in counted]
    return Tally(
        count=len(counted),
        errors=sum(item.status == "error" for item in counted),
        histogram=Counter(bucket_of(item.duration_ns) for item in counted),
        first_ns=min(starts, default=0),
        last_ns=max(starts, default=0),
    )
