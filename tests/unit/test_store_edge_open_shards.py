"""How many shards are open is bounded over all tenants of a store; each is answered all the same."""

import sys
import threading
from functools import partial

import pytest

from otel_vector.progress import unreported
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.items import traces_data
from otel_vector.spans.meanings import Signal
from otel_vector.store.contract import Nearest
from otel_vector.store.edge import EdgeStore
from otel_vector.store.edge.open_shards import OpenShards, Room
from otel_vector.store.edge.shortage import memory_maps
from otel_vector.testing.builders import SpanRow, digest_of, item_of
from otel_vector.testing.store_rebuilding import described

OPEN, MAPS = 4, 70
NAMES = [Tenant(f"tenant-{n}") for n in range(10)]
MONTH_NS = 40 * 86_400 * 10**9

# Memory maps and descriptors are counted in /proc.
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process has")


def opened(folder, limit=OPEN):
    return EdgeStore(folder, StoreConfig(max_open_shards=limit), "hashing", 8)


def write(tenant, trace):
    start = SpanRow().start_ns
    rows = [SpanRow(trace=trace, span=n, start_ns=start + n * MONTH_NS) for n in (1, 2)]
    message = traces_data([item_of(row) for row in rows]).SerializeToString()
    batch = described(Signal.SPANS, message)
    tenant.writer.write(batch, digest_of(batch))


def asked(store, name):
    tenant = store.tenant(name)
    found = tenant.reader.candidates(Signal.SPANS, Where())
    texts = {meaning.text for meaning in tenant.meanings.get(list(found)).values()}
    hits = tenant.meanings.nearest(Nearest(None, "cart", limit=3))
    return len(tenant.reader.find(Signal.SPANS, Where(), 9).items), len(found), texts, len(hits)


@linux
def test_many_tenants_are_written_and_asked_with_few_shards_open(tmp_path):
    store = opened(tmp_path)
    write(store.tenant(NAMES[0]), 1)
    expected, most = asked(store, NAMES[0]), 0
    bound = memory_maps().used + 2 * (OPEN + 1) * MAPS + 20 * len(NAMES)
    for trace, name in enumerate(NAMES[1:], start=2):
        write(store.tenant(name), trace)
        most = max(most, memory_maps().used)
    for name in [*NAMES, *reversed(NAMES)]:
        assert asked(store, name) == expected
        most = max(most, memory_maps().used)
    store.close()
    store = opened(tmp_path)
    assert [asked(store, name) for name in NAMES] == [expected] * len(NAMES)
    assert max(most, memory_maps().used) < bound
    store.close()


def test_tenants_that_close_each_others_shards_get_on_at_once(tmp_path):
    """Each thread holds its own tenant's lock when it wants another's shard closed."""
    store, names, faults = opened(tmp_path), NAMES[:6], []
    for trace, name in enumerate(names, start=1):
        write(store.tenant(name), trace)
    expected = asked(store, names[0])

    def work(at):
        try:
            for step in range(6):
                name = names[(at + step) % len(names)]
                assert asked(store, name) == expected
                store.checkpoint()
        except Exception as fault:  # noqa: BLE001 -- whatever it is, the test shows it
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(at,), daemon=True) for at in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "they wait for each other"
    assert not faults, faults
    store.close()


def test_a_copy_is_whole_while_other_tenants_want_the_room(tmp_path):
    store, names, over = opened(tmp_path / "store", 2), NAMES[:3], threading.Event()
    for trace, name in enumerate(names, start=1):
        write(store.tenant(name), trace)
    expected = asked(store, names[0])

    def ask():
        while not over.wait(0.05):
            for name in names:
                asked(store, name)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        (tmp_path / "copy").mkdir()
        store.snapshot(tmp_path / "copy", unreported)
    finally:
        over.set()
        thread.join(60)
        store.close()
    copy = opened(tmp_path / "copy")
    assert [asked(copy, name) for name in names] == [expected] * len(names)
    assert not any(copy.tenant(name).upkeep.damaged() for name in names)
    copy.close()


def test_what_cannot_be_closed_is_passed_over_and_closed_later():
    room, closed, busy = OpenShards(2), [], {"a"}

    def close(name):
        if name not in busy:
            closed.append(name)
            room.leave(name)

    def enter(name):
        room.enter(name, partial(close, name))

    for name in "abc":
        enter(name)
    assert (closed, len(room)) == (["b"], 2)
    busy |= {"c"}
    enter("d")
    assert (closed, len(room)) == (["b"], 3)
    busy.clear()
    room.used("a")
    enter("e")
    assert (closed, len(room)) == (["b", "c", "d"], 2)


@linux
def test_no_more_shards_may_be_open_than_there_are_memory_maps_for():
    room = Room.of(10_000_000)
    for number in range(100_000):
        for shards in (room.points, room.meanings):
            shards.enter(number, partial(shards.leave, number))
        if room.points.is_full and room.meanings.is_full:
            break
    assert (len(room.points) + len(room.meanings)) * MAPS <= memory_maps().limit
