"""Asks a collector over its HTTP API, by TCP or by a unix socket.

docs/client.md shows how, docs/api.md tells what each question and answer means. `async_client`
is the same for an event loop: both make the calls of `calls`, and differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack, overload

from otel_vector.client import calls
from otel_vector.client.asking import Asking
from otel_vector.client.call import Call, Paged
from otel_vector.client.events import StoredEvent
from otel_vector.client.options import (
    DeletionOptions,
    ExportOptions,
    MeaningsOptions,
    PageOptions,
    SearchOptions,
    Signal,
    SimilarOptions,
    Within,
)
from otel_vector.client.shapes import (
    AttributeKeysAnswer,
    AttributeValuesAnswer,
    AuditAnswer,
    CollectionsAnswer,
    DeletionAnswer,
    DetailAnswer,
    Group,
    GroupedAnswer,
    HealthAnswer,
    JobAnswer,
    JobsAnswer,
    ListedAnswer,
    LogDetailAnswer,
    MeaningAnswer,
    MeaningsAnswer,
    OperationsAnswer,
    ReadyAnswer,
    RecordAnswer,
    RecordsAnswer,
    RecordVersion,
    ScoredLogRecord,
    ScoredSpan,
    ServicesAnswer,
    SpansAnswer,
    StatsAnswer,
    StoredAnswer,
    TraceAnswer,
    VersionsAnswer,
)

__all__ = ["Client"]

T = TypeVar("T")
P = TypeVar("P", bound=Mapping[str, Any])
R = TypeVar("R")


class Client(Asking):
    """One collector's API: a pool of connections, for any thread; use it in a `with`."""

    def _open(self) -> None:
        from otel_vector.client.wire import Wire

        self._wire = Wire(self._to)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    @overload
    def search(
        self, question: str = "", *, group: Literal[True] = True, **more: Unpack[SearchOptions]
    ) -> GroupedAnswer: ...

    @overload
    def search(
        self, question: str = "", *, group: Literal[False], **more: Unpack[SearchOptions]
    ) -> ListedAnswer: ...

    @overload
    def search(self, question: Mapping[str, Any], **more: Unpack[SearchOptions]) -> Any: ...

    def search(self, question: str | Mapping[str, Any] = "", **more: Any) -> Any:
        """Answer a question: words and keywords, or all of it as `POST /v1/search` takes it.

        By meaning; with `group=False` span by span.
        """
        return self._do(calls.search(question, more).first)

    @overload
    def search_all(
        self, question: str = "", *, group: Literal[True] = True, **more: Unpack[SearchOptions]
    ) -> Iterator[Group]: ...

    @overload
    def search_all(
        self, question: str = "", *, group: Literal[False], **more: Unpack[SearchOptions]
    ) -> Iterator[ScoredSpan | ScoredLogRecord]: ...

    @overload
    def search_all(
        self, question: Mapping[str, Any], **more: Unpack[SearchOptions]
    ) -> Iterator[Any]: ...

    def search_all(self, question: str | Mapping[str, Any] = "", **more: Any) -> Iterator[Any]:
        """Yield the groups, with `group=False` the spans, of an answer page after page."""
        return self._rows(calls.search(question, more))

    def similar(
        self, question: str | Mapping[str, Any] = "", **more: Unpack[SimilarOptions]
    ) -> GroupedAnswer:
        """Return what is similar to a text, or to the `span` or `meaning` with an id."""
        return self._do(calls.similar(question, **more))

    def trace(self, trace_id: str) -> TraceAnswer:
        """Return one trace: its spans and log records."""
        return self._do(calls.trace(trace_id))

    def trace_otlp(self, trace_id: str) -> bytes:
        """Return one trace as a serialised OTLP TracesData."""
        return self._do(calls.trace_otlp(trace_id))

    def span(self, point_id: str) -> DetailAnswer | LogDetailAnswer:
        """Return one span or log record by its content id (32 hex digits)."""
        return self._do(calls.span(point_id))

    def span_otlp(self, point_id: str) -> bytes:
        """Return it as a serialised OTLP TracesData or LogsData."""
        return self._do(calls.span_otlp(point_id))

    def spans(self, trace_id: str, span_id: str) -> SpansAnswer:
        """Return the spans that carry one span id: one, or several that differ."""
        return self._do(calls.spans(trace_id, span_id))

    def meanings(self, **question: Unpack[MeaningsOptions]) -> MeaningsAnswer:
        """Return the commonest meanings: of a facet, by errors, spans, p95 or last seen."""
        return self._do(calls.meanings(**question))

    def meaning(self, meaning_id: str) -> MeaningAnswer:
        """Return one meaning (16 hex digits) and what points at it."""
        return self._do(calls.meaning(meaning_id))

    def meaning_spans(self, meaning_id: str, **page: Unpack[PageOptions]) -> ListedAnswer:
        """Return a page of what points at a meaning, newest first."""
        return self._do(calls.meaning_spans(meaning_id, **page).first)

    def meaning_spans_all(
        self, meaning_id: str, **page: Unpack[PageOptions]
    ) -> Iterator[ScoredSpan | ScoredLogRecord]:
        """Yield what points at a meaning, page after page."""
        return self._rows(calls.meaning_spans(meaning_id, **page))

    def services(self, **within: Unpack[Within]) -> ServicesAnswer:
        """Return the services."""
        return self._do(calls.services(**within))

    def operations(self, service: str | None = None, **within: Unpack[Within]) -> OperationsAnswer:
        """Return the operations, of one service if it is named."""
        return self._do(calls.operations(service, **within))

    def attributes(
        self, signal: Signal | None = None, **within: Unpack[Within]
    ) -> AttributeKeysAnswer:
        """Return the attribute keys."""
        return self._do(calls.attributes(signal, **within))

    def attribute_values(
        self,
        key: str,
        signal: Signal | None = None,
        limit: int | None = None,
        **within: Unpack[Within],
    ) -> AttributeValuesAnswer:
        """Return the commonest values of one attribute."""
        return self._do(calls.attribute_values(key, signal, limit, **within))

    def events(self, **within: Unpack[Within]) -> Iterator[StoredEvent]:
        """Yield what is stored from now on, until the caller stops or the collector does."""
        return self._wire.each(calls.events(**within))

    def export(
        self,
        body: Mapping[str, Any] | None = None,
        *,
        protobuf: bool = False,
        **more: Unpack[ExportOptions],
    ) -> Iterator[bytes]:
        """Yield what is stored as the Collector's file exporter writes it, part by part.

        JSON by line, or protobuf: messages after their length in four bytes.
        """
        return self._wire.each(calls.export(body or {}, protobuf=protobuf, **more))

    def delete(
        self, body: Mapping[str, Any] | None = None, **more: Unpack[DeletionOptions]
    ) -> DeletionAnswer:
        """Delete spans and log records for good; with `dry_run=True` count them."""
        return self._do(calls.delete(body or {}, **more))

    def collections(self) -> CollectionsAnswer:
        """Return the collections of records."""
        return self._do(calls.collections())

    def records(
        self, collection: str, limit: int | None = None, cursor: str | None = None
    ) -> RecordsAnswer:
        """Return a page of a collection, by key."""
        return self._do(calls.records(collection, limit, cursor).first)

    def records_all(self, collection: str, limit: int | None = None) -> Iterator[RecordVersion]:
        """Yield the records of a collection by key, `limit` to a page."""
        return self._rows(calls.records(collection, limit))

    def record(self, collection: str, key: str, version: int | None = None) -> RecordAnswer:
        """Return a record with its texts: the active version if none is named."""
        return self._do(calls.record(collection, key, version))

    def record_versions(self, collection: str, key: str) -> VersionsAnswer:
        """Return every version of a record, the latest first."""
        return self._do(calls.record_versions(collection, key))

    def put_record(self, collection: str, record: Mapping[str, Any]) -> StoredAnswer:
        """Store one record: `key`, `body` and `texts`; return its version and status."""
        return self._do(calls.put_record(collection, record))

    def put_records(
        self, collection: str, records: Iterable[Mapping[str, Any] | bytes]
    ) -> Iterator[StoredAnswer]:
        """Store any number of records; yield what became of each, in order.

        Args:
            collection: where; comes into being with its first record.
            records: as for `put_record`, or lines of JSON as they stand; some thousands are
                read, sent and answered at once.
        """
        lots = calls.Lots(collection)
        for record in records:
            for lot in lots.add(record):
                yield from self._wire.each(lot)
        for lot in lots.rest():
            yield from self._wire.each(lot)

    def delete_record(self, collection: str, key: str) -> None:
        """Delete a record with all its versions."""
        self._do(calls.delete_record(collection, key))

    def jobs(self) -> JobsAnswer:
        """Return the last jobs, newest first."""
        return self._do(calls.jobs())

    def job(self, job_id: str) -> JobAnswer:
        """Return one job as it stands."""
        return self._do(calls.job(job_id))

    def start_job(self, kind: str, arguments: Mapping[str, Any] | None = None) -> JobAnswer:
        """Start a job; it runs when those before it are done."""
        return self._do(calls.start_job(kind, arguments or {}))

    def cancel_job(self, job_id: str) -> JobAnswer:
        """End a job at its next step; what is done so far stays."""
        return self._do(calls.cancel_job(job_id))

    def job_events(self, job_id: str) -> Iterator[JobAnswer]:
        """Yield a job whenever it is further, to its end."""
        return self._wire.each(calls.job_events(job_id))

    def stats(self) -> StatsAnswer:
        """Return what is stored and what waits."""
        return self._do(calls.stats())

    def audit(self, since: str | None = None, limit: int | None = None) -> AuditAnswer:
        """Return the newest administrative acts, oldest first."""
        return self._do(calls.audit(since, limit))

    def health(self) -> HealthAnswer:
        """Return whether the process answers."""
        return self._do(calls.health())

    def ready(self) -> ReadyAnswer:
        """Return the state of each part, whether or not all is well."""
        return self._do(calls.ready())

    def metrics(self) -> str:
        """Return what the process counts, in Prometheus' text format."""
        return self._do(calls.metrics())

    def pages(self, paged: Paged[P, R]) -> Iterator[P]:
        """Yield the pages of a question of `otel_vector.client.calls`, to the last."""
        call: Call[P] | None = paged.first
        while call is not None:
            page = self._do(call)
            yield page
            call = paged.after(page)

    def _rows(self, paged: Paged[P, R]) -> Iterator[R]:
        for page in self.pages(paged):
            yield from paged.rows(page)

    def _do(self, call: Call[T]) -> T:
        (value,) = self._wire.each(call)
        return value
