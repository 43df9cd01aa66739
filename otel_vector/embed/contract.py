"""Texts to vectors.

Promises, checked by `otel_vector.testing.embed`:

* As many vectors as texts, in order, all of `dimension` floats, finite, of length one.
* The same text gives the same vector, alone or among others, today and after a restart.
* `model` names the model; vectors of different names are never compared.
* Any text is taken: empty, of one character, of a million, in any script. What is beyond a
  model's window is cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

__all__ = ["Embedder", "Role", "Vector"]

Vector = list[float]


class Role(StrEnum):
    """What a text is to the model: some models treat questions and passages differently."""

    QUESTION = "question"
    PASSAGE = "passage"


class Embedder(Protocol):
    """Something that gives texts vectors."""

    @property
    def model(self) -> str:
        """The model's name, with its quantisation where that changes vectors."""
        ...

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        ...

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        """Return one vector per text.

        Raises:
            EmbedderUnavailableError: a remote endpoint does not answer; try again.
        """
        ...
