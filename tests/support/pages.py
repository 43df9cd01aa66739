"""Pages as a browser reads them, and more strictly: every element closed, nothing that runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "rect"}
_RUNS = {"script", "style", "iframe", "object", "embed", "base", "applet"}
_LEADS = {"href", "src", "action", "xlink:href", "formaction", "srcset", "data"}


@dataclass
class Element:
    """One element with its text, that of elements inside it included."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def all(self, name: str, cls: str = "") -> list[Element]:
        """Return elements of a name, at any depth, in order."""
        found = []
        for element in self.inside:
            if element.name == name and (not cls or cls in element.attributes.get("class", "")):
                found.append(element)
            found += element.all(name, cls)
        return found

    def one(self, name: str, cls: str = "") -> Element:
        (found,) = self.all(name, cls)
        return found

    @property
    def words(self) -> str:
        """Return the text with one blank between words."""
        return " ".join(self.text.split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"an attribute stands twice in {tag}: {names}"
        element = Element(tag, {name: value or "" for name, value in attrs})
        _check(element)
        self._open[-1].inside.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _VOID, f"{tag} is not closed by a slash"
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].name == tag, f"{tag} ends within {self._open[-1].name}"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def finished(self) -> Element:
        assert self._open == [self.root], f"{self._open[-1].name} is not closed"
        return self.root


def _check(element: Element) -> None:
    assert element.name not in _RUNS, element
    for name, value in element.attributes.items():
        assert not name.startswith("on") and name != "style", element
        scheme = value.strip().partition(":")[0].lower() if ":" in value else ""
        assert name not in _LEADS or scheme in {"", "http", "https"} or "/" in scheme or "?" in scheme, element  # fmt: skip


def page(html: str) -> Element:
    """Read a page; fail where it is not well formed or could run anything."""
    assert html.startswith("<!doctype html>")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    root = reader.finished()
    ids = [e.attributes["id"] for e in _every(root) if "id" in e.attributes]
    assert len(set(ids)) == len(ids), "an id stands twice"
    assert len(root.all("h1")) == 1
    assert root.one("html").attributes["lang"] == "en"
    _check_labels(root, set(ids))
    return root


def links(read: Element) -> list[str]:
    """Return where the page leads and what it loads."""
    names = ("a", "link")
    return [
        e.attributes["href"] for e in _every(read) if e.name in names and "href" in e.attributes
    ]


def _check_labels(root: Element, ids: set[str]) -> None:
    """Hold every field to a label of its own, and every table to headings."""
    labelled = {label.attributes["for"] for label in root.all("label")}
    assert labelled <= ids
    for name in ("input", "select"):
        assert all(e.attributes["id"] in labelled for e in root.all(name))
    for table in root.all("table"):
        assert table.all("th"), "a table without headings"


def _every(root: Element) -> list[Element]:
    return [element for part in root.inside for element in (part, *_every(part))]
