"""The state of the collector itself."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus

from otel_vector.client.call import Call, get
from otel_vector.client.readers import read_text
from otel_vector.client.shapes import AuditAnswer, HealthAnswer, ReadyAnswer, StatsAnswer

__all__ = ["audit", "health", "metrics", "ready", "stats"]


def stats() -> Call[StatsAnswer]:
    """Read how much there is."""
    return get("/v1/stats")


def audit(since: str | None = None, limit: int | None = None) -> Call[AuditAnswer]:
    """Read administrative acts."""
    return get("/v1/audit", {"since": since, "limit": limit})


def health() -> Call[HealthAnswer]:
    """Read whether the process answers."""
    return get("/health")


def ready() -> Call[ReadyAnswer]:
    """Read the state of each part, whether or not all is well."""
    return replace(get("/ready"), answers=frozenset({int(HTTPStatus.SERVICE_UNAVAILABLE)}))


def metrics() -> Call[str]:
    """Read what the process counts, in Prometheus' text format."""
    return Call("GET", "/metrics", read_text, accept="text/plain")
