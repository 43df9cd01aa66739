"""The inbox of a process that may fork keeps the promises of the contract, with a journal."""

import os
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig
from otel_vector.testing.inbox import InboxSuite, envelope, take_all
from otel_vector.testing.inbox_machine import InboxMachine

CONFIG = InboxConfig(min_free_bytes=0)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "inbox"


@pytest.fixture
def opened(folder):
    inboxes = []

    def open_inbox(config, *, in_application=True):
        inboxes.append(SqliteInbox(folder, config, in_application=in_application))
        return inboxes[-1]

    yield open_inbox
    for inbox in inboxes:
        inbox.close()


class TestInboxInApplication(InboxSuite):
    @pytest.fixture
    def opened(self, opened):
        return opened


class ApplicationMachine(InboxMachine):
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open_inbox(self):
        config = replace(CONFIG, max_bytes=self.max_bytes)
        return SqliteInbox(Path(self.folder.name) / "inbox", config, in_application=True)

    def teardown(self):
        super().teardown()
        self.folder.cleanup()


TestRandomWalks = ApplicationMachine.TestCase
TestRandomWalks.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


def mode_of(folder):
    database = sqlite3.connect(folder / "inbox.db")
    try:
        return database.execute("PRAGMA journal_mode").fetchone()[0]
    finally:
        database.close()


def test_there_is_no_log_and_nothing_is_locked_between_two_transactions(opened, folder):
    inbox = opened(CONFIG)
    inbox.put(envelope())
    assert not list(folder.glob("inbox.db-[ws]*"))
    inode = (folder / "inbox.db").stat().st_ino
    locks = Path("/proc/locks").read_text().splitlines()
    assert not [line for line in locks if f":{inode} " in line and f" {os.getpid()} " in line]


def test_a_server_and_an_application_take_the_same_file_in_turns(opened, folder):
    for in_application, mode in ((False, "wal"), (True, "delete"), (False, "wal")):
        inbox = opened(CONFIG, in_application=in_application)
        inbox.recover()
        inbox.put(envelope())
        inbox.close()
        assert mode_of(folder) == mode
    assert len(take_all(opened(CONFIG))) == 3


def test_it_sees_that_its_file_was_moved_or_replaced(opened, folder):
    inbox = opened(CONFIG)
    assert inbox.is_there()
    folder.rename(folder.with_name("elsewhere"))
    assert not inbox.is_there()
    opened(CONFIG)
    assert not inbox.is_there()
