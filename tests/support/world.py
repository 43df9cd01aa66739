"""A small shop whose spans, failures and logs the service tests ask about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.embed.contract import Embedder, Role
from otel_vector.events.local import LocalEvents
from otel_vector.redact.redactor import Redactor
from otel_vector.services.container import Beside, Services, build_services
from otel_vector.services.stats import Observed
from otel_vector.settings.config import RedactConfig, SearchConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.store.memory import MemoryStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    Row,
    SpanRow,
    batch_of,
    digest_of,
)
from otel_vector.testing.hashing import HashingEmbedder

DECLINED = (Facet.ERROR, "PaymentError: card declined by issuer")
TIMEOUT = (Facet.ERROR, "TimeoutError: inventory did not answer")
REDACTOR = Redactor(RedactConfig(), bytes(16))


@dataclass
class Recorded:
    """A recorder that keeps what it is given."""

    spans: list[tuple[Tenant, TracesData]] = field(default_factory=list)

    def record(self, tenant: Tenant, spans: TracesData) -> None:
        self.spans.append((tenant, spans))


class World:
    """A store with services over it; a write is embedded at once unless told otherwise."""

    def __init__(
        self,
        *,
        embedder: Embedder | None = None,
        without_embedder: bool = False,
        config: SearchConfig | None = None,
        observed: Observed | None = None,
    ) -> None:
        self.embedder = None if without_embedder else embedder or HashingEmbedder(64)
        self.store = MemoryStore(64, "hashing-64")
        self.events = LocalEvents()
        self.recorded = Recorded()
        self.services: Services = build_services(
            self.store,
            self.embedder,
            self.events,
            config or SearchConfig(),
            Beside(REDACTOR.text, observed=observed or Observed(), recorder=self.recorded),
        )

    def write(
        self, rows: Sequence[Row], *, tenant: Tenant = TENANT, embed: bool = True
    ) -> list[str]:
        """Store rows of one signal; return their content ids."""
        batch = batch_of(rows, tenant)
        written = self.store.tenant(tenant).writer.write(batch, digest_of(batch))
        if embed and self.embedder:
            self.embed(tenant)
        self.events.publish(tenant, batch.signal, written.new, len(written.new))
        return list(batch.ids)

    def embed(self, tenant: Tenant = TENANT) -> None:
        """Give every pending meaning its vector."""
        assert self.embedder
        meanings = self.store.tenant(tenant).meanings
        pending = meanings.pending(10_000)
        vectors = self.embedder.embed([m.text for m in pending], Role.PASSAGE)
        meanings.fill({m.id: v for m, v in zip(pending, vectors, strict=True)})


def at(second: float) -> int:
    """Return a moment some seconds after the start of the world, in nanoseconds."""
    return T0_NS + round(second * SECOND_NS)


def shop() -> World:
    """Ten carts loaded, four payments of which two are declined, one slow inventory call."""
    world = World()
    world.write(
        [
            SpanRow(name="GET /cart", service="frontend", trace=n, span=n, start_ns=at(n))
            for n in range(1, 11)
        ]
    )
    world.write(
        [
            SpanRow(
                name="charge card",
                service="payment",
                trace=n,
                span=100 + n,
                parent=n,
                start_ns=at(20 + n),
                status=2 if n % 2 else 0,
                duration_ns=n * 100_000_000,
                attributes={"order.id": f"order-88{n}7", "amount": n * 10},
                means=(DECLINED,) if n % 2 else (),
            )
            for n in range(1, 5)
        ]
    )
    world.write(
        [
            SpanRow(
                name="reserve stock",
                service="inventory",
                trace=5,
                span=205,
                parent=5,
                start_ns=at(30),
                status=2,
                duration_ns=5_000_000_000,
                means=(TIMEOUT,),
            )
        ]
    )
    world.write(
        [
            LogRow(
                body="stock level of shelf is low",
                service="inventory",
                trace=5,
                span=205,
                start_ns=at(31),
                severity=13,
                means=((Facet.LOG, "stock level of shelf is low"),),
            )
        ]
    )
    return world
