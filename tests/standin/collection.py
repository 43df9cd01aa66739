"""One collection: its settings on disk, and an engine shard for each shard key.

::

    DATA/collections/NAME/
      collection.json   the request that made it, its indexes, shard keys and added vectors
      0/ 1/ …           engine shards; in the order of the keys, or one without keys
"""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qdrant_edge as engine
from qdrant_client import grpc as pb

from standin.refusals import bad_input, bad_request, of_engine, unknown

__all__ = ["Collection"]

_DISTANCES = {
    pb.Cosine: engine.Distance.Cosine,
    pb.Dot: engine.Distance.Dot,
    pb.Euclid: engine.Distance.Euclid,
}


class Collection:
    """A collection. Whoever uses its shards holds `lock`."""

    def __init__(self, folder: Path, made: pb.CreateCollection | None = None) -> None:
        """Make a collection in an empty folder, or open the one that is there."""
        self.lock = threading.RLock()
        self._folder = folder
        self.indexes: dict[str, pb.CreateFieldIndexCollection] = {}
        self.added: dict[str, pb.CreateVectorNameRequest] = {}
        self.keys: list[str | int] = []
        self._shards: dict[str | int | None, engine.EdgeShard] = {}
        if made is None:
            self._load()
            return
        self.made = made
        folder.mkdir(parents=True)
        if not self.custom:
            self._create(None)
        self._save()

    @property
    def custom(self) -> bool:
        """Whether every write names a shard key."""
        return bool(self.made.sharding_method == pb.Custom)

    def _load(self) -> None:
        stored = json.loads((self._folder / "collection.json").read_text())
        self.made = pb.CreateCollection.FromString(base64.b64decode(stored["made"]))
        self.keys = stored["keys"]
        for text in stored["indexes"]:
            index = pb.CreateFieldIndexCollection.FromString(base64.b64decode(text))
            self.indexes[index.field_name] = index
        for text in stored["added"]:
            vector = pb.CreateVectorNameRequest.FromString(base64.b64decode(text))
            self.added[vector.vector_name] = vector
        for key in self.keys if self.custom else [None]:
            self._shards[key] = engine.EdgeShard.load(str(self._shard_folder(key)))

    def _save(self) -> None:
        stored = {
            "made": _text(self.made),
            "keys": self.keys,
            "indexes": [_text(index) for index in self.indexes.values()],
            "added": [_text(vector) for vector in self.added.values()],
        }
        temporary = self._folder / "collection.json.new"
        temporary.write_text(json.dumps(stored))
        temporary.replace(self._folder / "collection.json")

    def _shard_folder(self, key: str | int | None) -> Path:
        return self._folder / ("shard" if key is None else f"key-{key}")

    def _create(self, key: str | int | None) -> None:
        folder = self._shard_folder(key)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with of_engine():
            shard = engine.EdgeShard.create(str(folder), _config(self.made))
            for vector in self.added.values():
                shard.update(_new_vector(vector))
            for index in self.indexes.values():
                shard.update(_new_index(index))
        self._shards[key] = shard

    def add_key(self, key: str | int) -> None:
        """Create the shard of a key."""
        if not self.custom:
            raise bad_request("Shard Key cannot be created with Auto sharding method")
        if key in self.keys:
            raise bad_request(
                f"Sharding key {_shown(key)} already exists for collection {self._folder.name}"
            )
        self._create(key)
        self.keys.append(key)
        self._save()

    def drop_key(self, key: str | int) -> None:
        """Delete the shard of a key."""
        if key not in self.keys:
            raise bad_request(
                f"Shard key {_shown(key)} does not exist for collection {self._folder.name}"
            )
        self.keys.remove(key)
        self._save()
        self._shards.pop(key).close()
        shutil.rmtree(self._shard_folder(key))

    def add_index(self, index: pb.CreateFieldIndexCollection) -> None:
        """Index a payload field; the same again changes nothing."""
        with of_engine():
            for shard in self._shards.values():
                shard.update(_new_index(index))
        self.indexes[index.field_name] = index
        self._save()

    def add_vector(self, vector: pb.CreateVectorNameRequest) -> None:
        """Add a named vector."""
        known = self.added.get(vector.vector_name)
        if known is not None and known.dense_config != vector.dense_config:
            name = vector.vector_name
            raise bad_input(f"Vector `{name}` already exists with a different configuration")
        with of_engine():
            for shard in self._shards.values():
                shard.update(_new_vector(vector))
        self.added[vector.vector_name] = vector
        self._save()

    def drop_vector(self, name: str) -> None:
        """Remove a named vector with everybody's values."""
        with of_engine():
            for shard in self._shards.values():
                shard.update(engine.UpdateOperation.delete_vector_name(name))
        self.added.pop(name, None)
        self.made.vectors_config.params_map.map.pop(name, None)
        self._save()

    def readable(self, selector: pb.ShardKeySelector) -> Sequence[engine.EdgeShard]:
        """Return the shards that a question goes to."""
        keys = _keys(selector)
        for key in keys:
            if key not in self._shards:
                raise bad_request(f"Shard key {_shown(key)} not found")
        return [self._shards[key] for key in keys] if keys else list(self._shards.values())

    def writable(self, selector: pb.ShardKeySelector) -> Sequence[engine.EdgeShard]:
        """Return the shards that a write goes to."""
        keys = _keys(selector)
        if keys and not self.custom:
            raise bad_input(f"Shard key {_shown(keys[0])} not found")
        if not keys and self.custom:
            raise bad_input("Shard key not specified")
        missing = [key for key in keys if key not in self._shards]
        if missing:
            raise bad_input(f"Shard key {_shown(missing[0])} not found")
        return [self._shards[key] for key in keys] if keys else list(self._shards.values())

    def points(self) -> int:
        """Return how many points it holds."""
        return sum(shard.count(engine.CountRequest(True)) for shard in self._shards.values())

    def close(self) -> None:
        """Flush and release the shards."""
        with self.lock:
            for shard in self._shards.values():
                shard.close()
            self._shards.clear()


def _text(message: Any) -> str:
    return base64.b64encode(message.SerializeToString()).decode()


def _keys(selector: pb.ShardKeySelector) -> list[str | int]:
    return [getattr(key, key.WhichOneof("key")) for key in selector.shard_keys]


def _shown(key: str | int) -> str:
    return f'"{key}"' if isinstance(key, str) else str(key)


def _config(made: pb.CreateCollection) -> engine.EdgeConfig:
    vectors: Any = {n: _dense(v) for n, v in made.vectors_config.params_map.map.items()}
    if made.vectors_config.HasField("params"):
        vectors = _dense(made.vectors_config.params)
    sparse = {
        name: engine.EdgeSparseVectorParams(
            modifier=engine.Modifier.Idf if params.modifier == pb.Idf else None
        )
        for name, params in made.sparse_vectors_config.map.items()
    }
    if not vectors and not sparse:  # the engine wants one; the server does without
        sparse = {"unused": engine.EdgeSparseVectorParams()}
    return engine.EdgeConfig(
        vectors=vectors,
        sparse_vectors=sparse,
        hnsw_config=engine.HnswIndexConfig(m=0, ef_construct=4, full_scan_threshold=10),
        max_search_threads=1,
    )


def _dense(params: pb.VectorParams) -> engine.EdgeVectorParams:
    return engine.EdgeVectorParams(size=params.size, distance=_DISTANCES[params.distance])


def _new_vector(request: pb.CreateVectorNameRequest) -> engine.UpdateOperation:
    if not request.HasField("dense_config"):
        raise unknown("CreateVectorNameRequest.sparse_config")
    config = request.dense_config
    return engine.UpdateOperation.create_dense_vector(
        request.vector_name, config.size, _DISTANCES[config.distance]
    )


def _new_index(request: pb.CreateFieldIndexCollection) -> engine.UpdateOperation:
    params: Any
    if request.field_type == pb.FieldTypeInteger:
        given = request.field_index_params.integer_index_params
        lookup = given.lookup if given.HasField("lookup") else True
        ranged = given.range if given.HasField("range") else True
        params = engine.IntegerIndexParams(lookup=lookup, range=ranged)
    elif request.field_type == pb.FieldTypeKeyword:
        is_tenant = request.field_index_params.keyword_index_params.is_tenant
        params = engine.KeywordIndexParams(is_tenant=is_tenant or None)
    elif request.field_type == pb.FieldTypeBool:
        params = engine.BoolIndexParams()
    elif request.field_type == pb.FieldTypeFloat:
        params = engine.FloatIndexParams()
    else:
        raise unknown(f"FieldType {pb.FieldType.Name(request.field_type)}")
    return engine.UpdateOperation.create_field_index(request.field_name, params)
