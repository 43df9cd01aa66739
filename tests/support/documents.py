"""The fenced blocks of the project's Markdown."""

import re
from dataclasses import dataclass
from pathlib import Path

from support.sources import ROOT

_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it is, its language, its mark (`run`, `make` or none), its text."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    folders = ("docs", "examples", "tests", "otel_vector", "collector")
    found = [page for folder in folders for page in (ROOT / folder).rglob("*.md")]
    return sorted([*ROOT.glob("*.md"), *found])


def blocks(page: Path) -> list[Block]:
    """Return a page's blocks in order."""
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, _, mark = match[1].strip().partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(str(page.relative_to(ROOT)), line, language, mark, match[2]))
    return found
