"""However a program ends, and in whatever state its collector, its disk and its spool are."""

import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.applications import Application, Collector, collecting, eventually, free_port, names

PROGRAMS = Path(__file__).parent / "exporting"
PROGRAM = PROGRAMS / "ends.py"
SHUTDOWN_S = 2.0
MARGIN_S = 3.0
"""What an interpreter may take for its end on a busy machine, having written 20,000 spans."""


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with collecting(tmp_path_factory.mktemp("collector")) as found:
        yield found


@pytest.fixture
def application(request, tmp_path, collector):
    return made(request, tmp_path, collector.grpc)


def made(request, folder, address, **settings):
    return Application(PROGRAM, folder, address, request.node.name, **settings)


def holds(collector, application, expected):
    collector.holds(application.service, expected)


# The ends of processes


@pytest.mark.parametrize(
    ("how", "code"),
    [("returns", 0), ("exits", 3), ("fails", 1), ("dies", 5), ("batched", 0)],
)
def test_spans_arrive_however_the_program_ends(collector, application, how, code):
    assert application.run(how).code == code
    holds(collector, application, names(main=7))


def test_spans_arrive_when_the_program_is_interrupted(collector, application):
    assert application.run("interrupted").code == -signal.SIGINT
    holds(collector, application, names(main=4, rest=3))


def test_spans_of_tasks_arrive(collector, application):
    assert application.run("in_loop").code == 0
    holds(collector, application, names(**{f"task{i}": 3 for i in range(5)}))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_what_was_on_disk_when_a_signal_ended_the_program_is_sent_by_the_next_one(
    request, tmp_path, number
):
    collector = Collector(tmp_path / "collector")
    application = made(request, tmp_path / "application", collector.grpc)
    with application.start("spooled") as process:
        assert process.stdout.readline() == "spooled\n"
        process.send_signal(number)
        assert process.wait(30) == -number
    try:
        collector.start()
        application.run("steps", OTEL_SERVICE_NAME="next")
        collector.holds(application.service, names(main=7))
    finally:
        collector.kill()


def test_threads_that_never_stop_hinder_no_end(collector, application):
    ended = application.run("daemons")
    assert (ended.code, "Traceback" in ended.err) == (0, False), ended.err
    stored = collector.stored(application.service)
    assert stored >= names(main=7)


def test_spans_of_exit_handlers_arrive_if_the_provider_still_takes_them(collector, application):
    ended = application.run("at_exit")
    assert ended.code == 0
    assert "items were dropped: 1 for shutdown" in ended.err
    holds(collector, application, names(main=3, late=3))


def test_spans_made_after_the_end_wait_for_the_next_program(collector, application):
    assert application.run("after_end").code == 0
    application.run("steps", OTEL_SERVICE_NAME="next")
    holds(collector, application, names(main=3, last=3))


def test_spans_after_the_shutdown_are_refused_and_told(collector, application):
    ended = application.run("shut_down")
    assert ended.code == 0
    assert "items were dropped: 1 for shutdown" in ended.err
    holds(collector, application, names(main=3))


def test_two_providers_share_a_destination_until_both_are_shut_down(collector, application):
    assert application.run("two_providers").code == 0
    holds(collector, application, names(first=3, second=3, again=3))


def test_an_exporter_that_is_shut_down_has_delivered_though_another_goes_on(
    collector, application
):
    assert application.run("one_of_two").code == -signal.SIGTERM
    holds(collector, application, names(main=7))


def test_an_exporter_that_a_thread_made_outlives_it(collector, application):
    assert application.run("in_thread").code == 0
    holds(collector, application, names(thread=7))


def test_an_exporter_made_at_import_by_the_agent_delivers(collector, application):
    program = application.folder / "program.py"
    program.write_text(
        "from opentelemetry import trace\n"
        "for i in range(7):\n"
        "    with trace.get_tracer('program').start_as_current_span(f'main-{i}'):\n"
        "        pass\n"
    )
    exporters = {
        f"OTEL_{kind}_EXPORTER": name
        for kind, name in {"TRACES": "vector", "LOGS": "none", "METRICS": "none"}.items()
    }
    subprocess.run(
        [Path(sys.executable).parent / "opentelemetry-instrument", sys.executable, program],
        env={**application.environment, **exporters}, timeout=60, check=True,
    )  # fmt: skip
    holds(collector, application, names(main=7))


def test_a_signal_handler_may_make_spans_anywhere(collector, application):
    ended = application.run("handlers", within_s=120)
    assert ended.code == 0, ended.err
    expected = names(**{f"main{i}": 10 for i in range(300)})
    expected += names(**{f"handler{i}": 1 for i in range(int(ended.out))})
    holds(collector, application, expected)


# Collectors in all states


@contextmanager
def listening(handle):
    """Accept connections and hand each to a thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections = []

        def accept():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connections.append(connection)
                threading.Thread(target=handle, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in connections:
                connection.close()


def babble(connection):
    try:
        while connection.recv(65536):
            connection.sendall(b"\x00\xff garbage \r\n" * 50)
    except OSError:
        return


def step(process):
    """Have a program make three spans more, and return what its flush says."""
    process.stdin.write("on\n")
    process.stdin.flush()
    return process.stdout.readline()


class Pages(BaseHTTPRequestHandler):
    """A web server that has nothing to do with us."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_error(404)

    def log_message(self, *_):
        return


@contextmanager
def web_server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def nobody():
    yield f"127.0.0.1:{free_port()}"


PEERS = {
    "nobody": nobody,
    "hangs": lambda: listening(lambda connection: None),
    "babbles": lambda: listening(babble),
    "hangs up": lambda: listening(socket.socket.close),
    "is a web server": web_server,
}


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_that_is_no_collector_costs_the_application_nothing(
    request, tmp_path, peer, protocol
):
    with PEERS[peer]() as address:
        application = made(request, tmp_path, address, OTEL_VECTOR_EXPORTER_PROTOCOL=protocol)
        shutdown_s = str(SHUTDOWN_S)
        with application.start("timed", OTEL_VECTOR_EXPORTER_SHUTDOWN_S=shutdown_s) as process:
            mean_s, _ = map(float, process.stdout.readline().split())
            began = time.monotonic()
            assert process.wait(60) == 0
            seconds = time.monotonic() - began
            err = process.stderr.read()
        assert seconds < SHUTDOWN_S + MARGIN_S
        assert "Traceback" not in err, err
        assert mean_s < 0.0005  # a span takes 12 µs without an exporter
    with collecting(tmp_path / "collector") as collector:
        application.point_to(collector.grpc)
        application.run("steps", OTEL_SERVICE_NAME="next")
        collector.holds(application.service, names(main=20_000))


def test_a_collector_that_dies_and_comes_back_gets_everything(request, tmp_path):
    with collecting(tmp_path / "collector") as collector:
        application = made(request, tmp_path, collector.grpc)
        with application.start("steps") as process:
            assert process.stdout.readline() == "True\n"
            collector.kill()
            assert [step(process) for _ in range(3)] == ["False\n"] * 3
            collector.start()
            eventually(lambda: step(process) == "True\n")
            process.stdin.close()
            assert process.wait(30) == 0
            steps = int(process.stdout.readline())
        collector.holds(application.service, names(**{f"step{i}": 3 for i in range(steps)}))


# Disks and spools in all states


def test_a_spool_that_cannot_be_written_is_replaced_by_a_temporary_one(collector, application):
    application.spool.write_text("a file where the folder is to be")
    ended = application.run("returns")
    assert ended.code == 0
    assert "set exporter.spool" in ended.err
    assert "may not last" in ended.err
    holds(collector, application, names(main=7))


def test_a_spool_of_a_newer_version_is_left_alone(collector, application):
    assert application.run("nothing").code == 0
    with sqlite3.connect(application.spool / "inbox" / "inbox.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    before = (application.spool / "inbox" / "inbox.db").read_bytes()
    ended = application.run("returns")
    assert "newer otel-vector" in ended.err
    assert (application.spool / "inbox" / "inbox.db").read_bytes() == before
    holds(collector, application, names(main=7))


def truncate(file):
    os.truncate(file, file.stat().st_size // 3)


def spoil_header(file):
    with file.open("r+b") as opened:
        opened.write(b"no database at all" * 100)


def spoil_pages(file):
    with file.open("r+b") as opened:
        opened.seek(32 << 10)
        opened.write(os.urandom(file.stat().st_size - (32 << 10)))


@pytest.mark.parametrize("damage", [truncate, spoil_header, spoil_pages])
def test_a_damaged_spool_is_set_aside_and_nothing_else_is_lost(
    request, tmp_path, collector, damage
):
    application = made(request, tmp_path, f"127.0.0.1:{free_port()}")
    assert application.run("returns", OTEL_SERVICE_NAME="lost").code == 0
    damage(application.spool / "inbox" / "inbox.db")
    application.point_to(collector.grpc)
    with application.start("steps") as process:
        process.stdout.readline()
        assert [step(process), step(process)] == ["True\n", "True\n"]
        process.stdin.close()
        assert process.wait(30) == 0
        err = process.stderr.read()
    assert "the spool was damaged" in err, err
    assert list(application.spool.glob("inbox-damaged-*"))
    holds(collector, application, names(step0=3, step1=3, step2=3))


@pytest.mark.parametrize("what", ["all of it", "its file"])
def test_a_spool_that_is_deleted_meanwhile_is_made_again(collector, application, what):
    with application.start("steps") as process:
        process.stdout.readline()
        if what == "all of it":
            shutil.rmtree(application.spool)
        else:
            (application.spool / "inbox" / "inbox.db").unlink()
        assert [step(process), step(process)] == ["True\n", "True\n"]
        process.stdin.close()
        assert process.wait(30) == 0
        err = process.stderr.read()
    assert "deleted or moved" in err, err
    assert (application.spool / "inbox" / "inbox.db").exists()
    holds(collector, application, names(step0=3, step1=3, step2=3))


def fill(file):
    with suppress(OSError), file.open("wb", buffering=0) as opened:
        while opened.write(bytes(4096)):
            pass


def test_a_full_disk_is_counted_and_told_and_left_when_there_is_room(collector, application):
    application.folder.mkdir(exist_ok=True)
    disk = application.folder / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], capture_output=True, check=False
    )
    if done.returncode:  # only a privileged user may mount; a disk cannot be filled otherwise
        pytest.skip(f"mounting is not allowed here: {done.stderr.decode().strip()}")
    try:
        settings = {
            "OTEL_VECTOR_EXPORTER_SPOOL": str(disk / "spool"),
            "OTEL_VECTOR_EXPORTER_SPOOL_MAX_BYTES": str(1 << 20),
        }
        with application.start("steps", **settings) as process:
            process.stdout.readline()
            fill(disk / "filling")
            step(process)
            (disk / "filling").unlink()
            step(process)
            process.stdin.close()
            assert process.wait(30) == 0
            err = process.stderr.read()
        assert "the spool cannot be written" in err, err
        holds(collector, application, names(step0=3, step2=3))
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_memory_is_bounded_while_the_collector_is_away(request, tmp_path):
    application = made(request, tmp_path, f"127.0.0.1:{free_port()}")
    ended = application.run("many", within_s=240, OTEL_VECTOR_EXPORTER_QUEUE_ITEMS="8192")
    assert ended.code == 0, ended.err
    grown, dropped = map(int, ended.out.split()[:2])
    reasons = re.search(r"\[.*\]", ended.out).group()
    assert grown < 64 << 20, f"{grown >> 20} MiB"
    assert reasons in {"[]", "['queue_full']"}
    with collecting(tmp_path / "collector") as collector:
        application.point_to(collector.grpc)
        while application.run("steps", OTEL_SERVICE_NAME="next").out.split()[0] != "True":
            pass
        eventually(lambda: collector.count(application.service) == 200_001 - dropped, 120)
