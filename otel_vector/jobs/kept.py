"""Jobs kept in the data folder's state, the last 200 of them."""

from __future__ import annotations

import secrets
from dataclasses import asdict, fields
from time import time_ns
from typing import Final

import orjson

from otel_vector.errors import StoreDamagedError
from otel_vector.jobs.contract import Arguments, Job, JobState
from otel_vector.spans.ids import Tenant
from otel_vector.state.contract import State

__all__ = ["KEPT", "KeptJobs"]

KEPT: Final = 200
"""Jobs that are remembered; what has not ended is never forgotten."""

_JOBS: Final = "jobs"
_CANCEL: Final = "jobs.cancel"
_NAMES: Final = tuple(field.name for field in fields(Job))


class KeptJobs:
    """Implements `JobStore`."""

    def __init__(self, state: State, kept: int = KEPT) -> None:
        self._state = state
        self._kept = kept

    def create(
        self, kind: str, tenant: Tenant | None, arguments: Arguments, owner: int = 0
    ) -> Job:
        """See `JobStore`."""
        job = Job(_new_id(), kind, tenant, arguments, created_ns=time_ns())
        if owner:
            job.state, job.owner, job.attempts = JobState.RUNNING, owner, 1
            job.started_ns = job.created_ns
        self.save(job)
        self._forget()
        return job

    def save(self, job: Job) -> None:
        """See `JobStore`."""
        job.updated_ns = time_ns()
        self._state.set(_JOBS, job.id, orjson.dumps(asdict(job)).decode())

    def job(self, job_id: str) -> Job | None:
        """See `JobStore`."""
        text = self._state.get(_JOBS, job_id)
        return None if text is None else _job(job_id, text)

    def jobs(self) -> list[Job]:
        """See `JobStore`."""
        found = self._state.items(_JOBS)
        return [_job(job_id, found[job_id]) for job_id in sorted(found, reverse=True)]

    def ask_cancel(self, job_id: str) -> None:
        """See `JobStore`."""
        self._state.set(_CANCEL, job_id, "1")

    def is_cancel_asked(self, job_id: str) -> bool:
        """See `JobStore`."""
        return self._state.get(_CANCEL, job_id) is not None

    def _forget(self) -> None:
        ended = [job for job in self.jobs()[self._kept :] if job.state.is_over]
        for job in ended:
            self._state.delete(_JOBS, job.id)
            self._state.delete(_CANCEL, job.id)


def _new_id() -> str:
    """Return an id that sorts by the microsecond it was made in."""
    return f"{time_ns() // 1000:013x}{secrets.token_hex(2)[:3]}"


def _job(job_id: str, text: str) -> Job:
    """Read a job; what a newer version wrote beside is passed over."""
    try:
        stored = orjson.loads(text)
        job = Job(**{name: stored[name] for name in _NAMES if name in stored})
        job.state = JobState(job.state)
    except (ValueError, TypeError) as error:
        raise StoreDamagedError(
            f"what is stored of job {job_id} cannot be read; restore state.db from a backup"
        ) from error
    return job
