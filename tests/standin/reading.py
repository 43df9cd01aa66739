"""The `Points` service: reading. Answers of several shards are merged as the server does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import qdrant_edge as engine
from qdrant_client import grpc as pb

from standin.conditions import given_filter
from standin.refusals import bad_input, invalid, of_engine, only, unknown
from standin.shelf import Shelf
from standin.values import (
    fill_payload,
    id_order,
    plain_id,
    point_id,
    selection,
    stored_vectors,
    vector_of,
    vectors_wanted,
)

__all__ = ["Reading"]

_COMMON = ("collection_name", "read_consistency", "shard_key_selector", "timeout", "filter")
_PAGE = 10
_ALL_FACETS = 1 << 20


class Reading(pb.PointsServicer):
    """Answers questions."""

    def __init__(self, shelf: Shelf) -> None:
        """Serve the collections of a data folder."""
        self._shelf = shelf

    def Get(self, request: pb.GetPoints, context: Any) -> Any:
        """Return points by their ids."""
        collection = self._shelf[request.collection_name]
        ids = [plain_id(i) for i in request.ids]
        payload, vectors = selection(request.with_payload), vectors_wanted(request.with_vectors)
        answer = pb.GetResponse()
        with collection.lock, of_engine():
            for shard in collection.readable(request.shard_key_selector):
                for record in shard.retrieve(ids, payload, vectors):
                    _fill(answer.result.add(), record)
        return answer

    def Count(self, request: pb.CountPoints, context: Any) -> Any:
        """Count points under a filter."""
        only(request, *_COMMON, "exact")
        collection = self._shelf[request.collection_name]
        asked = engine.CountRequest(True, given_filter(request))
        with collection.lock, of_engine():
            shards = collection.readable(request.shard_key_selector)
            count = sum(shard.count(asked) for shard in shards)
        return pb.CountResponse(result=pb.CountResult(count=count))

    def Facet(self, request: pb.FacetCounts, context: Any) -> Any:
        """Count the values of a field under a filter, the most frequent first."""
        only(request, *_COMMON, "key", "limit", "exact")
        collection = self._shelf[request.collection_name]
        shards_asked = engine.FacetRequest(
            request.key, _ALL_FACETS, request.exact, given_filter(request)
        )
        counts: Counter[Any] = Counter()
        with collection.lock, of_engine():
            for shard in collection.readable(request.shard_key_selector):
                counts.update({hit.value: hit.count for hit in shard.facet(shards_asked)})
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        limit = request.limit if request.HasField("limit") else _PAGE
        hits = [pb.FacetHit(value=_facet(v), count=n) for v, n in ordered[:limit]]
        return pb.FacetResponse(hits=hits)

    def Scroll(self, request: pb.ScrollPoints, context: Any) -> Any:
        """Return points by id, or by a field."""
        only(request, *_COMMON, "offset", "limit", "with_payload", "with_vectors", "order_by")
        if request.HasField("limit") and not request.limit:
            raise invalid(
                "Validation error in body: [limit: value 0 invalid, must be 1 or larger]"
            )
        limit = request.limit if request.HasField("limit") else _PAGE
        collection = self._shelf[request.collection_name]
        with collection.lock, of_engine():
            shards = collection.readable(request.shard_key_selector)
            if request.HasField("order_by"):
                return _ordered(shards, request, limit)
            return _by_id(shards, request, limit)

    def Query(self, request: pb.QueryPoints, context: Any) -> Any:
        """Return the nearest points."""
        return pb.QueryResponse(result=self._query(request, request.collection_name))

    def QueryBatch(self, request: pb.QueryBatchPoints, context: Any) -> Any:
        """Answer several questions to one collection."""
        name = request.collection_name
        results = [
            pb.BatchResult(result=self._query(question, name)) for question in request.query_points
        ]
        return pb.QueryBatchResponse(result=results)

    def _query(self, request: pb.QueryPoints, name: str) -> list[pb.ScoredPoint]:
        only(
            request,
            *(*_COMMON, "query", "using", "limit", "with_payload", "with_vectors", "params"),
        )
        only(request.query, "nearest")
        only(request.params, "exact", "hnsw_ef", "indexed_only")
        if not request.HasField("query"):
            raise unknown("QueryPoints without a query")
        limit = request.limit if request.HasField("limit") else _PAGE
        using = request.using if request.HasField("using") else None
        asked = engine.QueryRequest(
            limit=limit,
            query=engine.Query.Nearest(vector_of(request.query.nearest), using=using),
            filter=given_filter(request),
            with_payload=selection(request.with_payload),
            with_vector=vectors_wanted(request.with_vectors),
        )
        collection = self._shelf[name]
        with collection.lock, of_engine():
            shards = collection.readable(request.shard_key_selector)
            found = [point for shard in shards for point in shard.query(asked)]
        found.sort(key=lambda point: -point.score)
        return [_scored(point) for point in found[:limit]]


def _by_id(
    shards: Sequence[engine.EdgeShard], request: pb.ScrollPoints, limit: int
) -> pb.ScrollResponse:
    asked = engine.ScrollRequest(
        offset=plain_id(request.offset) if request.HasField("offset") else None,
        limit=limit + 1,
        filter=given_filter(request),
        with_payload=_payload(request),
        with_vector=vectors_wanted(request.with_vectors),
    )
    found = [record for shard in shards for record in shard.scroll(asked)[0]]
    found.sort(key=lambda record: id_order(record.id))
    answer = pb.ScrollResponse()
    for record in found[:limit]:
        _fill(answer.result.add(), record)
    if len(found) > limit:
        answer.next_page_offset.CopyFrom(point_id(found[limit].id))
    return answer


def _ordered(
    shards: Sequence[engine.EdgeShard], request: pb.ScrollPoints, limit: int
) -> pb.ScrollResponse:
    if request.HasField("offset"):
        raise bad_input("Cannot use an `offset` when using `order_by`. The alternative for paging "
                        "is to use `order_by.start_from` and a filter to exclude the IDs that "
                        "you've already seen for the `order_by.start_from` value")  # fmt: skip
    key, descending = request.order_by.key, request.order_by.direction == pb.Desc
    direction = engine.Direction.Desc if descending else engine.Direction.Asc
    asked = engine.ScrollRequest(
        limit=limit,
        filter=given_filter(request),
        with_payload=[key],
        order_by=engine.OrderBy(key, direction, _start(request.order_by)),
    )
    found = [(r.payload[key], r.id, shard) for shard in shards for r in shard.scroll(asked)[0]]
    found.sort(key=lambda entry: entry[0], reverse=descending)
    answer = pb.ScrollResponse()
    wanted = _payload(request), vectors_wanted(request.with_vectors)
    by_shard = [
        {r.id: r for r in shard.retrieve([i for _, i, s in found[:limit] if s is shard], *wanted)}
        for shard in shards
    ]
    for value, identity, shard in found[:limit]:
        point = answer.result.add()
        _fill(point, by_shard[shards.index(shard)][identity])
        point.order_value.int = value
    return answer


def _start(order: pb.OrderBy) -> Any:
    kind = order.start_from.WhichOneof("value")
    if kind not in {None, "integer", "float"}:
        raise unknown(f"StartFrom.{kind}")
    return None if kind is None else getattr(order.start_from, kind)


def _payload(request: pb.ScrollPoints) -> Any:
    return selection(request.with_payload) if request.HasField("with_payload") else True


def _fill(target: pb.RetrievedPoint, record: engine.Record) -> None:
    target.id.CopyFrom(point_id(record.id))
    fill_payload(target.payload, record.payload or {})
    vectors = stored_vectors(record.vector)
    if vectors is not None:
        target.vectors.CopyFrom(vectors)


def _scored(point: engine.ScoredPoint) -> pb.ScoredPoint:
    scored = pb.ScoredPoint(id=point_id(point.id), score=point.score, version=point.version)
    fill_payload(scored.payload, point.payload or {})
    vectors = stored_vectors(point.vector)
    if vectors is not None:
        scored.vectors.CopyFrom(vectors)
    return scored


def _facet(value: Any) -> pb.FacetValue:
    if isinstance(value, bool):
        return pb.FacetValue(bool_value=value)
    if isinstance(value, int):
        return pb.FacetValue(integer_value=value)
    return pb.FacetValue(string_value=value)
