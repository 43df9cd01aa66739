"""A store of a folder, moved to a server and compared: how long it takes.

    python tests/performance/bench_migrate.py [SPANS] [URL]

The store is filled through its own API, with spans of the generator and a random vector per text.
Without a URL the target is the stand-in, a process of its own; at a URL, collections whose names
begin with `bench_` are written and stay.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from generator import requests
from harness import MemorySampler, table

from otel_vector.maintain.describing import describers
from otel_vector.maintain.migrate import migrate
from otel_vector.progress import unreported
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.batch import digest_of
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.state.sqlite import SqliteState
from otel_vector.store.contract import MeaningStore
from otel_vector.store.edge import EdgeStore
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
URL = sys.argv[2] if len(sys.argv) > 2 else ""
TENANT = Tenant("default")
MODEL = Model("bench", 256)
DESCRIBERS = describers(DescribeConfig())
PART = 100_000


def filled(folder: Path) -> EdgeStore:
    """Return a store with the generator's spans, sealed where a shard is full."""
    store = EdgeStore(folder, StoreConfig(), MODEL.name, MODEL.dimension)
    describe, part = DESCRIBERS(TENANT), store.tenant(TENANT)
    for first in range(0, SPANS, PART):
        for request in requests(min(PART, SPANS - first), seed=first + 1):
            batch = describe(Signal.SPANS, request.body)
            part.writer.write(batch, digest_of(TENANT, batch))
        embed(part.meanings)
        store.checkpoint()
    part.upkeep.seal(unreported, 3600.0)
    return store


def embed(meanings: MeaningStore) -> None:
    """Give every text without a vector a random one."""
    random = np.random.default_rng(1)
    while pending := meanings.pending(1_000):
        vectors = random.standard_normal((len(pending), MODEL.dimension)).astype(np.float32)
        meanings.fill({m.id: v for m, v in zip(pending, vectors, strict=True)})


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Yield a server's address: the given one, or the stand-in's."""
    if URL:
        yield URL
        return
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "standin", "--data", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, server(Path(name, "server")) as url:
        began = time.perf_counter()
        source = filled(Path(name, "source"))
        making_s = time.perf_counter() - began
        state = SqliteState(Path(name, "state.db"))
        target = QdrantStore(StoreConfig(url=url, prefix="bench_"), Models(MODEL))
        memory = MemorySampler(os.getpid(), tree=False)  # the stand-in keeps all in memory
        with closing(source), closing(target), closing(state):
            began, cpu = time.perf_counter(), time.process_time()
            done = migrate(source, target, DESCRIBERS, state, "bench", unreported)
            seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
        peak = memory.stop()
    assert sum(part.found for part in done.partitions) == SPANS
    table(f"{SPANS:,} spans to {'a server' if URL else 'the stand-in'}, {done.vectors:,} vectors", [
        ("made, s", f"{making_s:.0f}", ""),
        ("migrated and compared, s", f"{seconds:.1f}", "300 (1 M)"),
        ("of which this process's processors were busy, s", f"{cpu_s:.1f}", ""),
        ("at this speed 1 M spans, s", f"{seconds / SPANS * 1e6:.0f}", "300"),
        ("memory, peak of the process that migrates, MB", f"{peak / 1e6:.0f}", ""),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
