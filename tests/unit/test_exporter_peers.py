"""What an exporter makes of a collector that is slow, busy, away, or says no."""

import gzip
import logging
import threading
import time

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.trace.export import SpanExportResult
from support.exporting import (
    NOBODY,
    closing,
    ended_spans,
    grpc_peer,
    http_peer,
    provider_with,
    soon,
)

from otel_vector import VectorSpanExporter, VectorSpanProcessor
from otel_vector.spans.meanings import Signal

CODE = grpc.StatusCode


def exporter_to(endpoint, folder, **more):
    return VectorSpanExporter(endpoint=endpoint, spool=folder / "spool", **more)


def dropped(exporter):
    return {reason: n for (reason, _), n in exporter.outlet.tally.all_dropped().items()}


def sent(exporter):
    return exporter.outlet.tally.all_sent().get(Signal.SPANS, 0)


def refusing(code, *trailers):
    def answer(context):
        if trailers:
            context.set_trailing_metadata(trailers)
        context.abort(code, "the peer's reason")

    return answer


def after(times, answer, then=b""):
    """Answer so for a number of times, then with success."""
    left = [times]

    def told(context):
        if left[0] > 0:
            left[0] -= 1
            return answer(context)
        return then

    return told


def test_spans_arrive_with_the_key_and_the_tenant(tmp_path):
    with (
        grpc_peer() as peer,
        closing(exporter_to(peer.endpoint, tmp_path, api_key="k-1", client_tenant="acme")) as one,
    ):
        assert one.export(ended_spans(3)) is SpanExportResult.SUCCESS
        assert one.force_flush()
        assert [span.name for span in peer.spans()] == ["span 0", "span 1", "span 2"]
        assert peer.metadata[0]["authorization"] == "Bearer k-1"
        assert peer.metadata[0]["x-tenant"] == "acme"
        assert sent(one) == 3


def test_a_busy_collector_is_asked_again_when_it_says(tmp_path):
    delay = RetryInfo(retry_delay=Duration(nanos=200_000_000)).SerializeToString()
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = after(
            2, refusing(CODE.RESOURCE_EXHAUSTED, ("google.rpc.retryinfo-bin", delay))
        )
        one.export(ended_spans(1))
        assert one.force_flush()
        assert len(peer.requests) == 3
        assert not dropped(one)


@pytest.mark.parametrize("code", [CODE.UNAVAILABLE, CODE.INTERNAL, CODE.ABORTED])
def test_what_fails_is_sent_again(code, tmp_path):
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = after(2, refusing(code))
        one.export(ended_spans(1))
        soon(lambda: sent(one) == 1)
        assert not dropped(one)


@pytest.mark.parametrize("code", [CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED])
def test_what_is_refused_for_good_becomes_a_dead_letter_and_does_not_hold_up_the_rest(
    code, tmp_path, caplog
):
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = after(1, refusing(code))
        one.export(ended_spans(2))
        assert one.force_flush()
        one.export(ended_spans(5))
        assert one.force_flush()
        assert dropped(one) == {"refused": 2}
        assert sent(one) == 5
        assert "the peer's reason" in caplog.text


@pytest.mark.parametrize(
    "code", [CODE.UNAUTHENTICATED, CODE.PERMISSION_DENIED, CODE.UNIMPLEMENTED]
)
def test_who_is_not_let_in_keeps_its_spans_and_says_so_without_the_key(code, tmp_path, caplog):
    with (
        grpc_peer() as peer,
        closing(exporter_to(peer.endpoint, tmp_path, api_key="secret-key")) as one,
    ):
        peer.answer = refusing(code)
        one.export(ended_spans(2))
        assert not one.force_flush()
        assert one.outlet.spooled()[0] == 1
        assert not dropped(one)
        assert "api_key" in caplog.text
        assert "secret-key" not in caplog.text
        peer.answer = lambda context: b""
        assert one.force_flush()
        assert sent(one) == 2


def test_items_that_are_rejected_singly_are_counted(tmp_path, caplog):
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old"
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = lambda context: answer.SerializeToString()
        one.export(ended_spans(5))
        assert one.force_flush()
        assert dropped(one) == {"rejected": 2}
        assert sent(one) == 3
        assert "too old" in caplog.text


def test_an_answer_that_is_no_message_is_success(tmp_path):
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = lambda context: b"\xff\xff\xff"
        one.export(ended_spans(1))
        assert one.force_flush()


def test_a_slow_collector_slows_nothing_and_flush_ends_at_its_deadline(tmp_path):
    release = threading.Event()

    def slow(context):
        release.wait(20)
        return b""

    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as one:
        peer.answer = slow
        one.export(ended_spans(1))
        soon(lambda: peer.requests)
        assert one.export(ended_spans(512)) is SpanExportResult.SUCCESS
        assert not one.force_flush(200)
        release.set()
        assert one.force_flush()
        assert sent(one) == 513


def test_a_collector_that_does_not_answer_in_time_is_asked_again(tmp_path):
    release = threading.Event()
    with (
        grpc_peer() as peer,
        closing(exporter_to(peer.endpoint, tmp_path, timeout_s=0.2)) as one,
    ):
        peer.answer = after(1, lambda context: release.wait(20) and b"")
        one.export(ended_spans(1))
        soon(lambda: sent(one) == 1)
        release.set()


def test_flush_does_not_wait_for_a_collector_that_is_away(tmp_path):
    with closing(exporter_to(NOBODY, tmp_path)) as one:
        one.export(ended_spans(10))
        done = threading.Event()

        def flush():
            assert not one.force_flush(60_000)
            done.set()

        threading.Thread(target=flush).start()
        assert done.wait(20)
        assert one.outlet.spooled()[0] == 1


def test_after_the_shutdown_nothing_is_taken(tmp_path):
    with grpc_peer() as peer:
        one = exporter_to(peer.endpoint, tmp_path)
        one.export(ended_spans(1))
        one.shutdown()
        assert len(peer.spans()) == 1
        assert one.export(ended_spans(2)) is SpanExportResult.FAILURE
        assert dropped(one) == {"shutdown": 2}
        one.shutdown()


def test_the_last_user_closes_an_outlet(tmp_path):
    with grpc_peer() as peer:
        first, second = (exporter_to(peer.endpoint, tmp_path) for _ in range(2))
        first.shutdown()
        assert not second.outlet.is_closed
        second.export(ended_spans(1))
        assert second.force_flush()
        second.shutdown()
        assert second.outlet.is_closed


def test_each_user_that_goes_waits_until_its_spans_have_arrived(tmp_path):
    released = threading.Event()

    def slow(context):
        released.wait(20)
        return b""

    with (
        grpc_peer() as peer,
        closing(*(exporter_to(peer.endpoint, tmp_path) for _ in range(2))) as (first, second),
    ):
        peer.answer = slow
        first.export(ended_spans(3))
        going = threading.Thread(target=first.shutdown)
        going.start()
        soon(lambda: peer.requests)
        going.join(0.3)
        assert going.is_alive()
        released.set()
        going.join(20)
        assert sent(second) == 3
        assert not second.outlet.is_closed


def test_users_that_go_in_a_row_wait_once_for_a_collector_that_does_not_answer(tmp_path):
    released = threading.Event()
    with grpc_peer() as peer:
        peer.answer = lambda context: released.wait(60) and b""
        users = [exporter_to(peer.endpoint, tmp_path, shutdown_s=2) for _ in range(4)]
        began = time.monotonic()
        for one in users:
            one.export(ended_spans(1))
            one.shutdown()
        seconds = time.monotonic() - began
        released.set()
        assert 2 <= seconds < 6
    with closing(exporter_to(NOBODY, tmp_path)) as next_one:
        assert next_one.outlet.spooled()[0] == 4


def test_who_goes_later_waits_again_for_a_collector_that_did_not_answer(tmp_path):
    released = threading.Event()
    with grpc_peer() as peer:
        peer.answer = lambda context: released.wait(60) and b""
        users = [exporter_to(peer.endpoint, tmp_path, shutdown_s=1) for _ in range(2)]
        users[0].export(ended_spans(1))
        users[0].shutdown()
        time.sleep(1)
        began = time.monotonic()
        users[1].shutdown()
        seconds = time.monotonic() - began
        released.set()
        assert seconds > 0.9


def test_unsampled_spans_are_ignored_by_the_processor(tmp_path):
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    with (
        grpc_peer() as peer,
        closing(
            VectorSpanProcessor(endpoint=peer.endpoint, spool=tmp_path / "spool")
        ) as processor,
    ):
        off = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
        off.add_span_processor(processor)
        off.get_tracer("t").start_span("ignored").end()
        provider_with(processor).get_tracer("t").start_span("kept").end()
        assert processor.force_flush()
        assert [span.name for span in peer.spans()] == ["kept"]


def test_what_waits_is_sent_by_the_next_process_in_its_order(tmp_path):
    with closing(exporter_to(NOBODY, tmp_path)) as one:
        for _ in range(3):
            one.export(ended_spans(2))
            one.force_flush()
    with grpc_peer() as peer, closing(exporter_to(peer.endpoint, tmp_path)) as other:
        other.export(ended_spans(1))
        assert other.force_flush()
        assert [span.name for span in peer.spans()] == [*["span 0", "span 1"] * 3, "span 0"]


def test_http_speaks_protobuf_with_gzip_and_the_key(tmp_path):
    with (
        http_peer() as peer,
        closing(
            exporter_to(
                peer.endpoint, tmp_path, protocol="http/protobuf", compression="gzip", api_key="k"
            )
        ) as one,
    ):
        one.export(ended_spans(2))
        assert one.force_flush()
        path, headers, body = peer.requests[0]
        headers = {name.lower(): value for name, value in headers.items()}
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        assert headers["authorization"] == "Bearer k"
        spans = TracesData.FromString(gzip.decompress(body)).resource_spans[0].scope_spans[0].spans
        assert len(spans) == 2


@pytest.mark.parametrize(
    ("status", "headers", "is_kept"),
    [
        (400, {}, False),
        (413, {}, False),
        (401, {}, True),
        (403, {}, True),
        (404, {}, True),
        (302, {"location": "http://example.com/"}, True),
    ],
)
def test_http_answers_of_refusal(status, headers, is_kept, tmp_path):
    with (
        http_peer() as peer,
        closing(exporter_to(peer.endpoint, tmp_path, protocol="http/protobuf")) as one,
    ):
        peer.answers = lambda path: (status, headers, b"no")
        one.export(ended_spans(2))
        assert one.force_flush() is not is_kept
        assert dropped(one) == ({} if is_kept else {"refused": 2})
        assert len({path for path, _, _ in peer.requests}) == 1


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {"retry-after": "1"}), (429, {"retry-after": "0"}), (502, {})]
)
def test_http_answers_that_ask_to_come_back(status, headers, tmp_path):
    with (
        http_peer() as peer,
        closing(exporter_to(peer.endpoint, tmp_path, protocol="http/protobuf")) as one,
    ):
        answers = iter([(status, headers, b"")])
        peer.answers = lambda path: next(answers, (200, {}, b""))
        one.export(ended_spans(1))
        soon(lambda: sent(one) == 1)
        assert len(peer.requests) == 2
        assert not dropped(one)


def test_a_key_over_plain_http_to_another_machine_is_warned_of_once(tmp_path, caplog):
    far = "http://collector.example:4317"
    with caplog.at_level(logging.WARNING), closing(exporter_to(far, tmp_path, api_key="s3cret")):
        pass
    assert caplog.text.count("unencrypted") == 1
    assert "s3cret" not in caplog.text
