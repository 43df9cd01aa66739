"""Where links on the page lead; all of them relative, so that a proxy may serve it anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from otel_vector_collector.api.authentication import PAGE

__all__ = ["Links"]

_NAME = PAGE.removeprefix("/")


@dataclass(frozen=True, slots=True)
class Links:
    """The links of one page.

    Attributes:
        root: the way from this page to the root of the API.
        trace_link: setting `serve.trace_link`.
    """

    root: str
    trace_link: str = ""

    @classmethod
    def at(cls, path: str, trace_link: str) -> Links:
        """Return the links of the page at a path."""
        return cls("../" * (path.count("/") - 1) or "./", trace_link)

    def ask(self, **parameters: str) -> str:
        """Return the link that asks for something."""
        query = urlencode(parameters)
        return f"{self.root}{_NAME}?{query}" if query else f"{self.root}{_NAME}"

    def file(self, name: str) -> str:
        """Return the link of a file that belongs to the page."""
        return f"{self.root}{_NAME}/{name}"

    def own_trace(self, trace_id: str, span: str = "", start: int = 0) -> str:
        """Return the link of our own page of a trace.

        Args:
            trace_id: 32 hex digits.
            span: content id of a span that is shown opened; empty for none.
            start: rows of the waterfall that are left out at its front.
        """
        given = {"span": span, "from": str(start or "")}
        query = urlencode({name: value for name, value in given.items() if value})
        place = f"{self.root}{_NAME}/trace/{trace_id}"
        return f"{place}?{query}#s-{span}" if span else f"{place}?{query}" if query else place

    def trace(self, trace_id: str, span: str = "") -> str:
        """Return the link of a trace in the tool that shows traces."""
        if self.trace_link:
            return self.trace_link.replace("{trace_id}", trace_id)
        return self.own_trace(trace_id, span)
