"""Promises of filters: each kind of condition finds just what it says, in spans and in logs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_vector.spans.filters import (
    And,
    Attribute,
    BuiltIn,
    Compare,
    Exists,
    Filter,
    Not,
    Op,
    Or,
    Phrase,
    Scope,
    Where,
)
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import TenantStore
from otel_vector.testing.builders import (
    TENANT,
    Event,
    Link,
    LogRow,
    Row,
    SpanRow,
    item_of,
    span_bytes,
    trace_bytes,
)
from otel_vector.testing.store_case import ALL_RUNS, StoreCase, all_pages, newest_first, write

__all__ = ["FilterPromises"]

_SPANS: dict[str, SpanRow] = {
    "checkout": SpanRow(
        name="POST /checkout",
        service="checkout",
        span=1,
        duration_ns=250_000_000,
        status=2,
        status_message="Card Declined",
        attributes={"http.status_code": 502, "tags": ["blue", 7], "user": "ann"},
        scope="payments",
    ),
    "order": SpanRow(
        name="GET /orders/8837",
        service="shop",
        span=2,
        parent=1,
        kind=3,
        duration_ns=20_000_000,
        attributes={"http.response.status_code": 200.0, "order": "order-8837", "bob": True},
        resource={"pod": "shop-1"},
    ),
    "other order": SpanRow(
        name="GET /orders/9",
        service="shop",
        span=3,
        trace=2,
        kind=3,
        status=1,
        attributes={"http.status_code": "500", "user": "bob", "nested": {"deep": ["no FUNDS"]}},
        resource={"pod": "shop-22"},
    ),
    "worker": SpanRow(
        name="drain",
        service="worker",
        span=4,
        trace=3,
        kind=5,
        duration_ns=-1,
        attributes={"drift": -0.0},
        events=(Event("exception", {"exception.message": "queue is full", "user": "eve"}),),
        links=(Link(1, 1, {"why": "batch"}),),
        scope_attributes={"tier": "gold"},
    ),
    "empty": SpanRow(name="", service="", span=5, trace=4, kind=0, attributes={"user": ""}),
    "replayed": SpanRow(
        span=6, trace=5, attributes={"otel_vector.run.kind": "replay", "user": "ann"}
    ),
}
_LOGS: dict[str, LogRow] = {
    "line": LogRow(body="card declined for ann", trace=1, span=1, severity=17, service="checkout"),
    "structured": LogRow(
        body={"detail": ["no funds", 500]}, event="payment.failed", attributes={"user": "ann"}
    ),
    "plain": LogRow(body="drained", severity=9, attributes={"http.status_code": 500}, scope="w"),
}


def _is(field: BuiltIn | str, *values: str, op: Op = Op.EQ, scope: Scope = Scope.ANY) -> Compare:
    named = field if isinstance(field, BuiltIn) else Attribute(field, scope)
    return Compare(named, op, values)


_STATUS_CODE = "http.response.status_code"
_ON_SPANS: list[tuple[str, Filter, str]] = [
    ("service", _is(BuiltIn.SERVICE, "shop"), "order, other order"),
    ("any service of", _is(BuiltIn.SERVICE, "worker", "shop"), "order, other order, worker"),
    ("an empty service", _is(BuiltIn.SERVICE, ""), "empty"),
    ("service begins", _is(BuiltIn.SERVICE, "sh", op=Op.PREFIX), "order, other order"),
    ("service holds", _is(BuiltIn.SERVICE, "o", op=Op.CONTAINS), "*-empty"),
    ("name", _is(BuiltIn.NAME, "POST /checkout"), "checkout"),
    ("a masked name", _is(BuiltIn.NAME, "GET /orders/8837"), "order"),
    ("a mask is no name", _is(BuiltIn.NAME, "GET /orders/*"), ""),
    ("name begins", _is(BuiltIn.NAME, "GET /orders/", op=Op.PREFIX), "order, other order"),
    ("a masked name begins", _is(BuiltIn.NAME, "GET /orders/8", op=Op.PREFIX), "order"),
    ("name holds", _is(BuiltIn.NAME, "rders/9", op=Op.CONTAINS), "other order"),
    ("kind", _is(BuiltIn.KIND, "client"), "order, other order"),
    ("unspecified kind", _is(BuiltIn.KIND, "unspecified"), "empty"),
    ("status error", _is(BuiltIn.STATUS, "error"), "checkout"),
    ("status ok", _is(BuiltIn.STATUS, "ok"), "other order"),
    ("status not error", Not(_is(BuiltIn.STATUS, "error")), "*-checkout"),
    ("status unset or ok", _is(BuiltIn.STATUS, "unset", "ok"), "*-checkout"),
    ("duration above", _is(BuiltIn.DURATION, "20000000", op=Op.GT), "checkout"),
    ("duration from", _is(BuiltIn.DURATION, "20000000", op=Op.GE), "checkout, order"),
    ("duration below", _is(BuiltIn.DURATION, "1000000", op=Op.LT), "worker"),
    ("duration up to", _is(BuiltIn.DURATION, "1000000", op=Op.LE), "other order, worker, empty"),
    ("duration equal", _is(BuiltIn.DURATION, "250000000"), "checkout"),
    ("duration a bit off", _is(BuiltIn.DURATION, "250000001"), ""),
    ("trace", _is(BuiltIn.TRACE, trace_bytes(1).hex()), "checkout, order"),
    ("span", _is(BuiltIn.SPAN, span_bytes(2).hex()), "order"),
    ("parent", _is(BuiltIn.PARENT, span_bytes(1).hex()), "order"),
    ("roots", _is(BuiltIn.PARENT, ""), "*-order"),
    ("has a parent", Exists(BuiltIn.PARENT), "order"),
    ("instrumentation scope", _is(BuiltIn.SCOPE, "payments"), "checkout"),
    ("spans have no severity", _is(BuiltIn.SEVERITY, "0", op=Op.GE), ""),
    ("old name asked by the new", _is(_STATUS_CODE, "502"), "checkout"),
    ("new name asked by the old", _is("http.status_code", "200"), "order"),
    ("a number kept as text", _is(_STATUS_CODE, "500"), "other order"),
    ("a number written otherwise", _is(_STATUS_CODE, "5.02e2"), "checkout"),
    ("range over types and names", _is(_STATUS_CODE, "500", op=Op.GE), "checkout, other order"),
    ("range below", _is(_STATUS_CODE, "500", op=Op.LT), "order"),
    ("range of a text", _is("user", "1", op=Op.GT), ""),
    ("any of", _is("user", "bob", "ann"), "checkout, other order"),
    ("a boolean", _is("bob", "true"), "order"),
    ("an element", _is("tags", "blue"), "checkout"),
    ("an element that is a number", _is("tags", "7.0"), "checkout"),
    ("a whole list", _is("tags", '["blue",7]'), "checkout"),
    ("a list in a range", _is("tags", "6", op=Op.GT), "checkout"),
    ("an attribute begins", _is("order", "order-", op=Op.PREFIX), "order"),
    ("an attribute holds", _is("order", "r-88", op=Op.CONTAINS), "order"),
    ("a number begins", _is(_STATUS_CODE, "50", op=Op.PREFIX), "checkout, other order"),
    ("case counts", _is("user", "Ann"), ""),
    ("an empty value", _is("user", ""), "empty"),
    ("a resource", _is("pod", "shop-1"), "order"),
    ("a resource in its scope", _is("pod", "shop-1", scope=Scope.RESOURCE), "order"),
    ("a resource in another scope", _is("pod", "shop-1", scope=Scope.SPAN), ""),
    ("an event's", _is("user", "eve", scope=Scope.EVENT), "worker"),
    ("an event's in any scope", _is("user", "eve"), "worker"),
    ("a span's own", _is("user", "eve", scope=Scope.SPAN), ""),
    ("a link's", _is("why", "batch", scope=Scope.LINK), "worker"),
    ("instrumentation", _is("tier", "gold", scope=Scope.INSTRUMENTATION), "worker"),
    ("exists", Exists(Attribute("user")), "checkout, other order, worker, empty"),
    ("exists by another name", Exists(Attribute("http.status_code")), "*-worker-empty"),
    ("exists in a scope", Exists(Attribute("user", Scope.EVENT)), "worker"),
    ("missing", Not(Exists(Attribute("user"))), "order"),
    ("not equal or missing", Not(_is("user", "ann")), "*-checkout"),
    ("not above or missing", Not(_is(_STATUS_CODE, "300", op=Op.GT)), "order, worker, empty"),
    ("not not", Not(Not(_is("user", "ann"))), "checkout"),
    ("everything", And(()), "*"),
    ("nothing", Or(()), ""),
    (
        "an or of ands",
        Or(
            (
                And((_is(BuiltIn.SERVICE, "shop"), _is("user", "bob"))),
                And((_is(BuiltIn.STATUS, "error"), _is("tags", "blue"))),
                And((_is(BuiltIn.SERVICE, "worker"), _is("user", "bob"))),
            )
        ),
        "checkout, other order",
    ),
    (
        "neither nor",
        Not(Or((_is(BuiltIn.SERVICE, "shop"), Exists(Attribute("tags"))))),
        "worker, empty",
    ),
    ("a phrase in a value", Phrase("order-88"), "order"),
    ("a phrase in a name", Phrase("/orders/8837"), "order"),
    ("a phrase in the status", Phrase("Card Declined"), "checkout"),
    ("a phrase in another case", Phrase("card declined"), ""),
    ("a phrase deep in a map", Phrase("no FUNDS"), "other order"),
    ("a phrase in an event", Phrase("queue is full"), "worker"),
    ("a phrase in an event's name", Phrase("xcept"), "worker"),
    ("a phrase in a link", Phrase("batch"), "worker"),
    ("a phrase in the resource", Phrase("shop-2"), "other order"),
    ("a phrase that is a number", Phrase("502"), "checkout"),
    ("a phrase that is zero, of either sign", Phrase("-0"), "worker"),
    ("a phrase is no part of a number", Phrase("50"), "other order"),
    ("a phrase that is a trace id", Phrase(trace_bytes(3).hex()), "worker"),
    ("a phrase that is a span id", Phrase(span_bytes(4).hex()), "worker"),
    ("a phrase is no key", Phrase("nested"), ""),
    ("no phrase", Not(Phrase("o")), "empty"),
]
_ON_LOGS: list[tuple[str, Filter, str]] = [
    ("service", _is(BuiltIn.SERVICE, "checkout"), "line"),
    ("no kind", _is(BuiltIn.KIND, "unspecified"), "*"),
    ("no status", _is(BuiltIn.STATUS, "error"), ""),
    ("no duration", _is(BuiltIn.DURATION, "0"), "*"),
    ("severity", _is(BuiltIn.SEVERITY, "17"), "line"),
    ("severity from", _is(BuiltIn.SEVERITY, "9", op=Op.GE), "line, plain"),
    ("no severity", Not(Exists(BuiltIn.SEVERITY)), "structured"),
    ("event name", _is(BuiltIn.NAME, "payment.failed"), "structured"),
    ("trace", _is(BuiltIn.TRACE, trace_bytes(1).hex()), "line"),
    ("no trace", Not(Exists(BuiltIn.TRACE)), "structured, plain"),
    ("span", _is(BuiltIn.SPAN, span_bytes(1).hex()), "line"),
    ("scope", _is(BuiltIn.SCOPE, "w"), "plain"),
    ("an attribute", _is("user", "ann"), "structured"),
    ("a record's own", _is("user", "ann", scope=Scope.SPAN), "structured"),
    ("missing", Not(Exists(Attribute("user"))), "line, plain"),
    ("a range by the new name", _is(_STATUS_CODE, "499", op=Op.GT), "plain"),
    ("a phrase in the body", Phrase("declined for"), "line"),
    ("a phrase deep in the body", Phrase("no funds"), "structured"),
    ("a phrase that is a number", Phrase("500"), "structured, plain"),
    ("or", Or((_is("user", "ann"), _is(BuiltIn.SCOPE, "w"))), "structured, plain"),
]


def _chosen(rows: dict[str, Row], names: str) -> list[Row]:
    """Return the live rows that a list of names says, or all (``*``) without some (``-``)."""
    if names.startswith("*"):
        without = {"replayed", *names[1:].split("-")}
        return [row for name, row in rows.items() if name not in without]
    return [rows[name] for name in names.split(", ") if name]


def _named(cases: list[tuple[str, Filter, str]]) -> list[object]:
    return [pytest.param(condition, names, id=label) for label, condition, names in cases]


class FilterPromises(StoreCase):
    """Each condition, alone and combined, on a few items that all differ."""

    @pytest.fixture(scope="class")
    @classmethod
    def filled(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TenantStore]:
        """A store with the rows above, written once for all conditions."""
        store = cls.open_store(tmp_path_factory.mktemp("filters"))
        write(store.tenant(TENANT), list(_SPANS.values()))
        write(store.tenant(TENANT), list(_LOGS.values()))
        yield store.tenant(TENANT)
        store.close()

    @pytest.mark.parametrize(("condition", "names"), _named(_ON_SPANS))
    def test_a_filter_finds_just_its_spans(
        self, filled: TenantStore, condition: Filter, names: str
    ) -> None:
        rows = _chosen(dict(_SPANS), names)
        assert all_pages(filled, condition) == newest_first(rows)

    @pytest.mark.parametrize(("condition", "names"), _named(_ON_LOGS))
    def test_a_filter_finds_just_its_logs(
        self, filled: TenantStore, condition: Filter, names: str
    ) -> None:
        rows = _chosen(dict(_LOGS), names)
        assert all_pages(filled, condition, Signal.LOGS) == newest_first(rows)

    @pytest.mark.parametrize(("condition", "names"), _named(_ON_SPANS))
    def test_a_filter_counts_just_its_spans(
        self, filled: TenantStore, condition: Filter, names: str
    ) -> None:
        items = [item_of(row) for row in _chosen(dict(_SPANS), names)]
        operations = [item_of(row).meanings[0] for row in _SPANS.values()]
        expected = {m: sum(m in item.meanings for item in items) for m in operations}
        candidates = filled.reader.candidates(Signal.SPANS, Where(condition))
        tallies = filled.reader.tally(Signal.SPANS, Where(condition), operations)
        assert candidates == {m: count for m, count in expected.items() if count}
        assert {m: tally.count for m, tally in tallies.items()} == expected

    def test_a_filter_holds_for_other_runs_too(self, filled: TenantStore) -> None:
        ann = Where(_is("user", "ann"), runs=ALL_RUNS)
        rows = [_SPANS["checkout"], _SPANS["replayed"]]
        assert all_pages(filled, ann) == newest_first(rows)
