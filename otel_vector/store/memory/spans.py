"""Spans and log records of one tenant, in memory.

Each item is kept as a block of its own: what is read is parsed anew, so that no caller can
change what is stored.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from otel_vector.spans.batch import Batch, Join, assemble, without_rows
from otel_vector.spans.durations import bucket_of
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.items import Item, items_of
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import Facet, Meaning, RunKind, Signal
from otel_vector.store.contract import Cursor, Page, Tally, Written
from otel_vector.store.memory.meanings import MemoryMeanings
from otel_vector.store.retired import MASKED, added

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
        self._waiting: defaultdict[SpanKey, dict[MeaningId, None]] = defaultdict(dict)
        self._tombstones: set[SpanId] = set()
        self._retired: dict[MeaningId, Tally] = {}
        self.holders: list[Callable[[], Collection[MeaningId]]] = []
        """Return meanings that something besides items points at."""

    def write(self, batch: Batch, digest: bytes) -> Written:
        """Store what is new; the digest tells nothing that the ids do not."""
        del digest
        with self._lock:
            kept = without_rows(batch, self._tombstones.intersection(batch.ids))
            self._meanings.add(kept.texts.values())
            rows = range(len(kept))
            new = tuple(kept.ids[row] for row in rows if self._store(kept, row))
            if batch.signal is Signal.SPANS:
                for key in zip(kept.trace_ids, kept.span_ids, strict=True):
                    self._waiting.pop(key, None)
        return Written(new, len(batch) - len(new))

    def join(self, joins: Sequence[Join], texts: Mapping[MeaningId, Meaning]) -> None:
        """Add meanings to spans that are stored, and to those that will be."""
        with self._lock:
            kept = [join for join in joins if join.source not in self._tombstones]
            self._meanings.add(texts[m] for join in kept for m in join.meanings if m in texts)
            for join in kept:
                self._join(join)

    def _join(self, join: Join) -> None:
        part = self._signals[Signal.SPANS]
        found = [part.items[identity].own for identity in part.traces.get(join.trace_id, ())]
        spans = [own for own in found if own.message.span_id == join.span_id]
        for own in spans:
            own.meanings = tuple(dict.fromkeys((*own.meanings, *join.meanings)))
        if not spans:
            key = (join.trace_id, join.span_id)
            self._waiting[key].update(dict.fromkeys(join.meanings))

    def delete(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """Forget items for good; return how many of them were stored."""
        with self._lock:
            self._tombstones.update(ids)
            stored = [i for i in dict.fromkeys(ids) if i in self._signals[signal].items]
            gone = [self._remove(signal, identity) for identity in stored]
            if signal is Signal.LOGS:
                self._stop_waiting(gone)
            self._collect({m for own in gone for m in own.meanings}, frozenset(Facet))
        return len(gone)

    def _stop_waiting(self, logs: Iterable[Item]) -> None:
        """Let no join wait whose log records are all deleted."""
        for own in logs:
            key = (own.message.trace_id, own.message.span_id)
            others = self._signals[Signal.LOGS].traces.get(own.message.trace_id, ())
            items = self._signals[Signal.LOGS].items
            if all(items[i].own.message.span_id != key[1] for i in others):
                self._collect(self._waiting.pop(key, {}), frozenset(Facet))

    def _remove(self, signal: Signal, identity: SpanId) -> Item:
        part = self._signals[signal]
        own = part.items.pop(identity).own
        part.traces[own.message.trace_id].remove(identity)
        return own

    def collect(self, suspects: Iterable[MeaningId]) -> None:
        """Remove those meanings that nothing points at."""
        with self._lock:
            self._collect(suspects, frozenset(Facet))

    def _collect(self, suspects: Iterable[MeaningId], facets: Collection[Facet]) -> None:
        """Remove those meanings of some facets that nothing points at."""
        items = (s.own for part in self._signals.values() for s in part.items.values())
        held = {m for own in items for m in own.meanings}
        held.update(m for waiting in self._waiting.values() for m in waiting)
        held.update(m for holder in self.holders for m in holder())
        found = self._meanings.get(set(suspects) - held)
        self._meanings.remove([m.id for m in found.values() if m.facet in facets])
        for identity, meaning in found.items():
            if meaning.facet in facets:
                self._retired.pop(identity, None)

    def retire(self, is_dropped: Callable[[int], bool]) -> int:
        """Drop the items whose starts (nanoseconds) retention chose; keep tallies of them."""
        with self._lock:
            gone = [
                self._remove(signal, identity)
                for signal, part in self._signals.items()
                for identity in [i for i, s in part.items.items() if is_dropped(s.own.start_ns)]
            ]
            live = [own for own in gone if own.run is RunKind.LIVE]
            suspects = {m for own in gone for m in own.meanings}
            for meaning in {m for own in live for m in own.meanings}:
                tally = _tally_of(own for own in live if meaning in own.meanings)
                self._retired[meaning] = added(self._retired.get(meaning, Tally()), tally)
            self._collect(suspects, frozenset(Facet) - MASKED)
        return len(gone)

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """Return what is known of items that retention dropped."""
        with self._lock:
            return {m: self._retired[m] for m in meanings if m in self._retired}

    def starts(self) -> list[int]:
        """Return the start of every item, nanoseconds."""
        with self._lock:
            return [s.own.start_ns for p in self._signals.values() for s in p.items.values()]

    def tombstones(self) -> set[SpanId]:
        """Return the ids that are never stored again."""
        with self._lock:
            return set(self._tombstones)

    def bury(self, ids: Iterable[SpanId]) -> None:
        """Set tombstones for items that are not stored."""
        with self._lock:
            self._tombstones.update(ids)

    def stored(self) -> Iterator[tuple[str, Signal, int, bytes]]:
        """Yield name, signal, start and message of each item's block, in the order of names."""
        with self._lock:
            blocks = [
                (identity, signal, stored.own.start_ns, stored.block)
                for signal, part in self._signals.items()
                for identity, stored in part.items.items()
            ]
        yield from sorted(blocks)

    def redescribe(self, batches: Sequence[Batch], joins: Callable[[], Iterable[Join]]) -> int:
        """Let items point at what they are described as now; return how many are stored.

        Args:
            batches: the items; those that are not stored any more are left out.
            joins: returns what all log records that are stored add to spans.
        """
        with self._lock:
            known = {i for part in self._signals.values() for i in part.items}
            kept = [without_rows(b, [i for i in b.ids if i not in known]) for b in batches]
            before = {m for b in kept for m in self._point_anew(b)}
            for join in joins():
                self._join(join)
            self._collect(before, frozenset(Facet))
        return sum(map(len, kept))

    def _point_anew(self, batch: Batch) -> set[MeaningId]:
        """Let items point at their own meanings only; return those they pointed at before."""
        items = self._signals[batch.signal].items
        self._meanings.add(batch.texts.values())
        before = {m for i in batch.ids for m in items[i].own.meanings}
        for identity, meanings in zip(batch.ids, batch.meanings, strict=True):
            items[identity].own.meanings = meanings
        return before

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
        joined = self._waiting.get((own.message.trace_id, own.message.span_id), {})
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
