"""Every route of the API, over a real web server: shapes, formats, pages."""

from __future__ import annotations

import threading

import orjson
import pytest
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from prometheus_client.parser import text_string_to_metric_families
from support.serving import Served, served
from support.world import DECLINED, World, at, shop

from otel_vector.settings.config import SearchConfig
from otel_vector.spans.ids import meaning_hex
from otel_vector.telemetry import PartHealth
from otel_vector.testing.builders import (
    TENANT,
    LogRow,
    SpanRow,
    item_of,
    meaning_of,
    trace_bytes,
)

PROTOBUF = "application/x-protobuf"
OTLP_JSON = "application/otlp+json"
SPAN = {
    "id", "trace_id", "span_id", "parent_span_id", "service", "name", "kind", "status",
    "start_time_unix_nano", "duration_nano", "run_kind",
}  # fmt: skip
TRACE = trace_bytes(3).hex()


@pytest.fixture(scope="module")
def world() -> World:
    return shop()


@pytest.fixture(scope="module")
def api(world):
    with served(Served(world.store, world.services)) as client:
        yield client


def search(api, **body):
    answer = api.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def test_a_grouped_answer_has_the_fixed_shape(api):
    answer = search(api, text="card declined by issuer", limit=1)
    assert set(answer) == {"search_id", "searched", "groups", "next", "pending", "took_ms"}
    [group] = answer["groups"]
    assert set(group) == {"score", "why", "meaning", "spans", "examples"}
    assert set(group["why"]) == {"facet", "dense_rank", "bm25_rank", "cosine", "exact"}
    assert group["meaning"] == {
        "id": meaning_hex(meaning_of(DECLINED).id), "facet": "error", "text": DECLINED[1],
    }  # fmt: skip
    assert set(group["spans"]) == {
        "count", "errors", "p50_ns", "p95_ns", "p99_ns", "first_seen_unix_nano",
        "last_seen_unix_nano", "services",
    }  # fmt: skip
    assert group["spans"]["last_seen_unix_nano"] == str(at(23))
    assert [set(e) for e in group["examples"]] == [SPAN]
    assert group["examples"][0]["trace_id"] == TRACE


def test_an_ungrouped_answer_has_the_fixed_shape(api):
    answer = search(api, text="service:payment", group=False, limit=2)
    assert set(answer) == {"search_id", "searched", "spans", "next", "pending", "took_ms"}
    assert [set(s) for s in answer["spans"]] == [SPAN | {"score", "why"}] * 2
    assert answer["spans"][0]["duration_nano"] == "400000000"
    assert answer["spans"][0]["kind"] == "server"


def test_filters_come_as_text_or_as_json_and_times_in_every_form(api):
    from otel_vector.services.query import filter_to_json, parse_filter

    query = "service:payment status:error"
    by_text = search(api, filter=query, group=False)["spans"]
    by_json = search(api, filter=filter_to_json(parse_filter(query)), group=False)["spans"]
    assert [s["id"] for s in by_text] == [s["id"] for s in by_json]
    assert len(by_text) == 2
    window = {"since": at(22), "until": "2023-11-14T22:13:44Z"}
    assert len(search(api, group=False, **window)["spans"]) == 2
    assert search(api, group=False, since="-1h")["spans"] == []
    assert (
        len(search(api, group=False, filter={}, cursor=None, facets=None, over=None)["spans"])
        == 10
    )


def test_pages_follow_one_another_to_the_end(api):
    seen, cursor = [], None
    while cursor is not None or not seen:
        page = search(api, group=False, limit=4, cursor=cursor)
        seen += [s["id"] for s in page["spans"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen)) == 15


def test_log_records_stand_among_the_spans_when_asked_for(api):
    spans = search(api, group=False, over=["logs", "spans"], limit=2)["spans"]
    assert spans[0]["signal"] == "logs"
    assert spans[0]["severity"] == "WARN"
    assert set(spans[1]) == SPAN | {"score", "why"}
    [group] = search(api, text="stock level shelf", over=["logs"])["groups"]
    assert group["logs"]["count"] == 1


def test_a_trace_is_given_as_json(api):
    trace = api.get(f"/v1/traces/{TRACE.upper()}").json()
    assert [(s["name"], s["depth"]) for s in trace["spans"]] == [
        ("GET /cart", 0),
        ("charge card", 1),
    ]
    assert all(set(s) == SPAN | {"depth", "offset_nano", "orphan"} for s in trace["spans"])


@pytest.mark.parametrize("accept", [PROTOBUF, f"text/html, {PROTOBUF};q=0.9, */*;q=0.1"])
def test_a_trace_is_given_as_protobuf_equal_to_what_was_stored(api, accept):
    answer = api.get(f"/v1/traces/{TRACE}", headers={"Accept": accept})
    assert answer.headers["content-type"] == PROTOBUF
    data = TracesData.FromString(answer.content)
    spans = [s for r in data.resource_spans for x in r.scope_spans for s in x.spans]
    assert (
        spans[0]
        == item_of(
            SpanRow(name="GET /cart", service="frontend", trace=3, span=3, start_ns=at(3))
        ).message
    )


def test_a_trace_is_given_as_otlp_json(api):
    answer = api.get(f"/v1/traces/{TRACE}", headers={"Accept": OTLP_JSON})
    assert answer.headers["content-type"] == OTLP_JSON
    spans = answer.json()["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert spans[0]["traceId"] == TRACE


def test_a_span_is_given_in_every_format_by_each_of_its_ids(api):
    [listed] = search(api, text="order-8837", group=False)["spans"]
    detail = api.get(f"/v1/spans/{listed['id']}").json()
    assert set(detail) > SPAN
    assert {"key": "amount", "value": {"intValue": "30"}} in detail["attributes"]
    assert [m["facet"] for m in detail["meanings"]] == ["operation", "error"]
    by_ids = f"/v1/traces/{listed['trace_id']}/spans/{listed['span_id']}"
    assert api.get(by_ids).json() == {"spans": [detail]}
    for path in (by_ids, f"/v1/spans/{listed['id']}"):
        data = TracesData.FromString(api.get(path, headers={"Accept": PROTOBUF}).content)
        assert data.resource_spans[0].scope_spans[0].spans[0].name == "charge card"


def test_a_log_record_by_its_id_is_given_as_logs(api):
    [log] = search(api, group=False, over=["logs"])["spans"]
    answer = api.get(f"/v1/spans/{log['id']}", headers={"Accept": PROTOBUF})
    assert LogsData.FromString(answer.content).resource_logs
    assert api.get(f"/v1/spans/{log['id']}").json()["body"] == {"stringValue": log["body"]}


def test_a_meaning_and_its_spans_are_given(api):
    meaning = meaning_hex(meaning_of(DECLINED).id)
    shown = api.get(f"/v1/meanings/{meaning}").json()
    assert (shown["text"], shown["spans"]["count"], shown["pending"]) == (DECLINED[1], 2, False)
    first = api.get(f"/v1/meanings/{meaning}/spans", params={"limit": 1}).json()
    second = api.get(
        f"/v1/meanings/{meaning}/spans", params={"limit": 1, "cursor": first["next"]}
    ).json()
    assert [s["span_id"] for s in first["spans"] + second["spans"]] == [
        f"{n:016x}" for n in (103, 101)
    ]
    assert second["next"] is None


def test_likes_of_a_span_a_meaning_and_a_text_are_given(api):
    meaning = meaning_hex(meaning_of(DECLINED).id)
    span = search(api, text="order-8837", group=False)["spans"][0]["id"]
    for body in ({"span": span}, {"meaning": meaning}, {"text": "card declined"}):
        answer = api.post("/v1/similar", json=body).json()
        assert set(answer) == {"search_id", "searched", "groups", "next", "pending", "took_ms"}
        assert answer["groups"][0]["why"]["cosine"] is not None
    likes = api.post("/v1/similar", json={"meaning": meaning}).json()["groups"]
    assert likes[0]["why"]["like"] == meaning


def test_the_catalog_is_given(api):
    services = api.get("/v1/services").json()["services"]
    assert services[0] == {"service": "frontend", "spans": 10, "operations": 1}
    failed = api.get("/v1/services", params={"filter": "status:error", "since": str(at(25))})
    assert [row["service"] for row in failed.json()["services"]] == ["inventory"]
    [operation] = api.get("/v1/operations", params={"service": "payment"}).json()["operations"]
    assert (operation["name"], operation["kind"], operation["spans"]) == (
        "charge card",
        "server",
        4,
    )
    keys = api.get("/v1/attributes").json()
    assert keys["looked_at"] == 15
    assert {"key": "amount", "scope": "span", "types": ["int"], "items": 4} in keys["attributes"]
    values = api.get("/v1/attributes/amount/values", params={"limit": 1}).json()
    assert (values["distinct"], values["having"], len(values["values"])) == (4, 4, 1)
    logs = api.get("/v1/attributes", params={"signal": "logs"}).json()
    assert [a["key"] for a in logs["attributes"]] == ["service.name"]


@pytest.mark.parametrize("key", ["a/b.c", "values", "a b%c", "ключ", "/v1/x"])
def test_an_attribute_key_may_be_any_text(key):
    from urllib.parse import quote

    world = World()
    world.write([SpanRow(attributes={key: "x"})])
    with served(Served(world.store, world.services)) as api:
        for path in (quote(key, safe=""), quote(key)):
            answer = api.get(f"/v1/attributes/{path}/values").json()
            assert (answer["key"], answer["having"]) == (key, 1)


def test_statistics_are_given(api):
    stats = api.get("/v1/stats").json()
    assert (stats["spans"], stats["logs"], stats["inbox"]) == (15, 1, None)
    assert {"meanings", "rejected", "disk_bytes", "blocks", "shards", "embedding"} < set(stats)


def test_values_that_json_has_no_number_for_do_not_break_answers():
    world = World()
    values = {"nan": float("nan"), "inf": float("inf"), "raw": b"\xff\x00", "zero": "a\x00b"}
    [span] = world.write([SpanRow(name="odd \u2028 name", attributes=values)])
    world.write([LogRow(body={"n": float("nan"), "b": b"\xff"})])
    with served(Served(world.store, world.services)) as api:
        for path in (f"/v1/spans/{span}", "/v1/attributes", "/v1/attributes/nan/values"):
            orjson.loads(api.get(path).content)
        otlp = api.get(f"/v1/spans/{span}", headers={"Accept": OTLP_JSON}).json()
        assert {"key": "nan", "value": {"doubleValue": "NaN"}} in (
            otlp["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
        )
        assert search(api, group=False, over=["logs"])["spans"][0]["body"]


def test_an_export_is_json_lines_or_delimited_protobuf(api):
    answer = api.post("/v1/export", json={"filter": "service:payment"})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert (
        sum(len(x["spans"]) for d in lines for r in d["resourceSpans"] for x in r["scopeSpans"])
        == 4
    )

    answer = api.post("/v1/export", json={"signal": "logs"}, headers={"Accept": PROTOBUF})
    length = int.from_bytes(answer.content[:4], "big")
    assert len(answer.content) == 4 + length
    assert LogsData.FromString(answer.content[4:]).resource_logs

    limited = api.post("/v1/export", json={"limit": 2}).content
    assert len(orjson.loads(limited)["resourceSpans"][0]["scopeSpans"][0]["spans"]) <= 2
    assert api.post("/v1/export", json={"filter": "service:nobody"}).content == b""


def test_readiness_names_each_part_and_fails_with_any():
    world = World()
    engine = Served(world.store, world.services)
    engine.parts = [
        PartHealth("inbox", ok=True, detail="0 wait"),
        PartHealth("disk", ok=True, detail=""),
    ]
    with served(engine) as api:
        assert api.get("/health").json() == {"status": "ok"}
        ready = api.get("/ready")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        engine.parts.append(PartHealth("embedder", ok=False, detail="does not answer: start it"))
        ready = api.get("/ready")
        assert ready.status_code == 503
        assert ready.json()["parts"][2] == {
            "name": "embedder", "ok": False, "detail": "does not answer: start it",
        }  # fmt: skip
        assert api.get("/health").status_code == 200


def test_metrics_are_read_by_prometheus():
    world = shop()
    engine = Served(world.store, world.services)
    engine.telemetry.counter("otel_vector_things_total", 'what "happened"\nhere', ("why",)).add(
        2, 'a"b\\c\n'
    )
    engine.telemetry.gauge("otel_vector_depth", "how deep", lambda: 1.5)
    with served(engine) as api:
        search(api, text="card")
        api.get("/v1/nowhere")
        answer = api.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}
    samples = {
        (s.name, *sorted(s.labels.items())): s.value for f in families.values() for s in f.samples
    }
    assert samples["otel_vector_things_total", ("why", 'a"b\\c\n')] == 2
    assert samples["otel_vector_depth",] == 1.5
    assert samples["otel_vector_store_items", ("signal", "spans"), ("tenant", "default")] == 15
    seen = "otel_vector_api_request_seconds_count"
    assert samples[seen, ("route", "/v1/search"), ("status", "200")] == 1
    assert samples[seen, ("route", "other"), ("status", "404")] == 1


def events_of(response):
    """Return the events from now on: who has heard the first heartbeat is among the followers."""
    lines = response.iter_lines()
    assert next(lines).startswith(":")
    return events_in(lines)


def events_in(lines):
    event = {}
    for line in lines:
        if not line and event:
            yield event
            event = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = value


def test_a_follower_is_sent_each_write():
    world = World()
    with (
        served(Served(world.store, world.services)) as api,
        api.stream("GET", "/v1/events") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = events_of(stream)
        world.write([SpanRow(name="first"), SpanRow(name="second", span=2)])
        world.write([LogRow(body="third")])
        one, two = next(events), next(events)
        assert (one["event"], one["id"]) == ("stored", "1")
        data = orjson.loads(one["data"])
        assert (data["signal"], data["count"], data["skipped"]) == ("spans", 2, 0)
        assert [s["name"] for s in data["spans"]] == ["first", "second"]
        assert data["ids"] == [s["id"] for s in data["spans"]]
        assert orjson.loads(two["data"])["logs"][0]["body"] == "third"


def test_a_follower_with_a_filter_hears_only_of_what_matches():
    world = World()
    path = "/v1/events?filter=service:payment"
    with served(Served(world.store, world.services)) as api, api.stream("GET", path) as stream:
        events = events_of(stream)
        world.write([SpanRow(service="cart")])
        world.write([SpanRow(service="payment", name="yes"), SpanRow(service="cart", span=9)])
        data = orjson.loads(next(events)["data"])
        assert (data["sequence"], data["count"]) == (2, 2)
        assert [s["name"] for s in data["spans"]] == ["yes"]


def test_stopping_ends_every_stream():
    world = World()
    ended = threading.Event()

    def follow(url):
        import httpx

        with httpx.stream("GET", f"{url}/v1/events", trust_env=False, timeout=60) as stream:
            started.set()
            for _ in stream.iter_lines():
                pass
        ended.set()

    started = threading.Event()
    with served(Served(world.store, world.services)) as api:
        thread = threading.Thread(target=follow, args=(str(api.base_url),))
        thread.start()
        assert started.wait(60)
    assert ended.wait(60)
    thread.join(60)


def test_a_search_is_recorded_when_switched_on():
    world = World(config=SearchConfig(record=True))
    with served(Served(world.store, world.services)) as api:
        answer = search(api, text="anything")
    [(tenant, data)] = world.recorded.spans
    assert tenant == TENANT
    attributes = data.resource_spans[0].scope_spans[0].spans[0].attributes
    assert answer["search_id"] in [a.value.string_value for a in attributes]
