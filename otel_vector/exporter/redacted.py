"""Says on a span where something was redacted: `otel_vector.redacted`, a list of paths.

A path is the attribute's name and the way within it, `input.value/card/number`: into arrays and
maps, and into JSON text. Listing again what is listed changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from otel_vector.spans.markers import MARKER

__all__ = ["ATTRIBUTE", "flag"]

ATTRIBUTE: Final = "otel_vector.redacted"
_OPENING: Final = "[redacted:"
_OPENING_BYTES: Final = _OPENING.encode()
_MOST: Final = 64  # paths of one span
_CONTAINERS: Final = ("{", "[")


def flag(message: Any) -> None:
    """List the redacted places of every span of a message, in place."""
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                if _OPENING_BYTES in span.SerializeToString():
                    _flag(span)


def _flag(span: Any) -> None:
    paths: dict[str, None] = {}
    listed = None
    for pair in span.attributes:
        if pair.key == ATTRIBUTE:
            listed = pair
        else:
            paths.update(dict.fromkeys(_paths(pair.key, pair.value)))
    if not paths:
        return
    listed = listed or span.attributes.add(key=ATTRIBUTE)
    listed.value.Clear()
    for path in list(paths)[:_MOST]:
        listed.value.array_value.values.add(string_value=path)


def _paths(name: str, value: Any) -> Iterator[str]:
    """Yield where markers stand in a value of OTLP."""
    case = value.WhichOneof("value")
    if case == "string_value":
        yield from _paths_of_text(name, value.string_value)
    elif case == "bytes_value":
        if _OPENING_BYTES in value.bytes_value:
            yield name
    elif case == "array_value":
        for i, inner in enumerate(value.array_value.values):
            yield from _paths(f"{name}/{i}", inner)
    elif case == "kvlist_value":
        for pair in value.kvlist_value.values:
            yield from _paths(f"{name}/{pair.key}", pair.value)


def _paths_of_text(name: str, text: str) -> Iterator[str]:
    if _OPENING not in text or not MARKER.search(text):
        return
    found = list(_paths_of_json(name, _parsed(text)))
    yield from found or [name]


def _parsed(text: str) -> Any:
    """Return a JSON document's value; a text that is none is itself."""
    if not text.lstrip().startswith(_CONTAINERS):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _paths_of_json(name: str, value: Any) -> Iterator[str]:
    """Yield where markers stand in a value of JSON."""
    stack = [(name, value)]
    while stack:
        path, part = stack.pop()
        if isinstance(part, str):
            if MARKER.search(part):
                yield path
        elif isinstance(part, dict):
            stack += [(f"{path}/{key}", inner) for key, inner in reversed(part.items())]
        elif isinstance(part, list):
            stack += [(f"{path}/{i}", part[i]) for i in reversed(range(len(part)))]
