"""The property of forgetting: a store tells what the reference store tells, whatever was done.

Random writes, resends, joins, deletions and drops, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from otel_vector.spans.filters import Attribute, Compare, Op, Where
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.contract import Store, TenantStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    LogRow,
    Row,
    SpanRow,
    Text,
    item_of,
    join_of,
    meaning_of,
)
from otel_vector.testing.store_case import StoreCase, all_pages, write

__all__ = ["ForgettingSuite"]

_DAY_NS = 86_400 * SECOND_NS
_TEXTS: tuple[Text, ...] = (
    (Facet.ERROR, "card declined"),
    (Facet.INPUT, "which card"),
    (Facet.OUTPUT, "the blue one"),
    (Facet.INPUT, "my sister's number"),
)
_SPANS = tuple(
    SpanRow(
        name=f"step {'abc'[n % 3]}",
        trace=1 + n % 4,
        span=n,
        start_ns=T0_NS + n % 2 * 60 * _DAY_NS + n * 1_000_003,
        status=2 if n % 4 == 0 else 0,
        attributes={"user": f"u{n % 2}"}
        | ({"otel_vector.run.kind": "test"} if n % 7 == 0 else {}),
        means=tuple(text for at, text in enumerate(_TEXTS) if n % (at + 3) == 0),
    )
    for n in range(1, 15)
)
_LOGS = tuple(
    LogRow(
        body=f"line {n}",
        trace=1 + n % 4,
        span=n,
        start_ns=T0_NS + n % 2 * 60 * _DAY_NS + n,
        means=((Facet.LOG, f"line {n % 2}"),),
    )
    for n in range(1, 7)
)
_ROWS: tuple[Row, ...] = (*_SPANS, *_LOGS)

_Step = tuple[str, Any]


def _some(rows: Sequence[Row]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.sampled_from(rows), min_size=1, max_size=6)


def _steps() -> st.SearchStrategy[list[_Step]]:
    step = st.one_of(
        st.tuples(st.just("write"), _some(_SPANS)),
        st.tuples(st.just("write"), _some(_LOGS)),
        st.tuples(st.just("join"), st.tuples(st.sampled_from(_LOGS), st.sampled_from(_TEXTS))),
        st.tuples(st.just("delete"), _some(_SPANS)),
        st.tuples(st.just("delete"), _some(_LOGS)),
        st.tuples(st.just("drop"), st.integers(0, 1)),
        st.tuples(st.just("checkpoint"), st.none()),
    )
    return st.lists(step, min_size=2, max_size=12)


class ForgettingSuite(StoreCase):
    """A store against the reference store. Subclasses open the store."""

    reference: Callable[[int], Store]

    @pytest.fixture
    def both(self, store: Store) -> Iterator[tuple[Store, Store]]:
        """The store under test, and the reference."""
        known = type(self).reference(self.dimension)
        yield store, known
        known.close()

    @settings(
        max_examples=10,
        deadline=None,
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(steps=_steps())
    def test_any_sequence_leaves_what_the_reference_leaves(
        self, both: tuple[Store, Store], steps: list[_Step]
    ) -> None:
        name = Tenant(f"t{len(both[0].tenants())}")
        for step in [*steps, ("write", list(_SPANS[:1]))]:
            did = [_do(store, name, step) for store in both]
            assert did[0] == did[1], step
        told = [_told(store.tenant(name), name) for store in both]
        assert told[0] == told[1]
        for store in both:
            write(store.tenant(name), _SPANS, name)
            write(store.tenant(name), _LOGS, name)
        told = [_told(store.tenant(name), name) for store in both]
        assert told[0] == told[1]


def _do(store: Store, name: Tenant, step: _Step) -> Any:
    """Take one step; return what the store said."""
    tenant, (what, argument) = store.tenant(name), step
    match what:
        case "write":
            return set(write(tenant, argument, name).new)
        case "delete":
            items = [item_of(row, name) for row in argument]
            return tenant.writer.delete(items[0].signal, [item.id for item in items])
        case "join":
            log, text = argument
            write(tenant, [log], name)  # a log record is stored before what it adds to its span
            source = item_of(log, name).id
            join, texts = join_of(log.trace, log.span, [text], name, source)
            return tenant.writer.join([join], texts)
        case "drop":
            limit_ns = T0_NS + argument * 60 * _DAY_NS + 5_000_000
            upkeep = tenant.upkeep
            return sum(upkeep.drop(part.name, limit_ns) for part in upkeep.partitions())
    return store.checkpoint()


def _told(tenant: TenantStore, name: Tenant) -> tuple[Any, ...]:
    """Return everything a store tells."""
    everything, where = Where(runs=()), Where()
    ids = [m for row in _ROWS for m in item_of(row, name).meanings]
    ids += [meaning_of(text, name).id for text in _TEXTS]
    meanings = list(dict.fromkeys(ids))
    by_user = Where(Compare(Attribute("user"), Op.EQ, ("u1",)), runs=())
    return (
        [all_pages(tenant, everything, signal) for signal in Signal],
        all_pages(tenant, by_user),
        [set(item.meanings) for item in _items(tenant)],
        [tenant.reader.candidates(signal, where) for signal in Signal],
        [_tallies(tenant, signal, meanings) for signal in Signal],
        set(tenant.meanings.get(meanings)),
        tenant.meanings.counts().total,
        tenant.upkeep.tombstones(),
        {m: (t.count, t.errors) for m, t in tenant.upkeep.retired(meanings).items()},
        (tenant.size().spans, tenant.size().logs),
    )


def _items(tenant: TenantStore) -> Iterator[Any]:
    for signal in Signal:
        ids = all_pages(tenant, Where(runs=()), signal)
        yield from tenant.reader.items(signal, ids)


def _tallies(tenant: TenantStore, signal: Signal, meanings: list[MeaningId]) -> dict[Any, Any]:
    found = tenant.reader.tally(signal, Where(), meanings)
    return {m: (t.count, t.errors, t.first_ns, t.last_ns) for m, t in found.items()}
