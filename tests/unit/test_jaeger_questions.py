"""What Jaeger asks, as a filter and a window."""

from __future__ import annotations

import re

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from starlette.datastructures import QueryParams
from support.jaeger import query
from support.world import World, at

from otel_vector.errors import InvalidQueryError
from otel_vector.spans.batch import digest_of
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, span_bytes, trace_bytes
from otel_vector_collector.jaeger.chunks import chunks
from otel_vector_collector.jaeger.idl import trace_storage_pb2 as storage
from otel_vector_collector.jaeger.parameters import legacy_search, v3_search
from otel_vector_collector.jaeger.questions import Asked, question_of
from otel_vector_collector.jaeger.reader import Reader


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.write([SpanRow(trace=1, attributes={"resource.zone": "a", "error": "disk"})])
    world.write([SpanRow(trace=2, resource={"zone": "a"}, start_ns=at(5))])
    rows = [SpanRow(trace=3, scope="tracer", start_ns=at(9))]
    batch = batch_of(rows)
    group = batch.groups[0]
    scope = group.scope[: -len(b"tracer")] + b"tracer\x12\x051.2.0"
    versioned = scope[:1] + bytes([len(scope) - 2]) + scope[2:]
    batch.groups[0] = type(group)(group.resource, versioned)
    world.store.tenant(TENANT).writer.write(batch, digest_of(TENANT, batch))
    return world


def found(world: World, **asked) -> list[int]:
    request = storage.FindTraceIDsRequest(query=query(**asked))
    answer = Reader(world.services).find_trace_ids(TENANT, request)
    return [int.from_bytes(found.trace_id, "big") for found in answer.trace_ids]


def test_the_version_of_a_scope(world):
    assert found(world, tags={"scope.version": "1.2.0"}) == [3]
    assert found(world, tags={"otel.scope.version": "1.2.0", "otel.scope.name": "tracer"}) == [3]
    assert found(world, tags={"scope.version": "1.2"}) == []


def test_a_key_that_begins_with_resource_is_found_as_it_stands_too(world):
    assert found(world, tags={"resource.zone": "a"}) == [2, 1]
    assert found(world, tags={"zone": "a"}) == [2]


def test_error_with_another_value_than_a_boolean_is_an_attribute(world):
    assert found(world, tags={"error": "disk"}) == [1]
    assert found(world, tags={"error": False}) == [3, 2, 1]


def test_times_that_are_not_set_bound_nothing(world):
    names = world.services.operations
    where = question_of(Asked(), TENANT, names).where
    assert (where.since_ns, where.until_ns, where.filter) == (None, None, None)
    assert where.runs == ("live",)


def test_a_filter_that_these_messages_do_not_know_is_refused_rather_than_left_out(world):
    """Field 9 of newer Jaegers, which they send to stores that offer it; we do not."""
    newer = query().SerializeToString() + b"\x4a\x03\x0a\x01a"
    asked = storage.TraceQueryParameters.FromString(newer)
    reader = Reader(world.services)
    for ask, request in (
        (reader.find_traces, storage.FindTracesRequest(query=asked)),
        (reader.find_trace_ids, storage.FindTraceIDsRequest(query=asked)),
        (reader.find_trace_summaries, storage.FindTraceSummariesRequest(query=asked)),
    ):
        with pytest.raises(InvalidQueryError, match="9 is filter"):
            list(ask(TENANT, request))


def test_searches_show_a_hundred_traces_unless_told_otherwise():
    window = "query.startTimeMin=2023-01-01T00:00:00Z&query.startTimeMax=2024-01-01T00:00:00Z"
    assert legacy_search(QueryParams("")).depth == v3_search(QueryParams(window)).depth == 100
    assert legacy_search(QueryParams("limit=7")).depth == 7
    for name in ("query.searchDepth", "query.search_depth", "query.num_traces"):
        assert v3_search(QueryParams(f"{window}&{name}=7")).depth == 7


def test_every_name_of_v3_has_its_form_of_before():
    newer = {
        "startTimeMin": "2023-11-14T22:13:10.000000001Z", "startTimeMax": "2023-11-14T22:15:00Z",
        "serviceName": "shop", "operationName": "GET /cart", "durationMin": "1.5ms",
        "durationMax": "1h2m3s", "searchDepth": "5", "rawTraces": "true",
    }  # fmt: skip
    older = {re.sub("(?=[A-Z])", "_", name).lower(): value for name, value in newer.items()}
    asked = [
        v3_search(QueryParams({f"query.{name}": value for name, value in names.items()}))
        for names in (newer, older)
    ]
    assert asked[0] == asked[1]
    assert (asked[0].service, asked[0].operation, asked[0].depth) == ("shop", "GET /cart", 5)
    assert (asked[0].least_ns, asked[0].most_ns) == (1_500_000, 3_723_000_000_000)
    assert asked[0].since_ns == 1_700_000_000_000_000_000 - 10 * 10**9 + 1


@pytest.mark.parametrize(("depth", "limit"), [(0, 100), (-1, 100), (7, 7), (10**6, 10_000)])
def test_depth_is_bounded(world, depth, limit):
    assert question_of(Asked(depth=depth), TENANT, world.services.operations).limit == limit


def test_all_runs_can_be_asked_for(world):
    asked = Asked(attributes={"otel_vector.run.kind": "all"})
    assert question_of(asked, TENANT, world.services.operations).where.runs == ()
    with pytest.raises(InvalidQueryError, match="run kind"):
        question_of(
            Asked(attributes={"otel_vector.run.kind": "x"}), TENANT, world.services.operations
        )


def test_chunks_are_small_whole_and_never_empty():
    world = World()
    rows = [
        SpanRow(
            trace=1, span=n, service=f"s{n % 3}", start_ns=at(n), attributes={"text": "x" * 1000}
        )
        for n in range(1, 101)
    ]
    world.write(rows)
    spans = world.store.tenant(TENANT).reader.trace(trace_bytes(1))
    parts = list(chunks(spans, most_bytes=10_000))
    assert 10 < len(parts) < 20
    assert all(0 < len(part) < 12_000 for part in parts)
    read = [
        (span.span_id, resource.resource.attributes[0].value.string_value)
        for part in parts
        for resource in TracesData.FromString(part).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(read) == sorted((span_bytes(n), f"s{n % 3}") for n in range(1, 101))
    assert list(chunks([])) == []


def test_a_span_larger_than_a_chunk_is_a_chunk_of_its_own():
    world = World()
    world.write([SpanRow(trace=1, span=n, attributes={"text": "x" * 5_000}) for n in range(1, 4)])
    spans = world.store.tenant(TENANT).reader.trace(trace_bytes(1))
    assert len(list(chunks(spans, most_bytes=1_000))) == 3


def test_an_entry_for_all_services_is_listed_where_it_is_set_and_asks_for_none(world):
    reader = Reader(world.services, "(any service)")
    empty = storage.GetServicesRequest()
    assert list(Reader(world.services).get_services(TENANT, empty).services) == ["shop"]
    assert list(reader.get_services(TENANT, empty).services) == ["(any service)", "shop"]

    def found_by(service):
        request = storage.FindTraceIDsRequest(query=query(service=service))
        return len(reader.find_trace_ids(TENANT, request).trace_ids)

    assert (found_by("(any service)"), found_by(""), found_by("shop")) == (3, 3, 3)
    assert found_by("any service") == 0
    assert found(world, service="(any service)") == []
    asked = storage.GetOperationsRequest(service="(any service)")
    assert [o.name for o in reader.get_operations(TENANT, asked).operations] == ["GET /cart"]
