"""What is kept in memory of the meanings: checksums, operations, and what waits for vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.models import Models

__all__ = ["Known", "checksum"]


def checksum(meaning: Meaning) -> int:
    """Return what tells two texts of one id apart."""
    return crc32(meaning.text.encode("utf-8", "replace"))


@dataclass(slots=True)
class Known:
    """Tables of one tenant's meanings.

    Attributes:
        checksums: id → checksum of the text, of every meaning.
        operations: every `operation` meaning.
        pending: model → id → facet of the meanings that lack its vector, oldest first.
    """

    checksums: dict[int, int] = field(default_factory=dict)
    operations: dict[int, Meaning] = field(default_factory=dict)
    pending: dict[str, dict[int, Facet]] = field(default_factory=dict)

    def add(self, meanings: Iterable[Meaning], models: Models) -> None:
        """Take meanings that are new."""
        wanted = {model.name: models.wanted_by(model.name) for model in models.all()}
        for meaning in meanings:
            self.checksums[meaning.id] = checksum(meaning)
            if meaning.facet is Facet.OPERATION:
                self.operations[meaning.id] = meaning
            for name, facets in wanted.items():
                if meaning.facet in facets:
                    self.pending.setdefault(name, {})[meaning.id] = meaning.facet

    def remove(self, ids: Iterable[MeaningId]) -> None:
        """Forget meanings."""
        for number in ids:
            self.checksums.pop(number, None)
            self.operations.pop(number, None)
            for waiting in self.pending.values():
                waiting.pop(number, None)

    def waiting(self, models: Models) -> int:
        """Return how many meanings lack the vector of the model that answers for them."""
        if models.default is None:
            return len(self.checksums)
        return sum(
            facet in models.answered_by(model.name)
            for model in models.current()
            for facet in list(self.pending.get(model.name, {}).values())
        )
