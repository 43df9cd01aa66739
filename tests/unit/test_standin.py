"""The stand-in of a Qdrant server keeps what the adapter relies on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from qdrant_client import grpc as pb
from standin import StandIn


class Client:
    """Plain stubs to a server."""

    def __init__(self, target: str, key: str = "") -> None:
        self.channel = grpc.insecure_channel(target)
        self.points = pb.PointsStub(self.channel)
        self.collections = pb.CollectionsStub(self.channel)
        self.health = pb.QdrantStub(self.channel)
        self.metadata = (("api-key", key),) if key else ()

    def make(self, name: str = "c", **more: object) -> None:
        vectors = pb.VectorsConfig(params=pb.VectorParams(size=2, distance=pb.Dot))
        request = pb.CreateCollection(collection_name=name, vectors_config=vectors, **more)
        self.collections.Create(request, metadata=self.metadata)

    def index(self, field: str, name: str = "c") -> None:
        params = pb.PayloadIndexParams(
            integer_index_params=pb.IntegerIndexParams(lookup=True, range=True)
        )
        self.points.CreateFieldIndex(
            pb.CreateFieldIndexCollection(
                collection_name=name,
                wait=True,
                field_name=field,
                field_type=pb.FieldTypeInteger,
                field_index_params=params,
            )
        )

    def put(self, numbers: range, name: str = "c", key: str = "") -> None:
        points = [
            pb.PointStruct(
                id=pb.PointId(num=n),
                vectors=pb.Vectors(vector=pb.Vector(dense=pb.DenseVector(data=[1.0, float(n)]))),
                payload={"n": pb.Value(integer_value=n), "even": pb.Value(integer_value=n % 2)},
            )
            for n in numbers
        ]
        selector = pb.ShardKeySelector(shard_keys=[pb.ShardKey(keyword=key)]) if key else None
        self.points.Upsert(
            pb.UpsertPoints(
                collection_name=name, wait=True, points=points, shard_key_selector=selector
            )
        )

    def count(self, name: str = "c") -> int:
        asked = pb.CountPoints(collection_name=name, exact=True)
        return self.points.Count(asked).result.count


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StandIn]:
    with StandIn(tmp_path) as running:
        yield running


@pytest.fixture
def client(server: StandIn) -> Iterator[Client]:
    made = Client(f"127.0.0.1:{server.port}")
    with made.channel:
        yield made


def _refused(call: object, code: grpc.StatusCode, text: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        call()
    assert error.value.code() is code
    assert text in error.value.details()


def test_scrolls_by_id_over_pages_and_by_a_field(client: Client) -> None:
    client.make()
    client.index("n")
    client.put(range(1, 8))
    seen, offset = [], None
    while True:
        page = client.points.Scroll(pb.ScrollPoints(collection_name="c", limit=3, offset=offset))
        seen += [p.id.num for p in page.result]
        if not page.HasField("next_page_offset"):
            break
        offset = page.next_page_offset
    newest = client.points.Scroll(
        pb.ScrollPoints(
            collection_name="c", limit=2, order_by=pb.OrderBy(key="n", direction=pb.Desc)
        )
    )
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert [(p.id.num, p.order_value.int) for p in newest.result] == [(7, 7), (6, 6)]


def test_counts_and_facets_under_a_filter(client: Client) -> None:
    client.make()
    client.index("even")
    client.put(range(1, 8))
    odd = pb.Filter(
        must=[pb.Condition(field=pb.FieldCondition(key="even", match=pb.Match(integer=1)))]
    )
    counted = client.points.Count(pb.CountPoints(collection_name="c", filter=odd, exact=True))
    hits = client.points.Facet(pb.FacetCounts(collection_name="c", key="even", limit=5)).hits
    assert counted.result.count == 4
    assert [(hit.value.integer_value, hit.count) for hit in hits] == [(1, 4), (0, 3)]


def test_answers_the_nearest_points(client: Client) -> None:
    client.make()
    client.put(range(1, 8))
    near = pb.Query(nearest=pb.VectorInput(dense=pb.DenseVector(data=[0.0, 1.0])))
    asked = pb.QueryPoints(collection_name="c", query=near, limit=2)
    batch = pb.QueryBatchPoints(collection_name="c", query_points=[asked])
    found = client.points.QueryBatch(batch).result[0].result
    assert [(p.id.num, p.score) for p in found] == [(7, 7.0), (6, 6.0)]


def test_a_collection_may_be_without_vectors(client: Client) -> None:
    client.collections.Create(pb.CreateCollection(collection_name="plain"))
    point = pb.PointStruct(id=pb.PointId(uuid="0" * 32), payload={"a": pb.Value(string_value="b")})
    request = pb.UpsertPoints(collection_name="plain", wait=True, points=[point])
    _refused(
        lambda: client.points.Upsert(request),
        grpc.StatusCode.INVALID_ARGUMENT,
        "Expected some vectors",
    )
    point.vectors.vectors.SetInParent()
    client.points.Upsert(pb.UpsertPoints(collection_name="plain", wait=True, points=[point]))
    (found,) = client.points.Scroll(pb.ScrollPoints(collection_name="plain")).result
    assert found.payload["a"].string_value == "b"
    assert not found.HasField("vectors")


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    with StandIn(tmp_path) as first:
        client = Client(f"127.0.0.1:{first.port}")
        client.make(sharding_method=pb.Custom)
        key = pb.CreateShardKey(shard_key=pb.ShardKey(keyword="today"))
        client.collections.CreateShardKey(
            pb.CreateShardKeyRequest(collection_name="c", request=key)
        )
        client.index("n")
        client.put(range(5), key="today")
        client.channel.close()
    with StandIn(tmp_path) as second:
        client = Client(f"127.0.0.1:{second.port}")
        info = client.collections.Get(pb.GetCollectionInfoRequest(collection_name="c")).result
        assert client.count() == 5
        assert list(info.payload_schema) == ["n"]
        client.channel.close()


def test_refuses_with_the_status_and_text_of_the_real_server(client: Client) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    _refused(lambda: client.count("none"), grpc.StatusCode.NOT_FOUND, "`none` doesn't exist!")
    client.make()
    _refused(client.make, grpc.StatusCode.ALREADY_EXISTS, "already exists!")
    client.put(range(1))
    facet = pb.FacetCounts(collection_name="c", key="n")
    _refused(lambda: client.points.Facet(facet), invalid, "No appropriate index for faceting")
    ordered = pb.ScrollPoints(collection_name="c", order_by=pb.OrderBy(key="n"))
    _refused(lambda: client.points.Scroll(ordered), invalid, "No range index for `order_by`")
    wrong = pb.UpsertPoints(
        collection_name="c",
        points=[
            pb.PointStruct(
                id=pb.PointId(num=1),
                vectors=pb.Vectors(vector=pb.Vector(dense=pb.DenseVector(data=[1.0]))),
            )
        ],
    )
    _refused(lambda: client.points.Upsert(wrong), invalid, "expected dim: 2, got 1")
    unknown = pb.SetPayloadPoints(
        collection_name="c",
        wait=True,
        payload={"n": pb.Value(integer_value=1)},
        points_selector=pb.PointsSelector(points=pb.PointsIdsList(ids=[pb.PointId(num=9)])),
    )
    _refused(
        lambda: client.points.SetPayload(unknown),
        grpc.StatusCode.NOT_FOUND,
        "No point with id 9 found",
    )


def test_a_shard_key_made_twice_is_refused(client: Client) -> None:
    client.make(sharding_method=pb.Custom)
    key = pb.CreateShardKey(shard_key=pb.ShardKey(keyword="d"))
    request = pb.CreateShardKeyRequest(collection_name="c", request=key)
    client.collections.CreateShardKey(request)
    _refused(
        lambda: client.collections.CreateShardKey(request),
        grpc.StatusCode.INVALID_ARGUMENT,
        'Sharding key "d" already exists for collection c',
    )


def test_what_it_does_not_know_is_refused_by_name(client: Client) -> None:
    client.make()
    text = pb.Condition(field=pb.FieldCondition(key="a", match=pb.Match(text="x")))
    asked = pb.CountPoints(collection_name="c", filter=pb.Filter(must=[text]))
    code = grpc.StatusCode.UNIMPLEMENTED
    _refused(lambda: client.points.Count(asked), code, "Match.text")
    _refused(lambda: client.points.Discover(pb.DiscoverPoints()), code, "")


def test_a_key_is_asked_for_everywhere_but_at_the_health_check(tmp_path: Path) -> None:
    with StandIn(tmp_path, api_key="right") as running:
        none, wrong, right = (
            Client(f"127.0.0.1:{running.port}", key) for key in ("", "wrong", "right")
        )
        assert none.health.HealthCheck(pb.HealthCheckRequest()).version == "1.18.3"
        code = grpc.StatusCode.UNAUTHENTICATED
        _refused(none.make, code, "Must provide an API key")
        _refused(wrong.make, code, "Invalid API key")
        right.make()
        for client in (none, wrong, right):
            client.channel.close()


def test_fails_stalls_and_loses_answers_when_told_to(server: StandIn, client: Client) -> None:
    client.make()
    server.faults.fail("Upsert", times=2)
    for _ in range(2):
        _refused(lambda: client.put(range(1)), grpc.StatusCode.UNAVAILABLE, "")
    server.faults.lose_answers("Upsert")
    _refused(lambda: client.put(range(3)), grpc.StatusCode.UNAVAILABLE, "")
    assert client.count() == 3
    with server.faults.stalled("Count"), pytest.raises(grpc.RpcError) as error:
        client.points.Count(pb.CountPoints(collection_name="c"), timeout=0.2)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    server.faults.disk_full = True
    _refused(lambda: client.put(range(1)), grpc.StatusCode.INTERNAL, "No space left on device")
    assert client.count() == 3
    assert server.faults.calls["Upsert"] == 4
