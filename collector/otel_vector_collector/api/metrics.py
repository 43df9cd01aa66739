"""`GET /metrics`: what the process counts about itself, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, cast

from fastapi import APIRouter, Depends, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from otel_vector.errors import StoreUnavailableError
from otel_vector.store.contract import Store
from otel_vector.store.timely import Timely
from otel_vector.telemetry import Family, HistogramSample, Sample
from otel_vector_collector.api.access import overseer
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.threads import answered

__all__ = ["Sizes", "router", "sizes_of"]

router = APIRouter(tags=["state"])

_Metric = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
_WAIT_S: Final = 3.0  # for the store; Prometheus gives up after ten

Sizes = Callable[[], list[GaugeMetricFamily]]
"""Reads how much is stored; raises StoreUnavailableError if that takes long."""


@router.get(
    "/metrics",
    responses={200: {"content": {"text/plain": {}}}},
    dependencies=[Depends(overseer)],
)
async def metrics(request: Request) -> Response:
    """Return all counters, gauges and histograms, those of all tenants.

    What the store does not tell in time is left out; `otel_vector_store_up` is 0 then.
    """
    state = request.app.state
    exposed = await answered(_exposed, cast("Serving", state.engine), cast("Sizes", state.sizes))
    return Response(exposed, media_type=CONTENT_TYPE_LATEST)


def sizes_of(store: Store) -> Sizes:
    """Return what reads how much a store holds; for the whole life of an application."""
    return Timely(partial(_stored, store), _WAIT_S)


class _Collected(Collector):
    """Telemetry and store as Prometheus' client reads them."""

    def __init__(self, engine: Serving, sizes: Sizes) -> None:
        self._engine = engine
        self._sizes = sizes

    def collect(self) -> Iterator[_Metric]:
        for family in self._engine.telemetry.collect():
            yield _metric(family)
        up = GaugeMetricFamily("otel_vector_store_up", "whether the store answers", value=1)
        try:
            yield from self._sizes()
        except StoreUnavailableError:
            up = GaugeMetricFamily(up.name, up.documentation, value=0)
        yield up


def _exposed(engine: Serving, sizes: Sizes) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(engine, sizes))
    return generate_latest(registry)


def _stored(store: Store) -> list[GaugeMetricFamily]:
    items = GaugeMetricFamily(
        "otel_vector_store_items", "stored spans and log records", labels=("tenant", "signal")
    )
    disk = GaugeMetricFamily("otel_vector_store_bytes", "bytes on disk", labels=("tenant",))
    meanings = GaugeMetricFamily("otel_vector_store_meanings", "meanings", labels=("tenant",))
    for tenant in store.tenants():
        size = store.tenant(tenant).size()
        items.add_metric((tenant, "spans"), size.spans)
        items.add_metric((tenant, "logs"), size.logs)
        disk.add_metric((tenant,), size.disk_bytes)
        meanings.add_metric((tenant,), store.tenant(tenant).meanings.counts().total)
    return [items, disk, meanings]


def _metric(family: Family) -> _Metric:
    if family.kind == "histogram":
        return _histogram(family)
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.text, labels=family.labels)
    for sample in family.samples:
        if isinstance(sample, Sample):
            metric.add_metric(sample.labels, sample.value)
    return metric


def _histogram(family: Family) -> HistogramMetricFamily:
    metric = HistogramMetricFamily(family.name, family.text, labels=family.labels)
    for sample in family.samples:
        if isinstance(sample, HistogramSample):
            buckets = [(_bound(bound), count) for bound, count in sample.buckets]
            metric.add_metric(sample.labels, buckets, sample.total)
    return metric


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else str(bound)
