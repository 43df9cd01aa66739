"""Sealing: a store answers after it as before, whatever is changed while it goes on."""

import threading

import pytest

from otel_vector.errors import JobCancelledError
from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Attribute, Compare, Op, PointsAt, Where
from otel_vector.spans.meanings import Facet, RunKind, Signal
from otel_vector.store.edge import EdgeStore, seal
from otel_vector.testing.builders import (
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    item_of,
    join_of,
    meaning_of,
    trace_bytes,
)
from otel_vector.testing.store_case import all_pages, write

DAY_NS = 86_400 * 10**9
DECLINED = (Facet.ERROR, "card declined bank")
LATE = (Facet.ERROR, "seen by a late log record")
CONFIG = StoreConfig(span_shard_points=300)
WINDOWS = [  # that shards lie in as a whole, and that cut through one, also within a microsecond
    Where(since_ns=T0_NS),
    Where(since_ns=T0_NS + 50_000, until_ns=T0_NS + DAY_NS),
    Where(since_ns=T0_NS + 50_001, until_ns=T0_NS + 650_999),
    Where(since_ns=T0_NS + 300_000, until_ns=T0_NS + 3 * DAY_NS + 50_000, runs=tuple(RunKind)),
]


def rows(first, last, day=0):
    return [
        SpanRow(
            span=n,
            trace=1 + n % 97,
            start_ns=T0_NS + day * DAY_NS + n * 1000,
            duration_ns=10**6 * (1 + n % 40),
            attributes={"n": n},
            means=(DECLINED,) if n % 5 == 0 else (),
            trace_state="ov=test" if n % 50 == 7 else "",
        )
        for n in range(first, last)
    ]


def answers(store):
    reader, meanings = store.tenant(TENANT).reader, store.tenant(TENANT).meanings
    known = [m.id for m in meanings.operations()] + [meaning_of(DECLINED).id, meaning_of(LATE).id]
    everything = Where(runs=tuple(RunKind))
    ids = [all_pages(store.tenant(TENANT), everything, s, 64) for s in (Signal.SPANS, Signal.LOGS)]
    pages = [reader.items(Signal.SPANS, ids[0]), reader.items(Signal.LOGS, ids[1])]
    return {
        "items": [[(i.id, i.message, set(i.meanings)) for i in page] for page in pages],
        "tally": reader.tally(Signal.SPANS, Where(), known),
        "since": reader.tally(Signal.SPANS, Where(since_ns=T0_NS + 100_000), known),
        "candidates": reader.candidates(Signal.SPANS, Where()),
        "within": [
            (reader.tally(Signal.SPANS, window, known), reader.candidates(Signal.SPANS, window))
            for window in WINDOWS
        ],
        "trace": [i.id for i in reader.trace(trace_bytes(9))],
        "scan": [
            i.id
            for i in reader.find(
                Signal.SPANS, Where(Compare(Attribute("n"), Op.GE, ("100",))), 1000
            ).items
        ],
        "means": [
            i.id
            for i in reader.find(
                Signal.SPANS, Where(PointsAt((meaning_of(DECLINED).id,))), 50
            ).items
        ],
    }


class Opened:
    """A store that can be closed and opened again."""

    def __init__(self, folder):
        self.folder = folder
        self.store = EdgeStore(folder, CONFIG, "none", 0)

    def __getattr__(self, name):
        return getattr(self.store, name)

    def reopen(self):
        self.store.close()
        self.store = EdgeStore(self.folder, CONFIG, "none", 0)


@pytest.fixture
def store(tmp_path):
    opened = Opened(tmp_path / "store")
    yield opened
    opened.close()


def fill(store):
    for first in range(0, 700, 20):  # small blocks
        write(store.tenant(TENANT), rows(first, first + 20))
    write(store.tenant(TENANT), rows(0, 100, day=3))
    write(
        store.tenant(TENANT),
        [LogRow(body=f"line {n}", trace=9, start_ns=T0_NS + n) for n in range(9)],
    )
    store.checkpoint()


def test_full_shards_are_sealed_and_others_when_they_were_idle(store):
    fill(store)
    upkeep = store.tenant(TENANT).upkeep
    assert upkeep.seal(unreported, 3600).shards == 2
    assert store.tenant(TENANT).size().sealed == 2
    done = upkeep.seal(unreported, 0)
    size = store.tenant(TENANT).size()
    assert size.sealed == size.shards == 2 + done.shards
    assert upkeep.seal(unreported, 0).shards == 0


def test_a_sealed_store_answers_as_before_also_after_a_restart(store, tmp_path):
    fill(store)
    before, blocks = answers(store), store.tenant(TENANT).size().blocks
    done = store.tenant(TENANT).upkeep.seal(unreported, 0)
    assert done.merged_blocks > 20
    assert store.tenant(TENANT).size().blocks == blocks - done.merged_blocks
    assert answers(store) == before
    store.reopen()
    assert answers(store) == before


def test_resends_after_sealing_and_merging_are_known(store, tmp_path):
    fill(store)
    store.tenant(TENANT).upkeep.seal(unreported, 0)
    assert write(store.tenant(TENANT), rows(20, 40)).new == ()
    assert write(store.tenant(TENANT), rows(30, 50)).new == ()
    store.reopen()
    assert write(store.tenant(TENANT), rows(20, 40)).new == ()


def test_an_idle_shard_that_was_sealed_takes_more_and_is_sealed_again(store):
    fill(store)
    tenant = store.tenant(TENANT)
    tenant.upkeep.seal(unreported, 0)
    shards = tenant.size().shards
    write(tenant, rows(100, 150, day=3))
    before = answers(store)
    assert tenant.size().shards == shards
    assert tenant.size().sealed == shards - 2  # of live spans and of test runs
    assert tenant.upkeep.seal(unreported, 0).shards == 2
    assert answers(store) == before


def test_what_changes_while_a_shard_is_sealed_is_not_lost(store, tmp_path, monkeypatch):
    fill(store)
    twin = EdgeStore(tmp_path / "twin", CONFIG, "none", 0)
    fill(twin)
    run = seal._run

    def change(store):
        tenant = store.tenant(TENANT)
        join, texts = join_of(6, 5, [LATE])
        tenant.writer.join([join], texts)
        tenant.writer.delete(Signal.SPANS, [item_of(row).id for row in rows(10, 20)])
        write(tenant, rows(700, 720))

    def changing(folder, report):
        run(folder, report)
        if not changed:
            changed.append(folder)
            change(store)

    changed = []
    monkeypatch.setattr(seal, "_run", changing)
    store.tenant(TENANT).upkeep.seal(unreported, 0)
    change(twin)
    assert changed
    assert answers(store) == answers(twin)
    store.reopen()
    assert answers(store) == answers(twin)
    twin.close()


def test_questions_are_answered_while_shards_are_sealed(store):
    fill(store)
    before, faults, done = answers(store), [], threading.Event()

    def ask():
        while not done.is_set():
            if answers(store) != before:
                faults.append("another answer")

    asking = threading.Thread(target=ask)
    asking.start()
    store.tenant(TENANT).upkeep.seal(unreported, 0)
    done.set()
    asking.join()
    assert not faults


def test_a_cancelled_sealing_leaves_the_shard_as_it_was(store, tmp_path):
    fill(store)
    before = answers(store)

    def cancel(done, total=None, note=""):
        raise JobCancelledError("told to end")

    with pytest.raises(JobCancelledError):
        store.tenant(TENANT).upkeep.seal(cancel, 0)
    assert store.tenant(TENANT).size().sealed == 0
    assert answers(store) == before
    assert not list(tmp_path.rglob("*.sealing"))
    assert store.tenant(TENANT).upkeep.seal(unreported, 0).shards > 2


def test_deleting_after_merging_leaves_no_byte_and_no_gap(store, tmp_path):
    fill(store)
    write(
        store.tenant(TENANT),
        [SpanRow(span=900, trace=3, start_ns=T0_NS, attributes={"who": "frieda-secret"})],
    )
    store.tenant(TENANT).upkeep.seal(unreported, 0)
    victim = item_of(
        SpanRow(span=900, trace=3, start_ns=T0_NS, attributes={"who": "frieda-secret"})
    )
    before = answers(store)
    assert store.tenant(TENANT).writer.delete(Signal.SPANS, [victim.id]) == 1
    after = answers(store)
    assert [i for i in before["items"][0] if i[0] != victim.id] == after["items"][0]
    store.reopen()
    assert not [
        f for f in tmp_path.rglob("*") if f.is_file() and b"frieda-secret" in f.read_bytes()
    ]
