"""The import of one file as a job of the process that imports."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

from otel_vector.errors import InvalidInputError, JobCancelledError, OtelVectorError
from otel_vector.jobs.contract import Arguments, JobState, Kind
from otel_vector.jobs.runner import Runner
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector_collector.cli.transfer.importing import Importer, Report
from otel_vector_collector.cli.transfer.streams import STDIN

__all__ = ["as_job"]

_KIND: Final = "import"


def as_job(runner: Runner, importer: Importer, name: str, put: Callable[[], Report]) -> Report:
    """Import a file as a job that others can watch and cancel; return what became of it.

    Args:
        runner: lists it.
        importer: does it; its progress is reported, too.
        name: the file, or `-`.
        put: imports it.

    Raises:
        JobCancelledError: it was cancelled; the same command goes on where it ended.
        OtelVectorError: as `put` raises.
    """
    outcome: list[Report | OtelVectorError] = []
    file = name if name == STDIN else str(Path(name).absolute())
    own: Arguments = {"file": file, "process": os.getpid()}
    size = Path(name).stat().st_size if name != STDIN else None

    def work(_: Tenant | None, arguments: Arguments, progress: Progress) -> Arguments:
        if arguments != own:  # left by a command that is gone
            raise InvalidInputError("the command that imported is gone; run it again to go on")
        shown = importer.progress

        def report(so_far: Report, read: int) -> None:
            shown(so_far, read)
            progress(read, size, f"{so_far.spans} spans, {so_far.logs} log records")

        importer.progress = report
        try:
            outcome.append(put())
        except OtelVectorError as error:
            outcome.append(error)
            raise
        return asdict(importer.report)

    runner.register(_KIND, Kind(work, lambda arguments: arguments, lane=_KIND))
    job = runner.run(_KIND, importer.tenant, own)
    if job.state is JobState.CANCELLED:
        raise JobCancelledError(
            f"the import of {name} was cancelled; run the same command again to go on"
        )
    found = outcome[0] if outcome else OtelVectorError(job.error)
    if isinstance(found, OtelVectorError):
        raise found
    return found
