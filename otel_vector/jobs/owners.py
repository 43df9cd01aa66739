"""Whether the process that runs a job still does."""

from __future__ import annotations

import os
from time import time_ns
from typing import Final

from otel_vector.jobs.contract import Job

__all__ = ["is_orphaned"]

_SILENT_NS: Final = 600 * 10**9


def is_orphaned(job: Job) -> bool:
    """Return whether a job's owner is gone.

    A process number may be used again, so one that is there but has said nothing of the job for
    ten minutes is not its owner. A job that this process does not hold itself is from another
    process of the same number, as happens in containers.
    """
    if job.owner == os.getpid():
        return True
    silent = time_ns() - job.updated_ns > _SILENT_NS
    return silent or not _is_alive(job.owner)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
