"""Payload values: from messages of the protocol, and to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qdrant_client import grpc as pb

__all__ = ["NO_VECTORS", "payload_of", "plain", "plain_value", "value_of"]

NO_VECTORS = pb.Vectors(vectors=pb.NamedVectors())
"""What a point without vectors has to say."""


def plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a point's payload as plain values."""
    return {key: plain_value(value) for key, value in payload.items()}


def plain_value(value: Any) -> Any:
    """Return one value: a number, text, truth, list, or None."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [plain_value(entry) for entry in value.list_value.values]
    return None if kind in {None, "null_value"} else getattr(value, kind)


def payload_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain values as a payload."""
    return {key: value_of(value) for key, value in values.items()}


def value_of(value: Any) -> Any:
    """Return a plain value as a message."""
    if isinstance(value, bool):
        return pb.Value(bool_value=value)
    if isinstance(value, int):
        return pb.Value(integer_value=value)
    if isinstance(value, str):
        return pb.Value(string_value=value)
    if all(type(entry) is int for entry in value):
        numbers = [pb.Value(integer_value=entry) for entry in value]
        return pb.Value(list_value=pb.ListValue(values=numbers))
    return pb.Value(list_value=pb.ListValue(values=[value_of(entry) for entry in value]))
