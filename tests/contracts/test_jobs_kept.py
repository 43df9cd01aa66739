"""Jobs are persisted, run lane by lane, cancelled, resumed, and given up when they kill."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from otel_vector.errors import InvalidInputError, LimitedError, NotFoundError, OtelVectorError
from otel_vector.jobs.contract import MAX_ATTEMPTS, Job, JobState, Kind, Schedule
from otel_vector.jobs.kept import KeptJobs
from otel_vector.jobs.runner import Runner
from otel_vector.spans.ids import Tenant
from otel_vector.state.sqlite import SqliteState

A = Tenant("a")
DEADLINE_S = 20.0


@pytest.fixture
def state(tmp_path: Path):
    state = SqliteState(tmp_path / "state.db")
    yield state
    state.close()


@pytest.fixture
def started():
    """Start runners that are stopped at the end."""
    runners = []

    def start(runner, *schedules):
        runner.start(schedules)
        runners.append(runner)
        return runner

    yield start
    for runner in runners:
        assert runner.stop(DEADLINE_S)


def ended(runner: Runner, job_id: str) -> Job:
    deadline = time.monotonic() + DEADLINE_S
    while not (job := runner.job(job_id)).state.is_over:
        assert time.monotonic() < deadline, job
        runner.wait(job_id, runner.seen(job), 1.0)
    return job


def counting(tenant, arguments, progress):
    for step in range(arguments["steps"]):
        progress(step, arguments["steps"], f"step {step}")
    return {"tenant": tenant, "steps": arguments["steps"]}


def anything(arguments):
    return arguments


def endless(tenant, arguments, progress):
    while True:
        progress(1, None, "at it")
        time.sleep(0.01)


def dead_process() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_job_runs_and_its_result_and_progress_are_kept(state, started):
    runner = started(Runner(KeptJobs(state), {"count": Kind(counting, anything)}))
    job = ended(runner, runner.submit("count", A, {"steps": 3}).id)
    kept = KeptJobs(state).job(job.id)
    assert (kept.state, kept.result) == (JobState.DONE, {"tenant": "a", "steps": 3})
    assert (kept.done, kept.total, kept.note, kept.attempts) == (3, 3, "step 2", 1)
    assert kept.created_ns <= kept.started_ns <= kept.ended_ns


def test_an_unknown_kind_or_a_wrong_argument_makes_no_job(state):
    runner = Runner(KeptJobs(state), {"count": Kind(counting)})
    with pytest.raises(InvalidInputError, match="there are count"):
        runner.submit("paint", A, {})
    with pytest.raises(InvalidInputError, match="no arguments"):
        runner.submit("count", A, {"colour": "red"})
    assert runner.jobs() == []


def test_a_store_wide_kind_has_no_tenant(state):
    runner = Runner(KeptJobs(state), {"count": Kind(counting, anything, store_wide=True)})
    assert runner.submit("count", A, {"steps": 1}).tenant is None


def test_one_lane_runs_one_job_at_a_time_and_others_go_on(state, started):
    order, gate = [], threading.Event()

    def held(tenant, arguments, progress):
        order.append(arguments["n"])
        assert gate.wait(DEADLINE_S)
        return {}

    def free(tenant, arguments, progress):
        order.append("free")
        gate.set()
        return {}

    kinds = {"held": Kind(held, anything), "free": Kind(free, anything, lane="other")}
    runner = Runner(KeptJobs(state), kinds)
    first, second = (runner.submit("held", A, {"n": n}) for n in (1, 2))
    runner.submit("free", A, {})
    started(runner)
    ended(runner, first.id)
    ended(runner, second.id)
    assert order.index(1) < order.index(2)
    assert order.index("free") < order.index(2)


def test_a_running_job_ends_at_its_next_report_when_cancelled(state, started):
    runner = started(Runner(KeptJobs(state), {"endless": Kind(endless)}))
    job = runner.submit("endless", A, {})
    runner.wait(job.id, runner.seen(job), DEADLINE_S)
    runner.cancel(job.id)
    assert ended(runner, job.id).state is JobState.CANCELLED


def test_another_process_cancels_through_what_is_stored(state, started):
    runner = started(Runner(KeptJobs(state), {"endless": Kind(endless)}))
    job = runner.submit("endless", A, {})
    runner.wait(job.id, runner.seen(job), DEADLINE_S)
    KeptJobs(state).ask_cancel(job.id)
    assert ended(runner, job.id).state is JobState.CANCELLED


def test_a_waiting_job_that_is_cancelled_never_runs(state, started):
    runner = Runner(KeptJobs(state), {"count": Kind(counting, anything)})
    job = runner.submit("count", A, {"steps": 1})
    assert runner.cancel(job.id).state is JobState.CANCELLED
    started(runner)
    after = ended(runner, runner.submit("count", A, {"steps": 1}).id)
    assert after.state is JobState.DONE
    assert (runner.job(job.id).state, runner.job(job.id).attempts) == (JobState.CANCELLED, 0)


def test_what_is_over_stays_as_it_is_when_cancelled(state, started):
    runner = started(Runner(KeptJobs(state), {"count": Kind(counting, anything)}))
    job = ended(runner, runner.submit("count", A, {"steps": 1}).id)
    assert runner.cancel(job.id).state is JobState.DONE


def test_a_job_whose_process_died_is_resumed(state, started):
    left = KeptJobs(state).create("count", A, {"steps": 2}, dead_process())
    runner = started(Runner(KeptJobs(state), {"count": Kind(counting, anything)}))
    job = ended(runner, left.id)
    assert (job.state, job.attempts) == (JobState.DONE, 2)


def test_a_job_that_ended_its_process_three_times_is_failed(state, started):
    store = KeptJobs(state)
    left = store.create("count", A, {"steps": 2}, dead_process())
    left.attempts = MAX_ATTEMPTS
    store.save(left)
    runner = started(Runner(store, {"count": Kind(counting, anything)}))
    job = ended(runner, left.id)
    assert job.state is JobState.FAILED
    assert "3 times" in job.error


def test_a_job_of_a_living_process_is_left_to_it(state, started):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        left = KeptJobs(state).create("count", A, {"steps": 2}, other.pid)
        runner = started(Runner(KeptJobs(state), {"count": Kind(counting, anything)}))
        ended(runner, runner.submit("count", A, {"steps": 1}).id)
        assert runner.job(left.id).state is JobState.RUNNING
        other.communicate(b"\n")


def test_a_stop_leaves_a_running_job_to_the_next_start_without_counting_it(state):
    runner = Runner(KeptJobs(state), {"endless": Kind(endless)})
    runner.start()
    job = runner.submit("endless", A, {})
    runner.wait(job.id, runner.seen(job), DEADLINE_S)
    assert runner.stop(DEADLINE_S)
    kept = KeptJobs(state).job(job.id)
    assert (kept.state, kept.attempts, kept.owner) == (JobState.WAITING, 0, 0)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(OtelVectorError("the disk is odd"), "the disk is odd"), (KeyError("x"), "KeyError: 'x'")],
    ids=["expected", "fault"],
)
def test_an_error_makes_the_job_fail_and_the_next_one_runs(state, started, error, sentence):
    def fails(tenant, arguments, progress):
        raise error

    kinds = {"fails": Kind(fails), "count": Kind(counting, anything)}
    runner = started(Runner(KeptJobs(state), kinds))
    job = ended(runner, runner.submit("fails", A, {}).id)
    assert (job.state, job.error, job.result) == (JobState.FAILED, sentence, None)
    assert ended(runner, runner.submit("count", A, {"steps": 1}).id).state is JobState.DONE


def test_in_the_foreground_a_job_runs_at_once_and_is_watched(state):
    seen = []
    runner = Runner(KeptJobs(state), {"count": Kind(counting, anything)})
    job = runner.run("count", A, {"steps": 2}, lambda *report: seen.append(report))
    assert seen == [(0, 2, "step 0"), (1, 2, "step 1")]
    assert KeptJobs(state).job(job.id).state is JobState.DONE


def test_scheduled_work_shows_as_a_job_only_when_there_was_something_to_do(state, started):
    tries = []

    def now_and_then(tenant, arguments, progress):
        tries.append(1)
        progress(0, 1 if len(tries) == 3 else 0)
        return {"try": len(tries)}

    runner = started(Runner(KeptJobs(state), {"tidy": Kind(now_and_then)}), Schedule("tidy", 0.01))
    deadline = time.monotonic() + DEADLINE_S
    while len(tries) < 4 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [job.result for job in runner.jobs()] == [{"try": 3}]


def test_scheduled_work_that_fails_alike_again_and_again_is_one_job(state, started):
    tries = []

    def goes_wrong(tenant, arguments, progress):
        tries.append(1)
        if len(tries) != 4:
            raise OtelVectorError("away" if len(tries) < 4 else "away again")
        return {}

    kinds = {"tidy": Kind(goes_wrong)}
    runner = started(Runner(KeptJobs(state), kinds), Schedule("tidy", 0.01))
    deadline = time.monotonic() + DEADLINE_S
    while len(tries) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [job.error for job in runner.jobs()] == ["away again", "away"]


def test_only_the_last_ones_are_kept_and_what_waits_is_never_forgotten(state):
    store = KeptJobs(state, kept=3)
    waiting = store.create("count", A, {})
    for _ in range(5):
        job = store.create("count", A, {}, owner=1)
        job.state = JobState.DONE
        store.save(job)
    store.create("count", A, {})
    kept = store.jobs()
    assert len(kept) == 4
    assert kept[-1].id == waiting.id
    assert [job.id for job in kept] == sorted((job.id for job in kept), reverse=True)


def test_an_unknown_job_is_not_found(state):
    with pytest.raises(NotFoundError, match="jobs list"):
        Runner(KeptJobs(state), {}).job("0")


def test_one_tenant_cannot_fill_the_list_of_jobs(state):
    runner = Runner(KeptJobs(state), {"count": Kind(counting, anything)})
    waiting = [runner.submit("count", A, {"steps": 1}) for _ in range(20)]
    with pytest.raises(LimitedError, match="20 jobs wait already"):
        runner.submit("count", A, {"steps": 1})
    runner.submit("count", Tenant("b"), {"steps": 1})
    runner.cancel(waiting[0].id)
    runner.submit("count", A, {"steps": 1})


def test_large_arguments_are_refused(state):
    runner = Runner(KeptJobs(state), {"count": Kind(counting, anything)})
    with pytest.raises(InvalidInputError, match="at most 16384 bytes"):
        runner.submit("count", A, {"steps": "x" * 20_000})
    assert runner.jobs() == []
