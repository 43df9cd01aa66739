"""What the engine does by itself and the audit log records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from otel_vector.keys.audit import Act, AuditLog
from otel_vector.maintain.retain import Drop

__all__ = ["drops_recorded"]


def drops_recorded(data: Path) -> Callable[[Drop, int], object]:
    """Return what records each drop of retention in a data folder's audit log."""
    log = AuditLog(data)

    def record(drop: Drop, items: int) -> object:
        detail = {"partition": drop.partition.name, "by": drop.reason}
        act = Act("retention.drop", "retention", (drop.tenant,), "done", {"items": items}, detail)
        return log.record(act)

    return record
