"""Search: one tenant's question to one page of an answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter_ns, time_ns

from otel_vector.embed.cached import CachedEmbedder, TenantCaches
from otel_vector.services.answers import GroupedAnswer, ListedAnswer
from otel_vector.services.cursors import pack_cursor, unpack_cursor
from otel_vector.services.recording import Recorder, SearchRecord, search_span
from otel_vector.services.search.pages import PageState
from otel_vector.services.search.question import SearchQuestion, Understood, understand
from otel_vector.services.search.records import (
    RecordState,
    ShownRecords,
    both_from_bytes,
    both_to_bytes,
    record_page,
)
from otel_vector.services.search.steps import Shown, first_page, later_page
from otel_vector.settings.config import SearchConfig
from otel_vector.spans.ids import Tenant, meaning_hex
from otel_vector.store.contract import Store, TenantStore

__all__ = ["Search"]


@dataclass(frozen=True, slots=True)
class Search:
    """Answers questions by meaning, by filter, or by both.

    Attributes:
        store: what is searched.
        embedder: gives the question's words a vector, remembering each tenant's latest apart;
            None for exact and BM25 search only.
        config: bounds, and whether searches are recorded.
        recorder: takes the recorded span of a search; None if nothing can.
        clock_ns: what relative times are relative to.
    """

    store: Store
    embedder: TenantCaches | None
    config: SearchConfig
    recorder: Recorder | None = None
    clock_ns: Callable[[], int] = time_ns

    def answer(self, tenant: Tenant, question: SearchQuestion) -> GroupedAnswer | ListedAnswer:
        """Answer one question of one tenant, and record it where that is switched on.

        Raises:
            InvalidQueryError: the question or its cursor cannot be read.
            EmbedderUnavailableError: the words could not be given a vector.
        """
        start_ns = self.clock_ns()
        answer = self.look(tenant, question)
        if self.recorder is not None and self.config.record:
            record = _record(question, answer, start_ns, self.clock_ns())
            self.recorder.record(tenant, search_span(record))
        return answer

    def look(self, tenant: Tenant, question: SearchQuestion) -> GroupedAnswer | ListedAnswer:
        """Answer like :meth:`answer`, leaving no record."""
        started_ns = perf_counter_ns()
        understood = understand(question, self.clock_ns(), self.config.max_limit)
        store = self.store.tenant(tenant)
        embedder = self.embedder.of(tenant) if self.embedder else None
        if question.cursor:
            page = _later(store, understood, *_continued(tenant, question))
        else:
            page = _first(store, understood, embedder)
        answer = self._answer(tenant, question, page, store)
        return replace(answer, took_ms=(perf_counter_ns() - started_ns) / 1e6)

    def pending(self, store: TenantStore) -> int:
        """Return how many meanings wait for a vector; without an embedder none does."""
        return store.meanings.counts().pending if self.embedder else 0

    def _answer(
        self, tenant: Tenant, question: SearchQuestion, page: _Page, store: TenantStore
    ) -> GroupedAnswer | ListedAnswer:
        cursor = None
        following = page.spans.following, page.records.following
        if any(following):
            cursor = pack_cursor(tenant, question.identity(), both_to_bytes(*following))
        hits = page.records.hits if question.records else None
        rest = cursor, self.pending(store), 0.0, question.searched, hits
        search_id = secrets.token_hex(8)
        if question.group:
            return GroupedAnswer(search_id, page.spans.groups, *rest)
        return ListedAnswer(search_id, page.spans.items, *rest)


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page shows of each kind."""

    spans: Shown = field(default_factory=Shown)
    records: ShownRecords = field(default_factory=ShownRecords)


def _first(store: TenantStore, question: Understood, embedder: CachedEmbedder | None) -> _Page:
    asked = question.asked
    return _Page(
        first_page(store, question, embedder) if asked.over else Shown(),
        record_page(store, question, embedder, None) if asked.records else ShownRecords(),
    )


def _later(
    store: TenantStore, question: Understood, spans: PageState | None, records: RecordState | None
) -> _Page:
    shown, hits = Shown(), ShownRecords()
    if spans is not None:
        shown = later_page(store, _within_window(question, spans), spans)
    if records is not None:
        hits = record_page(store, question, None, records)
    return _Page(shown, hits)


def _continued(
    tenant: Tenant, question: SearchQuestion
) -> tuple[PageState | None, RecordState | None]:
    return both_from_bytes(unpack_cursor(tenant, question.identity(), question.cursor))


def _within_window(question: Understood, state: PageState) -> Understood:
    """Return the question with the times its first page was answered for."""
    frozen = replace(question.where, since_ns=state.since_ns, until_ns=state.until_ns)
    return replace(question, where=frozen)


def _record(
    question: SearchQuestion, answer: GroupedAnswer | ListedAnswer, start_ns: int, end_ns: int
) -> SearchRecord:
    found = answer.groups if isinstance(answer, GroupedAnswer) else answer.items
    records = answer.records or ()
    return SearchRecord(
        search_id=answer.search_id,
        start_ns=start_ns,
        end_ns=end_ns,
        text=question.text,
        results=len(found) + len(records),
        pending=answer.pending,
        meanings=_meanings(answer),
    )


def _meanings(answer: GroupedAnswer | ListedAnswer) -> tuple[str, ...]:
    if isinstance(answer, ListedAnswer):
        return ()
    return tuple(meaning_hex(group.meaning.id) for group in answer.groups)
