"""Promises of meanings: pending until filled, nearest by vector and by words.

Ranks of vectors are compared exactly. What BM25 finds is compared as a set, since backends cut
text into terms and weigh them in their own ways: the words used here are plain ones.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Fusion, Hit, MeaningCounts, Nearest, TenantStore
from otel_vector.testing.builders import SpanRow, Text, item_of, meaning_of
from otel_vector.testing.store_case import StoreCase, write

__all__ = ["MeaningPromises"]

_DECLINED = (Facet.ERROR, "card declined bank")
_TIMEOUT = (Facet.ERROR, "deadline exceeded upstream")
_QUESTION = (Facet.INPUT, "which card works bank holiday")
_ANSWER = (Facet.OUTPUT, "visa works everywhere")
_TEXTS = (_DECLINED, _TIMEOUT, _QUESTION, _ANSWER)
_ANGLES = dict(zip(_TEXTS, (10, 50, 30, 70), strict=True))


class MeaningPromises(StoreCase):
    """What is known of distinct texts."""

    def test_the_meanings_of_a_write_are_there_and_pending(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        operation, *_ = item_of(SpanRow()).meanings
        ids = [operation, *(meaning_of(text).id for text in _TEXTS)]
        assert tenant.meanings.counts() == MeaningCounts(total=5, pending=5)
        assert {m.id for m in tenant.meanings.pending(10)} == set(ids)
        got = tenant.meanings.get([*ids, MeaningId(1)])
        assert {m: got[m] for m in ids[1:]} == {meaning_of(t).id: meaning_of(t) for t in _TEXTS}
        assert tenant.meanings.vectors(ids) == {}

    def test_operations_are_listed_with_service_name_and_kind(self, tenant: TenantStore) -> None:
        rows = [
            SpanRow(span=1, service="cart", name="GET /cart/8837", kind=3, means=_TEXTS),
            SpanRow(span=2, service="cart", name="GET /cart/12", kind=3),
            SpanRow(span=3, service="shop", name="load", kind=1),
        ]
        write(tenant, rows)
        found = {(m.service, m.name, m.kind, m.name_masked) for m in tenant.meanings.operations()}
        assert found == {("cart", "GET /cart/*", 3, True), ("shop", "load", 1, False)}
        assert len(tenant.meanings.operations()) == 2

    def test_a_meaning_seen_again_is_no_second_one(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(span=1, means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        write(tenant, [SpanRow(span=2, means=_TEXTS)])
        assert tenant.meanings.counts() == MeaningCounts(total=5, pending=1)

    def test_pending_meanings_come_newest_first(self, tenant: TenantStore) -> None:
        for number, text in enumerate(_TEXTS, start=1):
            write(tenant, [SpanRow(span=number, means=(text,))])
        texts = [m.text for m in tenant.meanings.pending(10) if m.facet is not Facet.OPERATION]
        assert texts == [text for _, text in reversed(_TEXTS)]
        assert [m.text for m in tenant.meanings.pending(2)] == texts[:2]

    def test_a_filled_meaning_is_no_longer_pending(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, _DECLINED, _TIMEOUT)
        left = {m.id for m in tenant.meanings.pending(10)}
        assert not left & {meaning_of(_DECLINED).id, meaning_of(_TIMEOUT).id}
        assert tenant.meanings.counts() == MeaningCounts(total=5, pending=3)

    def test_vectors_come_back_as_directions(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        ids = [meaning_of(text).id for text in _TEXTS]
        got = tenant.meanings.vectors([*ids, MeaningId(1)])
        assert got.keys() == set(ids)
        for text in _TEXTS:
            assert got[meaning_of(text).id] == pytest.approx(self._at(_ANGLES[text]), abs=1e-6)

    def test_filling_again_replaces_and_unknown_ids_are_ignored(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        declined = meaning_of(_DECLINED).id
        tenant.meanings.fill({declined: self._at(80), MeaningId(77): self._at(0)})
        assert tenant.meanings.vectors([declined, MeaningId(77)]).keys() == {declined}
        assert self._texts(tenant, Nearest(self._at(90), None))[0] == _DECLINED[1]
        assert tenant.meanings.counts() == MeaningCounts(total=5, pending=1)

    def test_the_nearest_vectors_come_in_order_of_their_cosine(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        hits = tenant.meanings.nearest(Nearest(self._at(0), None))
        expected = sorted(_TEXTS, key=_ANGLES.__getitem__)
        assert [hit.meaning for hit in hits] == [meaning_of(text) for text in expected]
        assert [hit.dense_rank for hit in hits] == [0, 1, 2, 3]
        assert {hit.bm25_rank for hit in hits} == {None}
        for hit, text in zip(hits, expected, strict=True):
            assert hit.cosine == pytest.approx(math.cos(math.radians(_ANGLES[text])), abs=1e-3)
        self._is_ranked(hits)

    def test_no_more_hits_than_asked_for(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        asked = Nearest(self._at(0), "card bank", limit=2)
        assert len(tenant.meanings.nearest(asked)) == 2

    def test_a_pending_meaning_is_found_by_its_words(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        (hit,) = tenant.meanings.nearest(Nearest(None, "deadline exceeded"))
        assert hit.meaning == meaning_of(_TIMEOUT)
        assert (hit.cosine, hit.dense_rank, hit.bm25_rank) == (None, None, 0)
        (hit,) = tenant.meanings.nearest(Nearest(self._at(0), "deadline exceeded"))
        assert hit.meaning == meaning_of(_TIMEOUT)

    def test_a_text_with_too_few_of_the_words_is_no_hit(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        some = Nearest(None, "card bank declined refused", fusion=Fusion(min_words=0.5))
        assert self._texts(tenant, some) == [_DECLINED[1], _QUESTION[1]]
        most = Nearest(None, "card bank declined refused", fusion=Fusion(min_words=0.75))
        assert self._texts(tenant, most) == [_DECLINED[1]]
        assert self._texts(tenant, Nearest(None, "nothing like it")) == []

    def test_both_rankings_are_fused_and_explained(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        hits = tenant.meanings.nearest(Nearest(self._at(70), "card declined"))
        found = {hit.meaning.text: hit for hit in hits}
        assert found.keys() == {text for _, text in _TEXTS}
        assert found[_ANSWER[1]].dense_rank == 0
        assert found[_ANSWER[1]].bm25_rank is None
        assert found[_DECLINED[1]].dense_rank == 3
        assert found[_DECLINED[1]].bm25_rank == 0
        self._is_ranked(hits)

    def test_facets_restrict_both_rankings(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        asked = Nearest(self._at(0), "card bank", facets=(Facet.INPUT, Facet.OUTPUT))
        assert set(self._texts(tenant, asked)) == {_QUESTION[1], _ANSWER[1]}

    def test_within_restricts_both_rankings(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=_TEXTS)])
        self._fill(tenant, *_TEXTS)
        ids = {meaning_of(text).id for text in (_DECLINED, _TIMEOUT)}
        asked = Nearest(self._at(70), "card bank works", within=ids)
        assert self._texts(tenant, asked)[0] in {_DECLINED[1], _TIMEOUT[1]}
        assert set(self._texts(tenant, asked)) == {_DECLINED[1], _TIMEOUT[1]}
        assert self._texts(tenant, Nearest(self._at(70), "card", within=set())) == []

    def test_a_narrow_restriction_does_not_cost_recall(self, tenant: TenantStore) -> None:
        texts = [(Facet.INPUT, f"question number {number}") for number in range(300)]
        write(tenant, [SpanRow(span=n, means=(t,)) for n, t in enumerate(texts, start=1)])
        vectors = {meaning_of(t).id: self._at(n / 10) for n, t in enumerate(texts)}
        tenant.meanings.fill(vectors)
        far = meaning_of(texts[-1]).id
        hits = tenant.meanings.nearest(Nearest(self._at(0), None, within={far}, limit=5))
        assert [hit.meaning.id for hit in hits] == [far]

    def _at(self, degrees: float) -> list[float]:
        """Return the unit vector at an angle in the first two dimensions."""
        angle = math.radians(degrees)
        return [math.cos(angle), math.sin(angle), *[0.0] * (self.dimension - 2)]

    def _fill(self, tenant: TenantStore, *texts: Text) -> None:
        tenant.meanings.fill({meaning_of(t).id: self._at(_ANGLES[t]) for t in texts})

    def _texts(self, tenant: TenantStore, question: Nearest) -> list[str]:
        return [hit.meaning.text for hit in tenant.meanings.nearest(question)]

    def _is_ranked(self, hits: Sequence[Hit], fusion: Fusion | None = None) -> None:
        """Scores fall, and each is what its ranks make of it."""
        rule = fusion or Fusion()
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        for hit in hits:
            weighted = ((hit.dense_rank, rule.dense_weight), (hit.bm25_rank, rule.bm25_weight))
            parts = [rule.share(rank, weight) for rank, weight in weighted if rank is not None]
            assert hit.score == pytest.approx(sum(parts), rel=1e-3)
