"""The configuration reference, written from the dataclasses so that it cannot be wrong.

Run `python -m otel_vector.settings.reference docs/configuration.md` after a change of
settings; a test compares the committed page with what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from otel_vector.settings.config import Settings
from otel_vector.settings.schema import Entry, entries

__all__ = ["page"]

_TYPES = {bool: "true or false", int: "whole number", float: "seconds", str: "text", Path: "path"}
_BEGIN = "<!-- settings: begin -->"
_END = "<!-- settings: end -->"


def page(current: str) -> str:
    """Return a page with the tables between its two markers made anew."""
    before, _, rest = current.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    tables = "\n".join(_tables())
    return f"{before}{_BEGIN}\n{tables}\n{_END}{after}"


def _tables() -> Iterator[str]:
    hints = get_type_hints(Settings)
    yield from _table("general", "", [e for p, e in entries().items() if "." not in p])
    for part in fields(Settings):
        mine = [e for p, e in entries().items() if p.startswith(f"{part.name}.")]
        if mine:
            yield from _table(part.name, str(hints[part.name].__doc__), mine)


def _table(name: str, about: str, settings: list[Entry]) -> Iterator[str]:
    yield f"\n## {name}\n"
    if about:
        yield f"{about}\n"
    yield "| setting | environment | type | default | what |"
    yield "|---|---|---|---|---|"
    for entry in settings:
        yield (
            f"| `{entry.path}` | `{entry.variable}` | {_kind(entry)} | {_default(entry)} "
            f"| {entry.help}{_bounds(entry)} |"
        )


def _kind(entry: Entry) -> str:
    return _TYPES.get(entry.type, "list of texts")


def _default(entry: Entry) -> str:
    value = entry.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int) and value and value % (1 << 20) == 0:
        return f"`{value >> 30}GiB`" if value % (1 << 30) == 0 else f"`{value >> 20}MiB`"
    if isinstance(value, float):
        return f"`{value:g}`" if value < 1e6 else f"`{value:.0f}`"  # noqa: PLR2004
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "none"


def _bounds(entry: Entry) -> str:
    if entry.among:
        return f": {', '.join(f'`{text}`' for text in entry.among)}"
    low = None if entry.low is None else f"at least {entry.low:g}"
    high = None if entry.high is None else f"at most {_default_number(entry.high)}"
    both = ", ".join(text for text in (low, high) if text)
    return f" ({both})" if both else ""


def _default_number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(page(target.read_text("utf-8")), "utf-8")
