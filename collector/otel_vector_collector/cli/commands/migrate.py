"""`otel-vector migrate`: everything stored, copied into another store and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.maintain.migrate import Migrated
    from otel_vector.progress import Progress

__all__ = ["migrate"]


def migrate(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The data folder to copy to.")],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy everything stored into another data folder, and compare the two.

    The folder copied from must not be served meanwhile. Ended before its end, the same command
    goes on where it was; run again later, it copies what came since.
    """
    from otel_vector.keys.audit import Act, AuditLog
    from otel_vector.wiring.migration import migrated, require_another
    from otel_vector_collector.cli.connect import engine_opened
    from otel_vector_collector.cli.console import Progress, print_json
    from otel_vector_collector.serve.lock import FolderLock

    settings = loaded(data, config).settings
    require_another(settings.data, to)
    line = Progress("migrating")
    lock = FolderLock.acquire(to, "otel-vector migrate")
    try:
        with (
            engine_opened(settings, "otel-vector migrate") as engine,
            AuditLog(settings.data).during(Act("store.migrate")) as counts,
        ):
            done = migrated(engine, to, _told(line))
            counts |= {"items": done.written, "records": done.records}
    finally:
        line.end()
        lock.release()
    if as_json:
        print_json(_as_json(done))
    else:
        _show(done)


def _told(line: Any) -> Progress:
    def progress(done: int, total: int | None = None, note: str = "") -> None:
        line.update({"items": f"{done:,}", "now": note}, done / total if total else None)

    return progress


def _as_json(done: Migrated) -> dict[str, Any]:
    partitions = [
        {
            "tenant": compared.tenant,
            "partition": compared.partition,
            "items": compared.items,
            "found": compared.found,
            "content": compared.content,
            "found_content": compared.found_content,
        }
        for compared in done.partitions
    ]
    return {
        "partitions": partitions,
        "written": done.written,
        "vectors": done.vectors,
        "tombstones": done.tombstones,
        "records": done.records,
    }


def _show(done: Migrated) -> None:
    from otel_vector_collector.cli.console import show, table
    from otel_vector_collector.cli.units import count

    columns = [("tenant", ""), ("partition", ""), ("items", "right"), ("found", "right"),
               ("content", "whole")]  # fmt: skip
    rows = [
        (c.tenant, c.partition, count(c.items), count(c.found), c.found_content)
        for c in done.partitions
    ]
    show(table(columns, rows))
    items = sum(compared.items for compared in done.partitions)
    print(
        f"the same on both sides: {count(items)} items; written now: {count(done.written)} items,"
        f" {count(done.vectors)} vectors, {count(done.tombstones)} tombstones,"
        f" {count(done.records)} versions of records"
    )
