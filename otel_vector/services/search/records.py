"""Records that answer a question: by meaning and words as spans are, in pages of their own.

Records are sought among the meanings that they point at, however many those of spans are. A
record stands under the best of its texts and under no other. The candidates are frozen in the
cursor when the first page is made.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from otel_vector.embed.cached import CachedEmbedder
from otel_vector.embed.contract import Role
from otel_vector.errors import InvalidQueryError
from otel_vector.services.answers import RecordHit
from otel_vector.services.search.pages import PageState, state_from_bytes, state_to_bytes
from otel_vector.services.search.question import Understood
from otel_vector.services.search.rank import Ranked, features_of, rank
from otel_vector.services.search.retrieve import depth, nearest_among
from otel_vector.spans.meanings import Meaning
from otel_vector.store.contract import TenantStore
from otel_vector.store.records import Record

__all__ = ["RecordState", "ShownRecords", "both_from_bytes", "both_to_bytes", "record_page"]

_MOST_SHARING: Final = 1000
"""Records shown of one text, if so many share it."""

_LENGTH: Final = struct.Struct(">I")
Place = tuple[str, str]
"""Collection and key."""


@dataclass(frozen=True, slots=True)
class RecordState:
    """Where a page of records starts.

    Attributes:
        position: candidates that are used up.
        after: last record shown of the candidate at `position`, or of the listing.
        ranked: all candidates; empty for a listing.
    """

    position: int = 0
    after: Place | None = None
    ranked: tuple[Ranked, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownRecords:
    """What one page shows of records, and where the next starts (None at the end)."""

    hits: tuple[RecordHit, ...] = ()
    following: RecordState | None = None


def record_page(
    store: TenantStore,
    question: Understood,
    embedder: CachedEmbedder | None,
    state: RecordState | None,
) -> ShownRecords:
    """Return one page of the records that answer a question.

    Args:
        store: the tenant's.
        question: what is asked.
        embedder: gives the first page's words a vector.
        state: where the page starts; None for the first.
    """
    if state is None:
        state = RecordState(ranked=_candidates(store, question, embedder))
    found = _by_meaning if question.words else _by_key
    hits: list[RecordHit] = []
    last = state
    for place, hit in found(store, question, state):
        if len(hits) == question.asked.limit:
            return ShownRecords(tuple(hits), last)
        hits.append(hit)
        last = place
    return ShownRecords(tuple(hits))


def _candidates(
    store: TenantStore, question: Understood, embedder: CachedEmbedder | None
) -> tuple[Ranked, ...]:
    within = store.records.meanings(question.asked.collections) if question.words else ()
    if not within:
        return ()
    vectors = embedder.vectors(question.words, Role.QUESTION) if embedder else {}
    among = replace(question, facets=question.asked.facets)
    hits = nearest_among(store, among, vectors, within)[: depth(question)]
    return tuple(rank(features_of(hits, question.words)))


def _by_meaning(
    store: TenantStore, question: Understood, state: RecordState
) -> Iterator[tuple[RecordState, RecordHit]]:
    """Yield records in the order of their best meaning, each with its place."""
    better = {candidate.meaning for candidate in state.ranked[: state.position]}
    for position in range(state.position, len(state.ranked)):
        candidate = state.ranked[position]
        after = state.after if position == state.position else None
        for record, meaning in _pointing(store, question, candidate, after):
            if better.isdisjoint(record.meanings):
                place = replace(state, position=position, after=(record.collection, record.key))
                yield place, RecordHit(record, meaning, candidate.score, candidate.why)
        better.add(candidate.meaning)


def _pointing(
    store: TenantStore, question: Understood, candidate: Ranked, after: Place | None
) -> Iterator[tuple[Record, Meaning]]:
    """Yield the records that point at a candidate, in order, and its text."""
    ids = (candidate.meaning,)
    meaning = store.meanings.get(ids).get(candidate.meaning)
    if meaning is None:
        return
    found = store.records.pointing_at(ids, question.asked.collections, _MOST_SHARING)
    for record in found.get(candidate.meaning, ()):
        if after is None or (record.collection, record.key) > after:
            yield record, meaning


def _by_key(
    store: TenantStore, question: Understood, state: RecordState
) -> Iterator[tuple[RecordState, RecordHit]]:
    """Yield all records in the order of collections and keys, each with its place."""
    asked = question.asked
    collection, key = state.after or ("", "")
    for name in sorted(set(asked.collections) or store.records.collections()):
        if name < collection:
            continue
        after = key if name == collection else ""
        while records := store.records.page(name, asked.limit + 1, after):
            for record in records:
                place = replace(state, after=(record.collection, record.key))
                yield place, RecordHit(record, _first_text(store, record))
            after = records[-1].key


def _first_text(store: TenantStore, record: Record) -> Meaning | None:
    first = record.meanings[:1]
    return store.meanings.get(first).get(first[0]) if first else None


def both_to_bytes(spans: PageState | None, records: RecordState | None) -> bytes:
    """Return where the pages of both kinds start as bytes; a kind that is at its end is empty."""
    first = state_to_bytes(spans) if spans else b""
    if records is None:
        return _LENGTH.pack(len(first)) + first
    frozen = state_to_bytes(PageState(None, None, records.position, None, records.ranked))
    return _LENGTH.pack(len(first)) + first + orjson.dumps(records.after) + b"\n" + frozen


def both_from_bytes(raw: bytes) -> tuple[PageState | None, RecordState | None]:
    """Return the states that :func:`both_to_bytes` wrote.

    Raises:
        InvalidQueryError: the bytes are something else.
    """
    end = _LENGTH.size + int.from_bytes(raw[: _LENGTH.size], "big")
    first, rest = raw[_LENGTH.size : end], raw[end:]
    spans = state_from_bytes(first) if first else None
    if not rest:
        return spans, None
    head, _, frozen = rest.partition(b"\n")
    state = state_from_bytes(frozen)
    try:
        after = orjson.loads(head)
        place = None if after is None else (str(after[0]), str(after[1]))
    except (ValueError, LookupError, TypeError):
        raise InvalidQueryError("the cursor cannot be read: start again without one") from None
    return spans, RecordState(state.position, place, state.ranked)
