"""Runs jobs: each lane in a thread of its own, one job after the other.

What a job reports is kept in memory and written at most every half second, so that work may
report as often as it likes. Whether it is to end is looked up at the same times, and at once
if it was cancelled in this process.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Condition, Event, Lock, Thread
from time import monotonic, time_ns
from typing import Final

import orjson

from otel_vector.errors import (
    InvalidInputError,
    JobCancelledError,
    LimitedError,
    NotFoundError,
    OtelVectorError,
)
from otel_vector.jobs.contract import (
    MAX_ATTEMPTS,
    Arguments,
    Job,
    JobState,
    JobStore,
    Kind,
    Schedule,
)
from otel_vector.jobs.owners import is_orphaned
from otel_vector.progress import Progress, unreported
from otel_vector.spans.ids import Tenant

__all__ = ["Runner"]

_SAVE_S: Final = 0.5
_LOOK_S: Final = 2.0  # how often other processes' orders are looked for
_CHANGE_POLL_S: Final = 0.5
_MOST_WAITING: Final = 20  # of one tenant, or on the whole store
_ARGUMENTS_BYTES: Final = 16 << 10
_SOON_S: Final = 10.0
_log = logging.getLogger(__name__)


class _StoppedError(Exception):
    """The process stops: the job goes on with the next one."""


class Runner:
    """The jobs of one engine. Threads: any."""

    def __init__(self, store: JobStore, kinds: Mapping[str, Kind]) -> None:
        """Take the kinds; nothing runs until `start` or `run`."""
        self._store = store
        self._kinds = dict(kinds)
        self._due: dict[str, list[tuple[float, Schedule]]] = {}
        self._failing: dict[str, type[Exception]] = {}  # how what is due failed last, by kind
        self._active: dict[str, Job] = {}
        self._cancelled: set[str] = set()
        self._claiming = Lock()
        self._changed = Condition()
        self._ordered = Condition()
        self._orders = 0
        self._stopping = Event()
        self._threads: list[Thread] = []

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kinds there are, by name."""
        return self._kinds

    def register(self, name: str, kind: Kind) -> None:
        """Add a kind; before `start`."""
        self._kinds[name] = kind

    def submit(self, kind: str, tenant: Tenant | None, arguments: Arguments) -> Job:
        """Add a job; it runs when its lane is free.

        Args:
            kind: the name of one.
            tenant: for whom; None for a kind that is about the whole store, and only then.
            arguments: what it is told.

        Raises:
            InvalidInputError: there is no such kind, or the arguments are wrong or too large.
            LimitedError: too many of the same tenant's jobs wait already.
            StorageFullError: the disk is full; there is no job.
        """
        self._require_room(kind, tenant, arguments)
        job = self._created(kind, tenant, arguments, owner=0)
        self._order()
        return job

    def _require_room(self, kind: str, tenant: Tenant | None, arguments: Arguments) -> None:
        """Refuse what would make the list of jobs, which is read again and again, long."""
        if len(orjson.dumps(arguments)) > _ARGUMENTS_BYTES:
            raise InvalidInputError(f"arguments of a job have at most {_ARGUMENTS_BYTES} bytes")
        known = self._kinds.get(kind)
        whose = None if known is not None and known.store_wide else tenant
        waiting = [j for j in self._store.jobs() if j.tenant == whose and not j.state.is_over]
        if len(waiting) >= _MOST_WAITING:
            raise LimitedError(
                f"{len(waiting)} jobs wait already; wait until one is done, or cancel one", _SOON_S
            )

    def _created(
        self, kind: str, tenant: Tenant | None, arguments: Arguments, *, owner: int
    ) -> Job:
        known = self._kinds.get(kind)
        if known is None:
            have = ", ".join(sorted(self._kinds)) or "none"
            raise InvalidInputError(f"there is no kind of job {kind!r}; there are {have}")
        whose = None if known.store_wide else tenant
        return self._store.create(kind, whose, known.check(arguments), owner)

    def job(self, job_id: str) -> Job:
        """Return a job as it stands now.

        Raises:
            NotFoundError: there is none.
        """
        job = self._active.get(job_id) or self._store.job(job_id)
        if job is None:
            raise NotFoundError(f"there is no job {job_id}; `otel-vector jobs list` names them")
        return job

    def jobs(self) -> list[Job]:
        """Return all jobs, newest first."""
        return [self._active.get(job.id, job) for job in self._store.jobs()]

    def cancel(self, job_id: str) -> Job:
        """Tell a job to end; it does so at its next report. One that is over stays as it is.

        Raises:
            NotFoundError: there is none.
        """
        with self._claiming:
            job = self.job(job_id)
            if job.state.is_over:
                return job
            self._store.ask_cancel(job_id)
            if job_id in self._active:
                self._cancelled.add(job_id)
            elif job.state is JobState.WAITING or is_orphaned(job):
                self._end(job, JobState.CANCELLED)
        self._tell()
        return job

    def wait(self, job_id: str, since: tuple[object, ...], timeout_s: float) -> Job:
        """Return a job as soon as what `seen` says of it differs from `since`, or in time."""
        deadline = monotonic() + timeout_s
        while True:
            job, left_s = self.job(job_id), deadline - monotonic()
            if self.seen(job) != since or left_s <= 0:
                return job
            with self._changed:
                self._changed.wait(min(left_s, _CHANGE_POLL_S))

    @staticmethod
    def seen(job: Job) -> tuple[object, ...]:
        """Return what a watcher is told of a job."""
        return (job.state, job.done, job.total, job.note)

    def start(self, schedules: Sequence[Schedule] = ()) -> None:
        """Take up what a process that is gone left unfinished, and run whatever waits.

        Args:
            schedules: what is tried again and again, first when so many seconds have passed.
        """
        for schedule in schedules:
            lane = self._kinds[schedule.kind].lane
            self._due.setdefault(lane, []).append((monotonic() + schedule.every_s, schedule))
        lanes = {kind.lane for kind in self._kinds.values()}
        self._threads = [
            Thread(target=self._serve, args=(lane,), name=f"jobs-{lane}", daemon=True)
            for lane in sorted(lanes)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> bool:
        """End at the next report of what runs, which goes on at the next start.

        Returns:
            Whether all ended in time, in seconds.
        """
        self._stopping.set()
        self._order()
        deadline = monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def run(
        self, kind: str, tenant: Tenant | None, arguments: Arguments, watch: Progress = unreported
    ) -> Job:
        """Add a job and run it in the calling thread, whatever else runs; return its end.

        An interruption from the keyboard cancels it. Arguments and errors are as of `submit`.
        """
        with self._claiming:
            job = self._created(kind, tenant, arguments, owner=os.getpid())
            self._active[job.id] = job
        self._work(job, watch)
        return job

    def _serve(self, lane: str) -> None:
        while not self._stopping.is_set():
            orders = self._orders
            try:
                job = self._next(lane)
                if job is not None:
                    self._work(job, unreported)
                    continue
                self._try_due(lane)
            except OtelVectorError:
                _log.exception("jobs cannot be read or written; trying again")
            self._await_order(orders, lane)

    def _await_order(self, orders: int, lane: str) -> None:
        """Wait until something was ordered since, or until it is time to look again."""
        dues = [at - monotonic() for at, _ in self._due.get(lane, [])]
        with self._ordered:
            if self._orders == orders:
                self._ordered.wait(max(0.01, min(_LOOK_S, *dues, _LOOK_S)))

    def _try_due(self, lane: str) -> None:
        """Do what is due by its schedule; a job comes of it only if there is something to do."""
        entries = self._due.get(lane, [])
        for position, (at, schedule) in enumerate(entries):
            if monotonic() >= at and not self._stopping.is_set():
                self._work(Job("", schedule.kind, arguments=dict(schedule.arguments)), unreported)
                entries[position] = (monotonic() + schedule.every_s, schedule)

    def reveal(self, job: Job) -> None:
        """Make a job of what was tried by its schedule."""
        made = self._store.create(job.kind, job.tenant, job.arguments, os.getpid())
        for name in ("id", "state", "owner", "attempts", "created_ns", "started_ns"):
            setattr(job, name, getattr(made, name))
        with self._claiming:
            self._active[job.id] = job

    def _next(self, lane: str) -> Job | None:
        """Claim the oldest job of a lane that nobody runs."""
        for job in reversed(self._store.jobs()):
            kind = self._kinds.get(job.kind)
            if kind is not None and kind.lane == lane and self._claimed(job):
                return job
        return None

    def _claimed(self, job: Job) -> bool:
        """Make a job this process's own; end it instead if it must not run (again)."""
        with self._claiming:
            orphan = job.state is JobState.RUNNING and is_orphaned(job)
            if job.id in self._active or not (job.state is JobState.WAITING or orphan):
                return False
            if self._store.is_cancel_asked(job.id):
                self._end(job, JobState.CANCELLED)
                return False
            if job.attempts >= MAX_ATTEMPTS:
                job.error = (
                    f"the process ended {job.attempts} times while this ran; look for the reason "
                    "in its log before you start it again"
                )
                self._end(job, JobState.FAILED)
                return False
            job.state, job.owner, job.attempts = JobState.RUNNING, os.getpid(), job.attempts + 1
            job.started_ns = job.started_ns or time_ns()
            self._store.save(job)
            self._active[job.id] = job
            return True

    def _work(self, job: Job, watch: Progress) -> None:
        report = _Report(self, job, watch)
        try:
            kind = self._kinds[job.kind]
            job.result = kind.work(job.tenant, kind.check(job.arguments), report)
            job.done = job.done if job.total is None else job.total
            self._failing.pop(job.kind, None)
            self._end(job, JobState.DONE)
        except JobCancelledError:
            self._end(job, JobState.CANCELLED)
        except _StoppedError:
            self._put_back(job)
        except KeyboardInterrupt:
            self._end(job, JobState.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 -- told in the job and in the log
            self._fail(job, error)
        finally:
            self._active.pop(job.id, None)
            self._cancelled.discard(job.id)
            self._tell()

    def _fail(self, job: Job, error: Exception) -> None:
        """Tell why work failed; what is tried by its schedule tells it once, not at each try."""
        if not job.id:
            if self._failing.get(job.kind) is type(error):
                _log.info("%s is tried again and fails still: %s", job.kind, error)
                return
            self._failing[job.kind] = type(error)
            self.reveal(job)
        expected = isinstance(error, OtelVectorError)
        job.error = str(error) if expected else f"{type(error).__name__}: {error}"
        _log.log(
            logging.WARNING if expected else logging.ERROR,
            "job %s (%s) failed: %s",
            job.id,
            job.kind,
            job.error,
            exc_info=None if expected else error,
        )
        self._end(job, JobState.FAILED)

    def _put_back(self, job: Job) -> None:
        if job.id:
            job.state, job.owner, job.attempts = JobState.WAITING, 0, job.attempts - 1
            self._store.save(job)

    def _end(self, job: Job, state: JobState) -> None:
        """Write a job's end, and only then let this process's watchers see it."""
        ended = replace(job, state=state, owner=0, ended_ns=time_ns())
        if job.id:
            self._store.save(ended)
        job.ended_ns, job.owner, job.state = ended.ended_ns, 0, state

    def _order(self) -> None:
        """Wake the lanes."""
        with self._ordered:
            self._orders += 1
            self._ordered.notify_all()

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def reported(self, job: Job, *, save: bool) -> None:
        """Raise what ends a job; write how far it is if it is time."""
        if self._stopping.is_set():
            raise _StoppedError
        if save and self._store.is_cancel_asked(job.id):
            self._cancelled.add(job.id)
        if job.id in self._cancelled:
            raise JobCancelledError(f"job {job.id} was cancelled; what is done so far stays")
        if save:
            self._store.save(job)
        self._tell()


class _Report:
    """The `Progress` of one job."""

    def __init__(self, runner: Runner, job: Job, watch: Progress) -> None:
        self._runner = runner
        self._job = job
        self._watch = watch
        self._saved = monotonic()

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        job, now = self._job, monotonic()
        if not job.id and (done or total):
            self._runner.reveal(job)
        job.done, job.total, job.note = done, total, note
        due = now - self._saved >= _SAVE_S
        if due:
            self._saved = now
        self._runner.reported(job, save=due and bool(job.id))
        self._watch(done, total, note)
