"""`otel-vector migrate`: everything stored, copied into another store and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.jobs.contract import Arguments

__all__ = ["migrate"]


def migrate(
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="URL|DIR", help="A Qdrant server's gRPC port, or another data folder."
        ),
    ],
    prefix: Annotated[
        str,
        typer.Option(
            "--prefix", help="What the server's collections begin with; else store.prefix."
        ),
    ] = "",
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy everything stored to a Qdrant server or another data folder, and compare the two.

    A server's key is the setting store.api_key. Ended before its end, the same command goes on
    where it was; run again later, it copies what came since.
    """
    from otel_vector.wiring.migration import MIGRATE, target_of
    from otel_vector_collector.cli.console import print_json
    from otel_vector_collector.cli.working import work

    settings = loaded(data, config).settings
    arguments = target_of(settings, _asked(to, prefix))
    done = work(settings, MIGRATE, None, arguments).result
    if done is None:
        raise typer.Exit(1)
    if as_json:
        print_json(done)
    else:
        _show(done)


def _asked(to: str, prefix: str) -> Arguments:
    return {"to": to if "://" in to else str(Path(to).absolute()), "prefix": prefix}


def _show(done: dict[str, Any]) -> None:
    from otel_vector_collector.cli.console import show, table
    from otel_vector_collector.units import count

    columns = [("tenant", ""), ("partition", ""), ("items", "right"), ("found", "right"),
               ("content", "whole")]  # fmt: skip
    partitions = done["partitions"]
    rows = [
        (p["tenant"], p["partition"], count(p["items"]), count(p["found"]), p["found_content"])
        for p in partitions
    ]
    show(table(columns, rows))
    items = sum(p["items"] for p in partitions)
    print(
        f"the same on both sides: {count(items)} items; written now: {count(done['written'])}"
        f" items, {count(done['vectors'])} vectors, {count(done['tombstones'])} tombstones,"
        f" {count(done['records'])} versions of records"
    )
