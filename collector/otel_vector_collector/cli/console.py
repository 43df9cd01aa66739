"""What reaches the terminal: stored text made harmless, tables, JSON, progress.

Stored text is somebody else's: control characters in it could move the cursor, rename the
window or rewrite what was printed, so none passes, and no markup in it is read.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from otel_vector_collector.harmless import harmless

__all__ = [
    "Column",
    "Progress",
    "json_text",
    "out",
    "print_json",
    "printable",
    "say",
    "show",
    "table",
]

_UNSAFE_IN_JSON: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_EVERY_S: Final = 2.0
_PIPED_CELLS: Final = 200

Column = tuple[str, str]
"""A heading and its cells: `left`, `right`, `whole` (never cut) or `full` (may wrap)."""


def printable(text: object, *, lines: bool = False) -> str:
    """Return a text without what a terminal would act on.

    Args:
        text: anything stored.
        lines: whether line feeds and tabs stay; else they become spaces.
    """
    safe = harmless(str(text))
    return safe if lines else " ".join(safe.split())


def out() -> Console:
    """Return the console of answers: stdout, nothing guessed from the text.

    Where no terminal says how wide it is, lines are wide enough for most tables.
    """
    width = None if sys.stdout.isatty() else _PIPED_CELLS
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)


def show(answer: RenderableType) -> None:
    """Print a table or a line; padding at the ends of lines is left out of files and pipes."""
    console = out()
    if console.is_terminal:
        console.print(answer)
        return
    with console.capture() as captured:
        console.print(answer)
    print("\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n")))


def say(sentence: str) -> None:
    """Print a remark to stderr, so that answers can be piped."""
    print(printable(sentence), file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print one JSON document; what a terminal would act on is escaped within it."""
    print(json_text(value, indent=True))


def json_text(value: Any, *, indent: bool = False) -> str:
    """Return a JSON document, on one line unless indented, that no terminal acts on."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    return _UNSAFE_IN_JSON.sub(_escaped_json, text)


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table whose cells are stored text."""
    made = Table(box=None, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 1))
    for position, (heading, how) in enumerate(columns):
        made.add_column(
            heading,
            justify="right" if how == "right" else "left",
            no_wrap=how != "full",
            overflow="fold" if how == "full" else "ellipsis",
            min_width=_longest(rows, position) if how == "whole" else None,
        )
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def _longest(rows: Sequence[Sequence[object]], position: int) -> int:
    return max((len(printable(row[position])) for row in rows), default=1) or 1


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(printable(value))


def _escaped_json(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


class Progress:
    """A line on stderr that tells how far something is: rewritten on a terminal, else plain.

    On a terminal it is refreshed with every call; elsewhere a new line comes every two seconds.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._live = sys.stderr.isatty()
        self._last = time.monotonic()
        self._shown = False

    def update(self, facts: Mapping[str, object], done: float | None = None) -> None:
        """Show the facts, and a bar if it is known which part (0 to 1) is done."""
        now = time.monotonic()
        if now - self._last < (0.1 if self._live else _EVERY_S):
            return
        self._last, self._shown = now, True
        bar = "" if done is None else _bar(done)
        words = ", ".join(f"{name} {value}" for name, value in facts.items())
        line = printable(f"{self.what}: {bar}{words}")
        if self._live:
            print(f"\r\x1b[2K{line[:200]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._live and self._shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
        self._shown = False


def _bar(done: float) -> str:
    full = round(20 * min(max(done, 0.0), 1.0))
    return f"[{'#' * full}{'.' * (20 - full)}] {100 * min(done, 1.0):.0f} % "
