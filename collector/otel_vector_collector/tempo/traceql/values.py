"""The values a span has under a field, typed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_vector.services.summaries import summary_of
from otel_vector.spans.filters import Attribute, Scope
from otel_vector.spans.items import Item
from otel_vector.spans.matching import attributes_of
from otel_vector_collector.tempo.traceql.expressions import Field, Intrinsic

__all__ = [
    "NO_WHOLE",
    "SERVICE",
    "Scalar",
    "Value",
    "Whole",
    "is_service",
    "scalars",
    "values_of",
    "whole_of",
]

Scalar = str | int | float | bool
Value = Scalar | AnyValue

SERVICE: Final = "service.name"


@dataclass(frozen=True, slots=True)
class Whole:
    """What a span's trace says of it.

    Attributes:
        root_service, root_name: of the earliest span without a parent; empty if there is none.
        duration_ns: from the earliest start to the latest end.
        children: how many spans name this span id as their parent.
    """

    root_service: str
    root_name: str
    duration_ns: int
    children: Mapping[bytes, int]


NO_WHOLE: Final = Whole("", "", 0, MappingProxyType({}))
"""For what takes no trace to tell."""


def whole_of(spans: Sequence[Item]) -> Whole:
    """Return what a trace says of its spans; there has to be one at least."""
    summary = summary_of(spans)
    return Whole(
        summary.root_service,
        summary.root_name,
        max(0, summary.end_ns - summary.start_ns),
        Counter(bytes(item.message.parent_span_id) for item in spans),
    )


def is_service(field: Field) -> bool:
    """Return whether a field is the name of the span's service.

    It is looked up in the resource alone, whether or not the query says so.
    """
    return field in {Attribute(SERVICE, Scope.RESOURCE), Attribute(SERVICE)}


def values_of(field: Field) -> Callable[[Item, Whole], Iterator[Value]]:
    """Return what reads a field's values of a span in its trace.

    A span that has nothing there gives none: a root has no parent id, a trace without a root no
    root's name.
    """
    if isinstance(field, Intrinsic):
        return _INTRINSICS[field]
    if is_service(field):
        return lambda item, _: _unless_empty(item.service)
    attributes = attributes_of(field)
    return lambda item, _: (attribute.value for attribute in attributes(item))


def scalars(value: Value) -> Iterator[Scalar]:
    """Yield what a value is compared by: itself, or the elements of an array, at any depth.

    Bytes, maps and missing values are compared with nothing.
    """
    if not isinstance(value, AnyValue):
        yield value
        return
    kind = value.WhichOneof("value")
    if kind in _SCALARS:
        yield getattr(value, kind)
    elif kind == "array_value":
        for element in value.array_value.values:
            yield from scalars(element)


_SCALARS: Final = frozenset({"string_value", "int_value", "double_value", "bool_value"})


def _unless_empty(text: str) -> Iterator[Value]:
    if text:
        yield text


def _one(read: Callable[[Item], Scalar]) -> Callable[[Item, Whole], Iterator[Value]]:
    return lambda item, _: iter((read(item),))


_INTRINSICS: Final[Mapping[Intrinsic, Callable[[Item, Whole], Iterator[Value]]]] = (
    MappingProxyType(
        {
            Intrinsic.NAME: _one(lambda item: item.name),
            Intrinsic.DURATION: _one(lambda item: item.duration_ns),
            Intrinsic.STATUS: _one(lambda item: item.status),
            Intrinsic.STATUS_MESSAGE: _one(lambda item: str(item.message.status.message)),
            Intrinsic.KIND: _one(lambda item: item.kind),
            Intrinsic.SPAN_ID: _one(lambda item: item.span_hex),
            Intrinsic.TRACE_ID: _one(lambda item: item.trace_hex),
            Intrinsic.SCOPE_NAME: _one(lambda item: str(item.scope.scope.name)),
            Intrinsic.SCOPE_VERSION: _one(lambda item: str(item.scope.scope.version)),
            Intrinsic.PARENT_ID: lambda item, _: _unless_empty(item.parent_hex),
            Intrinsic.CHILD_COUNT: lambda item, whole: iter(
                (whole.children.get(bytes(item.message.span_id), 0),)
            ),
            Intrinsic.TRACE_DURATION: lambda _, whole: iter((whole.duration_ns,)),
            Intrinsic.ROOT_NAME: lambda _, whole: _unless_empty(whole.root_name),
            Intrinsic.ROOT_SERVICE: lambda _, whole: _unless_empty(whole.root_service),
            Intrinsic.EVENT_NAME: lambda item, _: (event.name for event in item.message.events),
            Intrinsic.EVENT_TIME: lambda item, _: (
                max(0, event.time_unix_nano - item.start_ns) for event in item.message.events
            ),
            Intrinsic.LINK_TRACE: lambda item, _: (
                link.trace_id.hex() for link in item.message.links
            ),
            Intrinsic.LINK_SPAN: lambda item, _: (
                link.span_id.hex() for link in item.message.links
            ),
        }
    )
)
