"""The long way of a span: its content, its events and links, its error, and their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from otel_vector.describe.attributes import Roles
from otel_vector.describe.content import Content
from otel_vector.describe.failures import error_text
from otel_vector.describe.families import EVENT_MESSAGES, TOOL_NAMES, Role
from otel_vector.describe.texts import Texts
from otel_vector.spans.ids import MeaningId, field_key
from otel_vector.spans.keys import LINK, STATUS_ERROR, key_of
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.spans.values import plain, text_form

__all__ = ["More", "SpanParts"]

_ERROR_TYPES: Final = ("error.type", "vectorwave.error_code", "error.kind", "error.name")
_ERROR_MESSAGES: Final = ("error.message", "vectorwave.error_message", "gen_ai.tool.error")
_HTTP_STATUS: Final = ("http.response.status_code", "http.status_code")


@dataclass(frozen=True, slots=True)
class More:
    """What a span points at beside its operation, and its keys."""

    meanings: tuple[MeaningId, ...]
    keys: tuple[int, ...]


@dataclass(slots=True)
class _Found:
    """What is gathered from one span."""

    keys: list[int] = field(default_factory=list)
    content: Content | None = None
    errors: list[tuple[str, str]] = field(default_factory=list)

    def contents(self) -> Content:
        if self.content is None:
            self.content = Content()
        return self.content


class SpanParts:
    """Describes what most spans do not have."""

    def __init__(self, roles: Roles, texts: Texts) -> None:
        self._roles = roles
        self._texts = texts

    def describe(
        self,
        span: Span,
        rare: Sequence[tuple[Role, KeyValue]],
        operation: Meaning,
        texts: dict[MeaningId, Meaning],
    ) -> More:
        """Return what a span points at beside its operation.

        Args:
            span: the span.
            rare: those of its attributes that are more than a name of the operation.
            operation: its operation.
            texts: where new meanings are put.
        """
        found = _Found()
        _take(rare, found)
        for event in span.events:
            self._event(event, found)
        for link in span.links:
            found.keys.append(field_key(LINK, link.trace_id.hex()))
            found.keys += self._roles.keys_in(link.attributes)
        if span.status.code == Status.STATUS_CODE_ERROR:
            found.keys.append(STATUS_ERROR)
        meanings = self._meanings(span, found, operation)
        texts.update((meaning.id, meaning) for meaning in meanings)
        return More(tuple(m.id for m in meanings), tuple(dict.fromkeys(found.keys)))

    def _event(self, event: Span.Event, found: _Found) -> None:
        attributes = event.attributes
        if event.name == "exception":
            values = {item.key: text_form(item.value) for item in attributes}
            found.errors.append(
                (values.get("exception.type", ""), values.get("exception.message", ""))
            )
        elif event.name in EVENT_MESSAGES:
            found.contents().message(event.name, _message(attributes))
            found.keys += self._roles.keys_in(attributes)
            return
        _take(
            [(role, item) for item in attributes if (role := self._roles[item.key]) is not None],
            found,
        )

    def _meanings(self, span: Span, found: _Found, operation: Meaning) -> list[Meaning]:
        texts: dict[Facet, list[str]] = {}
        if found.content is not None:
            found.content.called(_tool_of(span))
            texts = found.content.texts()
            found.keys += found.content.keys()
        errors = _errors(span, found)
        if errors:
            texts[Facet.ERROR] = errors
        return self._texts.meanings(operation.id, texts) if texts else []


def _take(rare: Iterable[tuple[Role, KeyValue]], found: _Found) -> None:
    for role, item in rare:
        if role.key:
            found.keys.append(key_of(role.key, item.value))
        if role.source is not None:
            found.contents().attribute(role, item)


def _message(attributes: Iterable[KeyValue]) -> dict[str, object]:
    """Return an event's attributes as the message they make up."""
    return {item.key: plain(item.value) for item in attributes}


def _errors(span: Span, found: _Found) -> list[str]:
    """Return the distinct texts of what went wrong; none for a span that went well."""
    is_error = span.status.code == Status.STATUS_CODE_ERROR
    if not is_error and not found.errors:
        return []
    texts = [error_text(kind, message) for kind, message in found.errors]
    if is_error and not any(texts):
        texts = [_from_attributes(span)]
    return list(dict.fromkeys(text for text in texts if text))


def _from_attributes(span: Span) -> str:
    """Return what status and attributes say about a failure without an exception."""
    values = {item.key: item.value for item in span.attributes}
    kind = next((text_form(values[key]) for key in _ERROR_TYPES if key in values), "")
    message = span.status.message or next(
        (text_form(values[key]) for key in _ERROR_MESSAGES if key in values), ""
    )
    status = next((text_form(values[key]) for key in _HTTP_STATUS if key in values), "")
    if not message and (kind == status or not kind):
        return f"http status {status}" if status else ""
    return error_text(kind, message)


def _tool_of(span: Span) -> str:
    return next(
        (str(item.value.string_value) for item in span.attributes if item.key in TOOL_NAMES), ""
    )
