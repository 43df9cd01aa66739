"""A job as JSON, the same for the API and the command line."""

from __future__ import annotations

from typing import Any

from otel_vector.jobs.contract import Job

__all__ = ["job_json"]


def job_json(job: Job) -> dict[str, Any]:
    """Return what is told of a job; nanoseconds are decimal strings."""
    return {
        "id": job.id,
        "kind": job.kind,
        "tenant": job.tenant,
        "arguments": job.arguments,
        "state": str(job.state),
        "done": job.done,
        "total": job.total,
        "note": job.note,
        "result": job.result,
        "error": job.error,
        "created_unix_nano": str(job.created_ns),
        "started_unix_nano": str(job.started_ns),
        "ended_unix_nano": str(job.ended_ns),
        "attempts": job.attempts,
    }
