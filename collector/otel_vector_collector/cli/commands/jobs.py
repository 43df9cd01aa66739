"""`otel-vector jobs`: long work, what became of it, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.jobs.contract import Job
    from otel_vector.jobs.kept import KeptJobs

__all__ = ["app"]

app = typer.Typer(help="Long work: reindexing, backups and the like.", no_args_is_help=True)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The job's id.")]


@app.command("list")
def list_jobs(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the last 200, newest first."""
    from otel_vector.jobs.shapes import job_json
    from otel_vector_collector.cli.console import print_json, say, show, table
    from otel_vector_collector.cli.working import kept_jobs
    from otel_vector_collector.units import ago

    with kept_jobs(loaded(data, config).settings) as jobs:
        found = jobs.jobs()
    if as_json:
        print_json({"jobs": [job_json(job) for job in found]})
    elif not found:
        say("no jobs")
    else:
        columns = (("id", "whole"), ("kind", "left"), ("tenant", "left"), ("state", "left"))
        rows = [
            (job.id, job.kind, job.tenant or "*", job.state, _done(job), ago(job.created_ns),
             job.error or job.note)
            for job in found
        ]  # fmt: skip
        show(table((*columns, ("done", "right"), ("asked for", "left"), ("note", "full")), rows))


@app.command()
def show(
    job_id: _Id,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for its end.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one."""
    from otel_vector.jobs.shapes import job_json
    from otel_vector_collector.cli import working
    from otel_vector_collector.cli.console import print_json
    from otel_vector_collector.cli.details import lines

    settings = loaded(data, config).settings
    with working.kept_jobs(settings) as jobs:
        job = _known(jobs, job_id)
        if follow:
            job = working.follow(settings, jobs, job_id)
    facts: dict[str, Any] = job_json(job)
    if as_json:
        print_json(facts)
    else:
        print("\n".join(lines(facts)))
    if job.error:
        raise typer.Exit(1)


@app.command()
def cancel(job_id: _Id, data: Data = None, config: Config = None) -> None:
    """End one at its next step; what is done so far stays."""
    from otel_vector.jobs.runner import Runner
    from otel_vector_collector.cli.console import say
    from otel_vector_collector.cli.working import kept_jobs

    with kept_jobs(loaded(data, config).settings) as jobs:
        _known(jobs, job_id)
        job = Runner(jobs, {}).cancel(job_id)
    say(f"job {job_id} is {job.state}" if job.state.is_over else f"job {job_id} will end")


def _known(jobs: KeptJobs, job_id: str) -> Job:
    from otel_vector.jobs.runner import Runner

    return Runner(jobs, {}).job(job_id)


def _done(job: Job) -> str:
    return f"{job.done}/{job.total}" if job.total else str(job.done)
