"""What fields and words are called in TraceQL."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from otel_vector.spans.filters import Attribute, Scope
from otel_vector.spans.items import KINDS, STATUSES
from otel_vector_collector.tempo.traceql.expressions import Field, Intrinsic, Literal, Type

__all__ = ["INTRINSICS", "NIL", "SCOPES", "WORDS", "field_named"]

NIL: Final = "nil"

SCOPES: Final[Mapping[str, Scope]] = MappingProxyType(
    {
        "": Scope.ANY,
        "span": Scope.SPAN,
        "resource": Scope.RESOURCE,
        "event": Scope.EVENT,
        "link": Scope.LINK,
        "instrumentation": Scope.INSTRUMENTATION,
    }
)
"""Where attributes are looked up, by what stands before the dot."""

INTRINSICS: Final[Mapping[str, Intrinsic]] = MappingProxyType(
    {
        **{intrinsic.value: intrinsic for intrinsic in Intrinsic},
        "span:name": Intrinsic.NAME,
        "span:duration": Intrinsic.DURATION,
        "span:status": Intrinsic.STATUS,
        "span:statusMessage": Intrinsic.STATUS_MESSAGE,
        "span:kind": Intrinsic.KIND,
        "trace:duration": Intrinsic.TRACE_DURATION,
        "trace:rootName": Intrinsic.ROOT_NAME,
        "trace:rootService": Intrinsic.ROOT_SERVICE,
    }
)

WORDS: Final[Mapping[str, Literal]] = MappingProxyType(
    {
        "true": Literal(Type.BOOLEAN, True),
        "false": Literal(Type.BOOLEAN, False),
        **{status: Literal(Type.STATUS, status) for status in STATUSES},
        **{kind: Literal(Type.KIND, kind) for kind in KINDS},
    }
)
"""Words that are values."""


def field_named(text: str) -> Field:
    """Return the field that a tag names: an intrinsic, an attribute with its scope, or its key.

    They are written as they are listed: `span.http.route`, `.http.route`, `http.route`; quotes
    around a key do not count.
    """
    if text in INTRINSICS:
        return INTRINSICS[text]
    scope, dot, key = text.partition(".")
    if dot and key and scope in SCOPES:
        return Attribute(_bare(key), SCOPES[scope])
    return Attribute(_bare(text))


def _bare(key: str) -> str:
    is_quoted = len(key) > len('""') and key[0] == key[-1] == '"'
    return key[1:-1] if is_quoted else key
