"""Where a folder cannot be served, or not for the moment: a sentence, and nothing is lost.

A small disk is a file with a file system of its own, mounted in the test's folder; where that
is not allowed those tests are skipped. It is filled to the last byte by a file beside the data.
"""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData
from sending import (
    api,
    as_flags,
    call,
    eventually_served,
    exported,
    multiset,
    post,
    serving,
    settle,
)
from serving import FREE, Served, cli

DAY_NS = 86_400 * 10**9
NOW_NS = time.time_ns()
DISK_BYTES = 320 << 20
ROOM = {"inbox__min_free_bytes": 96 << 20, "inbox__retry_s": 0.2, "serve__drain_s": 1}


def batch(first, count=100, start_ns=NOW_NS, step_ns=1000):
    """Return spans with numbers from `first`, each with a text of its own."""
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    for number in range(first, first + count):
        at = start_ns + (number - first) * step_ns
        span = Span(trace_id=(number + 1).to_bytes(16, "big"), span_id=b"s" * 8, name="pay")
        span.start_time_unix_nano, span.end_time_unix_nano = at, at + 500
        text = f"order {number} could not be paid"
        span.attributes.add(key="input.value").value.string_value = text
        (resource.scope_spans[0] if number > first else resource.scope_spans.add()).spans.append(
            span
        )
    return data


def send(served, *batches):
    for data in batches:
        assert call(served, data.SerializeToString()) == b""


def check_stored(served, *batches):
    """Compare everything that is stored with what was acknowledged, each item once."""
    want = multiset(TracesData.FromString(b"".join(b.SerializeToString() for b in batches)))
    stats = settle(served)
    assert (stats["spans"], stats["inbox"]["dead"]) == (len(want), 0)
    assert multiset(exported(served)) == want


def refused_start(served, *flags):
    """Start what must end by itself; return its sentence."""
    with pytest.raises(AssertionError):
        served.start(*flags)
    assert served.process.wait(60) == 1
    sentence = served.log().splitlines()[-1]
    assert sentence.startswith("otel-vector: ")
    assert "internal error" not in sentence
    return sentence


def files_of(folder):
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


class SmallDisk:
    """A mounted file system that can be filled, and emptied again."""

    def __init__(self, folder):
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self):
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4096, 256):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def empty(self):
        self._ballast.unlink()


@contextmanager
def mounted(folder, *arguments):
    folder.mkdir()
    done = subprocess.run(["mount", *arguments, folder], capture_output=True, check=False)
    if done.returncode:  # only a privileged user may mount; a disk cannot be filled otherwise
        pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def disk(tmp_path):
    image = tmp_path / "disk.img"
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    try:
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m0", image], check=True)
    except (OSError, subprocess.CalledProcessError) as error:  # mkfs is not everywhere
        pytest.skip(f"no file system can be made here: {error}")
    with mounted(tmp_path / "disk", "-o", "loop", image) as folder:
        yield SmallDisk(folder)


@pytest.fixture
def served(tmp_path):
    process = Served(tmp_path)
    yield process
    process.end()


@pytest.fixture
def on_disk(disk, served):
    served.data = disk.folder / "data"
    served.start(*as_flags(ROOM))
    send(served, batch(0))
    eventually_served(served, lambda: not settle(served)["meanings"]["pending"])
    return served


def test_a_full_disk_is_busy_and_ingest_goes_on_when_there_is_room(disk, on_disk):
    """Fails if the engine dies of it (SIGBUS), a door says "never", or something is lost."""
    os.kill(on_disk.process.pid, signal.SIGSTOP)
    waiting = [batch(number) for number in range(100, 2_000, 100)]
    send(on_disk, *waiting)
    disk.fill()
    os.kill(on_disk.process.pid, signal.SIGCONT)

    more = batch(2_000)
    with pytest.raises(grpc.RpcError) as refused:
        call(on_disk, more.SerializeToString())
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    hint = dict(refused.value.trailing_metadata())["google.rpc.retryinfo-bin"]
    assert 0 < RetryInfo.FromString(hint).retry_delay.ToMilliseconds() <= 2_000
    assert "free" in refused.value.details()
    reply = post(on_disk, more.SerializeToString())
    assert reply.status == 503
    assert int(reply.headers["retry-after"]) <= 2

    def says_so():
        with api(on_disk) as client:
            answer = client.get("/ready")
        return answer.status_code == 503 and "free some space" in answer.text

    eventually_served(on_disk, says_so)
    with api(on_disk) as client:
        assert client.get("/v1/stats").json()["inbox"]["pending"] == len(waiting)
        assert client.post("/v1/search", json={"text": "an order was not paid"}).json()["groups"]

    disk.empty()
    eventually_served(on_disk, lambda: post(on_disk, more.SerializeToString()).status == 200)
    check_stored(on_disk, batch(0), *waiting, more)
    assert on_disk.stop() == 0, on_disk.log()


def test_a_killed_server_starts_again_when_the_disk_has_room(disk, on_disk):
    """Fails if a start on a full disk breaks the store, dies without a word, or wipes something."""
    os.kill(on_disk.process.pid, signal.SIGSTOP)
    send(on_disk, batch(100))
    on_disk.end()
    disk.fill()
    before = files_of(on_disk.data / "store")
    assert "free some space" in refused_start(on_disk, *as_flags(ROOM))
    assert files_of(on_disk.data / "store") == before
    disk.empty()
    on_disk.start(*as_flags(ROOM))
    check_stored(on_disk, batch(0), batch(100))


def test_a_stop_on_a_full_disk_loses_nothing(disk, on_disk):
    """Fails if a stop acknowledges to itself what is not durable, or never ends."""
    os.kill(on_disk.process.pid, signal.SIGSTOP)
    send(on_disk, batch(100))
    disk.fill()
    os.kill(on_disk.process.pid, signal.SIGCONT)
    assert on_disk.stop() in {0, 1}  # 1 if something that was written could not be made durable
    assert "it is kept and stored next time" in on_disk.log()
    assert "internal error" not in on_disk.log()
    disk.empty()
    on_disk.start(*as_flags(ROOM))
    check_stored(on_disk, batch(0), batch(100))


def test_a_read_only_folder_is_refused_with_what_to_do(tmp_path, served):
    """Fails if the sentence does not name the folder, or the server runs without durability."""
    if os.geteuid():
        served.data.mkdir(mode=0o500)
        sentence = refused_start(served)
    else:
        with mounted(tmp_path / "locked", "-t", "tmpfs", "-o", "ro", "none") as folder:
            served.data = folder / "data"
            sentence = refused_start(served)
    assert str(served.data) in sentence
    assert "make it writable" in sentence


HEADERS = {
    "newer": (json.dumps({"schema": 999, "model": "", "dimension": 0, "indexed": []}), "999"),
    "no JSON": ("{", "restore"),
    "of another shape": ("[]", "restore"),
    "of other types": (json.dumps({"schema": "1"}), "restore"),
}


def test_a_store_that_cannot_be_read_is_refused_and_left_alone(served):
    """Fails if another version's store is opened, changed or recreated."""
    served.start()
    send(served, batch(0))
    settle(served)
    assert served.stop() == 0
    header = served.data / "store" / "store.json"
    kept, before = header.read_bytes(), files_of(served.data / "store")
    for text, word in HEADERS.values():
        header.write_text(text)
        sentence = refused_start(served)
        assert word in sentence
        assert "store" in sentence
        assert header.read_text() == text
    found = cli(served, "doctor", "--json", check=False)
    assert (found.code, "restore" in found.out) == (1, True)
    header.write_bytes(kept)
    assert files_of(served.data / "store") == before
    served.start()
    check_stored(served, batch(0))


def test_a_second_process_on_one_folder_is_sent_to_the_first(tmp_path, served):
    """Fails if two engines open one store, or the sentence leaves out who has it."""
    served.start()
    second = Served(tmp_path)
    second.data = served.data
    sentence = refused_start(second)
    assert f"process {served.process.pid}" in sentence
    assert served.endpoints["api"] in sentence
    send(served, batch(0))
    check_stored(served, batch(0))


@pytest.mark.parametrize("flag", ["--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api"])
def test_a_taken_port_is_named_with_the_way_out(served, flag):
    """Fails if the port is shared with a stranger, or the sentence has no way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        sentence = refused_start(served, flag, address)
    assert address in sentence
    assert f"{flag} HOST:PORT" in sentence
    served.start(flag, FREE)


def test_spans_of_3000_days_are_all_found(tmp_path):
    """Fails if partitions are not bounded, or a span in one of them is lost or doubled."""
    many = [batch(n, 500, 2 * n * DAY_NS, 7 * DAY_NS) for n in range(0, 3_000, 500)]
    with serving(tmp_path, embed__model="none", store__max_partitions=8) as served:
        send(served, *many)
        check_stored(served, *many)
        folders = list((served.data / "store" / "tenants" / "default").glob("*/blocks.db"))
        assert 2 < len(folders) <= 9
        assert served.stop() == 0
        served.start()
        send(served, *many)
        check_stored(served, *many)
