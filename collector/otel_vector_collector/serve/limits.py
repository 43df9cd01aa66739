"""What the serving process adds to limits: it measures disks, and records what was set."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict

from otel_vector.keys.audit import Act, AuditLog
from otel_vector.keys.limits import IngestRates
from otel_vector.keys.quotas import Quotas, quota_book
from otel_vector.keys.usage import DiskWatch, Sharing, Usage
from otel_vector.settings.config import LimitsConfig, Settings
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store
from otel_vector_collector.serve.layout import usage_file

__all__ = ["note_limits", "shared_quotas", "watch_disk"]

_SET = "limits.set"


def note_limits(settings: Settings) -> None:
    """Record the limits in force in the audit log, if they are others than the last time."""
    log = AuditLog(settings.data)
    recorded = [entry.act.detail for entry in log.entries() if entry.act.what == _SET]
    detail = _changed(settings.limits)
    if detail != (recorded[-1] if recorded else {}):
        log.record(Act(_SET, detail=detail))


def watch_disk(settings: Settings, store: Store, stack: ExitStack) -> None:
    """Tell the doors what tenants have on disk, where that is bounded."""
    if not quota_book(settings.limits).has_disk:
        return

    def sizes() -> dict[Tenant, int]:
        return {tenant: store.tenant(tenant).size().disk_bytes for tenant in store.tenants()}

    watch = DiskWatch(Usage(usage_file(settings.data)), sizes)
    watch.start()
    stack.callback(watch.close)


def shared_quotas(settings: Settings, stack: ExitStack) -> Quotas:
    """Return the quotas that what is stored over the API uses up, together with the doors."""
    quotas = Quotas(quota_book(settings.limits))
    sharing = Sharing(Usage(usage_file(settings.data)), IngestRates(settings.limits), quotas)
    sharing.start()
    stack.callback(sharing.close)
    return quotas


def _changed(config: LimitsConfig) -> dict[str, str]:
    """Return the limits that are not the defaults, as texts."""
    defaults = asdict(LimitsConfig())
    return {
        name: ", ".join(value) if isinstance(value, tuple) else str(value)
        for name, value in asdict(config).items()
        if value != defaults[name]
    }
