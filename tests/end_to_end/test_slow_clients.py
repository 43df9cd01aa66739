"""Clients that take their time: they are let go, and take nothing from those who do not."""

import socket
import time

import pytest
from support.doors import WAIT_S, open_doors

from otel_vector_collector.receive import web

HEAD = b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "PATIENCE_S", 0.5)
    with open_doors(tmp_path) as doors:
        host, _, port = doors.endpoints.otlp_http.rpartition(":")
        yield host, int(port)


def let_go(place, begun, drip, within_s=WAIT_S):
    """Send a beginning, then byte by byte; return what came back once the other side ended."""
    with socket.create_connection(place, WAIT_S) as client:
        client.sendall(begun)
        client.settimeout(0.05)
        answer, deadline = b"", time.monotonic() + within_s
        while time.monotonic() < deadline:
            try:
                client.sendall(drip)
                came = client.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return answer
            if not came:
                return answer
            answer += came
    raise AssertionError("the connection is held open")


@pytest.mark.parametrize(
    ("begun", "drip"),
    [(b"", b""), (HEAD, b""), (HEAD + b"x-slow: ", b"x"), (b"", b"\r\n")],
    ids=["nothing", "half a head", "a head by bytes", "blank lines"],
)
def test_who_never_sends_a_head_is_let_go(place, begun, drip):
    let_go(place, begun, drip)


def test_who_is_refused_and_goes_on_with_the_body_is_let_go(place):
    begun = HEAD + b"content-type: text/plain\r\ncontent-length: 1000000\r\n\r\n"
    assert let_go(place, begun, b"x").startswith(b"HTTP/1.1 415")


def test_a_connection_that_is_used_now_and_then_stays(place):
    request = HEAD + b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    with socket.create_connection(place, WAIT_S) as client:
        for _ in range(3):
            client.sendall(request)
            answer = b""
            while not answer.endswith(b"{}"):
                came = client.recv(4096)
                assert came, "the connection was ended"
                answer += came
            time.sleep(0.7)
