"""Faults in the inbox's own threads: nobody waits for ever, and the next put works."""

from contextlib import nullcontext

import pytest

from otel_vector.errors import RetryableError, StorageFullError
from otel_vector.inbox.contract import Envelope
from otel_vector.inbox.sqlite import SqliteInbox, checkpoints, writer
from otel_vector.inbox.sqlite.files import Connection, Files
from otel_vector.inbox.sqlite.locks import WriteLock
from otel_vector.settings.config import InboxConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal

BODY = Envelope(Tenant("default"), Signal.SPANS, "application/x-protobuf", "identity", 1, b"x")


class Failing:
    """Fails so many times, as a process without file descriptors does; then works."""

    def __init__(self, work, error, times=1):
        self.work, self.error, self.left = work, error, times

    def __call__(self, *given, **named):
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return self.work(*given, **named)


@pytest.fixture
def inbox(tmp_path):
    opened = SqliteInbox(tmp_path / "inbox", InboxConfig())
    yield opened
    opened.close()


def test_a_writer_that_cannot_open_its_connection_refuses_and_starts_again(
    inbox, monkeypatch, caplog
):
    monkeypatch.setattr(
        writer, "Connection", Failing(Connection, StorageFullError("Too many open files"))
    )
    with pytest.raises(StorageFullError, match="open files"):
        inbox.submit(BODY).result(10)
    assert "starts another" in caplog.text
    assert inbox.submit(BODY).result(10) == 1
    assert inbox.state().pending == 1


def test_a_fault_after_a_commit_costs_nobody_an_answer(inbox, monkeypatch):
    size = Failing(lambda: 0, OSError("stale file handle"))
    monkeypatch.setattr(inbox._files, "wal_bytes", size)
    assert inbox.submit(BODY).result(10) == 1
    assert inbox.submit(BODY).result(10) == 2


@pytest.mark.parametrize("fault", [OSError("Too many open files"), RetryableError("locked")])
def test_the_log_is_copied_again_after_a_fault_of_the_checkpointer(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(checkpoints, "_LOG_BYTES", 0)
    files = Files(tmp_path / "inbox")
    if isinstance(fault, RetryableError):
        monkeypatch.setattr(WriteLock, "held", Failing(nullcontext, fault))
    else:
        monkeypatch.setattr(checkpoints, "Connection", Failing(Connection, fault))
    copied = []
    copy = checkpoints._copy_log

    def noting(*given):
        copy(*given)
        copied.append(1)

    monkeypatch.setattr(checkpoints, "_copy_log", noting)
    checkpointer = checkpoints.Checkpointer(files)
    for _ in range(2):
        checkpointer.consider()
        while checkpointer._due.is_set():
            pass
    checkpointer.close()
    assert copied
