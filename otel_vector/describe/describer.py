"""Spans and log records to texts, keys and columns: pure, deterministic, and the hottest loop.

Each span is serialised once and each attribute touched once; whatever repeats is remembered:
what an attribute's name means, an operation by what names it, an error by its message. Most
spans have neither content nor events nor an error and take the short way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import sub
from typing import Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, TracesData

from otel_vector.describe.attributes import Roles
from otel_vector.describe.families import ALWAYS
from otel_vector.describe.logs import LogDescriber
from otel_vector.describe.operation import operation_of
from otel_vector.describe.rows import Headers, serialised
from otel_vector.describe.spanparts import SpanParts
from otel_vector.describe.texts import Texts
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.durations import bucket_of
from otel_vector.spans.ids import MeaningId, Tenant, trace_key
from otel_vector.spans.items import run_kind
from otel_vector.spans.meanings import Facet, Meaning, RunKind, Signal
from otel_vector.spans.values import text_form

__all__ = ["Describer"]

_MOST_OPERATIONS: Final = 50_000
_MOST_SERVICES: Final = 10_000
_LONGEST_NAMED: Final = 8_000  # characters of an operation that is remembered
_LONGEST: Final = 2_000  # characters of a value that names an operation
_ERROR: Final = Span.SPAN_KIND_UNSPECIFIED + 2  # Status.STATUS_CODE_ERROR
_OUTBOUND: Final = frozenset({Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER})


@dataclass(frozen=True, slots=True)
class _Operation:
    meaning: Meaning
    ids: tuple[MeaningId, ...]


@dataclass(frozen=True, slots=True)
class _Context:
    """What the spans of one scope share."""

    service: str
    operations: dict[tuple[Any, ...], _Operation]
    keys: tuple[int, ...]


class Describer:
    """Describes the spans and log records of one tenant. One thread at a time."""

    def __init__(self, config: DescribeConfig, tenant: Tenant) -> None:
        self._tenant = tenant
        self._roles = Roles(config.index_attributes)
        self._texts = Texts(config, tenant)
        self._parts = SpanParts(self._roles, self._texts)
        self._logs = LogDescriber(self._roles, self._texts, tenant)
        self._operations: dict[str, dict[tuple[Any, ...], _Operation]] = {}
        self._remembered = 0

    @property
    def skipped(self) -> Counter[Facet]:
        """Facet → texts that got no meaning since their operation has enough of them."""
        return self._texts.skipped

    def traces(self, data: TracesData) -> Batch:
        """Describe the spans of a message, which is used up."""
        batch = Batch(Signal.SPANS)
        headers = Headers(self._tenant, batch)
        for resource in data.resource_spans:
            self._resource(resource, batch, headers)
        return batch

    def logs(self, data: LogsData) -> Batch:
        """Describe the log records of a message, which is used up."""
        return self._logs.batch(data)

    def _resource(self, resource: ResourceSpans, batch: Batch, headers: Headers) -> None:
        service = _service(resource)
        operations = self._operations_of(service)
        keys = self._roles.keys_in(resource.resource.attributes)
        scopes = list[tuple[bytes, int]]()
        for scope in resource.scope_spans:
            own = self._roles.keys_in(scope.scope.attributes)
            spans = list(scope.spans)
            _columns(spans, batch)
            self._spans(spans, _Context(service, operations, keys + own), batch)
            scope.ClearField("spans")
            scopes.append((serialised(scope), len(batch.bodies)))
        resource.ClearField("scope_spans")
        headers.assign(serialised(resource), scopes)

    def _spans(self, spans: Sequence[Span], context: _Context, batch: Batch) -> None:
        roles, operations, texts = self._roles, context.operations, batch.texts
        for span in spans:
            kind = span.kind
            named: tuple[Any, ...] = (span.name, kind)
            rare = None
            for item in span.attributes:
                role = roles[item.key]
                if role is None:
                    continue
                if role.operation == ALWAYS or (role.operation and kind in _OUTBOUND):
                    value = item.value.string_value or text_form(item.value)
                    named += (item.key, value[:_LONGEST])
                if role.is_rare:
                    rare = rare or []
                    rare.append((role, item))
            operation = operations.get(named) or self._operation(context, named)
            texts[operation.meaning.id] = operation.meaning
            if rare or span.events or span.links or span.status.code == _ERROR:
                more = self._parts.describe(span, rare or (), operation.meaning, texts)
                batch.meanings.append(operation.ids + more.meanings)
                batch.keys.append(context.keys + more.keys)
            else:
                batch.meanings.append(operation.ids)
                batch.keys.append(context.keys)
            batch.runs.append(run_kind(span) if rare or span.trace_state else RunKind.LIVE)

    def _operation(self, context: _Context, named: tuple[Any, ...]) -> _Operation:
        name, kind, *details = named
        pairs = list(zip(details[::2], details[1::2], strict=True))
        meaning = operation_of(self._tenant, context.service, name, kind, pairs)
        operation = _Operation(meaning, (meaning.id,))
        if self._remembered >= _MOST_OPERATIONS:
            self._forget()
        if len(name) + sum(map(len, details)) <= _LONGEST_NAMED:
            context.operations[named] = operation
            self._remembered += 1
        return operation

    def _operations_of(self, service: str) -> dict[tuple[Any, ...], _Operation]:
        """Return the operations of a service that are remembered; names are the sender's."""
        if len(service) > _LONGEST:
            return {}
        if service not in self._operations and len(self._operations) >= _MOST_SERVICES:
            self._forget()
            self._operations.clear()
        return self._operations.setdefault(service, {})

    def _forget(self) -> None:
        for known in self._operations.values():
            known.clear()
        self._remembered = 0


def _columns(spans: Sequence[Span], batch: Batch) -> None:
    """Add what the spans' own fields say."""
    trace_ids = [span.trace_id for span in spans]
    starts = [span.start_time_unix_nano for span in spans]
    ends = [span.end_time_unix_nano for span in spans]
    batch.bodies += [span.SerializeToString(deterministic=True) for span in spans]
    batch.trace_ids += trace_ids
    batch.span_ids += [span.span_id for span in spans]
    batch.start_ns += starts
    batch.end_ns += ends
    batch.traces += map(trace_key, trace_ids)
    batch.buckets += map(bucket_of, map(sub, ends, starts))


def _service(resource: ResourceSpans) -> str:
    for item in resource.resource.attributes:
        if item.key == "service.name":
            return str(item.value.string_value)
    return ""
