"""`GET /metrics`: what the process counts about itself, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from fastapi import APIRouter, Depends, Request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.responses import Response

from otel_vector.store.contract import Store
from otel_vector.telemetry import Family, HistogramSample, Sample
from otel_vector_collector.api.access import overseer
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.threads import answered

__all__ = ["router"]

router = APIRouter(tags=["state"])

_Metric = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


@router.get(
    "/metrics",
    responses={200: {"content": {"text/plain": {}}}},
    dependencies=[Depends(overseer)],
)
async def metrics(request: Request) -> Response:
    """Return all counters, gauges and histograms, those of all tenants."""
    engine = cast("Serving", request.app.state.engine)
    return Response(await answered(_exposed, engine), media_type=CONTENT_TYPE_LATEST)


class _Collected(Collector):
    """Telemetry and store as Prometheus' client reads them."""

    def __init__(self, engine: Serving) -> None:
        self._engine = engine

    def collect(self) -> Iterator[_Metric]:
        for family in self._engine.telemetry.collect():
            yield _metric(family)
        yield from _stored(self._engine.store)


def _exposed(engine: Serving) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(engine))
    return generate_latest(registry)


def _stored(store: Store) -> Iterator[_Metric]:
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
    yield from (items, disk, meanings)


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
