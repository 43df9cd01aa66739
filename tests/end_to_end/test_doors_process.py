"""Door processes: their ports, their ends, and several of them side by side."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.doors import ANY_PORT, TRACE_SERVICE

from otel_vector.errors import ConfigError, StorageFullError
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig, ServeConfig
from otel_vector_collector.receive.child import DoorProcess, start_doors
from otel_vector_collector.receive.process import DoorSettings

CONFIG = InboxConfig(min_free_bytes=0)
WAIT_S = 20


def settings(folder, **serve):
    addresses = {"otlp_grpc": ANY_PORT.otlp_grpc, "otlp_http": ANY_PORT.otlp_http}
    return DoorSettings(folder / "inbox", ServeConfig(**(addresses | serve)), CONFIG)


def body(name="a"):
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name=name)
    span.trace_id, span.span_id = os.urandom(16), os.urandom(8)
    return request.SerializeToString()


def send(endpoint, request):
    """Send over a connection of its own, so that the kernel chooses a door."""
    with grpc.insecure_channel(endpoint, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        return channel.unary_unary(TRACE_SERVICE)(request, timeout=WAIT_S)


def pending(folder):
    inbox = SqliteInbox(folder / "inbox", CONFIG)
    try:
        return inbox.state().pending
    finally:
        inbox.close()


def eventually(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_door_serves_and_ends_well(tmp_path):
    (door,) = start_doors(settings(tmp_path))
    assert send(door.endpoints.otlp_grpc, body()) == b""
    assert door.returncode() is None
    assert door.stop(WAIT_S) == 0
    assert pending(tmp_path) == 1


def test_several_doors_share_the_ports(tmp_path):
    doors = start_doors(settings(tmp_path, doors=3))
    try:
        assert len({door.endpoints for door in doors}) == 1
        for _ in range(40):
            send(doors[0].endpoints.otlp_grpc, body())
    finally:
        assert [door.stop(WAIT_S) for door in doors] == [0, 0, 0]
    assert pending(tmp_path) == 40


def test_a_stopping_door_answers_what_it_has_taken(tmp_path):
    (door,) = start_doors(settings(tmp_path))
    acknowledged, refused = [], []

    def keep_sending():
        while not refused:
            try:
                send(door.endpoints.otlp_grpc, body())
                acknowledged.append(1)
            except grpc.RpcError as error:
                refused.append(error.code())

    senders = [threading.Thread(target=keep_sending) for _ in range(4)]
    for sender in senders:
        sender.start()
    eventually(lambda: len(acknowledged) > 20)
    assert door.stop(WAIT_S) == 0
    for sender in senders:
        sender.join()
    assert set(refused) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
    assert pending(tmp_path) >= len(acknowledged)


def test_a_door_ends_with_its_parent(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from otel_vector_collector.receive.child import DoorProcess\n"
        "from otel_vector_collector.receive.process import DoorSettings\n"
        "print(DoorProcess(DoorSettings.from_json(sys.stdin.buffer.readline())).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    parent.stdin.write(settings(tmp_path).to_json())
    parent.stdin.flush()
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    eventually(lambda: not runs(child))


def runs(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        return stat.rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("setting", ["otlp_grpc", "otlp_http"])
def test_a_taken_port_is_named(tmp_path, setting):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"serve.{setting} .*port {port} cannot be used"):
            start_doors(settings(tmp_path, **{setting: f"127.0.0.1:{port}"}))


@pytest.mark.parametrize("setting", ["otlp_grpc", "otlp_http"])
def test_the_port_of_another_collector_is_taken_although_it_could_be_shared(tmp_path, setting):
    (door,) = start_doors(settings(tmp_path))
    try:
        address = getattr(door.endpoints, setting)
        with pytest.raises(ConfigError, match="cannot be used"):
            start_doors(settings(tmp_path / "other", **{setting: address}))
        assert send(door.endpoints.otlp_grpc, body()) == b""
    finally:
        door.stop(WAIT_S)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "[::]"])
def test_addresses_that_others_reach_are_refused_without_keys(tmp_path, host):
    with pytest.raises(ConfigError, match="only loopback is served"):
        start_doors(settings(tmp_path, otlp_http=f"{host}:0"))


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:x", "127.0.0.1:70000", "4317"])
def test_what_is_no_address_is_refused(tmp_path, address):
    with pytest.raises(ConfigError, match="is not host:port"):
        start_doors(settings(tmp_path, otlp_grpc=address))


def test_an_unknown_host_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="the host is not known"):
        start_doors(settings(tmp_path, otlp_grpc="no-such-host.invalid:0"))


def test_the_name_localhost_is_served(tmp_path):
    door = DoorProcess(settings(tmp_path, otlp_grpc="localhost:0", otlp_http="localhost:0"))
    try:
        assert send(door.endpoints.otlp_grpc, body()) == b""
    finally:
        assert door.stop(WAIT_S) == 0


def test_an_inbox_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "inbox").write_text("a file")
    with pytest.raises(StorageFullError, match="cannot be written"):
        start_doors(settings(tmp_path))


def test_settings_travel_whole(tmp_path):
    sent = settings(tmp_path, doors=2)
    assert DoorSettings.from_json(sent.to_json()) == sent
