"""The client speaks HTTP over TCP and unix sockets, and turns problems into our errors."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from otel_vector import errors
from otel_vector.client import Client

ANSWERS = {
    "/v1/stats": (200, "application/json", b'{"spans": 3}'),
    "/v1/spans/00": (
        404,
        "application/problem+json",
        json.dumps({"type": "urn:otel-vector:problem:not-found", "detail": "no span 00"}).encode(),
    ),
    "/v1/services": (503, "application/problem+json", b'{"type": "about:blank", "title": "busy"}'),
    "/v1/operations": (502, "text/html", b"<h1>proxy</h1>"),
    "/v1/attributes/a%2Fb/values": (200, "application/json", b'{"values": []}'),
    "/v1/events?filter=x": (
        200,
        "text/event-stream",
        b': hi\n\ndata: {"a": 1}\n\ndata: {"a": 2}\n\n',
    ),
    "/ready": (503, "application/json", b'{"ready": false}'),
}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        status, kind, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

    def address_string(self):
        return "local"


class UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@pytest.fixture(params=["tcp", "unix"])
def client(request, tmp_path):
    if request.param == "tcp":
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        made = Client(f"http://127.0.0.1:{server.server_port}")
    else:
        server = UnixServer(str(tmp_path / "s"), Handler)
        made = Client.over_socket(tmp_path / "s")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with made:
        yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_are_the_json_of_the_api(client):
    assert client.stats() == {"spans": 3}
    assert client.attribute_values("a/b") == {"values": []}


def test_what_is_not_given_is_left_out_of_a_question(client):
    assert client.search({"text": "x", "filter": None}) == {"text": "x"}


def test_a_problem_document_becomes_the_error_it_names(client):
    with pytest.raises(errors.NotFoundError, match="no span 00"):
        client.span("00")


def test_a_problem_of_no_known_type_becomes_the_error_of_its_status(client):
    with pytest.raises(errors.RetryableError, match="busy"):
        client.services()
    with pytest.raises(errors.RetryableError, match="status 502"):
        client.operations()


def test_readiness_is_read_whether_or_not_all_is_well(client):
    assert client.ready() == {"ready": False}


def test_events_come_one_by_one(client):
    assert list(client.events(filter="x", other=None)) == [{"a": 1}, {"a": 2}]


def test_a_collector_that_is_not_there_is_a_sentence():
    with (
        Client("http://127.0.0.1:9") as client,
        pytest.raises(errors.RetryableError, match="cannot be reached"),
    ):
        client.stats()
