"""An import from the outside: beside a collector that serves the folder, or alone.

Beside a collector its engine stores what is put. Alone, this process opens the folder and
runs the engine until everything put is stored and has its vectors.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

from otel_vector.client import Client
from otel_vector.client.shapes import StatsAnswer
from otel_vector.errors import ConfigError, InvalidInputError, RetryableError
from otel_vector.jobs.kept import KeptJobs
from otel_vector.jobs.runner import Runner
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant, is_tenant
from otel_vector.wiring import open_inbox, open_state
from otel_vector_collector.cli.connect import client_of, engine_opened, served_at, served_here
from otel_vector_collector.cli.console import Progress, say
from otel_vector_collector.cli.import_job import as_job
from otel_vector_collector.cli.transfer.importing import Importer, Report
from otel_vector_collector.cli.transfer.streams import STDIN
from otel_vector_collector.receive.tenant import DEFAULT_TENANT
from otel_vector_collector.units import bytes_text, count

__all__ = ["import_all"]

_POLL_S: Final = 0.1
_STALLED_S: Final = 30.0


def import_all(
    settings: Settings, files: Sequence[str], *, restart: bool, wait: bool
) -> list[tuple[str, Report]]:
    """Import files in their order; return what became of each.

    Args:
        settings: where to.
        files: names; `-` for stdin.
        restart: forget how far earlier imports came.
        wait: beside a collector, return only when what was put is stored and embedded.

    Raises:
        ConfigError: a file cannot be opened; nothing was imported then.
    """
    for name in files:
        if name != STDIN and not os.access(name, os.R_OK):
            raise ConfigError(f"there is no file {name} that can be read")
    with ExitStack() as stack:
        served, runner = served_at(settings.data), None
        if served is not None:
            client = stack.enter_context(client_of(settings, served))
        else:
            engine = stack.enter_context(engine_opened(settings, "otel-vector import"))
            engine.start()
            runner = engine.jobs
            client = stack.enter_context(served_here(settings, engine))
        reports = _put_all(settings, files, runner, restart=restart)
        if wait or served is None:
            _settle(client, time.monotonic())
        return reports


def _put_all(
    settings: Settings, files: Sequence[str], runner: Runner | None, *, restart: bool
) -> list[tuple[str, Report]]:
    reports = []
    with ExitStack() as stack:
        inbox, state = open_inbox(settings), open_state(settings)
        stack.callback(inbox.close)
        stack.callback(state.close)
        for name in files:
            shown = _Shown(name)
            importer = Importer(
                inbox=inbox,
                state=state,
                tenant=_tenant(settings),
                max_request_bytes=settings.inbox.max_request_bytes,
                progress=shown.put,
                waiting=shown.wait,
            )
            jobs = runner or Runner(KeptJobs(state), {})
            put = partial(_put_one, importer, name, restart=restart)
            reports.append((name, as_job(jobs, importer, name, put)))
            shown.line.end()
    return reports


def _tenant(settings: Settings) -> Tenant:
    name = settings.client.tenant or DEFAULT_TENANT
    if not is_tenant(name):
        raise ConfigError(f"client.tenant = {name!r} is not a tenant: a-z, 0-9, '_', '.', '-'")
    return Tenant(name)


def _put_one(importer: Importer, name: str, *, restart: bool) -> Report:
    try:
        return importer.run(name, restart=restart)
    except InvalidInputError as error:
        report = importer.report
        report.bad += 1
        report.faults.append((report.unit + 1, str(error)))
        return report


class _Shown:
    """How far the putting of one file is."""

    def __init__(self, name: str) -> None:
        self.line = Progress(f"importing {name}")
        self._size = Path(name).stat().st_size if name != STDIN else 0

    def put(self, report: Report, read: int) -> None:
        """Show a report and the bytes read so far."""
        facts: dict[str, object] = {"spans": count(report.spans)}
        if report.logs:
            facts["logs"] = count(report.logs)
        if report.bad:
            facts["bad lines"] = count(report.bad)
        self.line.update(facts, read / self._size if self._size else None)

    def wait(self, why: str) -> None:
        """Show that the inbox has no room."""
        self.line.update({"waiting:": why})


def _settle(client: Client, put_at: float) -> None:
    """Wait until what was put before is stored and has its vectors.

    What others put later is not waited for. A standstill of half a minute ends the wait.
    """
    line, last, moved_at = Progress("storing"), None, time.monotonic()
    while True:
        left, facts = _standing(client, put_at)
        if not left:
            break
        if left != last:
            last, moved_at = left, time.monotonic()
        if time.monotonic() - moved_at > _STALLED_S:
            line.end()
            say(left)
            return
        line.update(facts)
        time.sleep(_POLL_S)
    line.end()


def _standing(client: Client, put_at: float) -> tuple[str, dict[str, object]]:
    """Return a sentence on what is left to do, empty if nothing is, and facts to show."""
    try:
        stats = client.stats()
    except RetryableError as error:
        return f"all of it is accepted and waits to be stored: {error}", {"waiting:": error}
    requests, texts = _left(stats, time.monotonic() - put_at)
    if not requests and not texts:
        return "", {}
    sentence = (
        f"{count(requests)} requests wait to be stored and {count(texts)} texts to be embedded, "
        "and nothing moves: `otel-vector doctor` says why"
    )
    return sentence, _facts(stats)


def _left(stats: StatsAnswer, since_s: float) -> tuple[int, int]:
    """Return requests of ours that wait, and texts without a vector."""
    inbox = stats["inbox"]
    is_ours = inbox is not None and inbox["oldest_s"] + _POLL_S >= since_s
    return inbox["pending"] if inbox and is_ours else 0, stats["meanings"]["pending"]


def _facts(stats: StatsAnswer) -> dict[str, object]:
    meanings, inbox = stats["meanings"], stats["inbox"]
    return {
        "stored": count(stats["spans"]),
        "logs": count(stats["logs"]),
        "waiting": bytes_text(inbox["bytes"] if inbox else 0),
        "embedded": f"{count(meanings['total'] - meanings['pending'])} of "
        f"{count(meanings['total'])} texts",
    }
