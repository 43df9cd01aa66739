"""kill -9 of an application at random moments and at named stages: what a flush said is kept.

`CRASH_ROUNDS` sets the number of rounds (24 by default; `make crash` runs 50). In each an
application makes spans and flushes, with a collector that is there or away, until it dies at the
stage of the round, or at a random moment. The next one has the same spool. At the end every span
that a flush answered for is stored, once, and no other than those that were made.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

from support.applications import Application, Collector, eventually

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "24"))
FAULTS = Path(__file__).parent / "faults"
LONG_S = 60.0
PROGRAM = Path(__file__).parent / "exporting.py"
_INBOX = "otel_vector.inbox.sqlite"
STAGES = (
    "",  # at a random moment
    f"{_INBOX}.writer:insert_waiting:after",  # within the transaction
    "otel_vector.exporter.grpc_way:GrpcWay.send:after",  # the collector has it, the spool too
    "",
    f"{_INBOX}.inbox:SqliteInbox.ack:before",
    f"{_INBOX}.inbox:SqliteInbox.ack:after",
    "",
    f"{_INBOX}.taker:delete_waiting:after",  # within the transaction that acks
    f"{_INBOX}.writer:Writer._answer:before",  # committed, and nobody knows it yet
    "",
    "otel_vector.exporter.encoding:Encoder.requests:after",
    "otel_vector.exporter.folder:SenderLock.acquire:after",
)
_NEEDS_COLLECTOR = ("send", "ack", "taker", "acquire")


class Rounds:
    """Applications one after the other, and how far each of them came for sure."""

    def __init__(self, folder: Path) -> None:
        self.random = random.Random(23)
        self.collector = Collector(folder / "collector")
        self.application = Application(PROGRAM, folder / "app", self.collector.grpc, "crash")
        self.on_disk: dict[str, int] = {}
        self.size = 5

    def run(self, number: int) -> None:
        """Run one application until it is dead."""
        stage = STAGES[number % len(STAGES)]
        who = f"round{number}"
        settings = {"PYTHONPATH": str(FAULTS)}
        if stage:
            settings["CRASH_AT"] = f"{stage}:{self.random.randrange(1, 6)}"
        self.set_collector(is_up=any(name in stage for name in _NEEDS_COLLECTOR) or number % 4 < 2)
        way, name = ("fork", f"{who}-child") if number % 6 == 3 else ("stream", who)
        with self.application.start(way, who, str(self.size), **settings) as process:
            late = self.kill_later(process.pid, LONG_S if stage else self.random.uniform(0.5, 2.5))
            reached = [int(line) for line in process.stdout]
            assert not stage or late.is_alive(), f"{stage} was never reached"
            late.cancel()
            err = process.stderr.read()
            assert process.wait(60) == -signal.SIGKILL, err
        assert "damaged" not in err, err
        assert "Traceback" not in err, err
        self.on_disk[name] = max(reached, default=0)

    def kill_later(self, group: int, delay_s: float) -> threading.Timer:
        timer = threading.Timer(delay_s, os.killpg, (group, signal.SIGKILL))
        timer.start()
        return timer

    def set_collector(self, *, is_up: bool) -> None:
        if is_up and self.collector.process is None:
            self.collector.start()
        elif not is_up:
            self.collector.kill()

    def finish(self) -> None:
        """Let another program of the same destination send the rest."""
        self.set_collector(is_up=True)
        ended = self.application.run("drain", "last", "1", OTEL_SERVICE_NAME="another")
        assert ended.out == "True\n", ended.err
        eventually(self.is_all_stored)

    def is_all_stored(self) -> bool:
        stored = self.collector.stored("crash")  # which also sees that none is there twice
        return all(
            stored[f"{who}-{number}"] == 1
            for who, reached in self.on_disk.items()
            for number in range(reached)
        )


def test_what_a_flush_answered_for_survives_the_application(tmp_path: Path) -> None:
    rounds = Rounds(tmp_path)
    try:
        for number in range(ROUNDS):
            rounds.run(number)
        rounds.finish()
        stored = rounds.collector.stored("crash")
        assert sum(rounds.on_disk.values()) > 0
        assert set(stored.values()) == {1}
        for name in stored:
            who, _, number = name.rpartition("-")
            assert int(number) < rounds.on_disk[who] + rounds.size, name
    finally:
        rounds.collector.kill()


def test_a_request_that_was_sent_and_not_acked_is_sent_again_and_stored_once(
    tmp_path: Path,
) -> None:
    collector = Collector(tmp_path / "collector")
    application = Application(PROGRAM, tmp_path / "app", collector.grpc, "twice")
    try:
        collector.start()
        ended = application.run(
            "drain", "main", "50",
            PYTHONPATH=str(FAULTS), CRASH_AT=f"{_INBOX}.inbox:SqliteInbox.ack:before:1",
        )  # fmt: skip
        assert ended.code == -signal.SIGKILL
        eventually(lambda: collector.count("twice") == 50)
        assert application.run("drain", "main", "0", OTEL_SERVICE_NAME="another").code == 0
        assert application.run("drain", "more", "1").out == "True\n"
        eventually(lambda: collector.count("twice") == 51)
    finally:
        collector.kill()
