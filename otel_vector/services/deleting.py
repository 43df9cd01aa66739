"""Deletion for good: by trace, by content id, by filter; counted first if asked.

What is chosen is found through the reader, exactly, of all run kinds, spans and log records
alike, and deleted some thousand items at a time: writing and searching go on in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import time_ns
from typing import Final

from otel_vector.errors import InvalidInputError, InvalidQueryError
from otel_vector.progress import Progress, unreported
from otel_vector.services.search import Restriction
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Cursor, Store, TenantStore

__all__ = ["Chosen", "Deleted", "Deleting"]

_PAGE: Final = 2_000
_DIGITS: Final = 32
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is to be deleted: exactly one of traces, ids, a restriction and everything.

    Attributes:
        trace_ids: whole traces, spans and log records; 32 hex digits each.
        ids: content ids of spans or log records; 32 hex digits each.
        restriction: a filter, a window of starts, or both.
        signals: of what a restriction chooses, only these.
        everything: said by whoever really means all there is.
    """

    trace_ids: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    restriction: Restriction = field(default_factory=lambda: Restriction(runs=()))
    signals: tuple[Signal, ...] = (Signal.SPANS, Signal.LOGS)
    everything: bool = False

    def check(self) -> None:
        """Refuse what is no choice.

        Raises:
            InvalidInputError: nothing is chosen, or in two ways.
            InvalidQueryError: an id that is none.
        """
        ways = [bool(self.trace_ids), bool(self.ids), self.restricts()]
        if sum(ways) > 1:
            raise InvalidInputError("choose by trace, by id or by filter: one of them at a time")
        if not any(ways) and not self.everything:
            raise InvalidInputError(
                "nothing is chosen: name a trace, ids or a filter; to delete all there is, say so"
                ' with "all": true (--all)'
            )
        for what, values in (("a trace id", self.trace_ids), ("an id", self.ids)):
            for value in values:
                if len(value) != _DIGITS or not set(value.lower()) <= _HEX:
                    raise InvalidQueryError(f"{what} is {_DIGITS} hex digits, not {value!r}")

    def restricts(self) -> bool:
        """Return whether there is a filter or a window."""
        return bool(
            self.restriction.filter is not None or self.restriction.since or self.restriction.until
        )


@dataclass(slots=True)
class Deleted:
    """What was deleted, or would be.

    Attributes:
        spans, logs: items.
        traces: of how many traces they are.
        services: whose they are, in order of name.
        dry_run: whether they were only counted.
    """

    spans: int = 0
    logs: int = 0
    traces: int = 0
    services: tuple[str, ...] = ()
    dry_run: bool = False


@dataclass(slots=True)
class _Count:
    """Counts items as they are found."""

    items: dict[Signal, int] = field(default_factory=lambda: dict.fromkeys(Signal, 0))
    traces: set[bytes] = field(default_factory=set)
    services: set[str] = field(default_factory=set)

    def add(self, found: Sequence[Item]) -> None:
        for item in found:
            self.items[item.signal] += 1
            self.services.add(item.service)
            if item.message.trace_id:
                self.traces.add(item.message.trace_id)

    def total(self) -> int:
        return sum(self.items.values())

    def answer(self, *, dry_run: bool) -> Deleted:
        return Deleted(
            self.items[Signal.SPANS],
            self.items[Signal.LOGS],
            len(self.traces),
            tuple(sorted(self.services)),
            dry_run,
        )


@dataclass(frozen=True, slots=True)
class Deleting:
    """Deletes."""

    store: Store
    clock_ns: Callable[[], int] = time_ns

    def count(self, tenant: Tenant, chosen: Chosen, progress: Progress = unreported) -> Deleted:
        """Count what would be deleted; nothing is changed.

        Raises:
            InvalidInputError: nothing is chosen, in two ways, or by a filter everything.
            InvalidQueryError: an id or the restriction cannot be read.
        """
        counted = self._counted(tenant, chosen, self._where(chosen), progress)
        return counted.answer(dry_run=True)

    def delete(self, tenant: Tenant, chosen: Chosen, progress: Progress = unreported) -> Deleted:
        """Delete what is chosen; done again, or gone on with after a crash, it changes nothing.

        Content ids that are not stored are deleted beforehand: what comes under them later is
        not stored.

        Raises:
            InvalidInputError: nothing is chosen, in two ways, or by a filter everything.
            InvalidQueryError: an id or the restriction cannot be read.
            JobCancelledError: it was told to end; what is deleted so far stays so.
        """
        where = self._where(chosen)
        if chosen.restricts():
            self._counted(tenant, chosen, where, unreported)
        part, gone = self.store.tenant(tenant), _Count()
        for signal, items in _found(part, chosen, where):
            part.writer.delete(signal, [item.id for item in items])
            gone.add(items)
            progress(gone.total(), note="deleting")
        if chosen.ids:
            self._bury_unknown(part, chosen.ids)
        return gone.answer(dry_run=False)

    def _where(self, chosen: Chosen) -> Where:
        chosen.check()
        return chosen.restriction.where(self.clock_ns())

    def _counted(self, tenant: Tenant, chosen: Chosen, where: Where, progress: Progress) -> _Count:
        part, counted = self.store.tenant(tenant), _Count()
        for _, items in _found(part, chosen, where):
            counted.add(items)
            progress(counted.total(), note="counting")
        size = part.size()
        is_all = 0 < counted.total() >= size.spans + size.logs
        if is_all and chosen.restricts() and not chosen.everything:
            raise InvalidInputError(
                f"this chooses everything there is, {counted.total()} items; narrow it down,"
                ' or say "all": true (--all)'
            )
        return counted

    def _bury_unknown(self, part: TenantStore, ids: Sequence[str]) -> None:
        part.upkeep.bury([SpanId(value.lower()) for value in ids])


def _found(
    part: TenantStore, chosen: Chosen, where: Where
) -> Iterator[tuple[Signal, Sequence[Item]]]:
    """Yield what is chosen, some thousand items at a time; what is yielded may be deleted."""
    reader = part.reader
    if chosen.trace_ids:
        for trace_id in dict.fromkeys(value.lower() for value in chosen.trace_ids):
            raw = bytes.fromhex(trace_id)
            yield Signal.SPANS, reader.trace(raw)
            yield Signal.LOGS, reader.logs(raw)
    elif chosen.ids:
        ids = [SpanId(value.lower()) for value in dict.fromkeys(chosen.ids)]
        for signal in Signal:
            yield signal, reader.items(signal, ids)
    else:
        for signal in chosen.signals:
            for items in _pages(part, signal, where):
                yield signal, items


def _pages(part: TenantStore, signal: Signal, where: Where) -> Iterator[Sequence[Item]]:
    after: Cursor | None = None
    more = True
    while more:
        page = part.reader.find(signal, where, _PAGE, after)
        if page.items:
            yield page.items
        after = page.next
        more = after is not None
