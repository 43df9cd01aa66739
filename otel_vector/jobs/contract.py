"""Jobs: long work that is persisted, watched, cancelled, and resumed after a restart.

::

    waiting ──▶ running ──▶ done | failed | cancelled
       ▲           │
       └───────────┘   the process that ran it is gone; after three of these it is failed

A kind's function is resumable: called again with the same arguments it goes on where a process
that died left off, or does again what changes nothing when done twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from otel_vector.errors import InvalidInputError
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant

__all__ = [
    "MAX_ATTEMPTS",
    "NO_URL",
    "UPKEEP",
    "Arguments",
    "Job",
    "JobState",
    "JobStore",
    "Kind",
    "Schedule",
    "Work",
]

MAX_ATTEMPTS: Final = 3
"""Starts after which a job that ended its process each time is failed."""

NO_URL: Final = "none"
"""In place of a URL: no server is asked, whatever settings say."""

UPKEEP: Final = "upkeep"
"""The lane of whatever looks after the store: one of these runs at a time."""

Arguments = dict[str, Any]
"""What a job is told, and what it gives: a JSON object."""


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether the job will not run again."""
        return self not in {JobState.WAITING, JobState.RUNNING}


@dataclass(slots=True)
class Job:
    """One piece of work.

    Attributes:
        id: 16 hex digits; later jobs have greater ones.
        kind: what is done.
        tenant: for whom; None for work on the whole store.
        arguments: what it was told.
        state: where it stands.
        done: steps done, in the kind's own unit.
        total: steps there are; None if that is not known.
        note: what is being done, for people.
        result: what it gave; None before its end.
        error: why it failed, a sentence; empty unless it did.
        created_ns: when it was asked for, nanoseconds since the epoch.
        started_ns: when it was first started; 0 before.
        ended_ns: when it ended; 0 before.
        updated_ns: when this was last written.
        attempts: how often it was started.
        owner: the process that runs it; 0 while none does.
    """

    id: str
    kind: str
    tenant: Tenant | None = None
    arguments: Arguments = field(default_factory=dict)
    state: JobState = JobState.WAITING
    done: int = 0
    total: int | None = None
    note: str = ""
    result: Arguments | None = None
    error: str = ""
    created_ns: int = 0
    started_ns: int = 0
    ended_ns: int = 0
    updated_ns: int = 0
    attempts: int = 0
    owner: int = 0


Work = Callable[[Tenant | None, Arguments, Progress], Arguments]
"""Does a job, reporting between its steps; returns its result. Errors make the job fail."""


def _unchecked(arguments: Arguments) -> Arguments:
    if arguments:
        raise InvalidInputError(f"this kind of job takes no arguments, not {sorted(arguments)}")
    return arguments


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job.

    Attributes:
        work: does one.
        check: returns the arguments in their normal form, or raises InvalidInputError with what
            is wrong. Called again before each start: other processes add jobs, too.
        store_wide: whether it is about all tenants; its jobs have none.
        lane: jobs of one lane run one after the other.
        paths: arguments that name files of the machine the store is on; who asks from elsewhere
            may name only what settings allow.
        urls: arguments that name servers to be asked; who asks from elsewhere may name only the
            one that settings name.
    """

    work: Work
    check: Callable[[Arguments], Arguments] = _unchecked
    store_wide: bool = False
    lane: str = UPKEEP
    paths: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that is tried again and again; it shows as a job once it reports something to do.

    Attributes:
        kind: the name of a kind.
        every_s: seconds from the end of one try to the next.
        arguments: what it is told.
    """

    kind: str
    every_s: float
    arguments: Arguments = field(default_factory=dict)


class JobStore(Protocol):
    """All jobs of a data folder. Several processes may use it at the same time.

    Only the process that runs a job writes it; others ask for its end by `ask_cancel`.
    """

    def create(
        self, kind: str, tenant: Tenant | None, arguments: Arguments, owner: int = 0
    ) -> Job:
        """Add a job durably; the oldest ended ones above the bound are forgotten.

        Args:
            kind: what is to be done.
            tenant: for whom.
            arguments: what it is told.
            owner: the process that runs it from the start; 0 if it is to wait.

        Raises:
            StorageFullError: the disk is full; there is no job.
        """
        ...

    def save(self, job: Job) -> None:
        """Write a job durably in place of what was known of it."""
        ...

    def job(self, job_id: str) -> Job | None:
        """Return a job, or None."""
        ...

    def jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        ...

    def ask_cancel(self, job_id: str) -> None:
        """Remember durably that a job is to end."""
        ...

    def is_cancel_asked(self, job_id: str) -> bool:
        """Return whether a job is to end."""
        ...
