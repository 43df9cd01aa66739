"""The property that ties it together: a store answers what evaluating the filter answers.

Random items and random filters from a small vocabulary, so that they meet; `find`, `tally` and
`candidates` of the store against `matching` on every item.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_vector.spans.durations import bucket_of
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
    PointsAt,
    Scope,
    Where,
)
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import Facet, RunKind, Signal
from otel_vector.store.contract import Store, Tally, TenantStore
from otel_vector.testing.builders import (
    T0_NS,
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
from otel_vector.testing.store_case import StoreCase, all_pages, newest_first, write

__all__ = ["StorePropertySuite", "filters", "log_rows", "span_rows", "wheres"]

_PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""Without the explaining phase, which asks a real store hundreds of times more."""
_KEYS = (
    "http.status_code",
    "http.response.status_code",
    "session.id",
    "gen_ai.request.model",
    "error.type",
    "user",
    "user.id",
    "service.name",
    "a b",
)
_VALUES: tuple[Any, ...] = (
    "500",
    "500.0",
    "5e2",
    "card declined",
    "order-8837",
    "true",
    "",
    "[1,2]",
    "gold",
    "nan",
    "é💳",
    500,
    0,
    -1,
    2**53 + 1,
    2**63 - 1,
    500.0,
    0.5,
    -0.0,
    1e300,
    float("inf"),
    float("nan"),
    True,
    False,
    None,
    b"\x00gold",
    [1, 2],
    ["gold", 500, ["deep", "order-8837"]],
    {"a": {"b": "card declined"}, "500": 501},
    {},
)
_TEXTS = (
    *("500", "500.0", "5e2", "50", "0", "-0.0", "-1", "0.5", "1e999", "9007199254740993"),
    *("9223372036854775807", "card declined", "card", "order-8837", "order", "true", "gold", ""),
    *("[1,2]", "{}", "1", "deep", "nan", "inf", "é💳", "é", "AGdvbGQ=", "b", "missing", "1e300"),
)
_NAMES = ("GET /cart", "GET /orders/8837", "GET /orders/9", "get", "", "order-8837")
_SERVICES = ("shop", "cart", "shopping", "")
_BUILT_IN_TEXTS = (
    *_NAMES,
    *_SERVICES,
    *("server", "client", "unspecified", "error", "ok", "unset", "live", "replay", "GET", "zz"),
    *("0", "1", "999999", "1000000", "1000000.5", "9", "17", "-5", "1e999", "library", "lib"),
    *(trace_bytes(1).hex(), trace_bytes(3).hex(), span_bytes(1).hex(), span_bytes(2).hex()),
)
_MEANS = ((Facet.ERROR, "card declined"), (Facet.INPUT, "which card"), (Facet.ERROR, "timeout"))
_ATTRIBUTES = st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_VALUES), max_size=3)
_STARTS = st.sampled_from(
    [0, 1, 1000, T0_NS, T0_NS + 1, T0_NS + 999, T0_NS + 1000, T0_NS + 10**15, 2**64 - 1]
)
_RUNS = st.sampled_from([{}, {}, {}, {"otel_vector.run.kind": "replay"}])


def _attributes_with_run() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda values, run: values | run, _ATTRIBUTES, _RUNS)


def span_rows() -> st.SearchStrategy[SpanRow]:
    """Return a strategy for spans of the vocabulary."""
    return st.builds(
        SpanRow,
        name=st.sampled_from(_NAMES),
        service=st.sampled_from(_SERVICES),
        trace=st.integers(1, 3),
        span=st.integers(1, 4),
        parent=st.integers(0, 2),
        start_ns=_STARTS,
        duration_ns=st.sampled_from([-1, 0, 1, 999_999, 1_000_000, 1_000_001, 10**12]),
        kind=st.integers(0, 5),
        status=st.integers(0, 2),
        status_message=st.sampled_from(["", "", "card declined"]),
        attributes=_attributes_with_run(),
        resource=_ATTRIBUTES.map(lambda a: {k: v for k, v in a.items() if k != "service.name"}),
        scope_attributes=_ATTRIBUTES,
        events=st.lists(st.builds(Event, st.sampled_from(["gold", "x"]), _ATTRIBUTES), max_size=2)
        .map(tuple),
        links=st.lists(
            st.builds(Link, st.integers(1, 3), st.integers(1, 3), _ATTRIBUTES), max_size=1
        ).map(tuple),
        means=st.lists(st.sampled_from(_MEANS), max_size=2).map(tuple),
    )  # fmt: skip


def log_rows() -> st.SearchStrategy[LogRow]:
    """Return a strategy for log records of the vocabulary."""
    return st.builds(
        LogRow,
        body=st.sampled_from(_VALUES),
        service=st.sampled_from(_SERVICES),
        trace=st.integers(0, 3),
        span=st.integers(0, 3),
        start_ns=_STARTS,
        event=st.sampled_from(["", "gold", "GET /cart"]),
        severity=st.sampled_from([0, 9, 17]),
        attributes=_ATTRIBUTES,
        resource=_ATTRIBUTES.map(lambda a: {k: v for k, v in a.items() if k != "service.name"}),
        means=st.lists(st.sampled_from(_MEANS), max_size=1).map(tuple),
    )


def filters() -> st.SearchStrategy[Filter]:
    """Return a strategy for filters over the vocabulary, sensible and not."""
    attribute = st.builds(Attribute, st.sampled_from(_KEYS), st.sampled_from(Scope))
    some_texts = st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=3).map(tuple)
    built_in_texts = st.lists(st.sampled_from(_BUILT_IN_TEXTS), min_size=1, max_size=3).map(tuple)
    ids = [m for row in (SpanRow(means=_MEANS), SpanRow()) for m in item_of(row).meanings]
    leaves = st.one_of(
        st.builds(Compare, attribute, st.sampled_from(Op), some_texts),
        st.builds(Compare, st.sampled_from(BuiltIn), st.sampled_from(Op), built_in_texts),
        st.builds(Exists, st.one_of(attribute, st.sampled_from(BuiltIn))),
        st.builds(Phrase, st.sampled_from((*_TEXTS, *_BUILT_IN_TEXTS))),
        st.builds(PointsAt, st.lists(st.sampled_from([*ids, 5]), max_size=2).map(tuple)),
    )
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        ),
        max_leaves=6,
    )


def wheres() -> st.SearchStrategy[Where]:
    """Return a strategy for restrictions: filters, windows, run kinds."""
    time = st.one_of(st.none(), st.none(), _STARTS)
    runs = st.sampled_from([(), ("live",), ("live",), (RunKind.REPLAY,), ("test", "replay")])
    return st.builds(Where, st.one_of(st.none(), filters(), filters()), time, time, runs)


class _Corpus:
    """A filled store and its rows; no dataclass, since a failure would show every row."""

    def __init__(self, store: TenantStore, rows: list[Row]) -> None:
        self.store = store
        self.rows = rows


class StorePropertySuite(StoreCase):
    """A store's answers against the evaluated filter. Subclasses open the store."""

    corpus_size = 160

    @pytest.fixture(scope="class")
    @classmethod
    def corpus(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Corpus]:
        """A store with many random items, written once for many filters."""
        store = cls.open_store(tmp_path_factory.mktemp("corpus"))
        rows: list[Row] = [*_random_spans(cls.corpus_size), *_random_logs(cls.corpus_size // 2)]
        for signal in Signal:
            of_signal = [row for row in rows if item_of(row).signal is signal]
            for at in range(0, len(of_signal), 40):
                write(store.tenant(TENANT), of_signal[at : at + 40])
        yield _Corpus(store.tenant(TENANT), rows)
        store.close()

    @settings(
        max_examples=150,
        deadline=None,
        phases=_PHASES,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(where=wheres(), signal=st.sampled_from(Signal))
    def test_a_store_answers_what_evaluating_the_filter_answers(
        self, corpus: _Corpus, where: Where, signal: Signal
    ) -> None:
        self._agrees(corpus.store, TENANT, corpus.rows, where, signal)

    @settings(
        max_examples=15,
        deadline=None,
        phases=_PHASES,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(
        spans=st.lists(span_rows(), max_size=6),
        logs=st.lists(log_rows(), max_size=4),
        asked=st.lists(wheres(), min_size=1, max_size=4),
    )
    def test_any_items_are_found_counted_and_given_back(
        self, store: Store, spans: list[SpanRow], logs: list[LogRow], asked: list[Where]
    ) -> None:
        name = Tenant(f"t{len(store.tenants())}")
        rows: list[Row] = [*spans, *logs]
        for part in (spans, logs, spans):
            if part:
                write(store.tenant(name), part, name)
        for where, signal in itertools.product([*asked, Where(runs=())], Signal):
            self._agrees(store.tenant(name), name, rows, where, signal)

    def _agrees(
        self, store: TenantStore, name: Tenant, rows: Sequence[Row], where: Where, signal: Signal
    ) -> None:
        holds = compile_where(where)
        items = {item.id: item for item in (item_of(row, name) for row in rows)}
        found = {i: item for i, item in items.items() if item.signal is signal and holds(item)}
        order = [i for i in newest_first(rows, name) if i in found]
        assert all_pages(store, where, signal, limit=7) == order
        pointed = Counter(m for item in found.values() for m in item.meanings)
        assert store.reader.candidates(signal, where) == pointed
        asked = [*pointed, MeaningId(5)]
        assert store.reader.tally(signal, where, asked) == {
            m: _tally_of([item for item in found.values() if m in item.meanings]) for m in asked
        }


def _tally_of(items: list[Item]) -> Tally:
    starts = [item.start_ns for item in items]
    return Tally(
        count=len(items),
        errors=sum(item.status == "error" for item in items),
        histogram=dict(Counter(bucket_of(item.duration_ns) for item in items)),
        first_ns=min(starts, default=0),
        last_ns=max(starts, default=0),
    )


def _random_attributes(chance: random.Random) -> dict[str, Any]:
    keys = chance.sample(_KEYS, chance.randint(0, 3))
    return {key: chance.choice(_VALUES) for key in keys}


def _random_spans(count: int) -> Iterator[SpanRow]:
    chance = random.Random(1)
    for number in range(1, count + 1):
        run = {"otel_vector.run.kind": "replay"} if number % 9 == 0 else {}
        yield SpanRow(
            name=chance.choice(_NAMES),
            service=chance.choice(_SERVICES),
            trace=chance.randint(1, 30),
            span=number,
            parent=chance.randint(0, 3),
            start_ns=T0_NS + chance.randint(0, 10**15),
            duration_ns=chance.choice([0, 1, 999_999, 1_000_000, 1_000_001, 10**12]),
            kind=chance.randint(0, 5),
            status=chance.randint(0, 2),
            status_message=chance.choice(["", "card declined"]),
            attributes=_random_attributes(chance) | run,
            events=(Event("gold", _random_attributes(chance)),) if number % 5 == 0 else (),
            links=(Link(1, 2, _random_attributes(chance)),) if number % 7 == 0 else (),
            means=tuple(chance.sample(_MEANS, chance.randint(0, 2))),
        )


def _random_logs(count: int) -> Iterator[LogRow]:
    chance = random.Random(2)
    for number in range(1, count + 1):
        yield LogRow(
            body=chance.choice(_VALUES),
            service=chance.choice(_SERVICES),
            trace=chance.randint(0, 5),
            span=chance.randint(0, 5),
            start_ns=T0_NS + number * 1_000_003,
            severity=chance.choice([0, 9, 17]),
            attributes=_random_attributes(chance),
            means=tuple(chance.sample(_MEANS, 1)),
        )
