"""The embedding models of an open store, and where each one's vectors are; shared by its tenants.

A change of models is one write of the header; the shards of meanings follow it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from otel_vector.store.edge.header import Header, write_header
from otel_vector.store.models import Models

__all__ = ["Spaces"]


class Spaces:
    """What the header says of models, as it is now."""

    def __init__(self, path: Path, header: Header) -> None:
        """Begin with what was read.

        Args:
            path: the header's file.
            header: what it says for this process: without models if it was opened with none.
        """
        self._path = path
        self._header = header

    @property
    def header(self) -> Header:
        """What the header says now."""
        return self._header

    @property
    def models(self) -> Models:
        """The models that answer, and the one that is coming."""
        return self._header.models

    def slots(self) -> dict[str, int]:
        """Return the names of vectors that every shard of meanings has, with their lengths."""
        slots = self._header.slots
        return {slots[model.name]: model.dimension for model in self.models.all()}

    def slot(self, model: str) -> str:
        """Return the name that a model's vectors have in the shards of meanings."""
        return self._header.slots[model]

    def change(
        self,
        models: Models | None = None,
        recipe: int | None = None,
        leaving: tuple[str, ...] | None = None,
    ) -> None:
        """Change what is named, durably and at once."""
        header = self._header if models is None else self._header.with_models(models)
        header = replace(
            header,
            recipe=header.recipe if recipe is None else recipe,
            leaving=header.leaving if leaving is None else leaving,
        )
        write_header(self._path, header)
        self._header = header
