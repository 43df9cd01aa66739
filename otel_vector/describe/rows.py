"""Headers and ids of a run of rows: what resource and scope contribute to a batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from otel_vector.spans.batch import Batch, Group
from otel_vector.spans.ids import SpanId, Tenant, content_hasher

__all__ = ["Headers", "serialised"]


def serialised(message: Any) -> bytes:
    """Return the deterministic serialisation, unknown fields included."""
    return bytes(message.SerializeToString(deterministic=True))


class Headers:
    """Gives the rows of one batch their groups and ids; equal headers are one group."""

    def __init__(self, tenant: Tenant, batch: Batch) -> None:
        self._tenant = tenant
        self._batch = batch
        self._known: dict[tuple[bytes, bytes], tuple[int, Any]] = {}

    def assign(self, resource: bytes, scopes: Iterable[tuple[bytes, int]]) -> None:
        """Add group and id of every row that has none yet.

        Args:
            resource: serialised resource header.
            scopes: serialised scope headers, each with the number of rows up to its end.
        """
        batch = self._batch
        for scope, end in scopes:
            start = len(batch.ids)
            group, base = self._group(resource, scope)
            batch.group += [group] * (end - start)
            add, copy = batch.ids.append, base.copy
            for body in batch.bodies[start:end]:
                hasher = copy()
                hasher.update(body)
                add(SpanId(hasher.hexdigest()))

    def _group(self, resource: bytes, scope: bytes) -> tuple[int, Any]:
        known = self._known.get((resource, scope))
        if known is None:
            known = (len(self._batch.groups), content_hasher(self._tenant, resource, scope))
            self._known[resource, scope] = known
            self._batch.groups.append(Group(resource, scope))
        return known
