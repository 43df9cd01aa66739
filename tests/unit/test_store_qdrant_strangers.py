"""What answers at store.url is no server of the right kind, or holds what is not ours."""

import socket
import socketserver
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
import orjson
import pytest
from qdrant_client import grpc as pb
from standin import StandIn
from support.certificates import issued

from otel_vector.errors import (
    ConfigError,
    StoreDamagedError,
    StoreUnavailableError,
    StoreVersionError,
)
from otel_vector.settings.config import StoreConfig
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore

MODEL = Models(Model("test-model", 8))
PREFIX = StoreConfig().prefix


def opened(url, **settings):
    given = {"patience_s": 0.5, "timeout_s": 2.0, **settings}
    return QdrantStore(StoreConfig(url=url, **given), MODEL)


@contextmanager
def listening(server):
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Web(BaseHTTPRequestHandler):
    """Answers as the HTTP API of a server does what it cannot read."""

    protocol_version = "HTTP/1.1"

    def do_PRI(self):
        self.send_error(400)

    def log_message(self, *_):
        return


class Mail(socketserver.BaseRequestHandler):
    """Speaks first, and another language."""

    def handle(self):
        self.request.sendall(b"220 mail.example.org ESMTP\r\n")
        self.request.recv(1_000)


@pytest.fixture
def server(tmp_path):
    with StandIn(tmp_path / "server") as running:
        yield running


@contextmanager
def collections(server):
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        yield pb.CollectionsStub(channel), pb.PointsStub(channel)


def pair_of(files):
    return tuple(Path(name).read_bytes() for name in (files.config.key, files.config.cert))


def test_a_port_that_speaks_http_is_no_grpc_port():
    with (
        listening(ThreadingHTTPServer(("127.0.0.1", 0), Web)) as url,
        pytest.raises(ConfigError, match="use its gRPC port, as a rule 6334"),
    ):
        opened(url)


def test_a_port_that_speaks_something_else_is_told():
    with (
        listening(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail)) as url,
        pytest.raises((ConfigError, StoreUnavailableError), match=r"gRPC port|check store\.url"),
    ):
        opened(url)


def test_a_port_that_never_says_anything_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(StoreUnavailableError, match=r"does not answer .*check store\.url"):
            opened(url)


def test_another_grpc_service_is_no_qdrant():
    other = grpc.server(ThreadPoolExecutor(1))
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    try:
        with pytest.raises(StoreVersionError, match=r"use Qdrant 1\.18 or newer"):
            opened(f"http://127.0.0.1:{port}")
    finally:
        other.stop(0).wait(5)


def test_a_certificate_of_another_authority_is_refused(tmp_path):
    right, wrong = issued(tmp_path / "right"), issued(tmp_path / "wrong", "another")
    pair = pair_of(right)
    with StandIn(tmp_path / "server", certificate=pair) as server:
        opened(server.url, ca=str(right.ca)).close()
        for ca in ("", str(wrong.ca)):
            with pytest.raises(ConfigError, match=r"set store\.ca to the authority"):
                opened(server.url, ca=ca)


def test_a_certificate_for_another_host_is_refused(tmp_path):
    files = issued(tmp_path / "files")
    files.renew("qdrant.example.org")
    pair = pair_of(files)
    with (
        StandIn(tmp_path / "server", certificate=pair) as server,
        pytest.raises(ConfigError, match="no TLS connection"),
    ):
        opened(server.url, ca=str(files.ca))


@pytest.mark.parametrize("kind", ["spans", "blocks", "meanings", "records"])
def test_a_collection_of_something_else_is_left_alone(server, kind):
    request = pb.CreateCollection(collection_name=PREFIX + kind)
    request.vectors_config.params.size = 768
    request.vectors_config.params.distance = pb.Cosine
    with collections(server) as (stub, _):
        stub.Create(request)
        with pytest.raises(ConfigError, match=r"set store\.prefix"):
            opened(server.url)
        asked = pb.GetCollectionInfoRequest(collection_name=PREFIX + kind)
        assert not stub.Get(asked).result.payload_schema
        names = [one.name for one in stub.List(pb.ListCollectionsRequest()).collections]
        assert names == [PREFIX + kind]


@pytest.mark.parametrize("by_day", [True, False], ids=["by day", "not by day"])
def test_shards_by_day_are_as_they_were_made(server, by_day):
    opened(server.url, day_shards=by_day).close()
    made = f"was made with store.day_shards = {str(by_day).lower()}"
    with pytest.raises(ConfigError, match=made):
        opened(server.url, day_shards=not by_day)


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        ({"schema": 99}, StoreVersionError, "has schema 99, this version reads up to"),
        ({"schema": "?"}, StoreDamagedError, "header in collection .* cannot be read"),
        ({}, StoreDamagedError, "header in collection .* cannot be read"),
    ],
    ids=["newer", "no number", "empty"],
)
def test_a_store_of_another_schema_is_refused(server, body, error, says):
    opened(server.url).close()
    with collections(server) as (_, points):
        name = PREFIX + "records"
        header = points.Scroll(pb.ScrollPoints(collection_name=name, limit=1)).result[0].id
        changed = {"body": pb.Value(string_value=orjson.dumps(body).decode())}
        only = pb.PointsSelector(points=pb.PointsIdsList(ids=[header]))
        points.SetPayload(
            pb.SetPayloadPoints(
                collection_name=name, wait=True, payload=changed, points_selector=only
            )
        )
    with pytest.raises(error, match=says):
        opened(server.url)
