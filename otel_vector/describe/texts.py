"""Texts to meanings: passages, ids, and the cap on distinct texts of one operation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from otel_vector.describe.passages import passages_of
from otel_vector.describe.recipe import RECIPE
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.ids import MeaningId, Tenant, meaning_id
from otel_vector.spans.meanings import Facet, Meaning

__all__ = ["Texts"]

_MOST_COUNTED = 100_000  # pairs of operation and facet whose distinct texts are counted


class Texts:
    """Makes the meanings of one tenant.

    With a cap, which texts get a meaning depends on which came first; without one (the
    default) a text's meanings depend on the text alone.

    Attributes:
        skipped: facet → texts that got no meaning since their operation has enough of them.
    """

    def __init__(self, config: DescribeConfig, tenant: Tenant) -> None:
        self.skipped: Counter[Facet] = Counter()
        self._config = config
        self._tenant = tenant
        self._seen: dict[tuple[MeaningId, Facet], set[MeaningId]] = {}

    def meaning(self, facet: Facet, text: str) -> Meaning:
        """Return the meaning of one text that is no operation."""
        return Meaning(meaning_id(self._tenant, facet, text), facet, text, recipe=RECIPE)

    def meanings(
        self, operation: MeaningId, texts: Mapping[Facet, Iterable[str]]
    ) -> list[Meaning]:
        """Return the meanings of a span's texts: in facet order, passages in order."""
        return [
            meaning
            for facet in Facet
            if facet in texts
            for meaning in self._passages(facet, texts[facet])
            if self._counts(operation, meaning)
        ]

    def _passages(self, facet: Facet, texts: Iterable[str]) -> list[Meaning]:
        longest, most = self._config.passage_chars, self._config.max_passages
        found: dict[MeaningId, Meaning] = {}
        for text in texts:
            for passage in passages_of(text, longest):
                if len(found) >= most:
                    return list(found.values())
                meaning = self.meaning(facet, passage)
                found.setdefault(meaning.id, meaning)
        return list(found.values())

    def _counts(self, operation: MeaningId, meaning: Meaning) -> bool:
        """Tell whether a text is within its operation's cap; count it if not."""
        cap = self._config.max_texts_per_operation
        if not cap:
            return True
        if len(self._seen) > _MOST_COUNTED:
            self._seen.clear()
        seen = self._seen.setdefault((operation, meaning.facet), set())
        if meaning.id in seen or len(seen) < cap:
            seen.add(meaning.id)
            return True
        self.skipped[meaning.facet] += 1
        return False
