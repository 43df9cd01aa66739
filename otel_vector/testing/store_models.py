"""Promises of embedding models: one takes another's place while questions are answered."""

from __future__ import annotations

import math
from pathlib import Path

from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import MeaningStore, Nearest, Store
from otel_vector.store.models import Coming, Model, Models
from otel_vector.testing.builders import TENANT, SpanRow, Text, meaning_of
from otel_vector.testing.store_case import StoreCase, write

__all__ = ["ModelPromises"]

_DECLINED = (Facet.ERROR, "card declined bank")
_QUESTION = (Facet.INPUT, "which card works")
_ANSWER = (Facet.OUTPUT, "visa works everywhere")
_TEXTS = (_DECLINED, _QUESTION, _ANSWER)
_ANGLES = dict(zip(_TEXTS, (10, 40, 70), strict=True))
_NEW = Model("new-model", 12)
_OTHER = Model("other-model", 5)


class ModelPromises(StoreCase):
    """What holds while the vectors of one model take the place of another's."""

    def test_a_coming_model_finds_everything_pending_and_answers_nothing(
        self, store: Store
    ) -> None:
        meanings = self._filled(store)
        store.prepare(_NEW)
        assert store.models.coming == Coming(_NEW)
        assert meanings.counts().pending == 1  # the operation, under the old model
        assert meanings.counts(_NEW.name).pending == meanings.counts(_NEW.name).total == 4
        assert {m.text for m in meanings.pending(9, _NEW.name)} > {t for _, t in _TEXTS}
        meanings.fill({meaning_of(_ANSWER).id: _at(0, _NEW)}, _NEW.name)
        assert meanings.counts(_NEW.name).pending == 3
        assert self._nearest(store, 10, self._old(store)) == [_DECLINED, _QUESTION, _ANSWER]

    def test_after_the_switch_the_new_vectors_answer(self, store: Store) -> None:
        meanings = self._filled(store)
        store.prepare(_NEW)
        meanings.fill({meaning_of(t).id: _at(90 - _ANGLES[t], _NEW) for t in _TEXTS}, _NEW.name)
        store.switch()
        assert store.models == Models(_NEW)
        assert self._nearest(store, 20, _NEW) == [_ANSWER, _QUESTION, _DECLINED]
        assert len(meanings.vectors([meaning_of(_ANSWER).id]).popitem()[1]) == _NEW.dimension
        assert meanings.counts().pending == 1
        assert meanings.pending(9, "no such model") == []

    def test_what_comes_meanwhile_is_pending_under_both_models(self, store: Store) -> None:
        meanings = self._filled(store)
        store.prepare(_NEW)
        late = (Facet.ERROR, "came late")
        write(store.tenant(TENANT), [SpanRow(span=9, means=(late,))])
        identity = meaning_of(late).id
        assert identity in {m.id for m in meanings.pending(9)}
        assert identity in {m.id for m in meanings.pending(9, _NEW.name)}
        meanings.fill({identity: _at(0, _NEW)}, _NEW.name)
        assert identity in {m.id for m in meanings.pending(9)}
        assert identity not in {m.id for m in meanings.pending(9, _NEW.name)}

    def test_preparing_again_keeps_what_was_filled(self, store: Store) -> None:
        meanings = self._filled(store)
        store.prepare(_NEW)
        meanings.fill({meaning_of(_ANSWER).id: _at(0, _NEW)}, _NEW.name)
        store.prepare(_NEW)
        assert meanings.counts(_NEW.name).pending == 3

    def test_another_coming_model_takes_the_place_of_the_first(self, store: Store) -> None:
        meanings = self._filled(store)
        store.prepare(_NEW)
        store.prepare(_OTHER)
        assert store.models.coming == Coming(_OTHER)
        meanings.fill({meaning_of(_ANSWER).id: _at(0, _NEW)}, _NEW.name)
        assert meanings.counts(_OTHER.name).pending == 4
        assert self._nearest(store, 10, self._old(store)) == [_DECLINED, _QUESTION, _ANSWER]

    def test_a_model_that_answers_already_does_not_come(self, store: Store) -> None:
        self._filled(store)
        before = store.models
        store.prepare(self._old(store))
        store.switch()
        assert store.models == before
        assert self._nearest(store, 10, self._old(store)) == [_DECLINED, _QUESTION, _ANSWER]

    def test_a_facet_with_a_model_of_its_own_is_found_by_that_models_vectors(
        self, store: Store
    ) -> None:
        meanings = self._filled(store)
        old = self._old(store)
        store.prepare(_NEW, Facet.ERROR)
        assert [m.id for m in meanings.pending(9, _NEW.name)] == [meaning_of(_DECLINED).id]
        meanings.fill({meaning_of(_DECLINED).id: _at(0, _NEW)}, _NEW.name)
        store.switch()
        assert store.models == Models(old, {Facet.ERROR: _NEW})
        both = Nearest(_at(70, old), None, vectors={_NEW.name: _at(0, _NEW)})
        ranks = {h.meaning.text: h.dense_rank for h in meanings.nearest(both)}
        assert ranks == {_DECLINED[1]: 0, _ANSWER[1]: 0, _QUESTION[1]: 1}
        assert _DECLINED not in self._nearest(store, 10, old)
        only = Nearest(None, None, (Facet.ERROR,), vectors={_NEW.name: _at(0, _NEW)})
        assert [h.meaning.text for h in meanings.nearest(only)] == [_DECLINED[1]]
        ids = [meaning_of(t).id for t in _TEXTS]
        lengths = {i: len(v) for i, v in meanings.vectors(ids).items()}
        assert lengths == dict(zip(ids, (12, old.dimension, old.dimension), strict=True))

    def test_a_change_of_model_goes_on_after_a_restart(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path)
        meanings = self._filled(store)
        store.prepare(_NEW)
        meanings.fill({meaning_of(_ANSWER).id: _at(0, _NEW)}, _NEW.name)
        store.close()
        store = self.open_store(tmp_path)
        assert store.models.coming == Coming(_NEW)
        assert store.tenant(TENANT).meanings.counts(_NEW.name).pending == 3
        assert self._nearest(store, 10, self._old(store)) == [_DECLINED, _QUESTION, _ANSWER]
        store.close()

    def test_the_recipe_that_was_noted_is_remembered(self, tmp_path: Path) -> None:
        store = self.open_store(tmp_path)
        assert store.recipe == 0
        store.described(3)
        assert store.recipe == 3
        durable = store.capabilities.durable
        store.close()
        if durable:
            store = self.open_store(tmp_path)
            assert store.recipe == 3
            store.close()

    def _old(self, store: Store) -> Model:
        default = store.models.default
        assert default is not None
        return default

    def _filled(self, store: Store) -> MeaningStore:
        write(store.tenant(TENANT), [SpanRow(means=_TEXTS)])
        meanings, old = store.tenant(TENANT).meanings, self._old(store)
        meanings.fill({meaning_of(t).id: _at(_ANGLES[t], old) for t in _TEXTS})
        return meanings

    def _nearest(self, store: Store, degrees: float, model: Model) -> list[Text]:
        hits = store.tenant(TENANT).meanings.nearest(Nearest(_at(degrees, model), None))
        return [(hit.meaning.facet, hit.meaning.text) for hit in hits]


def _at(degrees: float, model: Model) -> list[float]:
    """Return the unit vector at an angle in the first two dimensions."""
    angle = math.radians(degrees)
    return [math.cos(angle), math.sin(angle), *[0.0] * (model.dimension - 2)]
