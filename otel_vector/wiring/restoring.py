"""What is done to a restored folder before it is used: old jobs end, what was deleted stays so."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import time_ns
from typing import Final

from otel_vector.errors import ConfigError
from otel_vector.jobs.contract import JobState
from otel_vector.jobs.kept import KeptJobs
from otel_vector.maintain.restore import restore_backup
from otel_vector.progress import Progress
from otel_vector.settings.config import Settings
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Store
from otel_vector.wiring.backends import NO_MODEL, Backends, open_state
from otel_vector.wiring.jobs import require_readable

__all__ = ["restore_folder"]

_AT_ONCE: Final = 1000


def restore_folder(
    backup: Path, settings: Settings, progress: Progress, forget_from: Path | None = None
) -> dict[str, object]:
    """Make the data folder that settings name of a backup; return the backup's manifest.

    Args:
        backup: the backup's folder.
        settings: where to, and how stores are opened.
        progress: told how far it is.
        forget_from: an older data folder; what was deleted there is deleted here, too.

    Raises:
        ConfigError: there is no store in `forget_from`.
        InvalidInputError, StorageFullError, StoreDamagedError, StoreVersionError: as of
            `restore_backup`.
    """
    if forget_from is not None and not (forget_from / "store" / "store.json").is_file():
        raise ConfigError(f"{forget_from} is no data folder: it has no store")

    def prepare(folder: Path) -> None:
        _end_jobs(replace(settings, data=folder))
        if forget_from is not None:
            _forget(settings, forget_from, folder, progress)

    require_readable(backup)
    return restore_backup(backup, settings.data, progress, prepare)


def _end_jobs(settings: Settings) -> None:
    """End the jobs that the backup found at work, itself among them."""
    with closing(open_state(settings)) as state:
        jobs = KeptJobs(state)
        for job in jobs.jobs():
            if not job.state.is_over:
                why = "the store was restored from a backup that was made meanwhile"
                ended = replace(job, state=JobState.CANCELLED, owner=0, error=why)
                jobs.save(replace(ended, ended_ns=time_ns()))


def _forget(settings: Settings, old: Path, new: Path, progress: Progress) -> None:
    with closing(_opened(settings, old)) as source, closing(_opened(settings, new)) as target:
        for tenant in source.tenants():
            upkeep, writer, after, done = source.tenant(tenant).upkeep, None, None, 0
            writer = target.tenant(tenant).writer
            while ids := upkeep.tombstones(after, _AT_ONCE):
                for signal in Signal:
                    writer.delete(signal, ids)
                after, done = ids[-1], done + len(ids)
                progress(done, None, f"deleted again in {tenant}")
        target.checkpoint()


def _opened(settings: Settings, data: Path) -> Store:
    """Open a store by itself, whatever its model is: nothing is embedded here."""
    return Backends().store(data / "store", settings.store, NO_MODEL, 0, ())
