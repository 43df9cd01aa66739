"""The store's header: one point that says what wrote it, and which models its vectors are of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from time import monotonic
from typing import Any, Final

import orjson
from qdrant_client import grpc as pb

from otel_vector.errors import (
    ModelMismatchError,
    StoreDamagedError,
    StoreUnavailableError,
    StoreVersionError,
)
from otel_vector.spans.meanings import Facet
from otel_vector.store.models import Coming, Model, Models
from otel_vector.store.qdrant.connection import Connection
from otel_vector.store.qdrant.names import Names, uuid_of
from otel_vector.store.qdrant.render import among
from otel_vector.store.qdrant.values import NO_VECTORS, payload_of, plain

__all__ = ["SCHEMA", "Header", "HeaderPoint"]

SCHEMA: Final = 1
"""Version of the collections' layout and of the rules that ids depend on."""

_ID: Final = uuid_of("header")
_TENANT: Final = " "
"""No tenant's name: the header belongs to all."""
_FRESH_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Header:
    """What the point says."""

    models: Models = field(default_factory=Models)
    indexed: tuple[str, ...] = ()
    recipe: int = 0
    version: int = 0


class HeaderPoint:
    """Reads and changes the header; what is read is asked for again every other second."""

    def __init__(self, connection: Connection, names: Names) -> None:
        """Know where it is; nothing is asked yet."""
        self._connection = connection
        self._name = names.of("records")
        self._where = connection.target
        self._lock = Lock()
        self._kept: tuple[float, Header | None] | None = None

    def read(self) -> Header | None:
        """Return the header; None if there is none yet.

        Raises:
            StoreVersionError: a newer version wrote the store.
            StoreDamagedError: it cannot be read.
        """
        with self._lock:
            kept = self._kept
        if kept is not None and monotonic() - kept[0] < _FRESH_S:
            return kept[1]
        request = pb.ScrollPoints(
            collection_name=self._name, limit=2, filter=pb.Filter(must=[among([_ID])]),
            with_payload=pb.WithPayloadSelector(enable=True),
        )  # fmt: skip
        found = self._connection.call("Points/Scroll", request).result
        header = self._parsed(plain(found[0].payload)) if found else None
        self._keep(header)
        return header

    def _keep(self, header: Header | None) -> None:
        with self._lock:
            self._kept = (monotonic(), header)

    def _parsed(self, payload: Mapping[str, Any]) -> Header:
        try:
            raw = orjson.loads(payload["body"])
            schema = int(raw["schema"])
            if schema > SCHEMA:
                raise StoreVersionError(
                    f"the store on {self._where} has schema {schema}, this version reads up to"
                    f" {SCHEMA}; install the version of otel-vector that wrote it, or a newer one"
                )
            return Header(_models(raw), tuple(raw["indexed"]), raw["recipe"], int(payload["v"]))
        except (LookupError, TypeError, ValueError) as fault:
            raise StoreDamagedError(
                f"the header in collection {self._name} on {self._where} cannot be read;"
                " restore the collection, or set store.prefix to begin anew"
            ) from fault

    def write(self, header: Header) -> None:
        """Put a header in place of the one it was made from.

        Raises:
            StoreUnavailableError: another process changed it meanwhile; do it again.
        """
        same = pb.Match(integers=pb.RepeatedIntegers(integers=[header.version]))
        unchanged = pb.Condition(field=pb.FieldCondition(key="v", match=same))
        body = orjson.dumps(_raw(header)).decode()
        fields = {"tenant": _TENANT, "kind": "header", "v": header.version + 1, "body": body}
        point = pb.PointStruct(
            id=pb.PointId(uuid=_ID), payload=payload_of(fields), vectors=NO_VECTORS
        )
        request = pb.UpsertPoints(
            collection_name=self._name, wait=True, points=[point],
            update_filter=pb.Filter(must=[unchanged]),
        )  # fmt: skip
        self._connection.call("Points/Upsert", request)
        self._kept = None
        now = self.read()
        if now is None or replace(now, version=0) != replace(header, version=0):
            raise StoreUnavailableError("another process changed the store's models; try again")

    def bind(self, wanted: Models, indexed: tuple[str, ...]) -> Header:
        """Read or write the header; return it as it holds for this process.

        Raises:
            ModelMismatchError: the store holds vectors of another model.
        """
        found = self.read()
        current = found or Header(indexed=indexed)
        if wanted.default is not None:
            _check(self._where, current.models, wanted)
            if current.models.default is None:
                coming = current.models.coming
                current = replace(current, models=replace(wanted, coming=coming))
        current = replace(current, indexed=tuple(n for n in current.indexed if n in indexed))
        if current != found:
            self.write(current)
            current = self.read() or current
        return current


def _check(where: str, known: Models, wanted: Models) -> None:
    if known.default is None:
        return
    pairs: list[tuple[str, Model | None, Model | None]] = [("", known.default, wanted.default)]
    pairs += [(f, known.of(f), model) for f, model in wanted.facets.items()]
    for facet, has, asked in pairs:
        if has is not None and asked is not None and has != asked:
            setting = f"embed.facets.{facet}" if facet else "embed.model"
            raise ModelMismatchError(
                f"the store on {where} holds vectors of {has.name} (dimension {has.dimension}),"
                f" not of {asked.name} (dimension {asked.dimension}); set {setting} to {has.name},"
                f" or change the model: otel-vector reembed --model {asked.name}"
            )


def _raw(header: Header) -> dict[str, Any]:
    models, coming = header.models, header.models.coming
    return {
        "schema": SCHEMA,
        "recipe": header.recipe,
        "indexed": list(header.indexed),
        "default": _pair(models.default),
        "facets": {str(f): _pair(m) for f, m in models.facets.items()},
        "coming": [coming.facet or "", *_pair(coming.model)] if coming else None,
    }


def _pair(model: Model | None) -> list[Any]:
    return [model.name, model.dimension] if model else []


def _models(raw: Mapping[str, Any]) -> Models:
    coming = None
    if raw["coming"]:
        facet, name, size = raw["coming"]
        coming = Coming(Model(name, size), Facet(facet) if facet else None)
    facets = {Facet(f): Model(*pair) for f, pair in raw["facets"].items()}
    return Models(Model(*raw["default"]) if raw["default"] else None, facets, coming)
