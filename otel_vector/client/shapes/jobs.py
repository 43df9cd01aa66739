"""What `jobs` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import Any, TypedDict, final

__all__ = ["JobAnswer", "JobsAnswer"]


@final
class JobAnswer(TypedDict):
    """One job.

    Attributes:
        id: 16 hex digits; later jobs have greater ones.
        tenant: null for work on the whole store.
        state: waiting, running, done, failed or cancelled.
        done: steps done.
        total: steps there are, if that is known.
        note: what is being done.
        error: why it failed; empty unless it did.
        started_unix_nano: 0 before.
        ended_unix_nano: 0 before.
        attempts: how often it was started.
    """

    id: str
    kind: str
    tenant: str | None
    arguments: dict[str, Any]
    state: str
    done: int
    total: int | None
    note: str
    result: dict[str, Any] | None
    error: str
    created_unix_nano: str
    started_unix_nano: str
    ended_unix_nano: str
    attempts: int


@final
class JobsAnswer(TypedDict):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
