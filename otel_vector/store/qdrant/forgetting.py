"""Deletion: tombstones, bytes in blocks, points, and meanings that nothing points at any more.

A tombstone is a point in `records` that names the item. Until the deletion is complete, it also
says that the item was stored and what it pointed at: one that was broken off is done again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.qdrant.blocks import Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.meanings import QdrantMeanings
from otel_vector.store.qdrant.names import tombs_of
from otel_vector.store.qdrant.points import Found, conditions, found_in, items_of
from otel_vector.store.qdrant.render import among, holds_text, render
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.conditions import Range, equals_any
from otel_vector.store.reading.identity import ids_of_block
from otel_vector.store.reading.streams import LIVE, LOGS, OTHER
from otel_vector.store.reading.sums import as_list

__all__ = ["Forgetting"]

_PART: Final = 500
_SLACK_US: Final = 4
_TO_DO: Final = ("m", "stored")
_STREAM_OF: Final = {0: LIVE, 1: OTHER, 2: LOGS}


class Forgetting:
    """Deletes a tenant's items."""

    def __init__(self, bound: Bound, blocks: Blocks, meanings: QdrantMeanings) -> None:
        """Delete within a tenant."""
        self._bound = bound
        self._blocks = blocks
        self._meanings = meanings

    def buried(self, ids: Collection[SpanId]) -> set[SpanId]:
        """Return those ids that have a tombstone."""
        tombs = tombs_of(self._bound.tenant, ids)
        points = self._bound.these("records", tombs, [holds_text("kind", ["tomb"])], fields=())
        return {tombs[point.id.uuid.replace("-", "")] for point in points}

    def bury(self, ids: Collection[SpanId]) -> None:
        """Set tombstones, each with what its item points at now."""
        found = {f.id: f for f in self._found(ids)}
        points = []
        for tomb, identity in tombs_of(self._bound.tenant, ids).items():
            known = found.get(identity)
            fields: dict[str, Any] = {"kind": "tomb", "of": str(identity)}
            if known is not None:
                fields |= {"stored": True, "m": as_list(known.payload.get("m"))}
            points.append(self._bound.point(tomb, fields))
        self._bound.insert("records", points)

    def _found(self, ids: Collection[SpanId]) -> list[Found]:
        wanted = list(dict.fromkeys(map(str, ids)))
        return [found_in(point) for point in self._bound.these("spans", wanted)]

    def remove(self, signal: Signal, ids: Collection[SpanId]) -> int:
        """Remove items that have tombstones; return how many of them were stored."""
        streams, wanted, removed = [LOGS] if signal is Signal.LOGS else [LIVE, OTHER], list(ids), 0
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            points = self._bound.these("spans", [str(i) for i in part], conditions(streams, None))
            found = [found_in(point) for point in points]
            noted = self._noted(part)
            suspects = {m for f in found for m in as_list(f.payload.get("m"))}
            suspects |= {m for meanings in noted.values() for m in meanings}
            items = list(items_of(self._blocks, found, signal)) if signal is Signal.LOGS else []
            self.blank(found, signal)
            if found:
                self._bound.delete("spans", [among([str(f.id) for f in found])])
            suspects |= self._stop_waiting({*noted, *(f.id for f in found)}, items)
            self.collect({MeaningId(m) for m in suspects})
            self._settle(noted)
            removed += len(found)
        return removed

    def _noted(self, ids: Collection[SpanId]) -> dict[SpanId, list[int]]:
        """Return those items that were stored, by their tombstones, and what they pointed at."""
        tombs = tombs_of(self._bound.tenant, ids)
        kind = [holds_text("kind", ["tomb"])]
        noted = {}
        for point in self._bound.these("records", tombs, kind, fields=_TO_DO):
            payload = plain(point.payload)
            if payload.get("stored"):
                noted[tombs[point.id.uuid.replace("-", "")]] = as_list(payload.get("m"))
        return noted

    def _settle(self, ids: Collection[SpanId]) -> None:
        """Let the tombstones of items say no longer what is still to be done."""
        if ids:
            tombs = [holds_text("kind", ["tomb"]), among(list(tombs_of(self._bound.tenant, ids)))]
            self._bound.drop_fields("records", tombs, _TO_DO)

    def blank(self, found: Sequence[Found], signal: Signal) -> None:
        """Take the bytes of items out of their blocks, and out of copies in others."""
        positions: dict[str, set[int]] = {}
        for point in found:
            name, position = point.place
            positions.setdefault(name, set()).add(position)
        for name, at in self._copies(found, signal, set(positions)).items():
            positions.setdefault(name, set()).update(at)
        for name, at in positions.items():
            self._blocks.blank(name, signal, at)

    def _copies(
        self, found: Sequence[Found], signal: Signal, known: set[str]
    ) -> dict[str, set[int]]:
        """Return where else items stand: in blocks of deliveries that were broken off."""
        copies: dict[str, set[int]] = {}
        ids = {f.id for f in found}
        for name in self._around(found) - known:
            for stored in self._blocks.read([name]).values():
                held = ids_of_block(self._bound.tenant, signal, stored.message)
                at = {position for position, identity in enumerate(held) if identity in ids}
                if at:
                    copies[name] = at
        return copies

    def _around(self, found: Sequence[Found]) -> set[str]:
        """Return the blocks whose times are around those of items."""
        names: set[str] = set()
        for stream in {f.payload["r"] for f in found}:
            starts = [f.start_us for f in found if f.payload["r"] == stream]
            window = [
                render(Range("lo", None, float(max(starts) + _SLACK_US))),
                render(Range("hi", float(min(starts) - _SLACK_US), None)),
            ]
            for head in self._blocks.heads([_STREAM_OF[stream]], window):
                if any(head.min_us <= start <= head.max_us for start in starts):
                    names.add(head.id)
        return names

    def _stop_waiting(self, ids: Collection[str], logs: Iterable[Item]) -> set[int]:
        """Let no join wait whose log records are gone; return what these joins point at."""
        waits = holds_text("kind", ["join"])
        of_them = [waits, holds_text("of", [*ids])]
        gone = list(self._bound.scroll("records", of_them)) if ids else []
        for item in logs:
            trace_id, span_id = item.message.trace_id, item.message.span_id
            if trace_id and not self._has_logs(trace_id, span_id):
                held = [
                    waits, holds_text("of", [""]),
                    render(equals_any("t", [trace_key(trace_id)])),
                ]  # fmt: skip
                gone += [
                    point
                    for point in self._bound.scroll("records", held)
                    if plain(point.payload)["span"] == span_id.hex()
                ]
        if gone:
            self._bound.delete("records", [waits, among([p.id.uuid for p in gone])])
        return {m for point in gone for m in as_list(plain(point.payload).get("m"))}

    def _has_logs(self, trace_id: bytes, span_id: bytes) -> bool:
        must = conditions([LOGS], equals_any("t", [trace_key(trace_id)]))
        found = [found_in(point) for point in self._bound.scroll("spans", must)]
        items = items_of(self._blocks, found, Signal.LOGS)
        return any((i.message.trace_id, i.message.span_id) == (trace_id, span_id) for i in items)

    def collect(
        self, suspects: Collection[MeaningId], facets: Collection[Facet] = frozenset(Facet)
    ) -> None:
        """Take those meanings of some facets for gone that nothing points at."""
        wanted = list(suspects)
        for start in range(0, len(wanted), _PART):
            part = wanted[start : start + _PART]
            loose = set(part) - self.pointed_at(part)
            known = self._meanings.facets_of(loose) if loose else {}
            gone = [meaning for meaning, facet in known.items() if facet in facets]
            if gone:
                self._meanings.mark(gone)
                told = [holds_text("kind", ["retired"]), render(equals_any("m", gone))]
                self._bound.delete("records", told)

    def pointed_at(self, meanings: Collection[MeaningId]) -> set[MeaningId]:
        """Return those meanings that an item, a waiting join or a record points at."""
        if not meanings:
            return set()
        held = render(equals_any("m", meanings))
        limit = self._bound.count("meanings") + 1_000
        found = set(self._bound.facet("spans", "m", limit, [held]))
        kinds = holds_text("kind", ["join", "record"])
        for point in self._bound.scroll("records", [kinds, held], fields=("m",)):
            found.update(as_list(plain(point.payload).get("m")))
        return {MeaningId(m) for m in found} & set(meanings)
