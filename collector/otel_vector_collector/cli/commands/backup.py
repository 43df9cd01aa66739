"""`otel-vector backup`: a copy of everything, also while the folder is served."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["backup"]


def backup(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help="A folder; backups get folders in it.")
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the backup TARGET against its hashes.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy store, inbox, keys and jobs to TARGET/<time>, with a hash of every file."""
    from otel_vector_collector.cli.console import Progress, print_json, say
    from otel_vector_collector.cli.working import work

    if not verify:
        arguments = {"target": str(target.absolute())}
        result = work(loaded(data, config).settings, "backup", None, arguments).result or {}
        print_json(result) if as_json else print(result["folder"])
        return
    from otel_vector.maintain.backup import verify as verified
    from otel_vector.wiring.jobs import require_readable

    require_readable(target)
    line = Progress(f"checking {target}")

    def progress(done: int, total: int | None = None, note: str = "") -> None:
        line.update({note: ""}, done / total if total else None)

    manifest = verified(target, progress)
    line.end()
    facts = {"folder": str(target), "files": len(manifest["files"]), "whole": True}
    print_json(facts) if as_json else say(f"{target} is whole: {facts['files']} files")
