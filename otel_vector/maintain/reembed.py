"""Another embedding model takes the place of one, while search answers from the first.

The vectors of the coming model are filled in beside those that answer, newest texts first. What
is ingested meanwhile gets both: the embedding loop gives the ones that answer, this the others.
When no text lacks its vector, the store answers by the new model, and forgets the old one's.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from otel_vector.embed.contract import Embedder, Role, Vector
from otel_vector.errors import OtelVectorError, RetryableError
from otel_vector.progress import Progress
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Meaning
from otel_vector.store.contract import Store
from otel_vector.store.models import Coming, Model

__all__ = ["Reembedded", "reembed"]

_BATCH: Final = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reembedded:
    """What was done: texts that got a vector, and those that the model does not take."""

    texts: int
    refused: int


@dataclass(slots=True)
class _Refill:
    """Fills the vectors of one model."""

    store: Store
    embedder: Embedder
    refused: dict[Tenant, set[MeaningId]] = field(default_factory=lambda: defaultdict(set))
    filled: int = 0

    def some(self) -> bool:
        """Fill some texts of each tenant; return whether there were any."""
        worked = [self._of(tenant) for tenant in self.store.tenants()]
        return any(worked)

    def _of(self, tenant: Tenant) -> bool:
        meanings, refused = self.store.tenant(tenant).meanings, self.refused[tenant]
        pending = meanings.pending(_BATCH + len(refused), self.embedder.model)
        waiting = [meaning for meaning in pending if meaning.id not in refused][:_BATCH]
        if not waiting:
            return False
        vectors = self._vectors(waiting)
        meanings.fill(vectors, self.embedder.model)
        refused.update(m.id for m in waiting if m.id not in vectors)
        self.filled += len(vectors)
        return True

    def _vectors(self, waiting: Sequence[Meaning]) -> dict[MeaningId, Vector]:
        try:
            return self._embedded(waiting)
        except RetryableError:
            raise
        except Exception:  # noqa: BLE001 -- one odd text must not hold up the others
            return self._one_by_one(waiting)

    def _one_by_one(self, waiting: Sequence[Meaning]) -> dict[MeaningId, Vector]:
        """Embed each text by itself; what refuses all refuses the model."""
        found: dict[MeaningId, Vector] = {}
        fault: Exception | None = None
        for meaning in waiting:
            try:
                found |= self._embedded([meaning])
            except RetryableError:
                raise
            except Exception as error:  # noqa: BLE001 -- whatever a model raises
                fault = error
        if fault is not None and not found and isinstance(fault, OtelVectorError):
            raise fault
        return found

    def _embedded(self, waiting: Sequence[Meaning]) -> dict[MeaningId, Vector]:
        texts = list(dict.fromkeys(meaning.text for meaning in waiting))
        vectors = dict(zip(texts, self.embedder.embed(texts, Role.PASSAGE), strict=True))
        return {meaning.id: vectors[meaning.text] for meaning in waiting}


def reembed(
    store: Store, embedder: Embedder, facet: Facet | None, progress: Progress
) -> Reembedded:
    """Fill the vectors of another model, then answer by it; go on if that was begun before.

    Args:
        store: whose texts.
        embedder: the model.
        facet: only texts of this facet; None for all that have no model of their own.
        progress: told how many texts have their vector.

    Raises:
        JobCancelledError: told to end; what is filled in stays for the next call.
        EmbedderUnavailableError: the model does not answer; the next call goes on.
        UnsupportedError: the store was opened without a model.
    """
    model = Model(embedder.model, embedder.dimension)
    store.prepare(model, facet)
    refill = _Refill(store, embedder)
    if store.models.coming == Coming(model, facet):
        _report(store, model, progress)
        while refill.some():
            _report(store, model, progress)
        store.checkpoint()
        store.switch()
    refused = sum(map(len, refill.refused.values()))
    if refused:
        _log.warning("%d texts are not taken by %s; words find them", refused, model.name)
    return Reembedded(refill.filled, refused)


def _report(store: Store, model: Model, progress: Progress) -> None:
    counts = [store.tenant(tenant).meanings.counts(model.name) for tenant in store.tenants()]
    total = sum(count.total for count in counts)
    left = sum(count.pending for count in counts)
    progress(total - left, total, f"embedding with {model.name}")
