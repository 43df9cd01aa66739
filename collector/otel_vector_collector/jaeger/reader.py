"""Answers of Jaeger's remote storage: messages of `jaeger.storage.v2` in, messages out.

Plain blocking functions of a tenant and a request; streams are iterators, read as they are
sent. Search shows live spans unless asked for others, a trace by its id has those of all runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.unknown_fields import UnknownFieldSet

from otel_vector.errors import InvalidInputError, InvalidQueryError
from otel_vector.services.container import Services
from otel_vector.services.finding import FoundTrace, TraceQuestion
from otel_vector.services.summaries import TraceSummary, summary_of
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import KINDS
from otel_vector.spans.values import text_form
from otel_vector_collector.jaeger.chunks import chunks
from otel_vector_collector.jaeger.idl import capabilities_pb2, dependency_storage_pb2
from otel_vector_collector.jaeger.idl import trace_storage_pb2 as storage
from otel_vector_collector.jaeger.questions import Asked, question_of
from otel_vector_collector.jaeger.service_names import ServiceNames

__all__ = ["Reader"]

_SECOND: Final = 1_000_000_000
_LAST_NS: Final = (1 << 63) - 1
_SOURCE: Final = "otel-vector"
_SUMMARIES: Final = 50
"""Summaries in one message; each is some hundred bytes and a name per service."""

_SAME_SPAN: Final = b"\x10\x01"
"""Field 2 of SearchCapabilities, `same_span_conjunction`, true: newer Jaegers than the messages
here ask for it, others skip it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads for Jaeger.

    Attributes:
        services: answer.
        any_service: the entry for all services in the list of them; empty for none.
    """

    services: Services
    any_service: str = ""

    def get_traces(self, tenant: Tenant, request: Any) -> Iterator[bytes]:
        """Yield the traces with these ids, one after the other; unknown ones are skipped.

        The times beside the ids are hints to stores that need them, and not looked at.
        """
        reader = self.services.finding.search.store.tenant(tenant).reader
        for query in request.query:
            yield from chunks(reader.trace(query.trace_id.rjust(16, b"\0")))

    def get_services(self, tenant: Tenant, _request: Any) -> Any:
        """Return the names of services, sorted."""
        return storage.GetServicesResponse(services=self._names.of(tenant))

    def get_operations(self, tenant: Tenant, request: Any) -> Any:
        """Return the operations of a service, of one span kind or of all."""
        service = self._names.meant(request.service)
        names = self.services.operations.of(tenant, service, request.span_kind.lower())
        answer = storage.GetOperationsResponse()
        for operation in names:
            kind = "" if operation.kind == KINDS[0] else operation.kind
            answer.operations.add(name=operation.name, span_kind=kind)
        return answer

    def find_traces(self, tenant: Tenant, request: Any) -> Iterator[bytes]:
        """Yield the traces that answer, each in one or several messages."""
        for found in self._found(tenant, request):
            yield from chunks(found.spans, found.matched)

    def find_trace_ids(self, tenant: Tenant, request: Any) -> Any:
        """Return the ids of the traces that answer."""
        answer = storage.FindTraceIDsResponse()
        question = self._question(tenant, request.query)
        for trace_id in self.services.finding.trace_ids(tenant, question):
            answer.trace_ids.add(trace_id=trace_id)
        return answer

    def find_trace_summaries(self, tenant: Tenant, request: Any) -> Iterator[bytes]:
        """Yield the summaries of the traces that answer."""
        answer = storage.FindTraceSummariesResponse()
        for found in self._found(tenant, request):
            answer.summaries.append(_summary(summary_of(found.spans)))
            if len(answer.summaries) == _SUMMARIES:
                yield answer.SerializeToString()
                answer = storage.FindTraceSummariesResponse()
        if answer.summaries:
            yield answer.SerializeToString()

    def get_dependencies(self, tenant: Tenant, request: Any) -> Any:
        """Return the service map of a window.

        Raises:
            InvalidInputError: the window has no start.
        """
        since_ns, until_ns = _instant_ns(request, "start_time"), _instant_ns(request, "end_time")
        if since_ns is None:
            raise InvalidInputError("the window has no start: send start_time")
        found = self.services.service_map.edges(tenant, since_ns, until_ns or _LAST_NS)
        answer = dependency_storage_pb2.GetDependenciesResponse()
        for edge in found.edges:
            source = _SOURCE if found.whole else f"{_SOURCE}, of part of the spans"
            answer.dependencies.add(
                parent=edge.parent, child=edge.child, call_count=edge.calls, source=source
            )
        return answer

    def get_capabilities(self, _tenant: Tenant, _request: Any) -> Any:
        """Return what is honoured exactly: any service, and all conditions on one span."""
        answer = capabilities_pb2.GetCapabilitiesResponse()
        answer.search.without_service_name = True
        answer.search.MergeFromString(_SAME_SPAN)
        return answer

    @property
    def _names(self) -> ServiceNames:
        return ServiceNames(self.services.catalog, self.any_service)

    def _found(self, tenant: Tenant, request: Any) -> Iterator[FoundTrace]:
        return self.services.finding.traces(tenant, self._question(tenant, request.query))

    def _question(self, tenant: Tenant, query: Any) -> TraceQuestion:
        _refuse_filters(query)
        asked = _asked(query, self._names.meant(query.service_name))
        return question_of(asked, tenant, self.services.operations)


def _refuse_filters(query: Any) -> None:
    """Refuse what the messages here do not know: answering without it would show too much.

    Raises:
        InvalidQueryError: there is such a thing.
    """
    unknown = UnknownFieldSet(query)
    if len(unknown):
        raise InvalidQueryError(
            f"the search has field {unknown[0].field_number} (9 is filter), which the "
            "capabilities do not offer: ask by attributes, or set Jaeger's gate "
            "jaeger.query.structuredFilters off"
        )


def _asked(query: Any, service: str) -> Asked:
    return Asked(
        service=service,
        operation=query.operation_name,
        attributes={entry.key: text_form(entry.value) for entry in query.attributes},
        since_ns=_instant_ns(query, "start_time_min"),
        until_ns=_instant_ns(query, "start_time_max"),
        least_ns=_nanoseconds(query.duration_min),
        most_ns=_nanoseconds(query.duration_max),
        depth=query.search_depth,
    )


def _instant_ns(query: Any, name: str) -> int | None:
    """Return a moment; None for one that is not set, which Go sends as the year 1."""
    moment = getattr(query, name)
    return _nanoseconds(moment) if query.HasField(name) and moment.seconds >= 0 else None


def _nanoseconds(value: Any) -> int:
    return int(value.seconds * _SECOND + value.nanos)


def _summary(summary: TraceSummary) -> Any:
    return storage.TraceSummary(
        trace_id=summary.trace_id,
        root_service_name=summary.root_service,
        root_operation_name=summary.root_name,
        min_start_time_unix_nano=summary.start_ns,
        max_end_time_unix_nano=summary.end_ns,
        span_count=summary.spans,
        error_span_count=summary.errors,
        orphan_span_count=summary.orphans,
        services=[
            storage.ServiceSummary(name=s.name, span_count=s.spans, error_span_count=s.errors)
            for s in summary.services
        ],
    )
