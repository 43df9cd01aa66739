"""Jaeger's remote storage as it is served: asked over gRPC, written to, let in and refused."""

import time

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from serving import FREE, Served, cli, eventually
from support.jaeger import storage_at

from otel_vector.spans.batch import assemble
from otel_vector.testing.builders import Link, SpanRow, batch_of, trace_bytes

SECOND = 1_000_000_000
NOW_NS = time.time_ns() // SECOND * SECOND - 60 * SECOND


def data_of(*rows):
    batch = batch_of(rows)
    return TracesData.FromString(assemble(batch, range(len(batch))))


def row(**more):
    return SpanRow(**{"start_ns": NOW_NS, **more})


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("jaeger"))
    made.start("--set", "embed.model=none")
    yield made
    made.end()


@pytest.fixture
def jaeger(served):
    with storage_at(served.endpoints["jaeger_grpc"]) as client:
        yield client


def code_of(caught):
    return caught.value.code()


def test_what_was_written_is_read_within_a_moment(jaeger):
    data = data_of(row(trace=1, span=1), row(trace=1, span=2, parent=1, service="payments"))
    begun = time.monotonic()
    assert not jaeger.write(data).HasField("partial_success")
    eventually(lambda: jaeger.traces(trace_bytes(1)), 10)
    assert time.monotonic() - begun < 5
    ((trace_id, spans),) = jaeger.traces(trace_bytes(1))
    assert trace_id == trace_bytes(1)
    written = {
        span.span_id: span for r in data.resource_spans for s in r.scope_spans for span in s.spans
    }
    assert {span.span_id: span for span, _, _ in spans} == written
    assert {"shop", "payments"} <= set(jaeger.services())
    assert ("GET /cart", "server") in jaeger.operations("shop")


def test_compressed_writes_are_taken(jaeger):
    jaeger.write(data_of(row(trace=2)), compression=grpc.Compression.Gzip)
    eventually(lambda: jaeger.traces(trace_bytes(2)), 10)


def test_a_bad_span_is_refused_and_the_rest_kept(jaeger):
    data = data_of(row(trace=3), row(trace=3, span=2))
    data.resource_spans[0].scope_spans[0].spans[1].span_id = b"short"
    assert jaeger.write(data).partial_success.rejected_spans == 1
    ((_, spans),) = eventually_of(lambda: jaeger.traces(trace_bytes(3)), bool)
    assert len(spans) == 1


def test_a_large_trace_comes_whole_in_chunks_that_clients_take(jaeger):
    count = 10_008
    rows = [
        row(
            trace=4, span=n, parent=int(n > 1), start_ns=NOW_NS + n, attributes={"text": "x" * 400}
        )
        for n in range(1, count + 1)
    ]
    for start in range(0, count, 2_000):
        jaeger.write(data_of(*rows[start : start + 2_000]))
    found = eventually_of(
        lambda: jaeger.traces(trace_bytes(4)), lambda t: t and len(t[0][1]) == count
    )
    assert [span.span_id for span, _, _ in found[0][1]] == [
        n.to_bytes(8, "big") for n in range(1, count + 1)
    ]


def test_a_batch_of_jaegers_size_is_taken_though_it_is_beyond_what_grpc_takes_by_default(jaeger):
    rows = (row(trace=9, span=n, attributes={"text": "x" * 700}) for n in range(1, 8_193))
    data = data_of(*rows)
    assert data.ByteSize() > 4 << 20
    jaeger.write(data)
    eventually_of(lambda: jaeger.traces(trace_bytes(9)), lambda t: t and len(t[0][1]) == 8_192)


def test_spans_that_share_an_id_all_come_back(jaeger):
    jaeger.write(data_of(*(row(trace=5, span=1, name=f"try {n}") for n in "abc")))
    found = eventually_of(lambda: jaeger.traces(trace_bytes(5)), lambda t: t and len(t[0][1]) == 3)
    assert {span.name for span, _, _ in found[0][1]} == {"try a", "try b", "try c"}


def test_unknown_ids_are_skipped_and_an_empty_stream_is_no_error(jaeger):
    jaeger.write(data_of(row(trace=6)))
    eventually(lambda: jaeger.traces(trace_bytes(6)), 10)
    assert [t for t, _ in jaeger.traces(trace_bytes(606), trace_bytes(6))] == [trace_bytes(6)]
    assert jaeger.traces(trace_bytes(606)) == []
    assert jaeger.find(service="nobody") == []
    assert jaeger.summaries(service="nobody") == []
    assert jaeger.find_ids(service="nobody") == []


def test_health_knows_the_services_by_name(jaeger):
    for name in (
        "",
        *(
            f"jaeger.storage.v2.{n}"
            for n in ("TraceReader", "DependencyReader", "TraceWriter", "Capabilities")
        ),
    ):
        assert jaeger.health(name) == 1
        assert jaeger.watched(name) == 1
    with pytest.raises(grpc.RpcError) as caught:
        jaeger.health("unknown")
    assert code_of(caught) is grpc.StatusCode.NOT_FOUND
    assert jaeger.watched("unknown") == 3


def test_capabilities_say_what_is_honoured(jaeger):
    answer = jaeger.capabilities()
    assert answer.search.without_service_name
    assert answer.search.SerializeToString() == b"\x08\x01\x10\x01"  # same_span_conjunction, too


def test_what_is_no_message_is_refused_as_such(jaeger):
    with pytest.raises(grpc.RpcError) as caught:
        jaeger.raw("/jaeger.storage.v2.TraceReader/GetOperations", b"\xff\xff\xff")
    assert code_of(caught) is grpc.StatusCode.INVALID_ARGUMENT
    with pytest.raises(grpc.RpcError) as caught:
        jaeger.raw("/jaeger.storage.v2.TraceReader/GetNothing", b"")
    assert code_of(caught) is grpc.StatusCode.UNIMPLEMENTED


def test_a_window_without_a_start_has_no_map(jaeger):
    with pytest.raises(grpc.RpcError) as caught:
        jaeger.dependencies(-62135596800, -62135596800)
    assert code_of(caught) is grpc.StatusCode.INVALID_ARGUMENT


def test_the_map_has_parents_and_links_of_live_spans(jaeger):
    jaeger.write(
        data_of(
            row(trace=7, span=1, service="map-a"),
            row(trace=7, span=2, parent=1, service="map-b"),
            row(trace=8, span=1, service="map-c", links=(Link(7, 2),)),
        )
    )
    eventually(lambda: jaeger.traces(trace_bytes(8)), 10)
    seconds = NOW_NS // SECOND
    edges = {edge for edge in jaeger.dependencies(seconds - 60, seconds + 60) if "map" in edge[0]}
    assert edges == {("map-a", "map-b", 1), ("map-b", "map-c", 1)}
    assert jaeger.dependencies(seconds - 7200, seconds - 3600) == []


def test_names_with_ids_are_listed_as_they_are_while_they_are_few_and_found(jaeger):
    jaeger.write(
        data_of(*(row(trace=10 + n, name=f"GET /orders/{n}", service="few") for n in range(3)))
    )
    jaeger.write(
        data_of(*(row(trace=100 + n, name=f"GET /orders/{n}", service="many") for n in range(60)))
    )
    eventually(lambda: len(jaeger.find(service="many", depth=100)) == 60, 10)
    assert jaeger.operations("few") == [(f"GET /orders/{n}", "server") for n in range(3)]
    assert jaeger.operations("many") == [("GET /orders/{id}", "server")]
    assert len(jaeger.find_ids(service="many", operation="GET /orders/{id}", depth=100)) == 60
    assert jaeger.find_ids(service="many", operation="GET /orders/7") == [trace_bytes(107)]


def test_a_stop_stores_what_was_acknowledged(tmp_path):
    served = Served(tmp_path)
    try:
        served.start("--set", "embed.model=none")
        with storage_at(served.endpoints["jaeger_grpc"]) as jaeger:
            jaeger.write(data_of(row(trace=1)))
        assert served.stop() == 0
        served.start("--set", "embed.model=none")
        with storage_at(served.endpoints["jaeger_grpc"]) as jaeger:
            assert jaeger.traces(trace_bytes(1))
    finally:
        served.end()


def test_a_closed_door_is_told_and_published_as_closed(tmp_path):
    served = Served(tmp_path)
    try:
        served.start("--set", "embed.model=none", "--jaeger-grpc", "off")
        assert served.endpoints["jaeger_grpc"] == ""
        assert served.stop() == 0
    finally:
        served.end()


def test_without_keys_only_loopback_is_served(tmp_path):
    served = Served(tmp_path)
    result = cli(served, "serve", *served.addresses, "--jaeger-grpc", "0.0.0.0:0", check=False)
    assert result.code == 1
    assert "serve.jaeger_grpc" in result.err
    assert "only loopback is served" in result.err
    assert FREE in served.addresses


def eventually_of(read, is_so, within_s=20.0):
    """Read until what is read is so, and return it."""
    deadline = time.monotonic() + within_s
    while not is_so(found := read()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.05)
    return found
