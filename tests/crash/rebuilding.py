"""A process that writes while it rebuilds, re-embeds or seals a store, until killed or done.

`rebuilding.py FOLDER ACKS reindex|reembed|seal|merge ROUND`: what is durable is appended to ACKS.
"""

import os
import sys
import threading
from pathlib import Path

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

CONFIG = StoreConfig(span_shard_points=150)
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


def main(folder, acks, work, round_number):
    store, model = opened(folder)
    stopping = threading.Event()

    def traffic():
        number = len(acks.read_text().splitlines()) if acks.exists() else 0
        written = 0
        while not stopping.is_set() or written < 3:
            ids = write(store, number)
            store.checkpoint()
            with acks.open("a") as file:
                file.write(" ".join(ids) + "\n")
                file.flush()
                os.fsync(file.fileno())
            number, written = number + 1, written + 1

    writing = threading.Thread(target=traffic)
    writing.start()
    try:
        embed(store, model)
        if work == "reindex":
            state = SqliteState(folder.parent / "state.db")
            reindex(store, describers(DescribeConfig()), state, unreported)
            state.close()
        elif work in {"seal", "merge"}:
            if work == "merge":  # only what nobody writes to is merged
                stopping.set()
                writing.join()
            store.tenant(TENANT).upkeep.seal(unreported, 0)
        else:
            other = MODELS[1] if model is MODELS[0] else MODELS[0]
            reembed(store, other, None, unreported)
    finally:
        stopping.set()
        writing.join()
        store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
