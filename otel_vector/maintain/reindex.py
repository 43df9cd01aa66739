"""Points and meanings made again from blocks: all of them, or what is damaged.

Partition after partition, each of which answers from its old points until the new ones are
complete. What is done is remembered, so that a restart goes on where it stopped.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from otel_vector.describe.recipe import RECIPE
from otel_vector.errors import JobCancelledError, StoreDamagedError
from otel_vector.maintain.describing import Describers
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector.state.contract import State
from otel_vector.store.contract import Store

__all__ = ["Reindexed", "reindex", "repair", "stale_recipe"]

_DONE: Final = "reindex"
_MEANINGS: Final = "meanings"
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Reindexed:
    """What was done.

    Attributes:
        items: spans and log records whose points were made again.
        partitions: how many partitions they are in.
        failed: tenant and partition → why it could not be rebuilt.
    """

    items: int = 0
    partitions: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """A partition of a tenant, and how many items it holds as far as is known."""

    tenant: Tenant
    partition: str
    items: int = 0

    @property
    def key(self) -> str:
        return f"{self.tenant}/{self.partition}"


def stale_recipe(store: Store) -> str:
    """Return what to do if the store is described by an older recipe; empty if it is not."""
    if not store.recipe or store.recipe >= RECIPE:
        return ""
    return (
        f"texts are described by recipe {store.recipe}, this version has {RECIPE}: "
        "run `otel-vector reindex`"
    )


def reindex(
    store: Store,
    describe: Describers,
    state: State,
    progress: Progress,
    tenants: Collection[Tenant] | None = None,
) -> Reindexed:
    """Make all points and meanings again from blocks, by this version's recipe.

    Args:
        store: what is rebuilt.
        describe: describes blocks.
        state: remembers which partitions are done.
        progress: told how many items are done.
        tenants: only theirs; of all if none are named.

    Raises:
        JobCancelledError: told to end; the next call begins anew.
        StoreDamagedError: some partitions could not be rebuilt; the others are.
    """
    wanted = store.tenants() if tenants is None else [t for t in store.tenants() if t in tenants]
    done = state.items(_DONE)
    places = [place for tenant in wanted for place in _partitions(store, tenant)]
    left = [place for place in places if done.get(place.key) != str(RECIPE)]
    try:
        result = _rebuilt(store, describe, left, progress, state)
    except JobCancelledError:
        _forget(state, places)
        raise
    if not result.failed:
        _forget(state, places)
        if tenants is None:
            store.described(RECIPE)
    return _checked(result)


def repair(store: Store, describe: Describers, progress: Progress) -> Reindexed:
    """Make again what is damaged; do nothing if nothing is.

    Raises:
        JobCancelledError: told to end; the next call goes on.
        StoreDamagedError: some partitions could not be rebuilt; the others are.
    """
    places = [
        _Place(tenant, name)
        for tenant in store.tenants()
        for name in sorted(store.tenant(tenant).upkeep.damaged())
        if name != _MEANINGS
    ]
    return _checked(_rebuilt(store, describe, places, progress, None))


def _partitions(store: Store, tenant: Tenant) -> Sequence[_Place]:
    upkeep = store.tenant(tenant).upkeep
    found = {p.name: _Place(tenant, p.name, p.items) for p in upkeep.partitions()}
    for name in upkeep.damaged():
        if name != _MEANINGS:
            found.setdefault(name, _Place(tenant, name))
    return list(found.values())


def _rebuilt(
    store: Store, describe: Describers, places: Sequence[_Place], progress: Progress,
    state: State | None,
) -> Reindexed:  # fmt: skip
    result, total = Reindexed(), sum(place.items for place in places)
    for place in places:
        report = _Shifted(progress, result.items, total)
        try:
            result.items += store.tenant(place.tenant).upkeep.rebuild(
                place.partition, describe(place.tenant), report
            )
        except StoreDamagedError as fault:
            _log.error("%s cannot be rebuilt: %s", place.key, fault)
            result.failed[place.key] = str(fault)
            continue
        result.partitions += 1
        if state is not None:
            state.set(_DONE, place.key, str(RECIPE))
    return result


@dataclass(frozen=True, slots=True)
class _Shifted:
    """Reports one partition's items as some of all."""

    progress: Progress
    before: int
    total: int

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        whole = max(self.total, self.before + (total or 0))
        self.progress(self.before + done, whole, note)


def _forget(state: State, places: Sequence[_Place]) -> None:
    for place in places:
        state.delete(_DONE, place.key)


def _checked(result: Reindexed) -> Reindexed:
    if result.failed:
        told = "; ".join(f"{key}: {why}" for key, why in sorted(result.failed.items()))
        raise StoreDamagedError(
            f"{len(result.failed)} partitions could not be rebuilt, {result.partitions} were: "
            f"{told}"
        )
    return result
