"""Forks wait for who is inside, send away who could stay, and do not wait for ever."""

import fcntl
import threading

import pytest

from otel_vector.inbox import forking
from otel_vector.inbox.forking import ForkGate, close_lock_file, open_lock_file


@pytest.fixture
def gate():
    return ForkGate()


@pytest.fixture
def background():
    threads = []

    def run(work):
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield run
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


def test_a_fork_waits_until_nobody_is_inside(gate, background):
    inside, leave, forked = threading.Event(), threading.Event(), threading.Event()

    def work():
        with gate:
            inside.set()
            assert leave.wait(30)
            assert not forked.is_set()

    def fork():
        gate.hold()
        forked.set()
        gate.release()

    background(work)
    assert inside.wait(30)
    background(fork)
    leave.set()
    assert forked.wait(30)


def test_nobody_gets_in_during_a_fork(gate, background):
    entered = threading.Event()

    def work():
        with gate:
            entered.set()

    gate.hold()
    background(work)
    assert not entered.wait(0.1)
    gate.release()
    assert entered.wait(30)


def test_who_can_be_sent_away_is(gate, background):
    inside, away = threading.Event(), threading.Event()

    def work():
        with gate.hurried(away.set):
            inside.set()
            assert away.wait(30)

    background(work)
    assert inside.wait(30)
    gate.hold()
    assert away.is_set()
    gate.renew()
    assert not gate.is_forced


def test_a_fork_goes_on_after_a_while_and_the_child_knows(gate, background, monkeypatch):
    monkeypatch.setattr(forking, "_PATIENCE_S", 0.1)
    inside, leave = threading.Event(), threading.Event()

    def work():
        with gate:
            inside.set()
            assert leave.wait(30)

    background(work)
    assert inside.wait(30)
    gate.hold()
    gate.release()
    assert not gate.is_forced
    leave.set()
    gate.renew()
    assert gate.is_forced


def test_a_lock_ends_with_its_file(tmp_path):
    first, second = open_lock_file(tmp_path / "lock"), open_lock_file(tmp_path / "lock")
    fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with pytest.raises(BlockingIOError):
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    close_lock_file(first)
    fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    close_lock_file(second)
