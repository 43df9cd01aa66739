"""The shapes of orders for jobs and of answers about them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["JobAnswer", "JobBody", "JobsAnswer"]


class JobBody(BaseModel):
    """What is to be done."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "reindex"},
                {"kind": "backup", "arguments": {"target": "/mnt/backups"}},
            ]
        },
    )

    kind: str = Field(max_length=64)
    arguments: dict[str, Any] = Field(default={}, description="as the kind takes them")


class JobAnswer(BaseModel):
    """One job."""

    id: str = Field(description="16 hex digits; later jobs have greater ones")
    kind: str
    tenant: str | None = Field(description="null for work on the whole store")
    arguments: dict[str, Any]
    state: str = Field(description="waiting, running, done, failed or cancelled")
    done: int = Field(description="steps done")
    total: int | None = Field(description="steps there are, if that is known")
    note: str = Field(description="what is being done")
    result: dict[str, Any] | None
    error: str = Field(description="why it failed; empty unless it did")
    created_unix_nano: str
    started_unix_nano: str = Field(description="0 before")
    ended_unix_nano: str = Field(description="0 before")
    attempts: int = Field(description="how often it was started")


class JobsAnswer(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobAnswer]
