"""`otel-vector search` and `similar`: questions by meaning, answered as tables."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from otel_vector_collector.cli.options import (
    AsJson,
    Config,
    Data,
    Filter,
    Limit,
    Since,
    Until,
    loaded,
)

__all__ = ["search", "similar"]

_Query = Annotated[
    str, typer.Argument(metavar="QUERY", help='Words, and conditions: service:checkout "declined"')
]
_Facets = Annotated[
    list[str] | None, typer.Option("--facet", help="Only this side of spans; may be repeated.")
]
_Over = Annotated[
    list[str] | None,
    typer.Option("--over", help="spans, logs, records; may be repeated [default: spans]"),
]
_Collections = Annotated[
    list[str] | None,
    typer.Option("--collection", help="Only records of this one; may be repeated."),
]
_Cursor = Annotated[str | None, typer.Option("--cursor", help="Go on where a page ended.")]
_Flat = Annotated[bool, typer.Option("--flat", help="Spans one by one, not grouped by meaning.")]


def search(
    query: _Query = "",
    flat: _Flat = False,
    limit: Limit = 10,
    since: Since = None,
    until: Until = None,
    facet: _Facets = None,
    filter_: Filter = None,
    over: _Over = None,
    collection: _Collections = None,
    cursor: _Cursor = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Find spans by meaning; without words, list them, newest first."""
    question: dict[str, Any] = {
        "text": query or None,
        "filter": _filter(filter_),
        "facets": facet or None,
        "since": since,
        "until": until,
        "limit": limit,
        "cursor": cursor,
        "group": not flat,
        "over": over or None,
        "collections": collection or None,
    }
    _ask("search", question, data, config, as_json)


def similar(
    target: Annotated[
        str, typer.Argument(metavar="ID|TEXT", help="A span's id, a meaning's id, or a text.")
    ],
    limit: Limit = 10,
    since: Since = None,
    until: Until = None,
    facet: _Facets = None,
    filter_: Filter = None,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Find what is similar to a span, a meaning or a text."""
    question: dict[str, Any] = {
        **_target(target),
        "filter": _filter(filter_),
        "facets": facet or None,
        "since": since,
        "until": until,
        "limit": limit,
    }
    _ask("similar", question, data, config, as_json)


def _ask(method: str, question: dict[str, Any], data: Data, config: Config, as_json: bool) -> None:
    from otel_vector_collector.cli.answers import show_answer
    from otel_vector_collector.cli.connect import connected
    from otel_vector_collector.cli.console import print_json

    with connected(loaded(data, config).settings) as client:
        answer = getattr(client, method)(question)
    if as_json:
        print_json(answer)
    else:
        show_answer(answer)


def _filter(text: str | None) -> Any:
    """Return a filter as the API takes it: the text, or what its JSON says."""
    if text is None or not text.lstrip().startswith("{"):
        return text
    import orjson

    from otel_vector.errors import InvalidQueryError

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidQueryError(f"--filter is not JSON: {error}") from error


def _target(text: str) -> dict[str, str]:
    """Tell a span's id (32 hex digits) and a meaning's (16) from a text."""
    digits = all(c in "0123456789abcdef" for c in text)
    kind = {32: "span", 16: "meaning"}.get(len(text)) if digits else None
    return {kind or "text": text}
