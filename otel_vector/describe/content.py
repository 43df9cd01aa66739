"""The content facets of one span: what went in, what came out, and what was said about it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from otel_vector.describe.families import EVENT_MESSAGES, Role, Source
from otel_vector.describe.messages import Reader
from otel_vector.describe.pieces import LONGEST_VALUE
from otel_vector.spans.ids import field_key
from otel_vector.spans.keys import value_field
from otel_vector.spans.meanings import Facet
from otel_vector.spans.values import plain, text_form

__all__ = ["Content"]

_MOST_ELEMENTS = 4_000
_DEEPEST = 12  # steps of a flattened name
_ROLE_FACETS = {Facet.INPUT: "", Facet.OUTPUT: "assistant", Facet.SYSTEM: "system"}


@dataclass(slots=True)
class Content:
    """Gathers what the attributes and events of one span, or one log record, hold."""

    _found: list[tuple[Source, str, AnyValue]] = field(default_factory=list)
    _said: list[tuple[Facet, str, Any]] = field(default_factory=list)
    _tool: str = ""

    def attribute(self, role: Role, item: KeyValue) -> None:
        """Take one attribute whose role has a source."""
        assert role.source is not None
        self._found.append((role.source, item.key, item.value))

    def message(self, name: str, value: Any) -> None:
        """Take the value of a per-message event of the GenAI conventions."""
        facet, role = EVENT_MESSAGES[name]
        self._said.append((facet, role, value))

    def part(self, facet: Facet, value: Any) -> None:
        """Take a value whose facet is known."""
        self._said.append((facet, "", value))

    def called(self, tool: str) -> None:
        """Name the tool that a tool span ran."""
        self._tool = tool

    def is_empty(self) -> bool:
        """Tell whether nothing was taken."""
        return not self._found and not self._said

    def texts(self) -> dict[Facet, list[str]]:
        """Return the texts of each facet."""
        reader = Reader()
        for source, value in self._best():
            role = _ROLE_FACETS.get(source.facet, "")
            reader.read(value, source.facet, role)
            if self._tool and source.facet is Facet.INPUT:
                reader.call(self._tool, value)
        for facet, role, value in self._said:
            reader.read(value, facet, role)
        return reader.pieces.by_facet()

    def keys(self) -> list[int]:
        """Return one key per facet: the hash of its whole canonical value."""
        wholes: dict[Facet, list[str]] = {}
        for source, value in self._best():
            wholes.setdefault(source.facet, []).append(_canonical(value))
        for facet, _, value in self._said:
            wholes.setdefault(facet, []).append(_canonical(value))
        return [field_key(value_field(facet), _digest(parts)) for facet, parts in wholes.items()]

    def _best(self) -> list[tuple[Source, Any]]:
        """Return the values of the best structured sources, flattened lists put together."""
        best: dict[Facet, int] = {}
        for source, _, _ in self._found:
            best[source.facet] = min(source.rank, best.get(source.facet, source.rank))
        roots: dict[str, dict[str, Any]] = {}
        values = list[tuple[Source, Any]]()
        for source, key, value in self._found[:_MOST_ELEMENTS]:
            if source.rank != best[source.facet]:
                continue
            if not source.root:
                values.append((source, plain(value)))
                continue
            if source.root not in roots:
                roots[source.root] = {}
                values.append((source, roots[source.root]))
            _graft(
                roots[source.root],
                key[len(source.root) + 1 :].split(".", _DEEPEST),
                text_form(value),
            )
        return [(source, _listed(value)) for source, value in values]


def _graft(tree: dict[str, Any], path: list[str], value: str) -> None:
    """Put a value under its path; a path that runs into a value stops there."""
    for step in path[:-1]:
        below = tree.setdefault(step, {})
        if not isinstance(below, dict):
            return
        tree = below
    tree.setdefault(path[-1], value)


def _listed(node: Any) -> Any:
    """Return a tree with every map whose keys are numbers as a list in their order."""
    if not isinstance(node, dict):
        return node
    if node and all(key.isdecimal() for key in node):
        return [_listed(node[key]) for key in sorted(node, key=lambda k: (len(k), k))]
    return {key: _listed(value) for key, value in node.items()}


def _canonical(value: Any) -> str:
    """Return one text for all spellings of a value: JSON with sorted keys, or the text itself."""
    if not isinstance(value, str):
        return _sorted_json(value)
    if value[:1] not in {"{", "["} or len(value) > LONGEST_VALUE:
        return value
    try:
        return _sorted_json(orjson.loads(value))
    except (orjson.JSONDecodeError, RecursionError):
        return value


def _sorted_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _digest(parts: Iterable[str]) -> str:
    text = "\x1f".join(parts).encode("utf-8", "replace")
    return blake2b(text, digest_size=16).hexdigest()
