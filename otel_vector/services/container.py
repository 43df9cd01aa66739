"""All services of one store, built once by the wiring; each call names its tenant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from otel_vector.embed.cached import TenantCaches
from otel_vector.embed.contract import Embedder
from otel_vector.events.contract import Events
from otel_vector.services.catalog import Catalog
from otel_vector.services.commonest import Commonest
from otel_vector.services.deleting import Deleting
from otel_vector.services.exporting import Exporting
from otel_vector.services.finding import Finding
from otel_vector.services.following import Following
from otel_vector.services.meanings import Meanings
from otel_vector.services.operations import OperationNames
from otel_vector.services.recording import Recorder
from otel_vector.services.records import Records
from otel_vector.services.search import Search
from otel_vector.services.servicemap import ServiceMap
from otel_vector.services.similar import Similar
from otel_vector.services.stats import Observed, Stats
from otel_vector.services.traces import Traces
from otel_vector.settings.config import DescribeConfig, SearchConfig
from otel_vector.store.contract import Store

__all__ = ["Beside", "Services", "build_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What can be asked."""

    search: Search
    similar: Similar
    traces: Traces
    meanings: Meanings
    commonest: Commonest
    catalog: Catalog
    stats: Stats
    following: Following
    exporting: Exporting
    records: Records
    deleting: Deleting
    finding: Finding
    operations: OperationNames
    service_map: ServiceMap


def _nobody() -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What services need of others than the store.

    Attributes:
        redact: returns a text without secrets; called by any thread.
        passage_chars: characters of a passage of a long text.
        arrived: told after texts came in that may be new.
        observed: numbers for the statistics that others keep.
        recorder: takes recorded searches, when `search.record` is on.
    """

    redact: Callable[[str], str]
    passage_chars: int = DescribeConfig().passage_chars
    arrived: Callable[[], None] = _nobody
    observed: Observed = field(default_factory=Observed)
    recorder: Recorder | None = None


def build_services(
    store: Store, embedder: Embedder | None, events: Events, config: SearchConfig, beside: Beside
) -> Services:
    """Build all services over one store.

    Args:
        store: what is stored.
        embedder: gives questions vectors; None for exact and BM25 search only.
        events: where writes are announced.
        config: bounds of searches.
        beside: what others give.
    """
    caches = TenantCaches(embedder) if embedder else None
    search = Search(store, caches, config, beside.recorder)
    catalog = Catalog(store)
    return Services(
        search=search,
        similar=Similar(search),
        traces=Traces(store),
        meanings=Meanings(search),
        commonest=Commonest(search),
        catalog=catalog,
        stats=Stats(store, embedder, beside.observed),
        following=Following(store, events),
        exporting=Exporting(store),
        records=Records(store, beside.redact, beside.passage_chars, beside.arrived),
        deleting=Deleting(store),
        finding=Finding(search),
        operations=OperationNames(catalog),
        service_map=ServiceMap(store),
    )
