"""A client of Jaeger's remote storage that decodes as strictly as Jaeger does."""

from __future__ import annotations

from contextlib import contextmanager

import grpc
from google.protobuf.wrappers_pb2 import Int32Value, StringValue
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector_collector.jaeger.idl import capabilities_pb2, dependency_storage_pb2
from otel_vector_collector.jaeger.idl import trace_storage_pb2 as storage

PACKAGE = "/jaeger.storage.v2."
YEAR_ONE = -62135596800
"""What Jaeger, written in Go, sends for a time that is not set."""
WAIT_S = 20


class Storage:
    """Asks as Jaeger does; a trace's chunks are put together and held to the contract."""

    def __init__(self, channel, metadata=()):
        self._channel = channel
        self._metadata = metadata

    def services(self):
        request = storage.GetServicesRequest()
        return list(
            self._one("TraceReader/GetServices", request, storage.GetServicesResponse).services
        )

    def operations(self, service, span_kind=""):
        request = storage.GetOperationsRequest(service=service, span_kind=span_kind)
        answer = self._one("TraceReader/GetOperations", request, storage.GetOperationsResponse)
        return [(operation.name, operation.span_kind) for operation in answer.operations]

    def traces(self, *trace_ids):
        queries = [storage.GetTraceParams(trace_id=trace_id) for trace_id in trace_ids]
        for query in queries:
            query.start_time.seconds = query.end_time.seconds = YEAR_ONE
        request = storage.GetTracesRequest(query=queries)
        return self._traces("TraceReader/GetTraces", request)

    def find(self, **asked):
        request = storage.FindTracesRequest(query=query(**asked))
        return self._traces("TraceReader/FindTraces", request)

    def find_ids(self, **asked):
        request = storage.FindTraceIDsRequest(query=query(**asked))
        answer = self._one("TraceReader/FindTraceIDs", request, storage.FindTraceIDsResponse)
        return [found.trace_id for found in answer.trace_ids]

    def summaries(self, **asked):
        request = storage.FindTraceSummariesRequest(query=query(**asked))
        kind = storage.FindTraceSummariesResponse
        chunks = self._many("TraceReader/FindTraceSummaries", request, kind)
        return [summary for chunk in chunks for summary in chunk.summaries]

    def dependencies(self, start_s, end_s):
        request = dependency_storage_pb2.GetDependenciesRequest()
        request.start_time.seconds, request.end_time.seconds = start_s, end_s
        kind = dependency_storage_pb2.GetDependenciesResponse
        answer = self._one("DependencyReader/GetDependencies", request, kind)
        return [(edge.parent, edge.child, edge.call_count) for edge in answer.dependencies]

    def capabilities(self):
        request = capabilities_pb2.GetCapabilitiesRequest()
        kind = capabilities_pb2.GetCapabilitiesResponse
        return self._one("Capabilities/GetCapabilities", request, kind)

    def write(self, data, compression=None):
        request = ExportTraceServiceRequest.FromString(data.SerializeToString())
        call = self._channel.unary_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            ExportTraceServiceRequest.SerializeToString,
            ExportTraceServiceResponse.FromString,
        )
        return call(request, timeout=WAIT_S, metadata=self._metadata, compression=compression)

    def health(self, service):
        call = self._channel.unary_unary(
            "/grpc.health.v1.Health/Check", StringValue.SerializeToString, Int32Value.FromString
        )
        return call(StringValue(value=service), timeout=WAIT_S).value

    def watched(self, service):
        call = self._channel.unary_stream(
            "/grpc.health.v1.Health/Watch", StringValue.SerializeToString, Int32Value.FromString
        )
        following = call(StringValue(value=service), timeout=WAIT_S)
        first = next(following).value
        following.cancel()
        return first

    def raw(self, method, body):
        return self._channel.unary_unary(method)(body, timeout=WAIT_S, metadata=self._metadata)

    def _one(self, method, request, kind):
        call = self._channel.unary_unary(
            PACKAGE + method, type(request).SerializeToString, kind.FromString
        )
        return call(request, timeout=WAIT_S, metadata=self._metadata)

    def _many(self, method, request, kind):
        call = self._channel.unary_stream(
            PACKAGE + method, type(request).SerializeToString, kind.FromString
        )
        return list(call(request, timeout=WAIT_S, metadata=self._metadata))

    def _traces(self, method, request):
        """Return (trace id, spans) of each trace; a chunk is of one trace and never empty."""
        traces = []
        for chunk in self._many(method, request, TracesData):
            spans = spans_of(chunk)
            (trace_id,) = {span.trace_id for span, _, _ in spans}
            if not traces or traces[-1][0] != trace_id:
                assert trace_id not in dict(traces), "chunks of a trace are consecutive"
                traces.append((trace_id, []))
            traces[-1][1].extend(spans)
        return traces


def query(service="", operation="", tags=None, depth=20, **more):
    """Return the parameters of a search as Jaeger sends them: unset times are the year 1."""
    made = storage.TraceQueryParameters(
        service_name=service, operation_name=operation, search_depth=depth
    )
    for key, value in (tags or {}).items():
        field = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
        made.attributes.add(key=key, value={field[type(value)]: value})
    for name in ("start_time_min", "start_time_max"):
        if name in more:
            getattr(made, name).FromNanoseconds(more[name])
        else:
            getattr(made, name).seconds = YEAR_ONE
    made.duration_min.FromNanoseconds(more.get("duration_min", 0))
    made.duration_max.FromNanoseconds(more.get("duration_max", 0))
    return made


def spans_of(data):
    """Return each span with its resource and scope."""
    return [
        (span, resource.resource, scope.scope)
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@contextmanager
def storage_at(place, metadata=(), credentials=None):
    """Yield a client of a place."""
    if credentials is None:
        channel = grpc.insecure_channel(place)
    else:
        channel = grpc.secure_channel(place, credentials)
    with channel:
        yield Storage(channel, metadata)
