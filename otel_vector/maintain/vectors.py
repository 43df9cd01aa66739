"""Carries vectors of meanings from one store to another, so that nothing is embedded again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otel_vector.errors import ModelMismatchError
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import MeaningStore, Store
from otel_vector.store.models import Model

__all__ = ["VectorCarrier", "agree_on_models"]

_CHUNK: Final = 500


def agree_on_models(source: Store, target: Store) -> None:
    """Make a target answer by the source's models; one that is in use has to do so already.

    Raises:
        ModelMismatchError: the target answers by other models than the source.
    """
    if not target.tenants() and source.models.default == target.models.default:
        for facet, model in source.models.facets.items():
            target.prepare(model, facet)
            target.switch()
    for facet in Facet:
        ours, theirs = source.models.of(facet), target.models.of(facet)
        if ours is not None and ours != theirs:
            raise ModelMismatchError(
                f"the store holds vectors of {_shown(ours)} for texts of facet {facet.value}, the"
                f" target those of {_shown(theirs)}; copy to another prefix of the server, or"
                " change the model of one of them with `otel-vector reembed` first"
            )


def _shown(model: Model | None) -> str:
    return "no model" if model is None else f"{model.name} (dimension {model.dimension})"


class VectorCarrier:
    """Fills the target's meanings with the source's vectors, each once. For one tenant."""

    def __init__(self, source: Store, meanings: MeaningStore, target: MeaningStore) -> None:
        """Carry vectors between two tenants' meanings.

        Args:
            source: says which model each facet has.
            meanings: where the vectors are.
            target: where they go.
        """
        self._models = source.models
        self._meanings = meanings
        self._target = target
        self._carried: set[MeaningId] = set()
        self.filled = 0

    def carry(self, texts: Iterable[Meaning]) -> None:
        """Fill these meanings, which the target has; those without a vector stay pending."""
        new = [meaning for meaning in texts if meaning.id not in self._carried]
        for start in range(0, len(new), _CHUNK):
            self._fill(new[start : start + _CHUNK])
        self._carried.update(meaning.id for meaning in new)

    def _fill(self, chunk: list[Meaning]) -> None:
        vectors = self._meanings.vectors([meaning.id for meaning in chunk])
        for model in {m.name for meaning in chunk if (m := self._models.of(meaning.facet))}:
            of_model = {
                meaning.id: vectors[meaning.id]
                for meaning in chunk
                if meaning.id in vectors and self._name_of(meaning) == model
            }
            if of_model:
                self._target.fill(of_model, model)
                self.filled += len(of_model)

    def _name_of(self, meaning: Meaning) -> str:
        model = self._models.of(meaning.facet)
        return model.name if model else ""
