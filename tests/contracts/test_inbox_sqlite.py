"""The SQLite inbox keeps the promises of the contract, and those of its files."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from otel_vector.errors import StorageFullError, StoreDamagedError, StoreVersionError
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig
from otel_vector.testing.inbox import InboxSuite, envelope, take_all
from otel_vector.testing.inbox_machine import InboxMachine

CONFIG = InboxConfig(min_free_bytes=0)
PUTTER = """
import sys, time
from pathlib import Path
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig
from otel_vector.testing.inbox import envelope
inbox = SqliteInbox(Path(sys.argv[1]), InboxConfig(min_free_bytes=0))
pending = []
for n in range(1_000_000):
    pending.append(inbox.submit(envelope(b"%d" % n * 2000)))
    if len(pending) == 8:
        print(*[future.result() for future in pending], flush=True)
        pending = []
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "inbox"


@pytest.fixture
def opened(folder):
    inboxes = []

    def open_inbox(config):
        inboxes.append(SqliteInbox(folder, config))
        return inboxes[-1]

    yield open_inbox
    for inbox in inboxes:
        inbox.close()


class TestSqliteInbox(InboxSuite):
    @pytest.fixture
    def opened(self, opened):
        return opened


class SqliteMachine(InboxMachine):
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open_inbox(self):
        config = replace(CONFIG, max_bytes=self.max_bytes)
        return SqliteInbox(Path(self.folder.name) / "inbox", config)

    def teardown(self):
        super().teardown()
        self.folder.cleanup()


TestRandomWalks = SqliteMachine.TestCase
TestRandomWalks.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def everything_in(folder):
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_closing_twice_is_harmless(opened):
    inbox = opened(CONFIG)
    inbox.put(envelope())
    inbox.close()
    inbox.close()


def test_files_are_for_the_owner_only(opened, folder):
    inbox = opened(CONFIG)
    inbox.put(envelope())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {"inbox.db", "inbox.db-wal"} <= set(modes)
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("size", [20, 3_000, 200_000])
def test_after_a_scrub_no_acked_byte_is_on_disk(opened, folder, size):
    inbox = opened(CONFIG)
    put = [inbox.put(envelope(b"S3CRET-%d-" % n + os.urandom(size))) for n in range(5)]
    kept = inbox.put(envelope(b"kept"))
    assert b"S3CRET" in everything_in(folder)
    inbox.bury(put[0], "why")
    inbox.drop([put[0]])
    inbox.ack(put)
    inbox.scrub()
    assert b"S3CRET" not in everything_in(folder)
    assert [delivery.id for delivery in take_all(inbox)] == [kept]


def test_a_scrub_gives_the_disk_back(opened, folder):
    inbox = opened(CONFIG)
    ids = [inbox.put(envelope(os.urandom(1 << 20))) for _ in range(20)]
    inbox.ack(ids)
    inbox.scrub()
    assert sum(path.stat().st_size for path in folder.iterdir()) < 1 << 20


def test_the_log_is_moved_into_the_file_while_requests_come_in(opened, folder):
    inbox = opened(CONFIG)
    body = os.urandom(1 << 20)
    largest = 0
    for _ in range(200):
        inbox.ack([inbox.put(envelope(body))])
        largest = max(largest, (folder / "inbox.db-wal").stat().st_size)
    assert largest < 150 << 20


def test_a_killed_process_loses_nothing_that_it_reported(folder):
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", PUTTER, str(folder)], stdout=subprocess.PIPE, text=True
        )
        reported = [int(word) for _ in range(5) for word in child.stdout.readline().split()]
        os.kill(child.pid, signal.SIGKILL)
        reported += [int(word) for word in child.stdout.read().rpartition("\n")[0].split()]
        child.wait()
        child.stdout.close()
        inbox = SqliteInbox(folder, CONFIG)
        taken = inbox.take(1_000_000, 1 << 40, 0)
        assert len(reported) >= 40
        assert set(reported) <= {delivery.id for delivery in taken}
        inbox.ack([delivery.id for delivery in taken])
        assert inbox.state().bytes == 0
        inbox.close()


def test_puts_stay_quick_while_hundreds_are_acked(opened):
    inbox = opened(CONFIG)
    body = os.urandom(180_000)
    waiting = [inbox.submit(envelope(body)) for _ in range(400)]
    ids = [future.result() for future in waiting]
    acking = threading.Thread(target=inbox.ack, args=(ids,))
    acking.start()
    began, slowest = time.perf_counter(), 0.0
    while acking.is_alive():
        started = time.perf_counter()
        inbox.put(envelope(b"x"))
        slowest = max(slowest, time.perf_counter() - started)
    acking.join()
    assert slowest < max(2.0, (time.perf_counter() - began) / 3)  # a slow disk delays both


def test_a_disk_with_too_little_room_answers_busy(opened):
    inbox = opened(replace(CONFIG, min_free_bytes=1 << 62))
    with pytest.raises(StorageFullError, match="min_free_bytes"):
        inbox.put(envelope())
    assert inbox.state().pending == 0


def test_a_full_disk_stores_nothing_and_recovers(folder):
    code = """
import os, resource, signal, sys
from pathlib import Path
from otel_vector.errors import StorageFullError
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig
from otel_vector.testing.inbox import envelope
inbox = SqliteInbox(Path(sys.argv[1]), InboxConfig(min_free_bytes=0))
first = inbox.put(envelope(b"before"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
try:
    inbox.put(envelope(os.urandom(4 << 20)))
except StorageFullError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
second = inbox.put(envelope(b"after"))
print(first, second, [d.envelope.body for d in inbox.take(9, 99, 0)])
inbox.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    refused, stored = done.stdout.splitlines()
    assert "cannot be written" in refused
    assert "free disk space" in refused
    assert stored == "1 2 [b'before', b'after']"


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFullError, match="cannot be written"):
        SqliteInbox(tmp_path / "file" / "inbox", CONFIG)


def test_a_newer_version_is_refused_and_left_alone(opened, folder):
    opened(CONFIG).close()
    with sqlite3.connect(folder / "inbox.db") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    before = (folder / "inbox.db").read_bytes()
    with pytest.raises(StoreVersionError, match="version 99"):
        SqliteInbox(folder, CONFIG)
    assert (folder / "inbox.db").read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(folder):
    folder.mkdir()
    (folder / "inbox.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDamagedError):
        SqliteInbox(folder, CONFIG)
    assert (folder / "inbox.db").read_bytes() == b"not a database" * 100


def test_a_cancelled_submission_is_not_stored_or_stored_whole(opened):
    inbox = opened(CONFIG)
    futures = [inbox.submit(envelope(b"%d" % n)) for n in range(200)]
    cancelled = sum(future.cancel() for future in futures)
    inbox.close()
    assert opened(CONFIG).state().pending == 200 - cancelled


def test_a_corrupt_page_is_told_and_not_mistaken_for_a_full_disk(opened, folder):
    inbox = opened(CONFIG)
    for _ in range(5):
        inbox.put(envelope(os.urandom(100_000)))
    inbox.scrub()
    inbox.close()
    with (folder / "inbox.db").open("r+b") as file:
        file.seek(32768)
        file.write(b"\xff" * 32768 * 4)
    with pytest.raises(StoreDamagedError):
        broken = opened(CONFIG)
        take_all(broken)
