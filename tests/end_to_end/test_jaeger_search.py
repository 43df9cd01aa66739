"""The kinds of searches that Jaeger asks of a storage, each with what matches and what nearly does."""

import time
from dataclasses import dataclass, field

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from serving import Served, eventually
from support.jaeger import storage_at

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import Event, Link, SpanRow, batch_of, trace_bytes

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOON_NS = (time.time_ns() // DAY - 1) * DAY + DAY // 2
TAGS = {"colour": "red", "count": 123, "ratio": 72.5, "urgent": True}
TEXTS = {"colour": "red", "count": "123", "ratio": "72.5", "urgent": "true"}


@dataclass(frozen=True)
class Kind:
    """A kind of search: what is asked, the rows of traces that match, and of those that do not."""

    asked: dict
    rows: tuple
    others: tuple = ()
    traces: int = 1
    tags: dict = field(default_factory=dict)


def split(**places):
    """Return a span with tags in different places."""
    return {"attributes": {"colour": "red"}, "resource": {"count": 123},
            "events": (Event("a", {"ratio": 72.5}), Event("b", {"urgent": True})), **places}  # fmt: skip


ON_TWO = (
    (
        {"attributes": {"colour": "red", "count": 123}},
        {"attributes": {"ratio": 72.5, "urgent": True}},
    ),
)
NEAR = ({"attributes": {**TAGS, "count": 124}},), *ON_TWO
IN_SPAN, IN_EVENT = ({"attributes": TAGS},), ({"events": (Event("e", TAGS),)},)
MIXED = (split(),)
SHORT, LONG, MIDDLE = {"duration_ns": 1_000}, {"duration_ns": 9_000}, {"duration_ns": 5_000}
MOST = {"duration_max": 2_000}
RANGE = {"duration_min": 4_500, "duration_max": 5_500}


def tagged(base, **more):
    return tuple({**row, **more} for row in base)


KINDS = {
    "tags in one place, the span": Kind({"tags": TEXTS}, IN_SPAN, NEAR),
    "tags in one place, an event": Kind({"tags": TEXTS}, IN_EVENT, NEAR),
    "tags in one place, the resource": Kind({"tags": TEXTS}, ({"resource": TAGS},), NEAR),
    "tags in different places": Kind({"tags": TEXTS}, MIXED, NEAR),
    "spans over midnight": Kind(
        {"start_time_min": NOON_NS + DAY // 2 - 60 * SECOND, "start_time_max": NOON_NS + DAY // 2 + 60 * SECOND},
        ({"start_ns": NOON_NS + DAY // 2 - SECOND}, {"start_ns": NOON_NS + DAY // 2 + SECOND}),
        (({"start_ns": NOON_NS},),),
    ),
    "operation": Kind({"operation": "wanted"}, ({"name": "wanted"},), (({"name": "wanted too"},),)),
    "operation and longest duration": Kind(
        {"operation": "wanted", **MOST}, ({"name": "wanted", **SHORT},),
        (({"name": "wanted", **LONG},), ({"name": "other", **SHORT},)),
    ),
    "operation and range of durations": Kind(
        {"operation": "wanted", **RANGE}, ({"name": "wanted", **MIDDLE},), (({"name": "wanted", **LONG},),)
    ),
    "range of durations": Kind(RANGE, (MIDDLE,), ((SHORT,), (LONG,))),
    "longest duration": Kind(MOST, (SHORT,), ((MIDDLE,),)),
    "all of a service": Kind({}, ({},)),
    "tags and operation": Kind(
        {"tags": TEXTS, "operation": "wanted"}, tagged(IN_SPAN, name="wanted"), (IN_SPAN, ({"name": "wanted"},))
    ),
    "tags, operation and longest duration": Kind(
        {"tags": TEXTS, "operation": "wanted", **MOST}, tagged(IN_SPAN, name="wanted", **SHORT),
        (tagged(IN_SPAN, name="wanted", **LONG),),
    ),
    "tags, operation and range of durations": Kind(
        {"tags": TEXTS, "operation": "wanted", **RANGE}, tagged(IN_SPAN, name="wanted", **MIDDLE),
        (tagged(IN_SPAN, name="wanted", **SHORT),),
    ),
    "tags and range of durations": Kind(
        {"tags": TEXTS, **RANGE}, tagged(IN_SPAN, **MIDDLE), (tagged(IN_SPAN, **LONG), (MIDDLE,))
    ),
    "tags and longest duration": Kind({"tags": TEXTS, **MOST}, tagged(IN_SPAN, **SHORT), ((SHORT,),)),
    "mixed tags and operation": Kind(
        {"tags": TEXTS, "operation": "wanted"}, tagged(MIXED, name="wanted"), (MIXED,)
    ),
    "mixed tags, operation and longest duration": Kind(
        {"tags": TEXTS, "operation": "wanted", **MOST}, tagged(MIXED, name="wanted", **SHORT),
        (tagged(MIXED, name="wanted", **LONG),),
    ),
    "mixed tags, operation and range of durations": Kind(
        {"tags": TEXTS, "operation": "wanted", **RANGE}, tagged(MIXED, name="wanted", **MIDDLE),
        (tagged(MIXED, name="wanted", **LONG),),
    ),
    "mixed tags and range of durations": Kind(
        {"tags": TEXTS, **RANGE}, tagged(MIXED, **MIDDLE), (tagged(MIXED, **LONG),)
    ),
    "mixed tags and longest duration": Kind(
        {"tags": TEXTS, **MOST}, tagged(MIXED, **SHORT), (tagged(MIXED, **LONG),)
    ),
    "several traces": Kind({}, ({},), traces=3),
    "name of the scope": Kind(
        {"tags": {"scope.name": "tracer", **TEXTS}}, tagged(IN_SPAN, scope="tracer"), (IN_SPAN,)
    ),
    "attributes of the scope": Kind({"tags": TEXTS}, ({"scope_attributes": TAGS},), NEAR),
    "attributes of a link": Kind({"tags": TEXTS}, ({"links": (Link(1, 1, TAGS),)},), NEAR),
    "typed values instead of texts": Kind({"tags": TAGS}, IN_SPAN, NEAR),
    "status error": Kind({"tags": {"error": "true"}}, ({"status": 2},), (({"status": 0},), ({"status": 1},))),
    "no error": Kind({"tags": {"error": "false"}}, ({"status": 0},), (({"status": 2},),)),
    "status ok": Kind({"tags": {"span.status": "OK"}}, ({"status": 1},), (({"status": 0},),)),
    "status unset": Kind({"tags": {"span.status": "unset"}}, ({"status": 0},), (({"status": 1},),)),
    "kind": Kind({"tags": {"span.kind": "client"}}, ({"kind": 3},), (({"kind": 2},),)),
    "no kind": Kind({"tags": {"span.kind": "unspecified"}}, ({"kind": 0},), (({"kind": 1},),)),
    "key of the resource": Kind(
        {"tags": {"resource.pod": "a"}}, ({"resource": {"pod": "a"}},), (({"attributes": {"pod": "a"}},),)
    ),
    "runs that are asked for": Kind(
        {"tags": {"otel_vector.run.kind": "test"}},
        ({"attributes": {"otel_vector.run.kind": "test"}},), (({},),),
    ),
    "live runs unless asked": Kind({}, ({},), (({"attributes": {"otel_vector.run.kind": "test"}},),)),
    "exact ends of the window": Kind(
        {"start_time_min": NOON_NS, "start_time_max": NOON_NS + 5},
        ({"start_ns": NOON_NS}, {"start_ns": NOON_NS + 5}),
        (({"start_ns": NOON_NS - 1},), ({"start_ns": NOON_NS + 6},)),
    ),
    "exact ends of durations": Kind(
        {"duration_min": 5_000, "duration_max": 5_000}, (MIDDLE,), (({"duration_ns": 4_999},), ({"duration_ns": 5_001},)),
    ),
}  # fmt: skip
NUMBERS = {name: 1_000 * (at + 1) for at, name in enumerate(KINDS)}


def rows_of(name, kind):
    """Yield the rows of a kind's traces; each is of the kind's own service."""
    number = NUMBERS[name]
    matching = [kind.rows] * kind.traces
    for offset, rows in enumerate([*matching, *kind.others]):
        for span, row in enumerate(rows, 1):
            made = {"start_ns": NOON_NS + offset, "duration_ns": 3_000, **row}
            yield SpanRow(trace=number + offset, span=span, service=f"service {number}", **made)


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("searched"))
    served.start("--set", "embed.model=none")
    try:
        with storage_at(served.endpoints["jaeger_grpc"]) as client:
            count = 0
            for name, kind in KINDS.items():
                batch = batch_of(list(rows_of(name, kind)))
                client.write(TracesData.FromString(assemble(batch, range(len(batch)))))
                count += 1
            eventually(lambda: len(client.services()) == count, 30)
            yield client
    finally:
        served.end()


def wanted(name):
    return {trace_bytes(NUMBERS[name] + n) for n in range(KINDS[name].traces)}


@pytest.mark.parametrize("name", KINDS)
def test_a_search_finds_what_matches_and_nothing_else(jaeger, name):
    asked = {"service": f"service {NUMBERS[name]}", **KINDS[name].asked}
    eventually(lambda: set(jaeger.find_ids(**asked)) == wanted(name), 10)
    assert {trace_id for trace_id, _ in jaeger.find(**asked)} == wanted(name)
    assert {summary.trace_id for summary in jaeger.summaries(**asked)} == wanted(name)


def test_a_found_trace_has_the_spans_that_do_not_match_as_well(jaeger):
    number = NUMBERS["spans over midnight"]
    ((_, spans),) = jaeger.find(service=f"service {number}", start_time_max=NOON_NS + DAY // 2,
                                start_time_min=NOON_NS + DAY // 2 - 5 * SECOND)  # fmt: skip
    assert len(spans) == 2


def test_the_newest_traces_come_first_and_no_more_than_asked_for(jaeger):
    number = NUMBERS["several traces"]
    service = f"service {number}"
    newest = [trace_bytes(number + n) for n in (2, 1, 0)]
    assert jaeger.find_ids(service=service) == newest
    assert [trace_id for trace_id, _ in jaeger.find(service=service, depth=2)] == newest[:2]
    assert jaeger.find_ids(service=service, depth=0) == newest


def test_a_search_needs_no_service(jaeger):
    assert trace_bytes(NUMBERS["kind"]) in jaeger.find_ids(tags={"span.kind": "client"}, depth=100)


def test_a_run_that_is_none_is_refused(jaeger):
    with pytest.raises(Exception, match="run kind 'dry' is unknown"):
        jaeger.find(tags={"otel_vector.run.kind": "dry"})


def test_a_summary_counts(jaeger):
    number = NUMBERS["spans over midnight"]
    (summary,) = [s for s in jaeger.summaries(service=f"service {number}") if s.span_count == 2]
    assert summary.root_service_name == f"service {number}"
    assert summary.root_operation_name == "GET /cart"
    assert (summary.error_span_count, summary.orphan_span_count) == (0, 0)
    assert [(s.name, s.span_count) for s in summary.services] == [(f"service {number}", 2)]
    assert summary.min_start_time_unix_nano == NOON_NS + DAY // 2 - SECOND
