"""Meanings by id, and what points at them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from otel_vector.errors import InvalidQueryError, NotFoundError
from otel_vector.services.answers import ListedAnswer, MeaningGroup, Why
from otel_vector.services.search import Restriction, Search, SearchQuestion
from otel_vector.services.search.group import Grouping, group
from otel_vector.services.search.question import narrowed
from otel_vector.services.search.rank import Ranked
from otel_vector.spans.filters import PointsAt, Where
from otel_vector.spans.ids import MeaningId, Tenant, meaning_hex, parse_meaning_id
from otel_vector.spans.meanings import Facet, Meaning, Signal

__all__ = ["KnownMeaning", "Meanings"]


@dataclass(frozen=True, slots=True)
class KnownMeaning:
    """One meaning, whether it waits for its vector, and what points at it (None: nothing)."""

    meaning: Meaning
    pending: bool
    pointing: MeaningGroup | None


@dataclass(frozen=True, slots=True)
class Meanings:
    """Looks up meanings."""

    search: Search

    def meaning(self, tenant: Tenant, meaning_id: str) -> KnownMeaning:
        """Return a meaning by its 16 hex digits, with what points at it in live runs.

        Raises:
            InvalidQueryError: that is no meaning's id.
            NotFoundError: there is none.
        """
        meaning = self._meaning(tenant, _parsed(meaning_id))
        store = self.search.store.tenant(tenant)
        candidate = Ranked(meaning.id, None, Why(meaning.facet))
        groups, _ = group(store, [candidate], 1, Grouping(Where(), _over(meaning), 1))
        missing = meaning.id not in store.meanings.vectors((meaning.id,))
        pending = missing and self.search.embedder is not None
        return KnownMeaning(meaning, pending, groups[0] if groups else None)

    def pointing_at(
        self, tenant: Tenant, meaning_id: str, limit: int, cursor: str, restriction: Restriction
    ) -> ListedAnswer:
        """Return the items that point at a meaning, newest first, page by page.

        Raises:
            InvalidQueryError: the id, cursor, or restriction cannot be read.
            NotFoundError: there is no such meaning.
        """
        meaning = self._meaning(tenant, _parsed(meaning_id))
        where = narrowed(Where(filter=restriction.filter), PointsAt((meaning.id,)))
        answer = self.search.look(
            tenant,
            SearchQuestion(
                restriction=replace(restriction, filter=where.filter),
                limit=limit,
                cursor=cursor,
                group=False,
                over=_over(meaning),
            ),
        )
        assert isinstance(answer, ListedAnswer)
        return answer

    def _meaning(self, tenant: Tenant, meaning_id: MeaningId) -> Meaning:
        known = self.search.store.tenant(tenant).meanings.get((meaning_id,))
        if meaning_id not in known:
            raise NotFoundError(f"there is no meaning {meaning_hex(meaning_id)}")
        return known[meaning_id]


def _parsed(text: str) -> MeaningId:
    try:
        return parse_meaning_id(text)
    except ValueError:
        raise InvalidQueryError(
            f"the id of a meaning is 16 hex digits, not {text[:80]!r}"
        ) from None


def _over(meaning: Meaning) -> tuple[Signal, ...]:
    return (Signal.LOGS,) if meaning.facet is Facet.LOG else (Signal.SPANS,)
