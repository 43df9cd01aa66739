"""Retention: a day's items go, a tally per meaning of them stays.

::

    drop (counting) ─▶ tallies ─▶ drop (dropping) ─▶ blocks, points go ─▶ drop (done)

Each state is a field of one point in `records`: what is broken off while counting never was,
what is broken off later is completed by the next look.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import uuid4

import orjson

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet
from otel_vector.store.answers import Tally
from otel_vector.store.qdrant.blocks import STREAMS, Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.lease import Lease, leased
from otel_vector.store.qdrant.names import uuid_of
from otel_vector.store.qdrant.points import conditions, found_in
from otel_vector.store.qdrant.render import among, holds_text, render
from otel_vector.store.qdrant.tally import Tallies
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.conditions import Range, equals_any
from otel_vector.store.reading.streams import LIVE, LOGS
from otel_vector.store.reading.sums import Sum, as_list
from otel_vector.store.retired import MASKED, added

__all__ = ["Dropping"]

_PART: Final = 256
_ALL: Final = tuple(STREAMS)


class Dropping:
    """Drops what a tenant has of a day."""

    def __init__(
        self, bound: Bound, blocks: Blocks, forgetting: Forgetting, tallies: Tallies
    ) -> None:
        """Drop within a tenant."""
        self._bound = bound
        self._blocks = blocks
        self._forgetting = forgetting
        self._tallies = tallies

    def drop(self, day: int, before_ns: int | None) -> int:
        """Drop a day's items, all or those that started before; return how many.

        Nothing while another collector is about it.
        """
        with leased(self._bound, "retention") as lease:
            return 0 if lease is None else self._drop(day, before_ns, lease)

    def _drop(self, day: int, before_ns: int | None, lease: Lease) -> int:
        self._complete()
        under = _under(day, before_ns)
        must = conditions(_ALL, None) + under
        count = self._bound.count("spans", must)
        if not count:
            return 0
        identity = uuid4().hex
        fields = {"kind": "drop", "of": "counting", "v": day, "before": str(before_ns or "")}
        self._bound.insert("records", [self._bound.point(identity, fields)])
        suspects = self._told(identity, must, under, lease)
        lease.renew()
        self._state(identity, "dropping")
        self._dropped(day, before_ns)
        self._forgetting.collect(suspects, frozenset(Facet) - MASKED)
        self._state(identity, "done")
        return count

    def complete(self) -> None:
        """Finish or undo what was broken off, unless another collector is about it."""
        with leased(self._bound, "retention") as lease:
            if lease is not None:
                self._complete()

    def _complete(self) -> None:
        held = [holds_text("kind", ["drop"]), holds_text("of", ["counting", "dropping"])]
        for point in list(self._bound.scroll("records", held)):
            fields, identity = plain(point.payload), point.id.uuid
            told = holds_text("kind", ["retired"])
            mine = holds_text("of", [identity.replace("-", "")])
            if fields["of"] == "counting":
                self._bound.delete("records", [told, mine])
                self._bound.delete("records", [holds_text("kind", ["drop"]), among([identity])])
                continue
            self._dropped(fields["v"], int(fields["before"]) if fields["before"] else None)
            points = self._bound.scroll("records", [told, mine], fields=("m",))
            suspects = {MeaningId(m) for p in points for m in as_list(plain(p.payload)["m"])}
            self._forgetting.collect(suspects, frozenset(Facet) - MASKED)
            self._state(identity, "done")

    def _state(self, identity: str, state: str) -> None:
        this = [holds_text("kind", ["drop"]), among([identity])]
        self._bound.set_fields("records", this, {"of": state})

    def _told(
        self, identity: str, must: list[Any], under: list[Any], lease: Lease
    ) -> set[MeaningId]:
        """Store what is known of the items that go; return the meanings they point at."""
        limit = self._bound.count("meanings") + 1_000
        meanings = [MeaningId(m) for m in self._bound.facet("spans", "m", limit, must)]
        counted = conditions([LIVE, LOGS], None) + under
        for start in range(0, len(meanings), _PART):
            lease.renew()
            sums = {m: Sum() for m in meanings[start : start + _PART]}
            self._tallies.add(sums, counted)
            told = [self._point(identity, m, total.tally()) for m, total in sums.items()]
            self._bound.insert("records", told)
        return set(meanings)

    def _point(self, identity: str, meaning: MeaningId, tally: Tally) -> Any:
        histogram = sorted(tally.histogram.items())
        told = [tally.count, tally.errors, histogram, tally.first_ns, tally.last_ns]
        fields = {"kind": "retired", "of": identity, "m": int(meaning)}
        fields["body"] = orjson.dumps(told).decode()
        return self._bound.point(uuid_of("retired", identity, str(meaning)), fields)

    def _dropped(self, day: int, before_ns: int | None) -> None:
        """Remove blocks and points."""
        of_day = render(equals_any("y", [day]))
        if before_ns is None:
            self._bound.delete("blocks", [of_day])
        else:
            self._cut(day, before_ns)
        self._bound.delete("spans", _under(day, before_ns))

    def _cut(self, day: int, before_ns: int) -> None:
        """Remove the blocks that end before a time, and early items from those around it."""
        of_day, limit = render(equals_any("y", [day])), float(before_ns // 1000)
        self._bound.delete("blocks", [of_day, render(Range("hi", None, limit))])
        for stream in STREAMS:
            for head in self._blocks.heads([stream], [of_day, render(Range("lo", None, limit))]):
                early = conditions([stream], None) + _under(day, before_ns)
                held = [*early, holds_text("b", [head.id])]
                found = [found_in(point) for point in self._bound.scroll("spans", held)]
                if found:
                    self._blocks.blank(head.id, head.signal, {f.place[1] for f in found})

    def retired(self, meanings: Collection[MeaningId]) -> dict[MeaningId, Tally]:
        """Return what is known of items that were dropped."""
        counting = self._unfinished()
        found: dict[MeaningId, Tally] = {}
        wanted = list(meanings)
        for start in range(0, len(wanted), _PART):
            part: Sequence[MeaningId] = wanted[start : start + _PART]
            held = [holds_text("kind", ["retired"]), render(equals_any("m", part))]
            for point in self._bound.scroll("records", held):
                fields = plain(point.payload)
                meaning = MeaningId(fields["m"])
                tally = _tally(fields["body"])
                if fields["of"] not in counting and tally.count:
                    found[meaning] = added(found.get(meaning, Tally()), tally)
        return found

    def _unfinished(self) -> set[str]:
        held = [holds_text("kind", ["drop"]), holds_text("of", ["counting"])]
        points = self._bound.scroll("records", held, fields=())
        return {point.id.uuid.replace("-", "") for point in points}


def _under(day: int, before_ns: int | None) -> list[Any]:
    of_day = render(equals_any("y", [day]))
    if before_ns is None:
        return [of_day]
    return [of_day, render(Range("s", None, float(before_ns // 1000)))]


def _tally(body: str) -> Tally:
    count, errors, histogram, first_ns, last_ns = orjson.loads(body)
    return Tally(count, errors, dict(histogram), first_ns, last_ns)
