"""`otel-vector export`: what is stored, as files that `import` and the Collector read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from otel_vector_collector.cli.options import Config, Data, Filter, Since, Until, loaded

__all__ = ["export"]


class _Format(StrEnum):
    JSON = "json"
    PROTOBUF = "protobuf"


class _Compression(StrEnum):
    GZIP = "gzip"
    ZSTD = "zstd"


class _Signal(StrEnum):
    TRACES = "traces"
    LOGS = "logs"


def export(
    file: Annotated[str, typer.Argument(metavar="FILE", help="- for stdout.")] = "-",
    format_: Annotated[
        _Format, typer.Option("--format", help="JSON by line, or length-prefixed protobuf.")
    ] = _Format.JSON,
    compress: Annotated[
        _Compression | None, typer.Option("--compress", help="Pack what is written.")
    ] = None,
    signal: Annotated[
        _Signal, typer.Option("--signal", help="Spans, or log records.")
    ] = _Signal.TRACES,
    filter_: Filter = None,
    since: Since = None,
    until: Until = None,
    run: Annotated[
        list[str] | None,
        typer.Option("--run", help="Only this run kind; may be repeated [default: all]"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="How many at most.")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Write spans or log records as the Collector's file exporter does, newest first."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import Progress
    from otel_vector_collector.cli.transfer.writing import sink
    from otel_vector_collector.units import bytes_text

    question = {
        "signal": "spans" if signal is _Signal.TRACES else "logs",
        "filter": filter_,
        "since": since,
        "until": until,
        "runs": run or ["all"],
        "limit": limit,
    }
    line, written = Progress("exporting"), 0
    with (
        connected(loaded(data, config).settings) as client,
        sink(file, compress and compress.value) as target,
    ):
        for part in client.export(question, protobuf=format_ is _Format.PROTOBUF):
            target.write(part)
            written += len(part)
            line.update({"written": bytes_text(written)})
    line.end()
