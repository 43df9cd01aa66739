"""`otel-vector services` and `operations`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["operations", "services"]


def services(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the services that sent spans."""
    _list("services", {}, data, config, as_json)


def operations(
    service: Annotated[str | None, typer.Option("--service", help="Only of this one.")] = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the operations: service, name and kind."""
    _list("operations", {"service": service}, data, config, as_json)


def _list(what: str, within: dict[str, Any], data: Data, config: Config, as_json: bool) -> None:
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json, say, show, table

    with connected(loaded(data, config).settings) as client:
        answer = getattr(client, what)(**within)
    if as_json:
        print_json(answer)
        return
    found = answer[what]
    if not found:
        say(f"no {what} yet")
        return
    rows = [one if isinstance(one, dict) else {what.removesuffix("s"): one} for one in found]
    names = list(rows[0])
    columns = [(name.replace("_", " "), _how(rows[0][name])) for name in names]
    show(table(columns, [[_shown(row.get(name)) for name in names] for row in rows]))


def _how(value: object) -> str:
    return "right" if isinstance(value, int | float) else "full"


def _shown(value: object) -> str:
    return "" if value is None else str(value)
