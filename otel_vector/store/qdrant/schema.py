"""Collections and their indexes: made if they are not there, completed if something is missing."""

from __future__ import annotations

import logging
from typing import Any, Final

import grpc
from qdrant_client import grpc as pb

from otel_vector.errors import ConfigError, StoreVersionError
from otel_vector.settings.config import StoreConfig
from otel_vector.store.models import Model
from otel_vector.store.qdrant.connection import Connection
from otel_vector.store.qdrant.faults import LEAST_VERSION, is_there_already
from otel_vector.store.qdrant.names import KINDS, Names, shard_key, vector_name

__all__ = ["Schema"]

_INTEGER: Final = pb.FieldType.FieldTypeInteger
_KEYWORD: Final = pb.FieldType.FieldTypeKeyword
_LOOKUPS: Final = {"spans": "tmkdry", "blocks": "ry", "meanings": "w", "records": "tmv"}
_RANGES: Final = {"spans": "s", "blocks": ("lo", "hi"), "meanings": "cx", "records": ("c",)}
_WORDS: Final = {
    "spans": ("b",),
    "blocks": (),
    "meanings": ("facet",),
    "records": ("kind", "of", "group"),
}
_log = logging.getLogger(__name__)


class Schema:
    """What the collections of one store look like."""

    def __init__(self, connection: Connection, config: StoreConfig) -> None:
        """Look after the collections of a prefix."""
        self._connection = connection
        self._config = config
        self._names = Names(config.prefix, config.day_shards)
        self._days: set[tuple[str, int]] = set()

    def version(self) -> str:
        """Return the server's version.

        Raises:
            StoreVersionError: it is older than the least that is needed.
        """
        found = str(self._connection.call("Qdrant/HealthCheck", pb.HealthCheckRequest()).version)
        numbers = tuple(
            int(n) for n in found.split("-", maxsplit=1)[0].split(".")[:2] if n.isdigit()
        )
        if numbers and numbers < LEAST_VERSION:
            least = ".".join(map(str, LEAST_VERSION))
            raise StoreVersionError(
                f"the Qdrant server {self._connection.target} is {found}, too old to insert"
                f" points only if they are absent and to add vectors; update it to {least}"
            )
        return found

    def complete(self) -> None:
        """Make the collections and indexes that are missing.

        Raises:
            ConfigError: a collection of such a name is of another make.
        """
        self.version()
        request = pb.ListCollectionsRequest()
        there = {c.name for c in self._connection.call("Collections/List", request).collections}
        missing = [kind for kind in KINDS if self._names.of(kind) not in there]
        for kind in set(KINDS) - set(missing):  # all of them before anything is made
            self._require_shape(kind, self._info(kind).config.params)
        for kind in KINDS:
            if kind in missing:
                self._connection.tried(
                    "Collections/Create", self._creation(kind), is_there_already
                )
            self._add_indexes(kind)

    def _info(self, kind: str) -> Any:
        request = pb.GetCollectionInfoRequest(collection_name=self._names.of(kind))
        return self._connection.call("Collections/Get", request).result

    def _add_indexes(self, kind: str) -> None:
        name, found = self._names.of(kind), self._info(kind)
        self._require_shape(kind, found.config.params)
        known = found.payload_schema
        for field, params in _indexes(kind).items():
            if field not in known:
                _log.info("adding the index %s of collection %s", field, name)
                self._connection.call(
                    "Points/CreateFieldIndex",
                    pb.CreateFieldIndexCollection(
                        collection_name=name, wait=True, field_name=field, **params
                    ),
                )

    def _require_shape(self, kind: str, has: Any) -> None:
        """Refuse a collection that points of this kind do not fit into."""
        where = f"the collection {self._names.of(kind)} on {self._connection.target}"
        unnamed = has.vectors_config.params.size == (1 if kind == "spans" else 0)
        named = kind == "meanings" or not has.vectors_config.params_map.map
        worded = ("bm25" in has.sparse_vectors_config.map) == (kind == "meanings")
        if not (unnamed and named and worded):
            raise ConfigError(
                f"{where} has other vectors than otel-vector's; set store.prefix to names that"
                " nothing else uses"
            )
        by_day = has.sharding_method == pb.ShardingMethod.Custom
        if by_day != self._names.is_sharded(kind):
            raise ConfigError(
                f"{where} was made with store.day_shards = {str(by_day).lower()}; set it so, or"
                " set store.prefix to begin anew"
            )

    def _creation(self, kind: str) -> Any:
        config = self._config
        request = pb.CreateCollection(
            collection_name=self._names.of(kind),
            on_disk_payload=config.on_disk,
            replication_factor=config.replication,
            write_consistency_factor=config.replication // 2 + 1,
        )
        if config.shards:
            request.shard_number = config.shards
        if self._names.is_sharded(kind):
            request.sharding_method = pb.ShardingMethod.Custom
        if kind == "spans":
            params = request.vectors_config.params
            params.size, params.distance = 1, pb.Distance.Dot
            params.on_disk = config.on_disk
            request.hnsw_config.m = 0
        if kind == "meanings":
            request.sparse_vectors_config.map["bm25"].modifier = pb.Modifier.Idf
        return request

    def add_space(self, model: Model) -> None:
        """Make room for a model's vectors."""
        config = pb.DenseVectorCreationConfig(size=model.dimension, distance=pb.Distance.Cosine)
        request = pb.CreateVectorNameRequest(
            collection_name=self._names.of("meanings"), wait=True,
            vector_name=vector_name(model), dense_config=config,
        )  # fmt: skip
        self._connection.tried("Points/CreateVectorName", request, is_there_already)

    def remove_space(self, model: Model) -> None:
        """Remove a model's vectors."""
        request = pb.DeleteVectorNameRequest(
            collection_name=self._names.of("meanings"), wait=True, vector_name=vector_name(model)
        )
        self._connection.tried("Points/DeleteVectorName", request, _is_gone)

    def selector(self, kind: str, day: int) -> Any | None:
        """Return where points of a day go, making the shard key; None without shards by day."""
        if not self._names.is_sharded(kind):
            return None
        key = pb.ShardKey(keyword=shard_key(day))
        if (kind, day) not in self._days:
            request = pb.CreateShardKeyRequest(
                collection_name=self._names.of(kind), request=pb.CreateShardKey(shard_key=key)
            )
            self._connection.tried("Collections/CreateShardKey", request, is_there_already)
            self._days.add((kind, day))
        return pb.ShardKeySelector(shard_keys=[key])


def _is_gone(error: grpc.RpcError) -> bool:
    details = getattr(error, "details", None)
    text = str(details() if callable(details) else "").lower()
    return "not found" in text or "not exist" in text or "doesn't exist" in text


def _indexes(kind: str) -> dict[str, dict[str, Any]]:
    tenant = pb.PayloadIndexParams(keyword_index_params=pb.KeywordIndexParams(is_tenant=True))
    found = {"tenant": {"field_type": _KEYWORD, "field_index_params": tenant}}
    for field in _WORDS[kind]:
        found[field] = {"field_type": _KEYWORD}
    for fields, lookup in ((_LOOKUPS[kind], True), (_RANGES[kind], False)):
        for field in fields:
            params = pb.IntegerIndexParams(lookup=lookup, range=not lookup)
            found[field] = {
                "field_type": _INTEGER,
                "field_index_params": pb.PayloadIndexParams(integer_index_params=params),
            }
    return found
