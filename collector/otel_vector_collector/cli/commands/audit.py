"""`otel-vector audit`: who did which administrative act, and whether the log is whole.

The log is read as a file: its owner needs no key, and no process that serves the folder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, Limit, Since, loaded

if TYPE_CHECKING:
    from otel_vector.keys.audit import AuditLog, Entry

__all__ = ["audit"]


def audit(
    since: Since = None,
    limit: Limit = 100,
    verify: Annotated[
        bool, typer.Option("--verify", help="Check the whole log; exit code 1 if it was changed.")
    ] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List administrative acts, newest last, or check that none was changed or removed."""
    from otel_vector.keys.audit import AuditLog

    log = AuditLog(loaded(data, config).settings.data)
    if verify:
        _verify(log, as_json)
    else:
        _list(log, since, limit, as_json)


def _list(log: AuditLog, since: str | None, limit: int, as_json: bool) -> None:
    import time
    from collections import deque

    from otel_vector.services.times import instant_ns
    from otel_vector_collector.cli.console import print_json, say, show, table

    since_ns = instant_ns(since, time.time_ns()) if since else 0
    entries = deque(log.entries(since_ns), maxlen=limit)
    if as_json:
        print_json([entry.to_json() for entry in entries])
    elif not entries:
        say("no administrative acts are recorded")
    else:
        columns = (("when", "left"), ("who", "left"), ("what", "left"), ("outcome", "left"))
        more = (("tenants", "left"), ("how much", "left"), ("detail", "full"))
        show(table((*columns, *more), [_row(entry) for entry in entries]))


def _row(entry: Entry) -> tuple[object, ...]:
    from otel_vector_collector.units import moment

    act = entry.act
    counts = ", ".join(f"{n:,} {name}" for name, n in act.counts.items())
    detail = ", ".join(f"{name} {value}" for name, value in act.detail.items())
    tenants = ", ".join(act.tenants) or "all"
    return moment(entry.time_ns), act.who, act.what, act.outcome, tenants, counts, detail


def _verify(log: AuditLog, as_json: bool) -> None:
    from otel_vector_collector.cli.console import print_json, say

    verdict = log.verify()
    head = verdict.head
    if as_json:
        facts = {"entries": verdict.entries, "head": head.hash, "sound": not verdict.complaints}
        print_json(facts | {"complaints": list(verdict.complaints)})
    elif not verdict.complaints:
        print(
            f"{verdict.entries} entries, none changed or missing; the last is {head.hash or '-'}"
        )
    for complaint in verdict.complaints:
        say(f"audit log: {complaint}")
    if verdict.complaints:
        raise typer.Exit(1)
