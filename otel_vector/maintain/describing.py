"""Stored blocks described again: what rebuilding asks for."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.upkeep import Describe

__all__ = ["Describers", "describers"]

Describers = Callable[[Tenant], Describe]
"""Returns what describes a tenant's blocks; used by one thread."""


def describers(config: DescribeConfig) -> Describers:
    """Return describers that follow the recipe of this version."""

    def of_tenant(tenant: Tenant) -> Describe:
        describer = Describer(config, tenant)

        def describe(signal: Signal, message: bytes) -> Batch:
            if signal is Signal.SPANS:
                return describer.traces(TracesData.FromString(message))
            return describer.logs(LogsData.FromString(message))

        return describe

    return of_tenant
