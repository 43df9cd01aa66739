"""The job that seals, and how often it is looked whether there is something to seal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from otel_vector.jobs.contract import Arguments, Kind, Schedule
from otel_vector.progress import Progress
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.contract import Store

__all__ = ["SEAL", "seal_kind", "seal_schedules"]

SEAL: Final = "seal"


def seal_kind(store: Store, config: StoreConfig) -> Kind:
    """Return the kind: it seals what is due, of a tenant or of all."""

    def work(tenant: Tenant | None, _: Arguments, progress: Progress) -> Arguments:
        from otel_vector.maintain.seal import seal

        tenants = None if tenant is None else [tenant]
        return asdict(seal(store, config.seal_idle_s, progress, tenants))

    return Kind(work)


def seal_schedules(config: StoreConfig) -> list[Schedule]:
    """Return when sealing is tried by itself; never if `store.seal_every_s` is 0."""
    return [Schedule(SEAL, config.seal_every_s)] if config.seal_every_s else []
