"""The lock, the published addresses, and the log of a serving process."""

import json
import logging
import os
import socket
import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otel_vector.errors import ConfigError, StoreLockedError
from otel_vector.settings.config import ServeConfig
from otel_vector_collector.logs import JsonFormatter, TextFormatter
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.serve.endpoints import (
    Endpoints,
    read_endpoints,
    remove_endpoints,
    write_endpoints,
)
from otel_vector_collector.serve.lock import FolderLock, holder_of
from otel_vector_collector.serve.ports import check_ports

HOLD = """
import sys, pathlib
from otel_vector_collector.serve.lock import FolderLock
lock = FolderLock.acquire(pathlib.Path(sys.argv[1]), "some command")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_who_has_the_folder(tmp_path, other_process):
    with pytest.raises(StoreLockedError) as caught:
        FolderLock.acquire(tmp_path, "another", wait_s=0)
    assert f"some command (process {other_process.pid})" in str(caught.value)
    assert holder_of(tmp_path).pid == other_process.pid


def test_a_second_process_is_told_where_the_folder_is_served(tmp_path, other_process):
    write_endpoints(tmp_path, Endpoints("", "", "127.0.0.1:8317", other_process.pid, 1))
    with pytest.raises(StoreLockedError, match=r"http://127\.0\.0\.1:8317"):
        FolderLock.acquire(tmp_path, "another", wait_s=0)


def test_a_killed_process_leaves_the_folder_free(tmp_path, other_process):
    other_process.kill()
    other_process.wait()
    assert holder_of(tmp_path) is None
    FolderLock.acquire(tmp_path, "another", wait_s=5).release()


def test_looking_at_a_lock_does_not_take_it(tmp_path):
    assert holder_of(tmp_path / "none") is None
    lock = FolderLock.acquire(tmp_path, "mine")
    assert holder_of(tmp_path).pid == os.getpid()
    lock.release()
    lock.release()
    assert holder_of(tmp_path) is None


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        FolderLock.acquire(tmp_path / "file" / "data", "mine")


def test_endpoints_are_private_whole_and_removable(tmp_path):
    assert read_endpoints(tmp_path) is None
    endpoints = Endpoints("a:1", "b:2", "c:3", 4, 5)
    write_endpoints(tmp_path, endpoints)
    assert read_endpoints(tmp_path) == endpoints
    assert [p.name for p in tmp_path.iterdir()] == ["endpoints.json"]
    assert (tmp_path / "endpoints.json").stat().st_mode & 0o777 == 0o600
    remove_endpoints(tmp_path)
    remove_endpoints(tmp_path)
    assert read_endpoints(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_damaged_endpoints_are_none(tmp_path, text):
    (tmp_path / "endpoints.json").write_text(text)
    assert read_endpoints(tmp_path) is None


def closed(**more):
    doors = dict.fromkeys(("otlp_grpc", "otlp_http", "jaeger_grpc"), "")
    return ServeConfig(**{**doors, "api": "127.0.0.1:0", **more})


def test_a_taken_port_is_refused_with_the_flag_that_changes_it():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ConfigError) as caught:
            check_ports(closed(api=address), Gate(None))
    assert str(taken) and address in str(caught.value)
    assert "--api HOST:PORT" in str(caught.value)


def test_an_address_that_others_reach_is_refused():
    with pytest.raises(ConfigError, match="only loopback is served"):
        check_ports(closed(otlp_http="0.0.0.0:0"), Gate(None))


def test_two_doors_on_one_port_are_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(ConfigError, match=r"serve\.otlp_grpc and serve\.api are both"):
        check_ports(closed(otlp_grpc=address, api=address), Gate(None))


def record(message, *args, **more):
    return logging.LogRecord("a.b", logging.WARNING, "f", 1, message, args, more.get("exc_info"))


def test_a_json_log_line_has_trace_ids_within_a_span():
    plain = json.loads(JsonFormatter().format(record("took %d", 3)))
    assert plain["message"] == "took 3"
    assert plain["level"] == "warning"
    assert "trace_id" not in plain
    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("work") as span:
        line = json.loads(JsonFormatter().format(record("in a span")))
    context = span.get_span_context()
    assert line["trace_id"] == trace.format_trace_id(context.trace_id)
    assert line["span_id"] == trace.format_span_id(context.span_id)


def test_a_json_log_line_stays_one_line_with_an_exception():
    try:
        int("two\nlines")
    except ValueError:
        text = JsonFormatter().format(record("failed", exc_info=sys.exc_info()))
    assert "\n" not in text
    assert "ValueError" in json.loads(text)["exception"]


def test_what_errors_quote_cannot_drive_the_terminal_that_shows_the_log():
    quoted = record("refused %s", "\x1b[2J\x9b31m\u202e\ud800\r")
    assert TextFormatter("%(message)s").format(quoted).isprintable()
    assert "\\u001b[2J" in TextFormatter("%(message)s").format(quoted)
    line = JsonFormatter().format(quoted)
    assert line.isprintable()
    assert json.loads(line)["message"].startswith("refused \\u001b[2J")
