"""All services of one store, built once by the wiring; each call names its tenant."""

from __future__ import annotations

from dataclasses import dataclass

from otel_vector.embed.contract import Embedder
from otel_vector.events.contract import Events
from otel_vector.services.catalog import Catalog
from otel_vector.services.exporting import Exporting
from otel_vector.services.following import Following
from otel_vector.services.meanings import Meanings
from otel_vector.services.recording import Recorder
from otel_vector.services.search import Search
from otel_vector.services.similar import Similar
from otel_vector.services.stats import Observed, Stats
from otel_vector.services.traces import Traces
from otel_vector.settings.config import SearchConfig
from otel_vector.store.contract import Store

__all__ = ["Services", "build_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What can be asked."""

    search: Search
    similar: Similar
    traces: Traces
    meanings: Meanings
    catalog: Catalog
    stats: Stats
    following: Following
    exporting: Exporting


def build_services(
    store: Store,
    embedder: Embedder | None,
    events: Events,
    config: SearchConfig,
    observed: Observed | None = None,
    recorder: Recorder | None = None,
) -> Services:
    """Build all services over one store.

    Args:
        store: what is stored.
        embedder: gives questions vectors, remembering the latest; None for exact and BM25
            search only.
        events: where writes are announced.
        config: bounds of searches.
        observed: numbers for the statistics that others keep.
        recorder: takes recorded searches, when `search.record` is on.
    """
    search = Search(store, embedder, config, recorder)
    return Services(
        search=search,
        similar=Similar(search),
        traces=Traces(store),
        meanings=Meanings(search),
        catalog=Catalog(store),
        stats=Stats(store, embedder, observed or Observed()),
        following=Following(store, events),
        exporting=Exporting(store),
    )
