"""The `Points` service: writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import grpc
import qdrant_edge as engine
from qdrant_client import grpc as pb

from standin.conditions import filter_of, given_filter
from standin.reading import Reading
from standin.refusals import RefusedError, bad_request, of_engine, only, unknown
from standin.shelf import Shelf
from standin.values import payload_of, plain_id, vectors_of

__all__ = ["Points"]

_MODES = {
    pb.UpdateMode.Value("Upsert"): engine.UpdateMode.Upsert,
    pb.UpdateMode.Value("InsertOnly"): engine.UpdateMode.InsertOnly,
    pb.UpdateMode.Value("UpdateOnly"): engine.UpdateMode.UpdateOnly,
}
_COMMON = ("collection_name", "wait", "ordering", "shard_key_selector", "timeout")
_Update = engine.UpdateOperation


class Points(Reading):
    """Writes points; what it reads is in `Reading`."""

    def __init__(self, shelf: Shelf) -> None:
        """Serve the collections of a data folder."""
        super().__init__(shelf)
        self._operations = 0

    def _apply(self, request: Any, *operations: engine.UpdateOperation) -> Any:
        collection = self._shelf[request.collection_name]
        with collection.lock:
            for shard in collection.writable(request.shard_key_selector):
                for operation in operations:
                    _update(shard, operation, wait=request.wait)
            self._operations += 1
        status = pb.Completed if request.wait else pb.Acknowledged
        result = pb.UpdateResult(operation_id=self._operations, status=status)
        return pb.PointsOperationResponse(result=result)

    def Upsert(self, request: pb.UpsertPoints, context: Any) -> Any:
        """Insert or replace points."""
        only(request, *_COMMON, "points", "update_filter", "update_mode")
        points = [
            engine.Point(plain_id(p.id), vectors_of(p.vectors), payload_of(p.payload))
            for p in request.points
        ]
        if not points:
            raise bad_request("Empty update request")
        condition = given_filter(request, "update_filter")
        mode = _MODES[request.update_mode]
        return self._apply(request, _Update.upsert_points(points, condition, mode))

    def Delete(self, request: pb.DeletePoints, context: Any) -> Any:
        """Delete points by ids or by a filter."""
        only(request, *_COMMON, "points")
        operation = _selected(
            request.points, _Update.delete_points, _Update.delete_points_by_filter
        )
        return self._apply(request, operation)

    def SetPayload(self, request: pb.SetPayloadPoints, context: Any) -> Any:
        """Set some fields of payloads."""
        only(request, *_COMMON, "payload", "points_selector")
        payload = payload_of(request.payload)
        operation = _selected(
            request.points_selector,
            lambda ids: _Update.set_payload(ids, payload),
            lambda condition: _Update.set_payload_by_filter(condition, payload),
        )
        return self._apply(request, operation)

    def OverwritePayload(self, request: pb.SetPayloadPoints, context: Any) -> Any:
        """Replace whole payloads."""
        only(request, *_COMMON, "payload", "points_selector")
        payload = payload_of(request.payload)
        operation = _selected(
            request.points_selector,
            lambda ids: _Update.overwrite_payload(ids, payload),
            lambda condition: _Update.overwrite_payload_by_filter(condition, payload),
        )
        return self._apply(request, operation)

    def DeletePayload(self, request: pb.DeletePayloadPoints, context: Any) -> Any:
        """Remove fields of payloads."""
        only(request, *_COMMON, "keys", "points_selector")
        keys = list(request.keys)
        operation = _selected(
            request.points_selector,
            lambda ids: _Update.delete_payload(ids, keys),
            lambda condition: _Update.delete_payload_by_filter(condition, keys),
        )
        return self._apply(request, operation)

    def UpdateVectors(self, request: pb.UpdatePointVectors, context: Any) -> Any:
        """Replace named vectors of points that exist."""
        only(request, *_COMMON, "points", "update_filter")
        vectors = [
            engine.PointVectors(plain_id(p.id), vectors_of(p.vectors)) for p in request.points
        ]
        condition = given_filter(request, "update_filter")
        return self._apply(request, _Update.update_vectors(vectors, condition))

    def DeleteVectors(self, request: pb.DeletePointVectors, context: Any) -> Any:
        """Remove named vectors of points."""
        only(request, *_COMMON, "points_selector", "vectors")
        names = list(request.vectors.names)
        operation = _selected(
            request.points_selector,
            lambda ids: _Update.delete_vectors(ids, names),
            lambda condition: _Update.delete_vectors_by_filter(condition, names),
        )
        return self._apply(request, operation)

    def CreateFieldIndex(self, request: Any, context: Any) -> Any:
        """Index a payload field."""
        collection = self._shelf[request.collection_name]
        with collection.lock:
            collection.add_index(request)
        return pb.PointsOperationResponse(result=pb.UpdateResult(status=pb.Completed))

    def CreateVectorName(self, request: Any, context: Any) -> Any:
        """Add a named vector to a collection."""
        collection = self._shelf[request.collection_name]
        with collection.lock:
            collection.add_vector(request)
        return pb.PointsOperationResponse(result=pb.UpdateResult(status=pb.Completed))

    def DeleteVectorName(self, request: Any, context: Any) -> Any:
        """Remove a named vector from a collection."""
        collection = self._shelf[request.collection_name]
        with collection.lock:
            collection.drop_vector(request.vector_name)
        return pb.PointsOperationResponse(result=pb.UpdateResult(status=pb.Completed))


def _update(shard: engine.EdgeShard, operation: engine.UpdateOperation, *, wait: bool) -> None:
    try:
        with of_engine():
            shard.update(operation)
    except RefusedError as error:
        # Who does not wait is not told of points that are missing.
        if wait or error.code is not grpc.StatusCode.NOT_FOUND:
            raise


def _selected(
    selector: pb.PointsSelector,
    by_ids: Callable[[Sequence[Any]], engine.UpdateOperation],
    by_filter: Callable[[engine.Filter], engine.UpdateOperation],
) -> engine.UpdateOperation:
    kind = selector.WhichOneof("points_selector_one_of")
    if kind == "points":
        return by_ids([plain_id(i) for i in selector.points.ids])
    if kind == "filter":
        return by_filter(filter_of(selector.filter))
    raise unknown(f"PointsSelector.{kind}")
