"""`otel-vector stats`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

__all__ = ["stats"]


def stats(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """Print what is stored, what waits, and what was refused."""
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json, show, table

    with connected(loaded(data, config).settings) as client:
        found = client.stats()
    if as_json:
        print_json(found)
    else:
        show(table((("", "left"), ("", "right")), list(_rows(found))))


def _rows(found: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    from otel_vector_collector.units import bytes_text, count

    for name, value in found.items():
        label = f"{above} {name}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            yield from _rows(value, label)
        elif value is None:
            yield label, "off" if name == "retention" else "not shown"
        elif isinstance(value, list):
            yield label, ", ".join(map(str, value)) or "none"
        elif name.endswith("bytes"):
            yield label.removesuffix("bytes").strip(), bytes_text(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield label, count(value)
        else:
            yield label, f"{value:.3g}" if isinstance(value, float) else str(value)
