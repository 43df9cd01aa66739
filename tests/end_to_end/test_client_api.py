"""Both clients ask a served collector, by TCP and by its socket: each answer has its shape."""

from __future__ import annotations

import json
import threading
import typing
import uuid
from itertools import islice
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from serving import Served, eventually
from support.clients import CLIENTS
from support.conforming import misfits

from otel_vector.client import Client, calls, shapes
from otel_vector.client.events import StoredEvent
from otel_vector.errors import InvalidQueryError, NotFoundError

TRACE = "1" * 32
NANO = 1_700_000_000_000_000_000
SPANS = 45
OURS = f"trace:{TRACE}"


def trace_of(spans, trace=TRACE):
    return {"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}],
    }]}  # fmt: skip


def span_of(number, trace=TRACE):
    span = {
        "traceId": trace, "spanId": f"{number + 1:016x}", "name": f"pay {chr(97 + number % 26)}",
        "startTimeUnixNano": str(NANO + number), "endTimeUnixNano": str(NANO + number + 5),
        "attributes": [{"key": "shop.item", "value": {"intValue": str(number % 3)}}],
    }  # fmt: skip
    if number == 0:
        span["status"] = {"code": 2, "message": "card declined"}
    return span


LOGS = {"resourceLogs": [{
    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
    "scopeLogs": [{"logRecords": [{
        "traceId": TRACE, "spanId": f"{1:016x}", "timeUnixNano": str(NANO), "severityNumber": 17,
        "body": {"stringValue": "the card was declined"}, "eventName": "declined",
    }]}],
}]}  # fmt: skip


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    served = Served(tmp_path_factory.mktemp("client"))
    served.start()
    try:
        send(served, "traces", trace_of([span_of(n) for n in range(SPANS)]))
        send(served, "logs", LOGS)
        with Client(f"http://{served.endpoints['api']}") as client:
            eventually(lambda: is_settled(client.stats()))
        yield served
    finally:
        served.end()


def send(served, signal, body):
    url = f"http://{served.endpoints['otlp_http']}/v1/{signal}"
    httpx.post(url, json=body, trust_env=False).raise_for_status()


def is_settled(stats):
    return (stats["spans"], stats["logs"], stats["meanings"]["pending"]) == (SPANS, 1, 0)


@pytest.fixture(params=CLIENTS)
def kind(request):
    return CLIENTS[request.param]


@pytest.fixture(params=["tcp", "unix"])
def client(request, kind, collector):
    if request.param == "tcp":
        made = kind(f"http://{collector.endpoints['api']}")
    else:
        made = kind.over_socket(Path(collector.endpoints["socket"]))
    with made:
        yield made


def has_shape(answer, hint):
    assert not misfits(answer, hint)
    return answer


def test_every_answer_has_the_shape_it_is_typed_with(client):
    groups = has_shape(client.search("declined", over=["spans", "logs"]), shapes.GroupedAnswer)
    group = groups["groups"][0]
    has_shape(client.search(group=False, over=["spans", "logs"]), shapes.ListedAnswer)
    has_shape(client.similar("declined"), shapes.GroupedAnswer)
    trace = has_shape(client.trace(TRACE), shapes.TraceAnswer)
    row, log = trace["spans"][0], trace["logs"][0]
    has_shape(client.span(row["id"]), shapes.DetailAnswer)
    has_shape(client.span(log["id"]), shapes.LogDetailAnswer)
    has_shape(client.spans(TRACE, row["span_id"]), shapes.SpansAnswer)
    has_shape(client.meanings(facet="error", sort="p95", limit=3), shapes.MeaningsAnswer)
    has_shape(client.meaning(group["meaning"]["id"]), shapes.MeaningAnswer)
    has_shape(client.meaning_spans(group["meaning"]["id"]), shapes.ListedAnswer)
    has_shape(client.services(), shapes.ServicesAnswer)
    has_shape(client.operations("shop"), shapes.OperationsAnswer)
    has_shape(client.attributes("logs"), shapes.AttributeKeysAnswer)
    has_shape(client.attribute_values("shop.item", limit=2), shapes.AttributeValuesAnswer)
    has_shape(client.stats(), shapes.StatsAnswer)
    has_shape(client.audit(limit=5), shapes.AuditAnswer)
    has_shape(client.health(), shapes.HealthAnswer)
    has_shape(client.ready(), shapes.ReadyAnswer)
    has_shape(client.delete(trace_ids=[TRACE], all=True, dry_run=True), shapes.DeletionAnswer)
    assert "otel_vector_store_up 1" in client.metrics()


def test_a_trace_and_its_items_come_as_otlp(client):
    spans = TracesData.FromString(client.trace_otlp(TRACE)).resource_spans[0].scope_spans[0].spans
    assert len(spans) == SPANS
    log = client.trace(TRACE)["logs"][0]
    logs = LogsData.FromString(client.span_otlp(log["id"])).resource_logs[0].scope_logs[0]
    assert logs.log_records[0].event_name == "declined"


def test_a_question_is_asked_page_after_page_to_its_end(client):
    listed = list(client.search_all(group=False, filter=OURS, limit=20))
    assert [row["span_id"] for row in listed] == [f"{n:016x}" for n in range(SPANS, 0, -1)]
    pages = list(client.pages(calls.listed(filter=OURS, limit=20)))
    assert [len(page["spans"]) for page in pages] == [20, 20, 5]
    assert pages[-1]["next"] is None
    groups = list(client.search_all("pay", filter=OURS, limit=7))
    ids = [group["meaning"]["id"] for group in groups]
    assert len(ids) == len(set(ids)) >= 26
    second = {"group": False, "filter": OURS, "limit": 20, "cursor": pages[0]["next"]}
    rest = client.search_all(second)
    assert len(list(rest)) == SPANS - 20


def test_pages_are_asked_for_only_as_they_are_wanted(client):
    rows = client.search_all(group=False, limit=1)
    assert len(list(islice(rows, 3))) == 3
    rows.close()


def test_what_points_at_a_meaning_comes_to_its_end(client):
    operation = client.operations("shop")["operations"][0]
    found = list(client.meaning_spans_all(operation["meaning"], limit=1))
    assert len(found) == operation["spans"]
    assert len({row["id"] for row in found}) == len(found)
    assert len(client.meaning_spans(operation["meaning"], limit=1)["spans"]) == 1


def test_an_export_is_all_there_is(client):
    lines = b"".join(client.export(filter=OURS)).splitlines()
    spans = [s for line in lines for r in json.loads(line)["resourceSpans"]
             for scope in r["scopeSpans"] for s in scope["spans"]]  # fmt: skip
    assert len(spans) == SPANS
    whole = b"".join(client.export({"signal": "spans"}, protobuf=True, limit=1))
    assert len(whole) == 4 + int.from_bytes(whole[:4], "big")
    assert TracesData.FromString(whole[4:]).resource_spans


def test_records_are_stored_in_lots_listed_in_pages_and_deleted(client):
    name = f"of-{uuid.uuid4().hex}"
    keys = [f"{n:05}" for n in range(10_050)]
    outcomes = list(client.put_records(name, ({"key": key} for key in keys)))
    assert [one["line"] for one in outcomes] == list(range(1, 10_051))
    assert {one["status"] for one in outcomes} == {"created"}
    for one in outcomes[:3]:
        has_shape(one, shapes.StoredAnswer)
    assert [one["key"] for one in client.records_all(name, limit=1000)] == keys
    again = list(client.put_records(name, [b'{"key": "00000"}\n\n', b'{"key": ""}', b"no"]))
    assert [(one["line"], one.get("status")) for one in again] == [
        (1, "unchanged"), (2, None), (3, None),
    ]  # fmt: skip
    for one in again:
        has_shape(one, shapes.StoredAnswer)
    has_shape(client.put_record(name, {"key": "00000", "body": {"n": 1}}), shapes.StoredAnswer)
    has_shape(client.records(name, limit=2), shapes.RecordsAnswer)
    has_shape(client.record(name, "00000"), shapes.RecordAnswer)
    has_shape(client.record_versions(name, "00000"), shapes.VersionsAnswer)
    has_shape(client.collections(), shapes.CollectionsAnswer)
    client.delete_record(name, "00000")
    with pytest.raises(NotFoundError):
        client.record(name, "00000")


def test_a_job_is_started_followed_to_its_end_and_listed(client):
    started = has_shape(client.start_job("reindex"), shapes.JobAnswer)
    told = list(client.job_events(started["id"]))
    for one in told:
        has_shape(one, shapes.JobAnswer)
    assert told[-1]["state"] == "done"
    jobs = has_shape(client.jobs(), shapes.JobsAnswer)["jobs"]
    assert started["id"] in [job["id"] for job in jobs]
    assert client.job(started["id"]) == told[-1]
    assert client.cancel_job(started["id"])["state"] == "done"


def test_an_event_has_its_shape(client, collector):
    trace = "2" * 32
    events = client.events(filter=f"trace:{trace}")
    stop = threading.Event()
    sender = threading.Thread(target=send_until, args=(collector, trace, stop))
    sender.start()
    try:
        event = next(events)
    finally:
        stop.set()
        sender.join()
        events.close()
    has_shape(event, StoredEvent)
    assert event["spans"][0]["trace_id"] == trace


def send_until(served, trace, stop):
    """Send one span after another, since nobody says when the other side follows."""
    number = 0
    while not stop.is_set():
        send(served, "traces", trace_of([span_of(number, trace)], trace))
        number += 1
        stop.wait(0.5)


def test_a_refusal_is_the_error_it_is_over_there(client):
    with pytest.raises(InvalidQueryError):
        client.search("x", filter="status:(")
    with pytest.raises(NotFoundError, match="there is no job"):
        client.job("0" * 16)


def test_the_annotations_of_answers_can_be_read():
    for name in shapes.__all__:
        assert typing.get_type_hints(getattr(shapes, name))
