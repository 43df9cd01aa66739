"""`otel-vector services`, `operations` and `meanings`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, Limit, Since, Until, loaded

__all__ = ["meanings", "operations", "services"]

_Facet = Annotated[str, typer.Option("--facet", help="Only this side of spans.")]
_Filter = Annotated[
    str | None, typer.Option("--filter", help="Only what matches, in the query language.")
]
_Service = Annotated[str | None, typer.Option("--service", help="Only of this one.")]
_Sort = Annotated[
    str, typer.Option("--sort", help="First those with most: errors, spans, p95 or last_seen.")
]


def services(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List the services that sent spans."""
    _list("services", {}, data, config, as_json)


def operations(
    service: _Service = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the operations: service, name and kind."""
    _list("operations", {"service": service}, data, config, as_json)


def meanings(
    facet: _Facet = "operation",
    sort: _Sort = "spans",
    service: _Service = None,
    limit: Limit = 20,
    since: Since = None,
    until: Until = None,
    filter_: _Filter = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """List the commonest meanings: what fails most often, what takes longest."""
    question = {
        "facet": facet,
        "sort": sort,
        "service": service,
        "limit": limit,
        "since": since,
        "until": until,
        "filter": filter_,
    }
    _ask(question, data, config, as_json)


def _ask(question: dict[str, Any], data: Data, config: Config, as_json: bool) -> None:
    from otel_vector_collector.cli.answers import show_meanings
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json

    with connected(loaded(data, config).settings) as client:
        answer = client.meanings(**question)
    if as_json:
        print_json(answer)
    else:
        show_meanings(answer)


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
