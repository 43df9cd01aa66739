"""`otel-vector import`: files of OTLP into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector_collector.cli.transfer.importing import Report

__all__ = ["import_files"]


def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="OTLP JSON or protobuf, gzip or zstd; - for stdin."),
    ],
    restart: Annotated[bool, typer.Option("--restart", help="Start each file anew.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 if anything was left out.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until all is stored and embedded.")
    ] = True,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Import files as the Collector's file exporter writes them; run it again to go on."""
    from otel_vector_collector.cli.console import print_json, say
    from otel_vector_collector.cli.importing import import_all

    reports = import_all(loaded(data, config).settings, files, restart=restart, wait=wait)
    if as_json:
        print_json([{"file": name, **_facts(report)} for name, report in reports])
    for name, report in reports:
        _tell(name, report, say)
    cut_off = any(not report.done for _, report in reports)
    if cut_off or (strict and any(report.flawed for _, report in reports)):
        raise typer.Exit(1)


def _facts(report: Report) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(report)


def _tell(name: str, report: Report, say: Any) -> None:
    from otel_vector_collector.units import count

    resumed = ""
    if report.resumed_at:
        resumed = ", nothing new since" if report.resumed_at == report.unit else ", resumed"
    say(f"{name}: {count(report.spans)} spans, {count(report.logs)} log records{resumed}")
    for reason, number in report.rejected.items():
        say(f"{name}: {count(number)} left out: {reason.replace('_', ' ')}")
    for number, why in report.faults:
        say(f"{name}: line {number}: {why}")
    if report.bad > len(report.faults):
        say(f"{name}: and {count(report.bad - len(report.faults))} more lines like these")
