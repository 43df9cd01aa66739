"""Third step: what is known of the items that point at each meaning, with examples of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from otel_vector.services.answers import MeaningGroup
from otel_vector.services.search.question import narrowed
from otel_vector.services.search.rank import Ranked
from otel_vector.services.search.retrieve import pointed_at
from otel_vector.spans.filters import PointsAt, Where
from otel_vector.spans.ids import MeaningId
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.contract import Tally, TenantStore

__all__ = ["Grouping", "group", "newest_of"]

_NONE = Tally()


@dataclass(frozen=True, slots=True)
class Grouping:
    """What items count, and how many are shown with each group."""

    where: Where
    over: tuple[Signal, ...]
    examples: int


def group(
    store: TenantStore, ranked: Sequence[Ranked], limit: int, grouping: Grouping
) -> tuple[list[MeaningGroup], int]:
    """Return up to `limit` groups in order, and how many candidates they used up.

    A meaning that no item under the restriction points at gives no group.
    """
    groups: list[MeaningGroup] = []
    used = 0
    while used < len(ranked) and len(groups) < limit:
        part = ranked[used : used + limit - len(groups)]
        used += len(part)
        groups += _groups(store, part, grouping)
    return groups, used


def _groups(store: TenantStore, part: Sequence[Ranked], grouping: Grouping) -> list[MeaningGroup]:
    ids = [candidate.meaning for candidate in part]
    tallies = {signal: store.reader.tally(signal, grouping.where, ids) for signal in grouping.over}
    meanings = store.meanings.get(ids)
    return [
        _group(store, candidate, meanings[candidate.meaning], tallies, grouping)
        for candidate in part
        if candidate.meaning in meanings
        and any(tally.get(candidate.meaning, _NONE).count for tally in tallies.values())
    ]


def _group(
    store: TenantStore,
    candidate: Ranked,
    meaning: Meaning,
    tallies: dict[Signal, dict[MeaningId, Tally]],
    grouping: Grouping,
) -> MeaningGroup:
    of_logs = tallies.get(Signal.LOGS)
    return MeaningGroup(
        score=candidate.score,
        why=candidate.why,
        meaning=meaning,
        spans=tallies.get(Signal.SPANS, {}).get(meaning.id, _NONE),
        logs=None if of_logs is None else of_logs.get(meaning.id, _NONE),
        services=_services(store, meaning, grouping),
        examples=_examples(store, meaning, grouping),
    )


def _services(store: TenantStore, meaning: Meaning, grouping: Grouping) -> tuple[str, ...]:
    """Return the services behind a meaning: its own, or those of its items' operations.

    Which operations have items that point at the meaning is asked without the filter first:
    the index alone knows, while a filter may have to read blocks. Only if they belong to
    several services are they counted under the filter.
    """
    if meaning.facet is Facet.OPERATION:
        return (meaning.service,) if meaning.service else ()
    pointing = PointsAt((meaning.id,))
    unfiltered = replace(grouping.where, filter=pointing)
    known = store.meanings.get(pointed_at(store.reader, unfiltered, grouping.over).keys())
    operations = {other.id: other.service for other in known.values() if other.service}
    if grouping.where.filter is not None and len(set(operations.values())) > 1:
        counted = pointed_at(store.reader, narrowed(grouping.where, pointing), grouping.over)
        operations = {id_: operations[id_] for id_ in counted.keys() & operations.keys()}
    return tuple(sorted(set(operations.values())))


def _examples(store: TenantStore, meaning: Meaning, grouping: Grouping) -> tuple[Item, ...]:
    where = narrowed(grouping.where, PointsAt((meaning.id,)))
    return tuple(newest_of(store, where, grouping.over, grouping.examples))


def newest_of(
    store: TenantStore, where: Where, over: tuple[Signal, ...], limit: int
) -> list[Item]:
    """Return the newest items of these signals together."""
    if not limit:
        return []
    items = [item for signal in over for item in store.reader.find(signal, where, limit).items]
    return sorted(items, key=lambda item: (item.start_ns, item.id), reverse=True)[:limit]
