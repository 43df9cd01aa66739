"""Answers that a collector has no reason to give: none harms the application, its log or its disk."""

import logging
import socket
import threading
import time
from contextlib import contextmanager, suppress

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from support.exporting import closing, ended_spans, grpc_peer, soon

from otel_vector import VectorSpanExporter
from otel_vector.exporter.http_way import HttpWay
from otel_vector.exporter.outcomes import Away, Busy, Denied
from otel_vector.exporter.target import target_of
from otel_vector.settings.config import ExporterConfig, Settings
from otel_vector.spans.meanings import Signal

LOGGER = "otel_vector.exporter"


@contextmanager
def answering_with(answer):
    """Serve one connection after the other: read what comes, then have `answer` speak."""
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def serve():
            while not done.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(5)
                        connection.recv(65_536)
                        answer(connection, done)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            done.set()
            thread.join()


def sent_to(url, timeout_s=5.0):
    config = ExporterConfig(endpoint=url, protocol="http/protobuf", timeout_s=timeout_s)
    way = HttpWay(target_of(Settings(exporter=config)))
    try:
        return way.send(Signal.SPANS, b"")
    finally:
        way.close()


def head(status, *lines):
    def answer(connection, _):
        text = "".join(f"{line}\r\n" for line in lines)
        connection.sendall(
            f"HTTP/1.1 {status} x\r\n{text}Content-Length: 0\r\n\r\n".encode("latin-1")
        )

    return answer


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("²", Away),
        ("Mon, 1 Jan 99999999999 00:00:00 GMT", Away),
        ("9" * 5_000, Busy),
        ("-1", Away),
    ],
)
def test_a_wish_that_is_no_time_is_none(said, kind):
    with answering_with(head(429, f"Retry-After: {said}")) as url:
        assert type(sent_to(url)) is kind


def test_an_answer_that_does_not_end_is_read_for_no_longer_than_a_request_may_take():
    def drip(connection, done):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not done.wait(0.05):
            connection.sendall(b"a")

    with answering_with(drip) as url:
        began = time.monotonic()
        assert isinstance(sent_to(url, timeout_s=0.5), Away)
        assert time.monotonic() - began < 10


def test_a_huge_answer_is_read_to_a_bound():
    def flood(connection, done):
        connection.sendall(b"HTTP/1.1 302 x\r\nContent-Length: 99999999999\r\n\r\n")
        while not done.is_set():
            connection.sendall(b"a" * 65_536)

    with answering_with(flood) as url:
        assert isinstance(sent_to(url), Denied)


def test_what_a_collector_says_is_one_line_of_a_bounded_length_in_the_log(tmp_path, caplog):
    said = "bad\nERROR root a line of its own\x1b[2J" + "x" * 5_000
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        peer.answer = lambda context: context.abort(grpc.StatusCode.INVALID_ARGUMENT, said)
        one.export(ended_spans(1))
        assert one.force_flush()
    (line,) = [r.getMessage() for r in caplog.records if "bad" in r.getMessage()]
    assert line.isprintable()
    assert len(line) < 500


def test_a_wish_of_ages_is_no_fault(tmp_path, caplog):
    delay = RetryInfo(retry_delay=Duration(seconds=10**17)).SerializeToString()

    def answer(context):
        context.set_trailing_metadata((("google.rpc.retryinfo-bin", delay),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "come back in ages")

    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        peer.answer = answer
        one.export(ended_spans(1))
        soon(lambda: len(peer.requests) == 1)
        assert not one.force_flush(200)
        assert one.outlet.spooled()[0] == 1
    assert not [r for r in caplog.records if r.name == LOGGER and r.levelno >= logging.ERROR]


def test_a_collector_that_is_busy_for_no_time_at_all_is_not_flooded(tmp_path):
    delay = RetryInfo(retry_delay=Duration()).SerializeToString()

    def answer(context):
        context.set_trailing_metadata((("google.rpc.retryinfo-bin", delay),))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "come back at once")

    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        peer.answer = answer
        one.export(ended_spans(1))
        began = time.monotonic()
        soon(lambda: len(peer.requests) == 4)
        assert time.monotonic() - began > 0.7
