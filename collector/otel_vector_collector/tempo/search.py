"""A search answered in the shape of Tempo's `SearchResponse`, and in no other field.

Clients refuse fields they do not know, so the score of a question by meaning is an attribute of
the span, as is what the query asks about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_vector.services.container import Services
from otel_vector.services.finding import FoundTrace, Match, TraceQuestion
from otel_vector.services.search import Restriction
from otel_vector.services.summaries import summary_of
from otel_vector.spans.filters import Attribute, Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import RunKind
from otel_vector.spans.otlp_json import json_object
from otel_vector_collector.tempo.parameters import Asked, Window
from otel_vector_collector.tempo.traceql.covering import covering
from otel_vector_collector.tempo.traceql.evaluation import refinement_of
from otel_vector_collector.tempo.traceql.expressions import (
    OF_TRACE,
    Expression,
    Field,
    Intrinsic,
    conditions,
)
from otel_vector_collector.tempo.traceql.meaning import asked as parted
from otel_vector_collector.tempo.traceql.values import Value, Whole, values_of, whole_of

__all__ = ["Json", "question_of", "restriction_of", "search"]

Json = dict[str, Any]

_RUN: Final = "otel_vector.run.kind"
_NO_ROOT: Final = "<root span not yet received>"
_SCORE: Final = "meaning.score"
_TEXT: Final = "meaning.text"
_SHOWN_ANYWAY: Final = frozenset(
    {*OF_TRACE, Intrinsic.NAME, Intrinsic.DURATION, Intrinsic.SPAN_ID, Intrinsic.TRACE_ID}
) - {Intrinsic.CHILD_COUNT}
_MOST_MS: Final = (1 << 32) - 1
_MS: Final = 1_000_000


def search(services: Services, tenant: Tenant, asked: Asked) -> Json:
    """Return the answer to a search.

    Raises:
        InvalidQueryError: a question by meaning is asked in a way it cannot be.
        EmbedderUnavailableError: its words could not be given a vector.
        QueryTimeoutError: reading took too long.
    """
    question = question_of(asked)
    fields = _fields(asked.expression)
    found = services.finding.traces(tenant, question)
    return {"traces": [_trace(trace, fields, asked.spans) for trace in found], "metrics": {}}


def question_of(asked: Asked) -> TraceQuestion:
    """Return a search as a question to the services.

    Raises:
        InvalidQueryError: a question by meaning is asked in a way it cannot be.
    """
    parts = parted(asked.expression)
    where = _where(parts.rest, asked.window)
    return TraceQuestion(where, parts.meaning, asked.traces, refinement_of(parts.rest))


def restriction_of(expression: Expression, window: Window) -> Restriction:
    """Return what narrows a list of values; it may let more spans pass than the query does.

    Args:
        expression: without a question by meaning.
        window: when spans start.
    """
    where = _where(expression, window)
    since, until = ("" if ns is None else str(ns) for ns in (where.since_ns, where.until_ns))
    return Restriction(where.filter, since, until, where.runs)


def _where(expression: Expression, window: Window) -> Where:
    """Spans of live runs count, unless the query speaks of runs."""
    speaks = any(
        isinstance(c.field, Attribute) and c.field.key == _RUN for c in conditions(expression)
    )
    runs = () if speaks else (RunKind.LIVE.value,)
    return Where(covering(expression), window.since_ns, window.until_ns, runs)


def _fields(expression: Expression) -> list[Field]:
    """Return what is asked about and is not shown of every span, each once."""
    named = (condition.field for condition in conditions(expression))
    return [field for field in dict.fromkeys(named) if field not in _SHOWN_ANYWAY]


def _trace(found: FoundTrace, fields: Sequence[Field], most: int) -> Json:
    summary, whole = summary_of(found.spans), whole_of(found.spans)
    matched = [item for item in found.spans if item.id in found.matched]
    matched.sort(key=lambda item: -(found.matched[item.id].score or 0.0))
    spans = [_span(item, whole, fields, found.matched[item.id]) for item in matched[:most]]
    return {
        "traceID": summary.trace_id.hex(),
        "rootServiceName": summary.root_service or ("" if summary.root_name else _NO_ROOT),
        "rootTraceName": summary.root_name,
        "startTimeUnixNano": str(summary.start_ns),
        "durationMs": min(whole.duration_ns // _MS, _MOST_MS),
        "spanSets": [{"spans": spans, "matched": len(matched)}],
        "serviceStats": {
            s.name: {"spanCount": s.spans, "errorCount": s.errors} for s in summary.services
        },
    }


def _span(item: Item, whole: Whole, fields: Sequence[Field], match: Match) -> Json:
    attributes = [_key_value(name, value) for name, value in _shown(item, whole, fields)]
    if match.score is not None:
        attributes += [_key_value(_SCORE, match.score), _key_value(_TEXT, match.text)]
    return {
        "spanID": item.span_hex,
        "name": item.name,
        "startTimeUnixNano": str(item.start_ns),
        "durationNanos": str(item.duration_ns),
        "attributes": attributes,
    }


def _shown(item: Item, whole: Whole, fields: Sequence[Field]) -> Iterator[tuple[str, Value]]:
    """Yield the first value of each field under its name in the query, without the scope."""
    for field in fields:
        value = next(values_of(field)(item, whole), None)
        if value is not None:
            yield field.value if isinstance(field, Intrinsic) else field.key, value


def _key_value(key: str, value: Value) -> Json:
    return {"key": key, "value": json_object(_typed(value))}


def _typed(value: Value) -> AnyValue:
    if isinstance(value, AnyValue):
        return value
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return (
        AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=value)
    )
