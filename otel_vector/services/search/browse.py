"""A question without words, by meaning: what the matching items do, newest first."""

from __future__ import annotations

from typing import Final

from otel_vector.services.answers import Why
from otel_vector.services.search.question import Understood
from otel_vector.services.search.rank import Ranked
from otel_vector.services.search.retrieve import pointed_at
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Meaning
from otel_vector.store.contract import TenantStore

__all__ = ["MOST_BROWSED", "browsed"]

MOST_BROWSED: Final = 500
"""Meanings put in order; if more match, those that most items point at."""


def browsed(store: TenantStore, question: Understood) -> list[Ranked]:
    """Return the meanings that matching items point at, last seen first, without scores."""
    counts = pointed_at(store.reader, question.where, question.asked.over)
    meanings = store.meanings.get(counts.keys())
    wanted = [meaning for meaning in meanings.values() if meaning.facet in question.facets]
    wanted.sort(key=lambda meaning: (-counts[meaning.id], meaning.id))
    return _last_seen_first(store, question, wanted[:MOST_BROWSED])


def _last_seen_first(
    store: TenantStore, question: Understood, meanings: list[Meaning]
) -> list[Ranked]:
    last = dict.fromkeys((meaning.id for meaning in meanings), 0)
    for signal in question.asked.over:
        for meaning, tally in store.reader.tally(signal, question.where, last.keys()).items():
            last[meaning] = max(last[meaning], tally.last_ns)
    ordered = sorted(meanings, key=lambda meaning: _newest_first(last, meaning.id))
    return [Ranked(meaning.id, None, Why(meaning.facet)) for meaning in ordered]


def _newest_first(last: dict[MeaningId, int], meaning: MeaningId) -> tuple[int, MeaningId]:
    return -last[meaning], meaning
