"""The steps of one page, in order: retrieve → rank → group, or list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from otel_vector.embed.cached import CachedEmbedder
from otel_vector.embed.contract import Role, Vector
from otel_vector.services.answers import Found, MeaningGroup
from otel_vector.services.search.browse import browsed
from otel_vector.services.search.group import Grouping, group
from otel_vector.services.search.listing import listed_by_meaning, listed_by_time
from otel_vector.services.search.pages import PageState
from otel_vector.services.search.question import Understood
from otel_vector.services.search.rank import Ranked, features_of, rank
from otel_vector.services.search.retrieve import (
    depth,
    nearest_of_all,
    nearest_within,
    restricts,
)
from otel_vector.store.contract import Hit, TenantStore

__all__ = ["Shown", "first_page", "later_page"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one page shows, groups or items, and where the next starts (None at the end)."""

    groups: tuple[MeaningGroup, ...] = ()
    items: tuple[Found, ...] = ()
    following: PageState | None = None


def first_page(store: TenantStore, question: Understood, embedder: CachedEmbedder | None) -> Shown:
    """Find the candidates of a question and show the first of them."""
    if not question.words:
        ranked = browsed(store, question) if question.asked.group else []
        return later_page(store, question, _start(question, ranked))
    vectors = embedder.vectors(question.words, Role.QUESTION) if embedder else {}
    if restricts(question.where):
        return _ranked_page(store, question, nearest_within(store, question, vectors))
    return _open_page(store, question, vectors)


def later_page(store: TenantStore, question: Understood, state: PageState) -> Shown:
    """Show the candidates from a place on."""
    if question.asked.group:
        return _grouped(store, question, state)
    listed = listed_by_meaning if question.words else listed_by_time
    items, following = listed(store.reader, question, state)
    return Shown(items=tuple(items), following=following)


def _open_page(store: TenantStore, question: Understood, vectors: Mapping[str, Vector]) -> Shown:
    """Show the nearest of all.

    Meanings that no item counts for (of other run kinds only, say) may have taken the places
    of those that answer; if so the nearest are sought again among those that items point at.
    """
    hits = nearest_of_all(store, question, vectors)
    shown = _ranked_page(store, question, hits)
    full = len(shown.groups) + len(shown.items) == question.asked.limit
    if full or len(hits) < depth(question):
        return shown
    return _ranked_page(store, question, nearest_within(store, question, vectors))


def _ranked_page(store: TenantStore, question: Understood, hits: list[Hit]) -> Shown:
    ranked = rank(features_of(hits, question.words))
    return later_page(store, question, _start(question, ranked))


def _grouped(store: TenantStore, question: Understood, state: PageState) -> Shown:
    asked = question.asked
    grouping = Grouping(question.where, asked.over, asked.examples)
    groups, used = group(store, state.ranked[state.position :], asked.limit, grouping)
    position = state.position + used
    more = position < len(state.ranked)
    return Shown(tuple(groups), following=replace(state, position=position) if more else None)


def _start(question: Understood, ranked: Sequence[Ranked]) -> PageState:
    where = question.where
    return PageState(where.since_ns, where.until_ns, ranked=tuple(ranked))
