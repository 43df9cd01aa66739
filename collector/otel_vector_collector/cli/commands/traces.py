"""`otel-vector trace` and `span`."""

from __future__ import annotations

from typing import Annotated

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["span", "trace"]


def trace(
    trace_id: Annotated[str, typer.Argument(metavar="ID", help="32 hex digits.")],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a trace as a waterfall."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json, say, show
    from otel_vector_collector.cli.waterfall import rows, title, waterfall

    with connected(loaded(data, config).settings) as client:
        found = client.trace(trace_id)
    if as_json:
        print_json(found)
        return
    if not found["spans"]:
        say(f"no spans of trace {trace_id}, but {len(found['logs'])} log records: see --json")
        return
    print(title(found["spans"]))
    show(waterfall(rows(found["spans"], found["logs"])))


def span(
    span_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The id an answer gives (32 hex digits), or TRACE_ID/SPAN_ID."
        ),
    ],
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show everything that is stored of a span."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json
    from otel_vector_collector.cli.details import lines

    with connected(loaded(data, config).settings) as client:
        trace_id, slash, inside = span_id.partition("/")
        found = client.spans(trace_id, inside) if slash else client.span(span_id)
    if as_json:
        print_json(found)
    else:
        print("\n".join(lines(found)))
