"""Which service calls which, from parents and links of live spans."""

from __future__ import annotations

import pytest
from support.world import World, at

from otel_vector.services import servicemap
from otel_vector.services.servicemap import Edge
from otel_vector.spans.ids import Tenant
from otel_vector.testing.builders import TENANT, Link, SpanRow

ALL = (0, 2**63 - 1)


def edges(world, window=ALL, tenant=TENANT):
    return list(world.services.service_map.edges(tenant, *window).edges)


def call(trace, parent, child, **more):
    return [
        SpanRow(trace=trace, span=1, service=parent, **more),
        SpanRow(trace=trace, span=2, parent=1, service=child, **more),
    ]


def test_parents_and_children_of_two_services_are_an_edge():
    world = World()
    for trace in (1, 2, 3):
        world.write(call(trace, "shop", "payments"))
    world.write(call(4, "shop", "shop"))
    world.write([SpanRow(trace=5, span=2, parent=1, service="lost its parent")])
    assert edges(world) == [Edge("shop", "payments", 3)]


def test_parent_and_child_may_come_in_any_order_and_in_different_writes():
    world = World()
    parent, child = call(1, "shop", "payments")
    world.write([child])
    world.write([parent])
    assert edges(world) == [Edge("shop", "payments", 1)]


def test_a_link_is_an_edge_from_what_it_leads_to():
    world = World()
    world.write([SpanRow(trace=1, service="orders")])
    world.write([SpanRow(trace=2, service="mailer", links=(Link(1, 1), Link(7, 7)))])
    assert edges(world) == [Edge("orders", "mailer", 1)]


def test_links_of_our_own_making_are_left_out():
    world = World()
    world.write([SpanRow(trace=1, service="orders")])
    ours = Link(1, 1, {"otel_vector.link": "replay"})
    world.write([SpanRow(trace=2, service="mailer", links=(ours,))])
    assert edges(world) == []


@pytest.mark.parametrize(
    "marked",
    [{"attributes": {"otel_vector.run.kind": "replay"}}, {"trace_state": "ov=test"}],
    ids=["attribute", "tracestate"],
)
def test_only_live_spans_count(marked):
    world = World()
    world.write([*call(1, "shop", "payments"), *call(2, "shop", "payments", **marked)])
    assert edges(world) == [Edge("shop", "payments", 1)]


def test_the_window_is_of_the_called_span():
    world = World()
    world.write(
        [
            SpanRow(trace=1, span=1, service="shop", start_ns=at(0)),
            SpanRow(trace=1, span=2, parent=1, service="a", start_ns=at(10)),
            SpanRow(trace=1, span=3, parent=1, service="b", start_ns=at(20)),
        ]
    )
    assert edges(world, (at(5), at(10))) == [Edge("shop", "a", 1)]
    assert edges(world, (at(11), at(30))) == [Edge("shop", "b", 1)]
    assert edges(world, (at(30), at(40))) == []


def test_the_same_ids_in_another_trace_are_another_span():
    world = World()
    world.write([SpanRow(trace=1, span=1, service="shop")])
    world.write([SpanRow(trace=2, span=2, parent=1, service="payments")])
    assert edges(world) == []


def test_nothing_of_another_tenant_is_on_the_map():
    world = World()
    world.write(call(1, "shop", "payments"), tenant=Tenant("other"))
    assert edges(world) == []
    assert edges(world, tenant=Tenant("other")) == [Edge("shop", "payments", 1)]


def test_what_was_deleted_is_gone_from_the_next_map():
    world = World()
    ids = world.write(call(1, "shop", "payments"))
    assert edges(world)
    writer = world.store.tenant(TENANT).writer
    from otel_vector.spans.meanings import Signal

    writer.delete(Signal.SPANS, ids)
    assert edges(world) == []


def test_a_map_of_part_of_the_spans_says_so(monkeypatch):
    world = World()
    for trace in range(1, 9):
        world.write(call(trace, "shop", "payments"))
    assert world.services.service_map.edges(TENANT, *ALL).whole
    monkeypatch.setattr(servicemap, "MOST_SPANS", 4)
    assert not world.services.service_map.edges(TENANT, *ALL).whole
