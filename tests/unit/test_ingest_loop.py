"""A loop goes on after a failing step, tells what is wrong, and stops when asked."""

import logging
import threading
import time

from support.ingest import DEADLINE_S, eventually

from otel_vector.errors import StorageFullError
from otel_vector.ingest import loop as loops
from otel_vector.ingest.loop import Loop


class Steps:
    """Runs what a test puts into `action`."""

    def __init__(self, action):
        self.action = action
        self.count = 0
        self.finished = False

    def step(self):
        self.count += 1
        self.action(self.count)

    def finish(self):
        self.finished = True


def run(action):
    steps = Steps(action)
    loop = Loop("part", steps, "look at the disk")
    loop.start()
    return loop, steps


def rest(_):
    time.sleep(0.005)


def test_steps_are_repeated_until_the_stop_and_tidied_up_after():
    loop, steps = run(rest)
    eventually(lambda: steps.count > 3)
    assert loop.health().detail == "running"
    assert loop.stop(DEADLINE_S)
    assert steps.finished
    assert loop.health().detail == "stopped"


def test_a_failing_step_is_told_with_advice_and_tried_again(caplog):
    def fail_twice(count):
        if count <= 2:
            raise ValueError("odd")
        rest(count)

    with caplog.at_level(logging.ERROR):
        loop, steps = run(fail_twice)
        eventually(lambda: not loop.health().ok)
        assert loop.health().detail == "ValueError: odd; look at the disk"
        eventually(lambda: steps.count > 3)
        eventually(lambda: loop.health().ok)
    assert len([r for r in caplog.records if "look at the disk" in r.message]) == 2
    assert loop.stop(DEADLINE_S)


def test_a_fault_that_passes_is_logged_without_a_traceback(caplog):
    def full(_):
        raise StorageFullError("the disk is full")

    with caplog.at_level(logging.ERROR):
        loop, _ = run(full)
        eventually(lambda: caplog.records)
        assert loop.stop(DEADLINE_S)
    assert all(record.exc_info is None for record in caplog.records)


def test_a_pause_between_failures_does_not_delay_the_stop(monkeypatch):
    monkeypatch.setattr(loops, "_FIRST_PAUSE_S", 10 * DEADLINE_S)

    def fail(_):
        raise ValueError("odd")

    loop, _ = run(fail)
    eventually(lambda: not loop.health().ok)
    assert loop.stop(DEADLINE_S)


def test_a_thread_that_ends_by_itself_is_seen(caplog):
    def leave(_):
        raise SystemExit

    with caplog.at_level(logging.CRITICAL):
        loop, _ = run(leave)
        eventually(lambda: "the thread ended" in loop.health().detail)
    assert "restart the process" in caplog.text
    assert not loop.health().ok


def test_a_step_that_does_not_return_misses_the_deadline_and_is_reported():
    release = threading.Event()
    loop, _ = run(lambda _: release.wait(DEADLINE_S))
    assert not loop.stop(0.05)
    release.set()
    assert loop.stop(DEADLINE_S)
