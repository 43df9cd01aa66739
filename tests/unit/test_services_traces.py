"""Traces and spans by their ids, and everything a span has."""

from __future__ import annotations

import math

import orjson
import pytest
from support.world import DECLINED, World, at, shop

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.detail import detail_json
from otel_vector.services.shapes import trace_json
from otel_vector.services.similar import SimilarQuestion
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.testing.builders import (
    TENANT,
    Event,
    Link,
    LogRow,
    SpanRow,
    trace_bytes,
)


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


def hex_of(trace: int) -> str:
    return trace_bytes(trace).hex()


def test_a_trace_is_a_tree_in_the_order_of_a_waterfall():
    world = World()
    world.write(
        [
            SpanRow(name="late child", trace=9, span=4, parent=1, start_ns=at(3)),
            SpanRow(name="grandchild", trace=9, span=3, parent=2, start_ns=at(2)),
            SpanRow(name="child", trace=9, span=2, parent=1, start_ns=at(1)),
            SpanRow(name="root", trace=9, span=1, start_ns=at(0), duration_ns=10**10),
            SpanRow(name="orphan", trace=9, span=5, parent=99, start_ns=at(4), status=2),
        ]
    )
    world.write([LogRow(body="hello", trace=9, span=3, start_ns=at(2))])

    shown = trace_json(world.services.traces.trace(TENANT, hex_of(9)))

    assert [(s["name"], s["depth"], s["orphan"]) for s in shown["spans"]] == [
        ("root", 0, False),
        ("child", 1, False),
        ("grandchild", 2, False),
        ("late child", 1, False),
        ("orphan", 0, True),
    ]
    assert shown["spans"][1]["offset_nano"] == "1000000000"
    assert (shown["span_count"], shown["errors"], shown["duration_nano"]) == (5, 1, str(10**10))
    assert [log["body"] for log in shown["logs"]] == ["hello"]


def test_rings_and_shared_span_ids_lose_no_span():
    world = World()
    world.write(
        [
            SpanRow(name="own parent", trace=9, span=1, parent=1, start_ns=at(0)),
            SpanRow(name="ring a", trace=9, span=2, parent=3, start_ns=at(1)),
            SpanRow(name="ring b", trace=9, span=3, parent=2, start_ns=at(2)),
            SpanRow(name="twin", trace=9, span=4, start_ns=at(3)),
            SpanRow(name="other twin", trace=9, span=4, start_ns=at(4)),
            SpanRow(name="below twins", trace=9, span=5, parent=4, start_ns=at(5)),
        ]
    )
    rows = world.services.traces.trace(TENANT, hex_of(9)).rows
    assert sorted(row.item.name for row in rows) == sorted(
        ["own parent", "ring a", "ring b", "twin", "other twin", "below twins"]
    )
    assert len(world.services.traces.spans(TENANT, hex_of(9), f"{4:016x}")) == 2


def test_a_trace_a_thousand_levels_deep_is_shown():
    world = World()
    world.write(
        [
            SpanRow(name=f"n{n}", trace=9, span=n, parent=n - 1, start_ns=at(n))
            for n in range(1, 1500)
        ]
    )
    rows = world.services.traces.trace(TENANT, hex_of(9)).rows
    assert [row.depth for row in rows] == list(range(1499))


def test_a_trace_of_log_records_alone_is_shown():
    world = World()
    world.write([LogRow(body="alone", trace=9, span=3)])
    shown = trace_json(world.services.traces.trace(TENANT, hex_of(9)))
    assert (shown["spans"], len(shown["logs"])) == ([], 1)


def test_ids_that_are_none_and_ids_of_nothing_are_told_apart(world):
    traces = world.services.traces
    for ask in (
        lambda: traces.trace(TENANT, "abc"),
        lambda: traces.trace(TENANT, "g" * 32),
        lambda: traces.span(TENANT, "0" * 31),
        lambda: traces.spans(TENANT, hex_of(1), "xyz"),
        lambda: world.services.meanings.meaning(TENANT, "f" * 16),
    ):
        with pytest.raises(InvalidQueryError, match="hex digits"):
            ask()
    for ask in (
        lambda: traces.trace(TENANT, hex_of(999)),
        lambda: traces.trace(Tenant("other"), hex_of(1)),
        lambda: traces.span(TENANT, "0" * 32),
        lambda: traces.spans(TENANT, hex_of(1), f"{999:016x}"),
        lambda: world.services.meanings.meaning(TENANT, "0" * 16),
        lambda: world.services.similar.answer(TENANT, SimilarQuestion(span=SpanId("0" * 32))),
    ):
        with pytest.raises(NotFoundError, match="there is no"):
            ask()


def test_the_detail_of_a_span_holds_everything_it_has():
    world = World()
    row = SpanRow(
        name="call",
        attributes={
            "text": "a\x00b",
            "many": [1, True, None, {"deep": [b"\xff"]}],
            "big": 2**63 - 1,
            "nan": math.nan,
            "inf": -math.inf,
            "raw": b"\x00\xff",
            "nothing": None,
        },
        events=(Event("boom", {"at": 1.5}),),
        links=(Link(7, 8, {"why": "retry"}),),
        scope_attributes={"s": "t"},
        resource={"host": "h"},
        status=2,
        status_message="broken",
        trace_state="a=b",
        means=(DECLINED,),
    )
    [span] = world.write([row])

    shown = orjson.loads(orjson.dumps(detail_json(world.services.traces.span(TENANT, span))))

    values = {a["key"]: a["value"] for a in shown["attributes"]}
    assert values["text"] == {"stringValue": "a\x00b"}
    assert values["big"] == {"intValue": "9223372036854775807"}
    assert values["nan"] == {"doubleValue": "NaN"}
    assert values["inf"] == {"doubleValue": "-Infinity"}
    assert values["raw"] == {"bytesValue": "AP8="}
    assert values["nothing"] == {}
    many = values["many"]["arrayValue"]["values"]
    assert many[:3] == [{"intValue": "1"}, {"boolValue": True}, {}]
    assert shown["events"][0]["attributes"] == [{"key": "at", "value": {"doubleValue": 1.5}}]
    assert shown["links"][0]["trace_id"] == hex_of(7)
    assert {"key": "host", "value": {"stringValue": "h"}} in shown["resource"]["attributes"]
    assert shown["scope"]["attributes"] == [{"key": "s", "value": {"stringValue": "t"}}]
    assert (shown["status"], shown["status_message"], shown["trace_state"]) == (
        "error",
        "broken",
        "a=b",
    )
    assert [m["facet"] for m in shown["meanings"]] == ["operation", "error"]
    assert shown["meanings"][1]["text"] == DECLINED[1]


def test_a_log_record_is_found_by_its_id_too():
    world = World()
    [log] = world.write([LogRow(body={"a": [1]}, severity=17, trace=1, span=1)])
    shown = detail_json(world.services.traces.span(TENANT, log))
    assert (shown["signal"], shown["severity"]) == ("logs", "ERROR")
    assert shown["body"]["kvlistValue"]["values"][0]["key"] == "a"
