"""The `Collections` service, and the health check."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import grpc
from qdrant_client import grpc as pb

from standin.collection import Collection
from standin.refusals import RefusedError, bad_request, no_collection, of_engine, only

__all__ = ["Collections", "Health", "Shelf"]


class Shelf:
    """All collections of a data folder."""

    def __init__(self, folder: Path, *, distributed: bool) -> None:
        """Open the collections that are there."""
        self._folder = folder / "collections"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.distributed = distributed
        self.lock = threading.RLock()
        for leftover in self._folder.glob("*"):
            if not (leftover / "collection.json").exists():
                shutil.rmtree(leftover)
        self.all = {entry.name: Collection(entry) for entry in self._folder.iterdir()}

    def __getitem__(self, name: str) -> Collection:
        with self.lock:
            if name not in self.all:
                raise no_collection(name)
            return self.all[name]

    def create(self, request: pb.CreateCollection) -> None:
        """Make a collection."""
        name = request.collection_name
        with self.lock:
            if name in self.all:
                text = f"Wrong input: Collection `{name}` already exists!"
                raise RefusedError(grpc.StatusCode.ALREADY_EXISTS, text)
            self.all[name] = Collection(self._folder / name, request)

    def delete(self, name: str) -> bool:
        """Delete a collection; return whether there was one."""
        with self.lock:
            gone = self.all.pop(name, None)
            if gone is not None:
                gone.close()
                shutil.rmtree(self._folder / name)
            return gone is not None

    def close(self) -> None:
        """Flush and release everything."""
        with self.lock:
            for collection in self.all.values():
                collection.close()


class Health(pb.QdrantServicer):
    """Says which version answers."""

    def __init__(self, version: str) -> None:
        """Claim a version."""
        self._version = version

    def HealthCheck(self, request: Any, context: Any) -> pb.HealthCheckReply:
        """Answer."""
        return pb.HealthCheckReply(title="qdrant - vector search engine", version=self._version)


class Collections(pb.CollectionsServicer):
    """Makes, describes and deletes collections and their shard keys."""

    def __init__(self, shelf: Shelf) -> None:
        """Serve the collections of a data folder."""
        self._shelf = shelf

    def Create(self, request: pb.CreateCollection, context: Any) -> Any:
        """Make a collection."""
        self._shelf.create(request)
        return pb.CollectionOperationResponse(result=True)

    def Delete(self, request: pb.DeleteCollection, context: Any) -> Any:
        """Delete a collection."""
        deleted = self._shelf.delete(request.collection_name)
        return pb.CollectionOperationResponse(result=deleted)

    def List(self, request: Any, context: Any) -> Any:
        """Name all collections."""
        names = [pb.CollectionDescription(name=name) for name in sorted(self._shelf.all)]
        return pb.ListCollectionsResponse(collections=names)

    def CollectionExists(self, request: Any, context: Any) -> Any:
        """Say whether a collection exists."""
        exists = request.collection_name in self._shelf.all
        return pb.CollectionExistsResponse(result=pb.CollectionExists(exists=exists))

    def Get(self, request: Any, context: Any) -> Any:
        """Describe a collection."""
        collection = self._shelf[request.collection_name]
        with collection.lock, of_engine():
            return pb.GetCollectionInfoResponse(result=_info(collection))

    def CreateShardKey(self, request: pb.CreateShardKeyRequest, context: Any) -> Any:
        """Create a shard key."""
        collection = self._distributed(request)
        only(request.request, "shard_key", "shards_number", "replication_factor")
        with collection.lock:
            collection.add_key(_key(request.request.shard_key))
        return pb.CreateShardKeyResponse(result=True)

    def DeleteShardKey(self, request: pb.DeleteShardKeyRequest, context: Any) -> Any:
        """Delete a shard key with its points."""
        collection = self._distributed(request)
        with collection.lock:
            collection.drop_key(_key(request.request.shard_key))
        return pb.DeleteShardKeyResponse(result=True)

    def ListShardKeys(self, request: Any, context: Any) -> Any:
        """Name the shard keys of a collection."""
        keys = [
            pb.ShardKeyDescription(key=shard_key(key))
            for key in self._shelf[request.collection_name].keys
        ]
        return pb.ListShardKeysResponse(shard_keys=keys)

    def _distributed(self, request: Any) -> Collection:
        collection = self._shelf[request.collection_name]
        if not self._shelf.distributed:
            raise bad_request("Distributed mode disabled")
        return collection


def shard_key(key: str | int) -> pb.ShardKey:
    """Return a shard key as it is sent."""
    return pb.ShardKey(keyword=key) if isinstance(key, str) else pb.ShardKey(number=key)


def _key(message: pb.ShardKey) -> str | int:
    key: str | int = getattr(message, message.WhichOneof("key"))
    return key


def _info(collection: Collection) -> pb.CollectionInfo:
    made = collection.made
    params = pb.CollectionParams(
        shard_number=max(1, made.shard_number),
        on_disk_payload=made.on_disk_payload,
        vectors_config=made.vectors_config,
        sparse_vectors_config=made.sparse_vectors_config,
        replication_factor=max(1, made.replication_factor),
        write_consistency_factor=max(1, made.write_consistency_factor),
    )
    if collection.custom:
        params.sharding_method = pb.Custom
    for name, vector in collection.added.items():
        config = vector.dense_config
        params.vectors_config.params_map.map[name].size = config.size
        params.vectors_config.params_map.map[name].distance = config.distance
    info = pb.CollectionInfo(
        status=pb.Green,
        optimizer_status=pb.OptimizerStatus(ok=True),
        segments_count=1,
        config=pb.CollectionConfig(params=params, metadata=made.metadata),
        points_count=collection.points(),
    )
    for name, index in collection.indexes.items():
        info.payload_schema[name].data_type = _schema_type(index.field_type)
        info.payload_schema[name].params.CopyFrom(index.field_index_params)
    return info


def _schema_type(field_type: int) -> int:
    return field_type + 1  # both enumerations list the same types; one starts with `unknown`
