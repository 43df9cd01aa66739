"""Jaeger's JSON of before `/api/v3`: what Grafana's data source reads.

OTLP has no place in it for some things, which become tags as Jaeger itself makes them:
`span.kind`, `otel.status_code`, `error`, `otel.status_description`, `otel.scope.name` and
`otel.scope.version`, `w3c.tracestate`, and of events the field `event`.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_vector.services.finding import Match
from otel_vector.services.servicemap import Edge
from otel_vector.spans.ids import SpanId
from otel_vector.spans.items import Item
from otel_vector.spans.values import text_form
from otel_vector_collector.jaeger.chunks import noted

__all__ = ["Json", "answer", "edges_json", "refusal", "trace_json"]

Json = dict[str, Any]

_SAFE: Final = (1 << 53) - 1
"""Integers beyond it change in JavaScript, so they go as texts."""
_NO_SERVICE: Final = "OTLPResourceNoServiceName"
_STATUS: Final = {1: "OK", 2: "ERROR"}
_ERROR: Final = 2
_CHILD: Final = "CHILD_OF"
_FOLLOWS: Final = "FOLLOWS_FROM"
_US: Final = 1_000


def answer(data: Sequence[Any] | None, errors: Sequence[Json] | None = None) -> Json:
    """Return the frame of every answer."""
    total = len(data) if data is not None else 0
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def refusal(status: int, message: str) -> Json:
    """Return the answer to what cannot be answered."""
    return answer(None, [{"code": status, "msg": message}])


def edges_json(edges: Iterable[Edge]) -> list[Json]:
    """Return the edges of a service map."""
    return [{"parent": e.parent, "child": e.child, "callCount": e.calls} for e in edges]


def trace_json(spans: Sequence[Item], matched: Mapping[SpanId, Match] | None = None) -> Json:
    """Return a trace.

    Args:
        spans: its spans, one at least.
        matched: scores and texts that are added to spans as tags.
    """
    processes: dict[bytes, str] = {}
    shown: dict[str, Json] = {}
    written = []
    for item in spans:
        resource = item.resource.resource
        key = resource.SerializeToString(deterministic=True)
        process = processes.setdefault(key, f"p{len(processes) + 1}")
        if process not in shown:
            tags = [_tag(a) for a in resource.attributes if a.key != "service.name"]
            shown[process] = {"serviceName": item.service or _NO_SERVICE, "tags": tags}
        span = noted(item, (matched or {}).get(item.id))
        written.append({**_span_json(item, span), "processID": process})
    return {
        "traceID": spans[0].trace_hex,
        "spans": written,
        "processes": shown,
        "warnings": None,
    }


def _span_json(item: Item, span: Span) -> Json:
    return {
        "traceID": item.trace_hex,
        "spanID": item.span_hex,
        "flags": int(span.flags) & 0xFF,
        "operationName": span.name,
        "references": list(_references(span)),
        "startTime": item.start_ns // _US,
        "duration": item.duration_ns // _US,
        "tags": [*map(_tag, span.attributes), *_own_tags(item, span)],
        "logs": [_log(event) for event in span.events],
        "warnings": None,
    }


def _references(span: Span) -> Iterator[Json]:
    """Yield the parent first, then the links.

    Readers take the first `CHILD_OF` for the parent. A link to the parent that says its type is
    the parent's own reference; one that does not, as of a message's consumer, stands beside it.
    """
    parent = (span.trace_id, span.parent_span_id)
    links = [((link.trace_id, link.span_id), _ref_type(link)) for link in span.links]
    told = {target: kind for target, kind in links if kind}
    if span.parent_span_id:
        yield _reference(parent, told.get(parent, _CHILD))
    for target, kind in links:
        if not (kind and span.parent_span_id and target == parent):
            yield _reference(target, kind or _FOLLOWS)


def _reference(target: tuple[bytes, bytes], kind: str) -> Json:
    return {"refType": kind, "traceID": target[0].hex(), "spanID": target[1].hex()}


def _ref_type(link: Any) -> str:
    """Return the type that a link from OpenTracing says it is of; empty for others."""
    kinds = (a.value.string_value for a in link.attributes if a.key == "opentracing.ref_type")
    kind = next(kinds, "")
    return (_CHILD if kind == "child_of" else _FOLLOWS) if kind else ""


def _own_tags(item: Item, span: Span) -> Iterator[Json]:
    """Yield what OTLP has fields for."""
    scope = item.scope.scope
    code = span.status.code
    texts = {
        "otel.scope.name": scope.name,
        "otel.scope.version": scope.version,
        "span.kind": item.kind if span.kind else "",
        "otel.status_code": _STATUS.get(code, ""),
        "otel.status_description": span.status.message,
        "w3c.tracestate": span.trace_state,
    }
    yield from ({"key": k, "type": "string", "value": v} for k, v in texts.items() if v)
    if code == _ERROR:
        yield {"key": "error", "type": "bool", "value": True}


def _log(event: Any) -> Json:
    fields = [_tag(attribute) for attribute in event.attributes]
    if event.name and not any(field["key"] == "event" for field in fields):
        fields.insert(0, {"key": "event", "type": "string", "value": event.name})
    return {"timestamp": int(event.time_unix_nano) // _US, "fields": fields}


def _tag(attribute: KeyValue) -> Json:
    kind, value = _typed(attribute.value)
    return {"key": attribute.key, "type": kind, "value": value}


def _typed(value: AnyValue) -> tuple[str, Any]:
    """Return Jaeger's type of a value and its JSON; lists and maps are texts of JSON."""
    match value.WhichOneof("value"):
        case "bool_value":
            return "bool", value.bool_value
        case "int_value":
            number = int(value.int_value)
            return "int64", number if abs(number) <= _SAFE else str(number)
        case "double_value":
            finite = math.isfinite(value.double_value)
            return "float64", value.double_value if finite else text_form(value)
        case "bytes_value":
            return "binary", b64encode(value.bytes_value).decode("ascii")
        case _:
            return "string", text_form(value)
