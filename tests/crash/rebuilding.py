"""A process that writes while it rebuilds, re-embeds or seals a store, until killed or done.

`rebuilding.py FOLDER ACKS reindex|reembed|seal|merge`: what is durable is appended to ACKS.

How much it writes and how much there is to do has bounds that no clock moves, so that a process
that is to die at a stage reaches it on a slow machine, and does not drown on a fast one.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

from otel_vector.embed.contract import Role
from otel_vector.maintain.describing import describers
from otel_vector.maintain.reembed import reembed
from otel_vector.maintain.reindex import reindex
from otel_vector.progress import unreported
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.items import logs_data, traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.state.sqlite import SqliteState
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.header import read_header
from otel_vector.testing.builders import T0_NS, TENANT, LogRow, SpanRow, digest_of, item_of
from otel_vector.testing.hashing import HashingEmbedder

CONFIG = StoreConfig(span_shard_points=120, query_timeout_s=600)
FEW, TO_FILL_SHARDS, MOST = 3, 24, 40
"""Batches a process writes, 20 spans each in three partitions: 18 fill a shard of every one."""
MODELS = (HashingEmbedder(64), HashingEmbedder(96))
_DAY_NS = 86_400 * 10**9


def opened(folder):
    """Open the store with the model it has, the first one if it has none."""
    header = read_header(folder / "store.json")
    known = header.models.default.name if header else MODELS[0].model
    model = next(m for m in MODELS if m.model == known)
    return EdgeStore(folder, CONFIG, model.model, model.dimension), model


def write(store, number):
    """Write the rows of a number, spans and a log record that joins one; return their ids."""
    describe = describers(DescribeConfig())(TENANT)
    first = number * 20 + 1
    spans = [
        item_of(SpanRow(
            name=f"op {n % 6}", span=n, trace=n, start_ns=T0_NS + n + (n % 3) * 40 * _DAY_NS,
            attributes={"gen_ai.prompt": f"question {n}"} if n % 5 == 0 else {},
        ))
        for n in range(first, first + 20)
    ]  # fmt: skip
    log = item_of(LogRow(body=f"trouble with cart {number}", severity=17, trace=first, span=first,
                         start_ns=T0_NS + first + 40 * _DAY_NS))  # fmt: skip
    writer = store.tenant(TENANT).writer
    for data, signal in ((traces_data(spans), Signal.SPANS), (logs_data([log]), Signal.LOGS)):
        batch = describe(signal, data.SerializeToString())
        writer.write(batch, digest_of(batch))
        writer.join(batch.joins, batch.texts)
    return [item.id for item in spans]


def embed(store, model):
    """Give the texts that wait the vectors of the model that answers."""
    meanings = store.tenant(TENANT).meanings
    while waiting := meanings.pending(500):
        vectors = model.embed([meaning.text for meaning in waiting], Role.PASSAGE)
        meanings.fill({m.id: vector for m, vector in zip(waiting, vectors, strict=True)})


class Traffic:
    """Writes while something else is done to the store."""

    def __init__(self, store, acks, least):
        self.store, self.acks, self.least = store, acks, least
        self.stopping, self.enough = Event(), Event()

    def run(self):
        """Write until told to stop: `least` batches in any case, `MOST` at most."""
        try:
            number = len(self.acks.read_text().splitlines()) if self.acks.exists() else 0
            for written in range(MOST):
                if self.stopping.is_set() and written >= self.least:
                    return
                self.write(number + written)
                if written + 1 >= self.least:
                    self.enough.set()
        finally:
            self.enough.set()

    def write(self, number):
        ids = write(self.store, number)
        self.store.checkpoint()
        with self.acks.open("a") as file:
            file.write(" ".join(ids) + "\n")
            file.flush()
            os.fsync(file.fileno())


def seal(store, traffic):
    """Seal while points come, and at last what came by then: some of every partition."""
    upkeep = store.tenant(TENANT).upkeep
    while not traffic.enough.wait(0.05):
        upkeep.seal(unreported, 0)
    upkeep.seal(unreported, 0)


def work_on(store, model, work, traffic, folder):
    """Do what the command line names."""
    if work == "reindex":
        with closing(SqliteState(folder.parent / "state.db")) as state:
            reindex(store, describers(DescribeConfig()), state, unreported)
    elif work == "reembed":
        reembed(store, MODELS[model is MODELS[0]], None, unreported)
    else:
        seal(store, traffic)


def main(folder, acks, work):
    store, model = opened(folder)
    with closing(store), ThreadPoolExecutor(1) as threads:
        traffic = Traffic(store, acks, TO_FILL_SHARDS if work == "seal" else FEW)
        writing = threads.submit(traffic.run)
        try:
            embed(store, model)
            if work == "merge":  # only what nobody writes to is merged
                traffic.stopping.set()
                writing.result()
            work_on(store, model, work, traffic, folder)
        finally:
            traffic.stopping.set()
        writing.result()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
