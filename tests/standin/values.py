"""Payloads, point ids and vectors: protobuf to the engine's values and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import qdrant_edge as engine
from qdrant_client import grpc as pb

from standin.refusals import invalid, unknown

__all__ = [
    "fill_payload",
    "id_order",
    "payload_of",
    "plain_id",
    "point_id",
    "selection",
    "stored_vectors",
    "vector_of",
    "vectors_of",
    "vectors_wanted",
]


def plain_id(message: pb.PointId) -> int | str:
    """Return a point's id as the engine takes it.

    Raises:
        RefusedError: it is neither a number nor a UUID.
    """
    if message.WhichOneof("point_id_options") == "num":
        return int(message.num)
    try:
        return str(UUID(message.uuid))
    except ValueError as error:
        raise invalid(f"Unable to parse UUID: {message.uuid}") from error


def point_id(value: int | UUID) -> pb.PointId:
    """Return a point's id as it is sent."""
    return pb.PointId(num=value) if isinstance(value, int) else pb.PointId(uuid=str(value))


def id_order(value: int | UUID) -> tuple[bool, int]:
    """Return what ids are ordered by: numbers first, then UUIDs."""
    return (False, value) if isinstance(value, int) else (True, value.int)


def payload_of(fields: Mapping[str, pb.Value]) -> dict[str, Any]:
    """Return a payload that was sent."""
    return {key: _plain(value) for key, value in fields.items()}


def _plain(value: pb.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_plain(v) for v in value.list_value.values]
    if kind == "struct_value":
        return payload_of(value.struct_value.fields)
    return None if kind in {None, "null_value"} else getattr(value, kind)


def fill_payload(target: Any, payload: Mapping[str, Any]) -> None:
    """Put a stored payload into a message's map."""
    for key, value in payload.items():
        _fill(target[key], value)


def _fill(target: pb.Value, value: Any) -> None:
    if value is None:
        target.null_value = pb.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int):
        target.integer_value = value
    elif isinstance(value, float):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, list):
        target.list_value.SetInParent()
        for item in value:
            _fill(target.list_value.values.add(), item)
    else:
        target.struct_value.SetInParent()
        fill_payload(target.struct_value.fields, value)


def vector_of(message: pb.Vector | pb.VectorInput) -> Any:
    """Return one vector, dense or sparse."""
    if message.HasField("dense"):
        return list(message.dense.data)
    if message.HasField("sparse"):
        return engine.SparseVector(list(message.sparse.indices), list(message.sparse.values))
    if isinstance(message, pb.Vector) and message.HasField("indices"):
        return engine.SparseVector(list(message.indices.data), list(message.data))
    if isinstance(message, pb.Vector) and message.data:
        return list(message.data)
    raise unknown(f"{message.DESCRIPTOR.name} {[f.name for f, _ in message.ListFields()]}")


def vectors_of(message: pb.Vectors) -> Any:
    """Return a point's vectors: one without a name, or several by name."""
    if message.WhichOneof("vectors_options") is None:
        raise invalid("Expected some vectors")
    if message.WhichOneof("vectors_options") == "vector":
        return vector_of(message.vector)
    return {name: vector_of(v) for name, v in message.vectors.vectors.items()}


def stored_vectors(stored: Any) -> pb.VectorsOutput | None:
    """Return a point's vectors as they are sent; None if there are none."""
    if not stored:
        return None
    if isinstance(stored, dict):
        named = {name: _sent(vector) for name, vector in stored.items()}
        return pb.VectorsOutput(vectors=pb.NamedVectorsOutput(vectors=named))
    return pb.VectorsOutput(vector=_sent(stored))


def _sent(vector: Any) -> pb.VectorOutput:
    if isinstance(vector, engine.SparseVector):
        sparse = pb.SparseVector(indices=vector.indices, values=vector.values)
        return pb.VectorOutput(sparse=sparse)
    return pb.VectorOutput(dense=pb.DenseVector(data=vector))


def selection(message: pb.WithPayloadSelector) -> Any:
    """Return which fields of payloads are wanted."""
    kind = message.WhichOneof("selector_options")
    if kind == "include":
        return list(message.include.fields)
    if kind == "exclude":
        return engine.PayloadSelector.Exclude(list(message.exclude.fields))
    return bool(message.enable)


def vectors_wanted(message: pb.WithVectorsSelector) -> Any:
    """Return which vectors are wanted."""
    if message.WhichOneof("selector_options") == "include":
        return list(message.include.names)
    return bool(message.enable)
