"""Equality keys: the fields whose equality the engine answers by one lookup in `k`.

A key is a 63-bit hash of (field, value). Numbers are keyed by their value and texts as they
are, so the keys of a query's text are those of every value that equals it, and of no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_vector.spans.conventions import canonical, family
from otel_vector.spans.ids import field_key
from otel_vector.spans.values import number_form, number_of, text_form

__all__ = [
    "ERROR_CODE",
    "KEYED",
    "LINK",
    "MODEL",
    "NARROWED",
    "SESSION",
    "STATUS",
    "STATUS_ERROR",
    "attribute_field",
    "key_of",
    "keys_equal_to",
    "value_field",
]

STATUS: Final = "status"
SESSION: Final = "session"
LINK: Final = "link"
ERROR_CODE: Final = "error.code"
MODEL: Final = "model"

STATUS_ERROR: Final = field_key(STATUS, "error")
"""The key of every span whose status is error, and of no other."""

KEYED: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(family("session.id"), SESSION)
    | dict.fromkeys(family("gen_ai.request.model"), MODEL)
)
"""Attribute name → key field that answers equality of its whole family, in any scope, exactly."""

NARROWED: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("otel_vector.error.code", "error.type", "exception.type"), ERROR_CODE)
)
"""Attribute name → key field that holds all that match, and others: to be confirmed."""


def attribute_field(name: str) -> str:
    """Return the key field of a configured attribute; one for all names of its family."""
    return f"attribute.{canonical(name)}"


def value_field(facet: str) -> str:
    """Return the key field of a hash of a facet's whole canonical value."""
    return f"{facet}.value"


def key_of(field: str, value: AnyValue) -> int:
    """Return the key under which a typed value is stored."""
    which = value.WhichOneof("value")
    if which == "int_value":
        return field_key(f"{field}#", str(value.int_value))
    if which == "double_value":
        return field_key(f"{field}#", number_form(value.double_value))
    return field_key(field, text_form(value))


def keys_equal_to(field: str, text: str) -> tuple[int, ...]:
    """Return the keys of all values that equal a query's text; any of them is a match."""
    number = number_of(text)
    if number is None:
        return (field_key(field, text),)
    return (field_key(field, text), field_key(f"{field}#", number_form(number)))
