"""A process that deletes, or drops, in an embedded store; run with CRASH_AT it dies on the way."""

import sys
from pathlib import Path

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    batch_of,
    digest_of,
    item_of,
    join_of,
)

LATER_NS = 90 * 86_400 * SECOND_NS
SECRET = "ermine-vestibule-"
CONFIG = StoreConfig(span_shard_points=100)
OLD = [
    SpanRow(
        span=n,
        trace=n % 11 + 1,
        start_ns=T0_NS + n * 1_000_003,
        attributes={"note": f"{SECRET}{n}."},
        means=((Facet.INPUT, f"{SECRET}{n}."),),
    )
    for n in range(1, 181)
]
NEW = [
    SpanRow(span=1000 + n, trace=n % 11 + 1, start_ns=T0_NS + LATER_NS + n) for n in range(1, 61)
]
LOGS = [LogRow(body=f"line {n}", start_ns=T0_NS + n) for n in range(1, 30)]
DOOMED = OLD[40:140]
STAYING = [*OLD[:40], *OLD[140:], *NEW]
LIMIT_NS = OLD[99].start_ns


def opened(folder):
    return EdgeStore(Path(folder), CONFIG, "none", 0)


def write(store, rows):
    written = []
    for start in range(0, len(rows), 60):
        batch = batch_of(rows[start : start + 60])
        written += store.tenant(TENANT).writer.write(batch, digest_of(batch)).new
    return written


def fill(store):
    write(store, OLD)
    write(store, NEW)
    write(store, LOGS)
    join, texts = join_of(NEW[0].trace, NEW[0].span, [(Facet.OUTPUT, "joined")])
    store.tenant(TENANT).writer.join([join], texts)
    store.checkpoint()


def act(store, what):
    tenant = store.tenant(TENANT)
    if what == "delete":
        return tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in DOOMED])
    name = min((p for p in tenant.upkeep.partitions()), key=lambda p: p.last_ns).name
    return tenant.upkeep.drop(name, LIMIT_NS if what == "cut" else None)


if __name__ == "__main__":
    act(opened(sys.argv[1]), sys.argv[2])
    sys.exit("it did not die")
