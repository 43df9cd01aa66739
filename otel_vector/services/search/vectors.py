"""The vectors of questions, remembered: the same question is often asked again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from otel_vector.embed.contract import Embedder, Role, Vector

__all__ = ["QuestionVectors"]

_REMEMBERED: Final = 512


class QuestionVectors:
    """Gives texts vectors through an embedder, or none where there is no embedder."""

    def __init__(self, embedder: Embedder | None, remembered: int = _REMEMBERED) -> None:
        self._embedder = embedder
        self._remembered = remembered
        self._lock = Lock()
        self._vectors: OrderedDict[tuple[str, Role], Vector] = OrderedDict()

    @property
    def available(self) -> bool:
        """Whether there is an embedder at all."""
        return self._embedder is not None

    def of(self, text: str, role: Role = Role.QUESTION) -> Vector | None:
        """Return a text's vector; None without an embedder.

        Raises:
            EmbedderUnavailableError: a remote endpoint does not answer.
        """
        if self._embedder is None:
            return None
        with self._lock:
            if known := self._vectors.get((text, role)):
                self._vectors.move_to_end((text, role))
                return known
        vector = self._embedder.embed([text], role)[0]
        self._remember(text, role, vector)
        return vector

    def _remember(self, text: str, role: Role, vector: Vector) -> None:
        with self._lock:
            self._vectors[text, role] = vector
            if len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
