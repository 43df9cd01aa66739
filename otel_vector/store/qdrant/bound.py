"""A tenant's view of the collections: the one place where requests are bound to the tenant.

Points carry their tenant in `tenant`; every read, change and deletion goes through here and is
restricted to it. Points are never read by id alone, which no filter restricts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from qdrant_client import grpc as pb

from otel_vector.store.qdrant.connection import Call, Connection
from otel_vector.store.qdrant.names import Names, shard_key
from otel_vector.store.qdrant.render import among, holds_text
from otel_vector.store.qdrant.values import payload_of

__all__ = ["Bound"]

_PAGE: Final = 2_000
_IDS: Final = 2_000
_DAYS: Final = 300_000


class Bound:
    """Requests about one tenant's points."""

    def __init__(self, connection: Connection, names: Names, tenant: str) -> None:
        """Bind to a tenant."""
        self.connection = connection
        self.names = names
        self.tenant = tenant
        self._mine = holds_text("tenant", [tenant])

    def filter(self, must: Sequence[Any] = (), without: Sequence[Any] = ()) -> Any:
        """Return a filter: conditions that hold, conditions that do not, and the tenant."""
        return pb.Filter(must=[self._mine, *must], must_not=without)

    def count(self, kind: str, must: Sequence[Any] = (), without: Sequence[Any] = ()) -> int:
        """Return how many points there are under conditions, exactly."""
        call = self.counting(kind, must, without)
        return int(self.connection.call(*call).result.count)

    def counting(self, kind: str, must: Sequence[Any] = (), without: Sequence[Any] = ()) -> Call:
        """Return the call that counts."""
        where = self.filter(must, without)
        return "Points/Count", pb.CountPoints(
            collection_name=self.names.of(kind), filter=where, exact=True
        )

    def facet(self, kind: str, key: str, limit: int, must: Sequence[Any] = ()) -> dict[int, int]:
        """Return the integers of a field and how many points hold each, exactly."""
        answer = self.connection.call(*self.facetting(kind, key, limit, must))
        return {hit.value.integer_value: hit.count for hit in answer.hits}

    def facetting(self, kind: str, key: str, limit: int, must: Sequence[Any] = ()) -> Call:
        """Return the call of a facet."""
        return "Points/Facet", pb.FacetCounts(
            collection_name=self.names.of(kind), key=key, filter=self.filter(must),
            limit=limit, exact=True,
        )  # fmt: skip

    def ordering(  # noqa: PLR0913 -- what a scroll takes
        self, kind: str, key: str, limit: int, *, newest: bool,
        must: Sequence[Any] = (), without: Sequence[Any] = (), fields: Sequence[str] | None = None,
    ) -> Call:  # fmt: skip
        """Return the call that reads points in the order of a field."""
        direction = pb.Direction.Desc if newest else pb.Direction.Asc
        return "Points/Scroll", pb.ScrollPoints(
            collection_name=self.names.of(kind), filter=self.filter(must, without), limit=limit,
            with_payload=_selector(fields), order_by=pb.OrderBy(key=key, direction=direction),
        )  # fmt: skip

    def ordered(self, *args: Any, **options: Any) -> list[Any]:
        """Return points in the order of a field; see `ordering`."""
        return list(self.connection.call(*self.ordering(*args, **options)).result)

    def scroll(  # noqa: PLR0913 -- what a scroll takes
        self, kind: str, must: Sequence[Any] = (), without: Sequence[Any] = (), *,
        fields: Sequence[str] | None = None, vectors: Sequence[str] = (), after: str = "",
        page: int = _PAGE,
    ) -> Iterator[Any]:  # fmt: skip
        """Yield every point under conditions in the order of ids, after one of them."""
        request = pb.ScrollPoints(
            collection_name=self.names.of(kind), filter=self.filter(must, without), limit=page,
            with_payload=_selector(fields),
        )  # fmt: skip
        if vectors:
            request.with_vectors.include.names.extend(vectors)
        if after:
            request.offset.uuid = after
        while True:
            answer = self.connection.call("Points/Scroll", request)
            yield from answer.result
            if not answer.HasField("next_page_offset"):
                return
            request.offset.CopyFrom(answer.next_page_offset)

    def these(
        self, kind: str, ids: Collection[int | str], must: Sequence[Any] = (),
        without: Sequence[Any] = (), **options: Any,
    ) -> Iterator[Any]:  # fmt: skip
        """Yield those among some points that exist."""
        wanted = list(ids)
        for start in range(0, len(wanted), _IDS):
            within = [among(wanted[start : start + _IDS]), *must]
            yield from self.scroll(kind, within, without, **options)

    def query(self, requests: Sequence[Any]) -> list[Any]:
        """Return the hits of several questions to the meanings, which carry their own filters."""
        name = self.names.of("meanings")
        batch = pb.QueryBatchPoints(collection_name=name, query_points=requests)
        return [
            answer.result for answer in self.connection.call("Points/QueryBatch", batch).result
        ]

    def insert(self, kind: str, points: Sequence[Any], *, replace: bool = False) -> None:
        """Store points, each if it is absent, or in place of what is there."""
        mode = pb.UpdateMode.Upsert if replace else pb.UpdateMode.InsertOnly
        calls: list[Call] = []
        for start in range(0, len(points), _PAGE // 4):
            chunk = points[start : start + _PAGE // 4]
            request = pb.UpsertPoints(
                collection_name=self.names.of(kind), wait=True, points=chunk, update_mode=mode
            )
            calls.append(("Points/Upsert", request))
        self.connection.gather(calls)

    def point(self, identity: int | str, payload: Mapping[str, Any]) -> Any:
        """Return a point of this tenant without vectors."""
        id_ = pb.PointId(num=identity) if isinstance(identity, int) else pb.PointId(uuid=identity)
        values = payload_of({"tenant": self.tenant, **payload})
        return pb.PointStruct(
            id=id_, payload=values, vectors=pb.Vectors(vectors=pb.NamedVectors())
        )

    def delete(self, kind: str, must: Sequence[Any]) -> None:
        """Delete the points under conditions."""
        for shards in self._shards(kind):
            request = pb.DeletePoints(
                collection_name=self.names.of(kind), wait=True, points=self._selected(must),
                shard_key_selector=shards,
            )  # fmt: skip
            self.connection.call("Points/Delete", request)

    def set_fields(self, kind: str, must: Sequence[Any], fields: Mapping[str, Any]) -> None:
        """Set fields of the points under conditions."""
        for shards in self._shards(kind):
            request = pb.SetPayloadPoints(
                collection_name=self.names.of(kind), wait=True, payload=payload_of(fields),
                points_selector=self._selected(must), shard_key_selector=shards,
            )  # fmt: skip
            self.connection.call("Points/SetPayload", request)

    def drop_fields(self, kind: str, must: Sequence[Any], fields: Sequence[str]) -> None:
        """Remove fields of the points under conditions."""
        request = pb.DeletePayloadPoints(
            collection_name=self.names.of(kind), wait=True, keys=fields,
            points_selector=self._selected(must),
        )  # fmt: skip
        self.connection.call("Points/DeletePayload", request)

    def _selected(self, must: Sequence[Any]) -> Any:
        return pb.PointsSelector(filter=self.filter(must))

    def _shards(self, kind: str) -> list[Any]:
        """Return where a change has to go: nothing to say, or the shard keys of all days."""
        if not self.names.is_sharded(kind):
            return [None]
        days = self.facet(kind, "y", _DAYS)
        keys = [pb.ShardKey(keyword=shard_key(day)) for day in days]
        return [pb.ShardKeySelector(shard_keys=keys)] if keys else []


def _selector(fields: Sequence[str] | None) -> Any:
    if fields is None:
        return pb.WithPayloadSelector(enable=True)
    if not fields:
        return pb.WithPayloadSelector(enable=False)
    return pb.WithPayloadSelector(include=pb.PayloadIncludeSelector(fields=fields))
