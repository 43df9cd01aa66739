"""A store that is copied into another one by a process of its own, which a fault may end."""

from __future__ import annotations

import sys
from pathlib import Path

from otel_vector.maintain.describing import describers
from otel_vector.maintain.migrate import Migrated, migrate
from otel_vector.progress import unreported
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.batch import digest_of
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.state.sqlite import SqliteState
from otel_vector.store.edge import EdgeStore
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.testing.builders import T0_NS, LogRow, SpanRow, item_of

TENANTS = (Tenant("one"), Tenant("two"))
DAY_NS = 86_400 * 10**9
SPANS = [
    SpanRow(name=f"op {n % 5}", span=n, trace=1 + n % 7, start_ns=T0_NS + n + n % 3 * DAY_NS)
    for n in range(1, 151)
]
LOGS = [
    LogRow(body=f"payment {n} failed", severity=17, trace=1 + n % 7, span=n, start_ns=T0_NS + n)
    for n in range(1, 25)
]
DESCRIBERS = describers(DescribeConfig())


def opened(folder: Path) -> EdgeStore:
    return EdgeStore(folder, StoreConfig(span_shard_points=100), "test-model", 8)


def fill(store: EdgeStore) -> None:
    for tenant in TENANTS:
        part, rows = store.tenant(tenant), [*range(0, len(SPANS), 50), None]
        for start in rows:
            chunk = LOGS if start is None else SPANS[start : start + 50]
            items = [item_of(row, tenant) for row in chunk]
            signal = items[0].signal
            data = traces_data(items) if signal is Signal.SPANS else logs_data(items)
            batch = DESCRIBERS(tenant)(signal, data.SerializeToString())
            part.writer.write(batch, digest_of(tenant, batch))
            part.writer.join(batch.joins, batch.texts)
        part.writer.delete(Signal.SPANS, [item_of(row, tenant).id for row in SPANS[:7]])
        pending = part.meanings.pending(1_000)
        part.meanings.fill({m.id: [1.0 + m.id % 7] + [1.0] * 7 for m in pending})
    store.checkpoint()


def on_server(url: str) -> QdrantStore:
    config = StoreConfig(url=url, patience_s=60.0)
    return QdrantStore(config, Models(Model("test-model", 8)))


def move(folder: Path, url: str = "") -> Migrated:
    source = opened(folder / "source")
    target = on_server(url) if url else opened(folder / "target")
    state = SqliteState(folder / "state.db")
    done = migrate(source, target, DESCRIBERS, state, "target", unreported)
    for part in (source, target, state):
        part.close()
    return done


if __name__ == "__main__":
    move(Path(sys.argv[1]), *sys.argv[2:])
