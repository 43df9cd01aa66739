"""Asks a collector over its HTTP API from an event loop; see `client` for the blocking one."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping
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

__all__ = ["AsyncClient"]

T = TypeVar("T")
P = TypeVar("P", bound=Mapping[str, Any])
R = TypeVar("R")


class AsyncClient(Asking):
    """One collector's API, for the tasks of one event loop; use it in an `async with`.

    It takes what `Client` takes, and has its methods. What yields is iterated by `async for`;
    whoever leaves such a loop early closes it (`contextlib.aclosing`).
    """

    def _open(self) -> None:
        from otel_vector.client.async_wire import AsyncWire

        self._wire = AsyncWire(self._to)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.close()

    @overload
    async def search(
        self, question: str = "", *, group: Literal[True] = True, **more: Unpack[SearchOptions]
    ) -> GroupedAnswer: ...

    @overload
    async def search(
        self, question: str = "", *, group: Literal[False], **more: Unpack[SearchOptions]
    ) -> ListedAnswer: ...

    @overload
    async def search(self, question: Mapping[str, Any], **more: Unpack[SearchOptions]) -> Any: ...

    async def search(self, question: str | Mapping[str, Any] = "", **more: Any) -> Any:
        """Answer a question: words and keywords, or all of it as `POST /v1/search` takes it.

        By meaning; with `group=False` span by span.
        """
        return await self._do(calls.search(question, more).first)

    @overload
    def search_all(
        self, question: str = "", *, group: Literal[True] = True, **more: Unpack[SearchOptions]
    ) -> AsyncIterator[Group]: ...

    @overload
    def search_all(
        self, question: str = "", *, group: Literal[False], **more: Unpack[SearchOptions]
    ) -> AsyncIterator[ScoredSpan | ScoredLogRecord]: ...

    @overload
    def search_all(
        self, question: Mapping[str, Any], **more: Unpack[SearchOptions]
    ) -> AsyncIterator[Any]: ...

    def search_all(
        self, question: str | Mapping[str, Any] = "", **more: Any
    ) -> AsyncIterator[Any]:
        """Yield the groups, with `group=False` the spans, of an answer page after page."""
        return self._rows(calls.search(question, more))

    async def similar(
        self, question: str | Mapping[str, Any] = "", **more: Unpack[SimilarOptions]
    ) -> GroupedAnswer:
        """Return what is similar to a text, or to the `span` or `meaning` with an id."""
        return await self._do(calls.similar(question, **more))

    async def trace(self, trace_id: str) -> TraceAnswer:
        """Return one trace: its spans and log records."""
        return await self._do(calls.trace(trace_id))

    async def trace_otlp(self, trace_id: str) -> bytes:
        """Return one trace as a serialised OTLP TracesData."""
        return await self._do(calls.trace_otlp(trace_id))

    async def span(self, point_id: str) -> DetailAnswer | LogDetailAnswer:
        """Return one span or log record by its content id (32 hex digits)."""
        return await self._do(calls.span(point_id))

    async def span_otlp(self, point_id: str) -> bytes:
        """Return it as a serialised OTLP TracesData or LogsData."""
        return await self._do(calls.span_otlp(point_id))

    async def spans(self, trace_id: str, span_id: str) -> SpansAnswer:
        """Return the spans that carry one span id: one, or several that differ."""
        return await self._do(calls.spans(trace_id, span_id))

    async def meanings(self, **question: Unpack[MeaningsOptions]) -> MeaningsAnswer:
        """Return the commonest meanings: of a facet, by errors, spans, p95 or last seen."""
        return await self._do(calls.meanings(**question))

    async def meaning(self, meaning_id: str) -> MeaningAnswer:
        """Return one meaning (16 hex digits) and what points at it."""
        return await self._do(calls.meaning(meaning_id))

    async def meaning_spans(self, meaning_id: str, **page: Unpack[PageOptions]) -> ListedAnswer:
        """Return a page of what points at a meaning, newest first."""
        return await self._do(calls.meaning_spans(meaning_id, **page).first)

    def meaning_spans_all(
        self, meaning_id: str, **page: Unpack[PageOptions]
    ) -> AsyncIterator[ScoredSpan | ScoredLogRecord]:
        """Yield what points at a meaning, page after page."""
        return self._rows(calls.meaning_spans(meaning_id, **page))

    async def services(self, **within: Unpack[Within]) -> ServicesAnswer:
        """Return the services."""
        return await self._do(calls.services(**within))

    async def operations(
        self, service: str | None = None, **within: Unpack[Within]
    ) -> OperationsAnswer:
        """Return the operations, of one service if it is named."""
        return await self._do(calls.operations(service, **within))

    async def attributes(
        self, signal: Signal | None = None, **within: Unpack[Within]
    ) -> AttributeKeysAnswer:
        """Return the attribute keys."""
        return await self._do(calls.attributes(signal, **within))

    async def attribute_values(
        self,
        key: str,
        signal: Signal | None = None,
        limit: int | None = None,
        **within: Unpack[Within],
    ) -> AttributeValuesAnswer:
        """Return the commonest values of one attribute."""
        return await self._do(calls.attribute_values(key, signal, limit, **within))

    def events(self, **within: Unpack[Within]) -> AsyncIterator[StoredEvent]:
        """Yield what is stored from now on, until the caller stops or the collector does."""
        return self._wire.each(calls.events(**within))

    def export(
        self,
        body: Mapping[str, Any] | None = None,
        *,
        protobuf: bool = False,
        **more: Unpack[ExportOptions],
    ) -> AsyncIterator[bytes]:
        """Yield what is stored as the Collector's file exporter writes it, part by part.

        JSON by line, or protobuf: messages after their length in four bytes.
        """
        return self._wire.each(calls.export(body or {}, protobuf=protobuf, **more))

    async def delete(
        self, body: Mapping[str, Any] | None = None, **more: Unpack[DeletionOptions]
    ) -> DeletionAnswer:
        """Delete spans and log records for good; with `dry_run=True` count them."""
        return await self._do(calls.delete(body or {}, **more))

    async def collections(self) -> CollectionsAnswer:
        """Return the collections of records."""
        return await self._do(calls.collections())

    async def records(
        self, collection: str, limit: int | None = None, cursor: str | None = None
    ) -> RecordsAnswer:
        """Return a page of a collection, by key."""
        return await self._do(calls.records(collection, limit, cursor).first)

    def records_all(
        self, collection: str, limit: int | None = None
    ) -> AsyncIterator[RecordVersion]:
        """Yield the records of a collection by key, `limit` to a page."""
        return self._rows(calls.records(collection, limit))

    async def record(self, collection: str, key: str, version: int | None = None) -> RecordAnswer:
        """Return a record with its texts: the active version if none is named."""
        return await self._do(calls.record(collection, key, version))

    async def record_versions(self, collection: str, key: str) -> VersionsAnswer:
        """Return every version of a record, the latest first."""
        return await self._do(calls.record_versions(collection, key))

    async def put_record(self, collection: str, record: Mapping[str, Any]) -> StoredAnswer:
        """Store one record: `key`, `body` and `texts`; return its version and status."""
        return await self._do(calls.put_record(collection, record))

    async def put_records(
        self,
        collection: str,
        records: Iterable[Mapping[str, Any] | bytes] | AsyncIterable[Mapping[str, Any] | bytes],
    ) -> AsyncIterator[StoredAnswer]:
        """Store any number of records; yield what became of each, in order.

        Args:
            collection: where; comes into being with its first record.
            records: as for `put_record`, or lines of JSON as they stand; some thousands are
                read, sent and answered at once.
        """
        lots = calls.Lots(collection)
        async for record in _each_of(records):
            for lot in lots.add(record):
                async for outcome in self._wire.each(lot):
                    yield outcome
        for lot in lots.rest():
            async for outcome in self._wire.each(lot):
                yield outcome

    async def delete_record(self, collection: str, key: str) -> None:
        """Delete a record with all its versions."""
        await self._do(calls.delete_record(collection, key))

    async def jobs(self) -> JobsAnswer:
        """Return the last jobs, newest first."""
        return await self._do(calls.jobs())

    async def job(self, job_id: str) -> JobAnswer:
        """Return one job as it stands."""
        return await self._do(calls.job(job_id))

    async def start_job(self, kind: str, arguments: Mapping[str, Any] | None = None) -> JobAnswer:
        """Start a job; it runs when those before it are done."""
        return await self._do(calls.start_job(kind, arguments or {}))

    async def cancel_job(self, job_id: str) -> JobAnswer:
        """End a job at its next step; what is done so far stays."""
        return await self._do(calls.cancel_job(job_id))

    def job_events(self, job_id: str) -> AsyncIterator[JobAnswer]:
        """Yield a job whenever it is further, to its end."""
        return self._wire.each(calls.job_events(job_id))

    async def stats(self) -> StatsAnswer:
        """Return what is stored and what waits."""
        return await self._do(calls.stats())

    async def audit(self, since: str | None = None, limit: int | None = None) -> AuditAnswer:
        """Return the newest administrative acts, oldest first."""
        return await self._do(calls.audit(since, limit))

    async def health(self) -> HealthAnswer:
        """Return whether the process answers."""
        return await self._do(calls.health())

    async def ready(self) -> ReadyAnswer:
        """Return the state of each part, whether or not all is well."""
        return await self._do(calls.ready())

    async def metrics(self) -> str:
        """Return what the process counts, in Prometheus' text format."""
        return await self._do(calls.metrics())

    async def pages(self, paged: Paged[P, R]) -> AsyncIterator[P]:
        """Yield the pages of a question of `otel_vector.client.calls`, to the last."""
        call: Call[P] | None = paged.first
        while call is not None:
            page = await self._do(call)
            yield page
            call = paged.after(page)

    async def _rows(self, paged: Paged[P, R]) -> AsyncIterator[R]:
        async for page in self.pages(paged):
            for row in paged.rows(page):
                yield row

    async def _do(self, call: Call[T]) -> T:
        (value,) = [value async for value in self._wire.each(call)]
        return value


async def _each_of(records: Iterable[R] | AsyncIterable[R]) -> AsyncIterator[R]:
    if isinstance(records, AsyncIterable):
        async for record in records:
            yield record
    else:
        for record in records:
            yield record
