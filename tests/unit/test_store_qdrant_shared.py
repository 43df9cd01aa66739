"""Two collectors on one server: what one writes, the other sees, and nothing is stored twice."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from qdrant_client import grpc as pb
from standin import StandIn

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import BuiltIn, Compare, Op, PointsAt, Where
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.store.qdrant.pack import Placed, packed
from otel_vector.store.qdrant.values import plain
from otel_vector.testing.builders import (
    T0_NS,
    TENANT,
    SpanRow,
    batch_of,
    item_of,
    join_of,
    meaning_of,
)
from otel_vector.testing.store_case import all_pages, newest_first, write

_DECLINED = (Facet.ERROR, "card declined by the bank")


@pytest.fixture
def two(tmp_path):
    with StandIn(tmp_path / "server") as server:
        config, models = StoreConfig(url=server.url), Models(Model("test-model", 8))
        stores = [QdrantStore(config, models) for _ in range(2)]
        yield [store.tenant(TENANT) for store in stores]
        for store in stores:
            store.close()


def test_the_same_deliveries_written_by_both_at_once_are_stored_once(two):
    rows = [SpanRow(span=n, trace=n % 7, means=(_DECLINED,)) for n in range(1, 201)]
    parts = [rows[start : start + 20] for start in range(0, 200, 20)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda job: write(job[0], job[1]), [(t, p) for p in parts for t in two]))
    declined = meaning_of(_DECLINED).id
    for tenant in two:
        assert all_pages(tenant) == newest_first(rows)
        tally = tenant.reader.tally(Signal.SPANS, Where(), [declined])[declined]
        assert tally.count == len(rows)
        assert tenant.meanings.counts().total == 2


def test_a_new_operation_of_one_is_known_to_filters_of_the_other(two):
    one, other = two
    write(one, [SpanRow(span=1, service="cart")])
    cart = Compare(BuiltIn.SERVICE, Op.EQ, ("cart",))
    assert len(all_pages(other, cart)) == 1
    for number in range(2, 6):
        service = Compare(BuiltIn.SERVICE, Op.EQ, (f"service-{number}",))
        write(one, [SpanRow(span=number, service=f"service-{number}")])
        assert len(all_pages(other, service)) == 1


def test_joins_and_spans_that_meet_are_joined_whoever_writes_them(two):
    one, other = two
    rows = [SpanRow(span=n, trace=n) for n in range(1, 41)]

    def spans():
        for row in rows:
            write(one, [row])

    def joins():
        for row in rows:
            join, texts = join_of(row.trace, row.span, [_DECLINED])
            other.writer.join([join], texts)

    threads = [threading.Thread(target=work) for work in (spans, joins)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pointing = PointsAt((meaning_of(_DECLINED).id,))
    assert all_pages(one, pointing) == newest_first(rows)


def test_joins_of_one_span_by_both_at_once_add_up(two):
    write(two[0], [SpanRow()])
    texts = [(Facet.INPUT, f"question {n}") for n in range(12)]

    def work(numbered):
        number, text = numbered
        join, given = join_of(1, 1, [text])
        two[number % 2].writer.join([join], given)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work, enumerate(texts)))
    (item,) = two[0].reader.items(Signal.SPANS, [item_of(SpanRow()).id])
    assert {meaning_of(text).id for text in texts} < set(item.meanings)


def test_what_one_deletes_the_other_does_not_store_again(two):
    one, other = two
    rows = [SpanRow(span=n, means=(_DECLINED,)) for n in range(1, 21)]
    write(one, rows)
    one.writer.delete(Signal.SPANS, [item_of(row).id for row in rows])
    assert write(other, rows).new == ()
    assert all_pages(other) == []
    assert other.meanings.get([meaning_of(_DECLINED).id]) == {}


def test_a_day_that_both_drop_at_once_is_counted_once(two):
    rows = [SpanRow(span=n, means=(_DECLINED,)) for n in range(1, 41)]
    write(two[0], rows)
    (partition,) = two[0].upkeep.partitions()
    with ThreadPoolExecutor(2) as threads:
        dropped = list(threads.map(lambda tenant: tenant.upkeep.drop(partition.name), two))
    assert sum(dropped) == len(rows)
    declined = meaning_of(_DECLINED).id
    assert two[1].upkeep.retired([declined])[declined].count == len(rows)
    assert all_pages(two[0]) == []


def test_points_are_the_messages_that_the_protocol_says():
    rows = [
        SpanRow(span=1, start_ns=T0_NS + 123_456_789),
        SpanRow(span=2, trace=2, status=2, means=(_DECLINED, (Facet.INPUT, "which card?"))),
        SpanRow(span=3, start_ns=0, duration_ns=0),
        SpanRow(span=4, start_ns=(1 << 64) - 1, means=(_DECLINED,)),
    ]
    batch = batch_of(rows)
    placed = Placed([3, 0, 1, 2], "ab" * 16, "live", 20_400, "acme", [7, 300, 20_000, 0])
    points = [p for part in packed(batch, placed) for p in pb.UpsertPoints.FromString(part).points]
    found = {point.id.uuid: plain(point.payload) for point in points}
    assert len(found) == len(rows)
    for row, position in zip(placed.rows, placed.positions, strict=True):
        payload = found[batch.ids[row]]
        as_one = {
            n: v[0] if len(v) == 1 else list(v)
            for n, v in (("m", tuple(dict.fromkeys(batch.meanings[row]))), ("k", batch.keys[row]))
            if v
        }
        assert payload == {
            "tenant": "acme", "r": 0, "y": 20_400, "b": "ab" * 16, "p": position,
            "t": batch.traces[row], "s": batch.start_ns[row] // 1000,
            "n": batch.start_ns[row] % 1000, "d": batch.buckets[row], **as_one,
        }  # fmt: skip
    assert {tuple(p.vectors.vector.dense.data) for p in points} == {(1.0,)}
