"""Which service calls which, from parents and links of live spans."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.world import World, at

from otel_vector.services import servicemap
from otel_vector.services.servicemap import Edge, ServiceMap
from otel_vector.services.servicerows import KeptRows
from otel_vector.spans.ids import Tenant
from otel_vector.testing.builders import TENANT, Link, SpanRow

ALL = (0, 2**63 - 1)
WAIT_S = 30.0


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


class Clock:
    """Stands still; holds up whoever is named by their thread until they may go on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self) -> float:
        name = threading.current_thread().name
        self.asked.append(name)
        if name == "held up":
            self.reached.set()
            assert self.go_on.wait(WAIT_S)
        return 0.0


def started(work: Callable[[], object], name: str) -> threading.Thread:
    thread = threading.Thread(target=work, name=name)
    thread.start()
    return thread


def test_the_map_of_one_tenant_holds_up_nobody_else():
    world, clock = World(), Clock()
    world.write(call(1, "shop", "payments"), tenant=Tenant("large"))
    world.write(call(1, "cart", "stock"))
    service_map = ServiceMap(world.store, clock)
    large = started(lambda: service_map.edges(Tenant("large"), *ALL), "held up")
    try:
        assert clock.reached.wait(WAIT_S)
        assert list(service_map.edges(TENANT, *ALL).edges) == [Edge("cart", "stock", 1)]
        assert large.is_alive()
    finally:
        clock.go_on.set()
        large.join(WAIT_S)


def test_maps_of_one_tenant_are_drawn_one_after_the_other():
    world, clock = World(), Clock()
    world.write(call(1, "shop", "payments"))
    service_map = ServiceMap(world.store, clock)
    first = started(lambda: service_map.edges(TENANT, *ALL), "held up")
    assert clock.reached.wait(WAIT_S)
    second = started(lambda: service_map.edges(TENANT, *ALL), "second")
    clock.go_on.set()
    for thread in (first, second):
        thread.join(WAIT_S)
    assert clock.asked == sorted(clock.asked)
    assert set(clock.asked) == {"held up", "second"}


def test_services_are_told_apart_though_each_block_numbers_its_own():
    world = World()
    world.write(call(1, "a", "b"))
    world.write([SpanRow(trace=2, span=1, service="b")])
    world.write([SpanRow(trace=2, span=2, parent=1, service="c")])
    world.write([SpanRow(trace=3, span=2, parent=1, service="a")])
    world.write([SpanRow(trace=3, span=1, service="c")])
    assert edges(world) == [Edge("a", "b", 1), Edge("b", "c", 1), Edge("c", "a", 1)]


def test_what_is_kept_of_blocks_stays_within_bounds_however_many_services_there_are():
    kept, most = KeptRows(100_000), 0
    for n in range(400):
        data = TracesData()
        resource = data.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = f"{n:04}" * 250
        resource.scope_spans.add().spans.add(trace_id=bytes(16), span_id=n.to_bytes(8, "big"))
        assert kept.of(TENANT, data.SerializeToString()).names == (f"{n:04}" * 250,)
        most = max(most, kept.size)
    assert 50_000 < most <= 100_000
