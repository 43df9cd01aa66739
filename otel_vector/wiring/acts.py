"""What the engine does by itself and the audit log records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from otel_vector.jobs.contract import Arguments, Kind
from otel_vector.keys.audit import Act, AuditLog
from otel_vector.maintain.retain import Drop
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant

__all__ = ["drops_recorded", "kinds_recorded"]

_BY_ITSELF: Final = frozenset({"seal"})
"""Kinds of jobs that change nothing anybody sees, and are started by nobody."""


def drops_recorded(data: Path) -> Callable[[Drop, int], object]:
    """Return what records each drop of retention in a data folder's audit log."""
    log = AuditLog(data)

    def record(drop: Drop, items: int) -> object:
        detail = {"partition": drop.partition.name, "by": drop.reason}
        act = Act("retention.drop", "retention", (drop.tenant,), "done", {"items": items}, detail)
        return log.record(act)

    return record


def kinds_recorded(kinds: Mapping[str, Kind], data: Path, who: str = "job") -> dict[str, Kind]:
    """Return kinds of jobs whose work is recorded in the audit log, when it begins and ends.

    Args:
        kinds: what can be done, by name.
        data: the data folder.
        who: in whose name it is done.
    """
    log = AuditLog(data)
    return {
        name: kind if name in _BY_ITSELF else replace(kind, work=_recorded(name, kind, log, who))
        for name, kind in kinds.items()
    }


def _recorded(
    name: str, kind: Kind, log: AuditLog, who: str
) -> Callable[[Tenant | None, Arguments, Progress], Arguments]:
    def work(tenant: Tenant | None, arguments: Arguments, progress: Progress) -> Arguments:
        with log.during(Act(f"store.{name}", who, (tenant,) if tenant else ())) as counts:
            result = kind.work(tenant, arguments, progress)
            counts |= {key: value for key, value in result.items() if type(value) is int}
        return result

    return work
