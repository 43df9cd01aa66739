"""`otel-vector delete`: spans and log records, forgotten for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from otel_vector_collector.cli.options import (
    AsJson,
    Config,
    Data,
    Filter,
    Since,
    Until,
    loaded,
)

__all__ = ["delete"]


def delete(
    trace: Annotated[
        list[str] | None,
        typer.Option("--trace", metavar="ID", help="A whole trace; may be repeated."),
    ] = None,
    id_: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="One item, by the id an answer gives."),
    ] = None,
    filter_: Filter = None,
    since: Since = None,
    until: Until = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Even if it chooses everything there is.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Delete spans and log records for good, after asking with their counts."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json, say

    question = {
        "trace_ids": trace or [],
        "ids": id_ or [],
        "filter": filter_,
        "since": since,
        "until": until,
        "all": everything,
    }
    with connected(loaded(data, config).settings) as client:
        found = client.delete({**question, "dry_run": True})
        if not dry_run and _is_to_go(found, question, yes):
            say("deleting")
            found = client.delete(question)
    if as_json:
        print_json(found)
    else:
        print(("would delete " if found["dry_run"] else "deleted ") + _told(found))


def _is_to_go(found: Mapping[str, Any], question: Mapping[str, Any], yes: bool) -> bool:
    """Whether there is something to delete, and whoever asked for it confirms."""
    if not found["spans"] and not found["logs"] and not question["ids"]:
        return False
    if not yes:
        typer.confirm(f"delete {_told(found)} for good?", abort=True, err=True)
    return True


def _told(found: Mapping[str, Any]) -> str:
    from otel_vector_collector.units import count

    services = found["services"]
    shown = ", ".join(services[:5]) + (f" and {len(services) - 5} more" if services[5:] else "")
    whose = f", of {shown}" if shown else ""
    traces = f"{count(found['traces'])} traces"
    return f"{count(found['spans'])} spans and {count(found['logs'])} logs of {traces}{whose}"
