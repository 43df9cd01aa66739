"""`otel-vector doctor`: what is wrong, in words, and what to do about it."""

from __future__ import annotations

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data

__all__ = ["doctor"]


def doctor(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Look at settings, folder, ports, store, inbox, disk and clock; exit code 1 if one is ill."""
    from dataclasses import asdict

    from rich.text import Text

    from otel_vector_collector.cli.console import print_json, show, table
    from otel_vector_collector.cli.health import examine

    findings = examine(data, config)
    well = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": well, "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [
            (
                Text("ok", style="green") if finding.ok else Text("wrong", style="bold red"),
                finding.name,
                finding.detail,
            )
            for finding in findings
        ]
        show(table((("", "left"), ("what", "left"), ("finding", "full")), rows))
    if not well:
        raise typer.Exit(1)
