"""`otel-vector restore`: a backup becomes a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["restore"]


def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="The folder of one backup.")],
    forget_from: Annotated[
        Path | None,
        typer.Option(
            "--forget-from",
            metavar="DIR",
            help="An older data folder: what was deleted there stays deleted.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Check a backup whole, then make the data folder of it; nothing is overwritten."""
    from otel_vector.errors import StoreLockedError
    from otel_vector.wiring.restoring import restore_folder
    from otel_vector_collector.cli.console import Progress, print_json, say
    from otel_vector_collector.serve.lock import holder_of

    settings = loaded(data, config).settings
    holder = holder_of(settings.data)
    if holder is not None:
        raise StoreLockedError(
            f"{settings.data} is in use by {holder.command} (process {holder.pid}): restore into "
            "a new folder, or stop that process and move the folder away"
        )
    holder = holder_of(forget_from) if forget_from is not None else None
    if holder is not None:
        raise StoreLockedError(
            f"{forget_from} is in use by {holder.command} (process {holder.pid}): stop it first, "
            "so that what was deleted there can be read"
        )
    line = Progress(f"restoring {source}")

    def progress(done: int, total: int | None = None, note: str = "") -> None:
        line.update({note: ""}, done / total if total else None)

    manifest = restore_folder(source, settings, progress, forget_from)
    line.end()
    facts = {"data": str(settings.data), "tenants": manifest["tenants"]}
    ready = f"{settings.data} is ready: otel-vector serve --data {settings.data}"
    print_json(facts) if as_json else say(ready)
