"""The services that Jaeger's form lists, and what a chosen one stands for.

Forms of Jaeger before 2.21 demand a service. Where the setting `serve.jaeger_any_service` names
one more entry, choosing it is asking without a service.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.services.catalog import Catalog
from otel_vector.services.search import Restriction
from otel_vector.spans.ids import Tenant

__all__ = ["ServiceNames"]


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """Names services.

    Attributes:
        catalog: knows those that are stored.
        any_service: the entry that stands for all of them; empty for none.
    """

    catalog: Catalog
    any_service: str = ""

    def of(self, tenant: Tenant) -> list[str]:
        """Return the names to choose from: of live spans, sorted, behind the entry for all."""
        rows = self.catalog.services(tenant, Restriction())
        names = sorted(row.name for row in rows if row.name and row.name != self.any_service)
        return [self.any_service, *names] if self.any_service else names

    def meant(self, chosen: str) -> str:
        """Return the service that a chosen name stands for; empty for any."""
        return "" if chosen == self.any_service else chosen
