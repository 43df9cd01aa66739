"""Joining log records to their spans, whichever comes first, on whichever collector.

A join reads the span's point, unites its `m` and `k` with the join's, and sets them, if nobody
else set them meanwhile: repeating it changes nothing. A join whose span is not here is stored as
a waiting one, and looked up once more after that; who writes spans looks for joins that wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from qdrant_client import grpc as pb

from otel_vector.errors import StoreUnavailableError
from otel_vector.spans.batch import Join
from otel_vector.spans.ids import MeaningId, SpanId, trace_key
from otel_vector.spans.meanings import Signal
from otel_vector.store.qdrant.blocks import Blocks
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.forgetting import Forgetting
from otel_vector.store.qdrant.names import uuid_of
from otel_vector.store.qdrant.points import Found, conditions, found_in
from otel_vector.store.qdrant.render import among, holds_text, render
from otel_vector.store.qdrant.values import plain
from otel_vector.store.reading.conditions import equals_any
from otel_vector.store.reading.streams import LIVE, OTHER
from otel_vector.store.reading.sums import as_list

__all__ = ["Joins"]

_TRIES: Final = 20
_TRACES: Final = 1_000


class Joins:
    """Applies joins, and keeps those that wait."""

    def __init__(self, bound: Bound, blocks: Blocks, forgetting: Forgetting) -> None:
        """Join a tenant's spans."""
        self._bound = bound
        self._blocks = blocks
        self._forgetting = forgetting

    def apply(self, joins: Sequence[Join]) -> None:
        """Join what is here; let the rest wait."""
        late = self._applied(joins)
        if late:
            self._wait(late)
            there = self._applied(late)
            self._done([join for join in late if join not in there])

    def catch_up(self, traces: Sequence[int]) -> None:
        """Apply the joins that wait for spans of some traces."""
        wanted = list(dict.fromkeys(traces))
        waiting: list[Join] = []
        for start in range(0, len(wanted), _TRACES):
            held = render(equals_any("t", wanted[start : start + _TRACES]))
            points = self._bound.scroll("records", [holds_text("kind", ["join"]), held])
            waiting += [_join(plain(point.payload)) for point in points]
        if waiting:
            late = self._applied(waiting)
            self._done([join for join in waiting if join not in late])

    def unite(self, joins: Sequence[Join]) -> None:
        """Join what is here, and nothing else."""
        self._applied(joins)

    def _applied(self, joins: Sequence[Join]) -> list[Join]:
        """Join spans that are here; return the joins without one."""
        spans = self._spans(joins)
        late = []
        for join in joins:
            points = spans.get((join.trace_id, join.span_id), ())
            for point in points:
                self._unite(point, join)
            if not points:
                late.append(join)
        return late

    def _spans(self, joins: Sequence[Join]) -> dict[tuple[bytes, bytes], list[Found]]:
        """Return the points of the spans that joins are for."""
        keys = list(dict.fromkeys(trace_key(join.trace_id) for join in joins))
        points: list[Found] = []
        for start in range(0, len(keys), _TRACES):
            must = conditions((LIVE, OTHER), equals_any("t", keys[start : start + _TRACES]))
            points += map(found_in, self._bound.scroll("spans", must))
        found: dict[tuple[bytes, bytes], list[Found]] = {}
        places = [point.place for point in points]
        for point, item in zip(points, self._blocks.items(places, Signal.SPANS), strict=True):
            if item is not None:
                key = (item.message.trace_id, item.message.span_id)
                found.setdefault(key, []).append(point)
        return found

    def _unite(self, point: Found, join: Join) -> None:
        self._set_missing(point, "m", join.meanings)
        self._set_missing(point, "k", join.keys)

    def _set_missing(self, point: Found, name: str, more: Sequence[int]) -> None:
        """Add to a list, if it is still what was read; else read again."""
        for _ in range(_TRIES):
            known = as_list(point.payload.get(name))
            missing = [v for v in dict.fromkeys(more) if v not in known]
            if not missing:
                return
            values = [*known, *missing]
            this = [among([str(point.id)]), *_is_still(name, known)]
            self._bound.set_fields("spans", this, {name: values})
            found = list(map(found_in, self._bound.these("spans", [str(point.id)])))
            if not found:
                return
            point.payload.update(found[0].payload)
        raise StoreUnavailableError("a span is being changed by many at once; try again")

    def _wait(self, joins: Sequence[Join]) -> None:
        points = []
        for join in joins:
            fields: dict[str, Any] = {
                "kind": "join",
                "t": trace_key(join.trace_id),
                "trace": join.trace_id.hex(),
                "span": join.span_id.hex(),
                "m": [int(m) for m in join.meanings],
                "k": list(join.keys),
                "of": join.source or "",
            }
            points.append(self._bound.point(_identity(self._bound.tenant, join), fields))
        self._bound.insert("records", points)

    def _done(self, joins: Sequence[Join]) -> None:
        if joins:
            ids = [_identity(self._bound.tenant, join) for join in joins]
            self._bound.delete("records", [holds_text("kind", ["join"]), among(ids)])


def _is_still(name: str, known: Sequence[int]) -> list[Any]:
    """Return the conditions that a list holds what it held, and nothing more."""
    if not known:
        return [pb.Condition(is_empty=pb.IsEmptyCondition(key=name))]
    many = pb.ValuesCount(gte=len(known), lte=len(known))
    counted = pb.Condition(field=pb.FieldCondition(key=name, values_count=many))
    return [counted, *(render(equals_any(name, [value])) for value in known)]


def _identity(tenant: str, join: Join) -> str:
    keys = ",".join(map(str, (*join.meanings, "-", *join.keys)))
    ids = (join.trace_id.hex(), join.span_id.hex(), str(join.source or ""))
    return uuid_of("join", tenant, *ids, keys)


def _join(fields: dict[str, Any]) -> Join:
    return Join(
        bytes.fromhex(fields["trace"]),
        bytes.fromhex(fields["span"]),
        tuple(MeaningId(m) for m in as_list(fields.get("m"))),
        tuple(as_list(fields.get("k"))),
        SpanId(fields["of"]) if fields["of"] else None,
    )
