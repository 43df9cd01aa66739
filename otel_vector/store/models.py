"""Which embedding model gives which meanings their vectors. Part of the store's contract.

The vectors of one model are a *space*, named by the model: vectors of different spaces are never
compared. Most stores have one. A facet may have a model of its own; and while a model is being
replaced, the meanings it is for have vectors of the coming one beside those that answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from otel_vector.spans.meanings import Facet

__all__ = ["Coming", "Model", "Models"]


@dataclass(frozen=True, slots=True)
class Model:
    """An embedding model: its name, and the length of its vectors."""

    name: str
    dimension: int


@dataclass(frozen=True, slots=True)
class Coming:
    """The model that is to take another's place, and for what.

    Attributes:
        model: the model whose vectors are being filled in.
        facet: the facet it is for; None for all that have no model of their own.
    """

    model: Model
    facet: Facet | None = None


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a store.

    Attributes:
        default: of all facets that have none of their own; None without vectors.
        facets: models of single facets.
        coming: what is being filled in and answers nothing yet.
    """

    default: Model | None = None
    facets: Mapping[Facet, Model] = field(default_factory=dict)
    coming: Coming | None = None

    def of(self, facet: Facet) -> Model | None:
        """Return the model that answers for a facet."""
        return self.facets.get(facet, self.default)

    def current(self) -> tuple[Model, ...]:
        """Return the models that answer, the default one first, each once."""
        given = [self.default, *self.facets.values()]
        return tuple(dict.fromkeys(model for model in given if model is not None))

    def all(self) -> tuple[Model, ...]:
        """Return the models that answer, and the one that is coming, each once."""
        coming = [self.coming.model] if self.coming else []
        return tuple(dict.fromkeys((*self.current(), *coming)))

    def named(self, name: str) -> Model | None:
        """Return a model that answers or is coming; the default one for an empty name."""
        if not name:
            return self.default
        return next((model for model in self.all() if model.name == name), None)

    def answered_by(self, name: str) -> frozenset[Facet]:
        """Return the facets for which a model answers."""
        return frozenset(f for f in Facet if (m := self.of(f)) is not None and m.name == name)

    def wanted_by(self, name: str) -> frozenset[Facet]:
        """Return the facets whose meanings are to have vectors of a model: now, or to come."""
        found = self.answered_by(name)
        if self.coming is not None and self.coming.model.name == name:
            found |= self.switched().answered_by(name)
        return found

    def switched(self) -> Models:
        """Return the models once the coming one has come."""
        if self.coming is None:
            return self
        model, facet = self.coming.model, self.coming.facet
        if facet is None:
            kept = {f: m for f, m in self.facets.items() if m != model}
            return Models(model, kept)
        others = {f: m for f, m in self.facets.items() if f is not facet}
        return Models(self.default, others if model == self.default else {**others, facet: model})

    def with_coming(self, coming: Coming | None) -> Models:
        """Return the same models with another one to come, or none."""
        return replace(self, coming=coming)
