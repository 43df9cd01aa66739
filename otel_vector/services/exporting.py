"""Everything that counts, as OTLP messages, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import time_ns
from typing import Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.services.search import Restriction
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Store

__all__ = ["PAGE", "Exporting"]

PAGE: Final = 512
"""Items of one message, at most."""


@dataclass(frozen=True, slots=True)
class Exporting:
    """Reads out what is stored, page by page."""

    store: Store
    clock_ns: Callable[[], int] = time_ns

    def messages(
        self, tenant: Tenant, signal: Signal, restriction: Restriction, limit: int | None = None
    ) -> Iterator[TracesData | LogsData]:
        """Return messages of up to `PAGE` items each; what is written meanwhile is left out.

        Raises:
            InvalidQueryError: the restriction cannot be read; before the first message.
        """
        where = restriction.where(self.clock_ns())
        reader = self.store.tenant(tenant).reader

        def pages() -> Iterator[TracesData | LogsData]:
            left, after = limit, None
            while left is None or left > 0:
                page = reader.find(signal, where, PAGE if left is None else min(PAGE, left), after)
                if page.items:
                    yield (traces_data if signal is Signal.SPANS else logs_data)(page.items)
                left = None if left is None else left - len(page.items)
                after = page.next
                if after is None:
                    return

        return pages()
