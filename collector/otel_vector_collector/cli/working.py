"""Jobs from the command line: run here, or left to the process that serves and followed.

Jobs lie in the data folder's state, which its owner may write, so neither needs an address or
a key.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from otel_vector.errors import ConfigError, JobCancelledError, OtelVectorError
from otel_vector.jobs.contract import Arguments, Job, JobState
from otel_vector.jobs.kept import KeptJobs
from otel_vector.keys.audit import LOCAL_USER, Act, AuditLog
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.wiring import open_state
from otel_vector_collector.cli.connect import engine_opened, served_at
from otel_vector_collector.cli.console import Progress, say
from otel_vector_collector.units import count

__all__ = ["follow", "kept_jobs", "work"]

_POLL_S: Final = 0.2
_GONE_S: Final = 15.0  # for which nobody may serve the folder before a wait for it ends


@contextmanager
def kept_jobs(settings: Settings) -> Iterator[KeptJobs]:
    """Open the jobs of a data folder, served or not.

    Raises:
        ConfigError: there is no such folder.
    """
    if not settings.data.is_dir():
        raise ConfigError(f"there is no data folder {settings.data}: name one with --data")
    state = open_state(settings)
    try:
        yield KeptJobs(state)
    finally:
        state.close()


def work(settings: Settings, kind: str, tenant: Tenant | None, arguments: Arguments) -> Job:
    """Have a job done and wait for its end, with a bar.

    Raises:
        JobCancelledError: it was cancelled.
        OtelVectorError: it failed; the message says why.
    """
    with kept_jobs(settings) as jobs:
        asked = Act("jobs.start", LOCAL_USER, (tenant,) if tenant else (), detail={"kind": kind})
        AuditLog(settings.data).record(asked)
        if served_at(settings.data) is not None:
            job = jobs.create(kind, tenant, arguments)
            say(f"job {job.id}: `otel-vector jobs cancel {job.id}` ends it")
            job = follow(settings, jobs, job.id)
        else:
            shown = _Shown(kind)
            with engine_opened(settings, f"otel-vector {kind}") as engine:
                job = engine.jobs.run(kind, tenant, arguments, shown.report)
            shown.line.end()
    if job.state is JobState.CANCELLED:
        raise JobCancelledError(f"job {job.id} was cancelled; what is done so far stays")
    if job.state is JobState.FAILED:
        raise OtelVectorError(job.error)
    return job


def follow(settings: Settings, jobs: KeptJobs, job_id: str) -> Job:
    """Show how far a job is until it is over; return it then, or when nobody works on it."""
    shown, served_s = _Shown("job"), time.monotonic()
    while (job := jobs.job(job_id)) is not None and not job.state.is_over:
        shown.line.what = job.kind
        shown.report(job.done, job.total, job.note or str(job.state))
        if served_at(settings.data, 0.0) is not None:
            served_s = time.monotonic()
        elif time.monotonic() - served_s > _GONE_S:
            shown.line.end()
            say("nobody works on it now: it goes on when the folder is served again")
            return job
        time.sleep(_POLL_S)
    shown.line.end()
    if job is None:
        raise OtelVectorError(f"job {job_id} is not known any more; `otel-vector jobs list`")
    return job


class _Shown:
    """A bar, as a `Progress`."""

    def __init__(self, what: str) -> None:
        self.line = Progress(what)

    def report(self, done: int, total: int | None = None, note: str = "") -> None:
        facts = {"": f"{count(done)} of {count(total)}" if total else count(done), " ": note}
        self.line.update(facts, done / total if total else None)
