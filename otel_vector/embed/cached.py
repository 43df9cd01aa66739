"""An embedder that remembers the latest vectors it gave: questions are often asked again.

What one tenant asked must not answer another one sooner, since that would tell it what was
asked: `TenantCaches` keeps the memories apart.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from otel_vector.embed.contract import Embedder, Role, Vector
from otel_vector.embed.several import each_of
from otel_vector.spans.ids import Tenant

__all__ = ["CachedEmbedder", "TenantCaches"]

_Key = tuple[str, Role, str]


class CachedEmbedder:
    """Asks `inner` only for texts that are not among the `size` used last.

    Vectors are kept as packed doubles, eight bytes a component, and come back bit-equal.
    """

    def __init__(self, inner: Embedder, size: int = 1024) -> None:
        self._inner = inner
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, array[float]] = OrderedDict()

    @property
    def model(self) -> str:
        """The inner model's name."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._inner.dimension

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        """Return one vector per text.

        Raises:
            EmbedderUnavailableError: the inner embedder does not answer; nothing is kept.
        """
        return self._embedded(each_of(self._inner)[0], texts, role)

    def vectors(self, text: str, role: Role) -> dict[str, Vector]:
        """Return a text's vector by each model, by its name.

        Raises:
            EmbedderUnavailableError: a model does not answer.
        """
        return {e.model: self._embedded(e, [text], role)[0] for e in each_of(self._inner)}

    def _embedded(self, inner: Embedder, texts: Sequence[str], role: Role) -> list[Vector]:
        model = inner.model
        found = {text: self._recall((model, role, text)) for text in texts}
        missing = [text for text, vector in found.items() if vector is None]
        if missing:
            for text, vector in zip(missing, inner.embed(missing, role), strict=True):
                found[text] = array("d", vector)
                self._keep((model, role, text), array("d", vector))
        return [list(found[text] or ()) for text in texts]

    def _recall(self, key: _Key) -> array[float] | None:
        with self._lock:
            vector = self._kept.get(key)
            if vector is not None:
                self._kept.move_to_end(key)
            return vector

    def _keep(self, key: _Key, vector: array[float]) -> None:
        with self._lock:
            self._kept[key] = vector
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)


class TenantCaches:
    """One memory per tenant over one embedder, for the tenants that came by last."""

    def __init__(self, inner: Embedder, size: int = 512, tenants: int = 32) -> None:
        """Prepare the memories.

        Args:
            inner: gives what is not remembered.
            size: vectors remembered for each tenant.
            tenants: how many tenants are remembered.
        """
        self._inner = inner
        self._size = size
        self._tenants = tenants
        self._lock = threading.Lock()
        self._caches: OrderedDict[Tenant, CachedEmbedder] = OrderedDict()

    @property
    def model(self) -> str:
        """The inner model's name."""
        return self._inner.model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._inner.dimension

    def of(self, tenant: Tenant) -> CachedEmbedder:
        """Return the embedder with a tenant's own memory."""
        with self._lock:
            cache = self._caches.setdefault(tenant, CachedEmbedder(self._inner, self._size))
            self._caches.move_to_end(tenant)
            while len(self._caches) > self._tenants:
                self._caches.popitem(last=False)
            return cache
