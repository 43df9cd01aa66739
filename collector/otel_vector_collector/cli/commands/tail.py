"""`otel-vector tail`: what is stored, as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_vector_collector.cli.options import AsJson, Config, Data, Filter, loaded

__all__ = ["tail"]


def tail(
    filter_: Filter = None, data: Data = None, config: Config = None, as_json: AsJson = False
) -> None:
    """Follow what is stored until interrupted; needs a collector that serves the folder."""
    from otel_vector.errors import ConfigError
    from otel_vector_collector.cli.connect import client_of, served_at
    from otel_vector_collector.cli.console import say

    settings = loaded(data, config).settings
    served = served_at(settings.data)
    if served is None:
        raise ConfigError(
            f"nothing is stored into {settings.data} now: start `otel-vector serve` on it first"
        )
    show = _show_json if as_json else _show
    say(f"following {served.url(served.api)}; stop with Ctrl-C")
    with client_of(settings, served) as client:
        for event in client.events(filter=filter_):
            show(event)


def _show_json(event: Mapping[str, Any]) -> None:
    from otel_vector_collector.cli.console import json_text

    print(json_text(event), flush=True)


def _show(event: Mapping[str, Any]) -> None:
    from otel_vector_collector.cli.console import printable, say
    from otel_vector_collector.units import duration, moment

    if event.get("skipped"):
        say(f"({event['skipped']} events were lost: this terminal is too slow)")
    for span in event.get("spans", ()):
        words = (
            moment(int(span["start_time_unix_nano"])),
            span["service"],
            span["name"],
            duration(int(span["duration_nano"])),
            span["status"],
            span["trace_id"],
        )
        print("  ".join(printable(word) for word in words), flush=True)
