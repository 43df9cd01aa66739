"""Jobs: started, read, followed, ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_vector.client.call import Call, get, post
from otel_vector.client.paths import escaped
from otel_vector.client.readers import EVENTS, EventReader, read_json
from otel_vector.client.shapes import JobAnswer, JobsAnswer

__all__ = ["cancel_job", "job", "job_events", "jobs", "start_job"]


def jobs() -> Call[JobsAnswer]:
    """List the last jobs."""
    return get("/v1/jobs")


def job(job_id: str) -> Call[JobAnswer]:
    """Read one job."""
    return get(_path(job_id))


def start_job(kind: str, arguments: Mapping[str, Any]) -> Call[JobAnswer]:
    """Start a job; twice would be two."""
    return post("/v1/jobs", {"kind": kind, "arguments": arguments}, repeatable=False)


def cancel_job(job_id: str) -> Call[JobAnswer]:
    """End a job."""
    return Call("DELETE", _path(job_id), read_json, repeatable=False)


def job_events(job_id: str) -> Call[JobAnswer]:
    """Follow a job."""
    return Call("GET", f"{_path(job_id)}/events", EventReader, accept=EVENTS, patient=True)


def _path(job_id: str) -> str:
    return f"/v1/jobs/{escaped(job_id)}"
