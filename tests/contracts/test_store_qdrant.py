"""The store on a server keeps the store's promises: on the stand-in, and on a real server.

A real server is the one that QDRANT_URL (and QDRANT_API_KEY) names; its collections get a prefix
of their own and are removed afterwards.
"""

import os
import tempfile
from pathlib import Path
from secrets import token_hex

import grpc
import pytest
from qdrant_client import grpc as pb
from standin import StandIn

from otel_vector.settings.config import StoreConfig
from otel_vector.store.memory import MemoryStore
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.testing.store import (
    ForgettingSuite,
    StorePropertySuite,
    StoreSuite,
    StoreVolumeSuite,
)

REAL = os.environ.get("QDRANT_URL", "")


class OnServer:
    """Stores of a test class are on one server, in collections by folder."""

    day_shards = False

    @classmethod
    def setup_class(cls):
        cls._prefixes = {}
        cls._data = tempfile.TemporaryDirectory()
        cls._server = StandIn(Path(cls._data.name))

    @classmethod
    def teardown_class(cls):
        cls._server.close()
        cls._data.cleanup()

    @classmethod
    def open_store(cls, folder):
        prefix = cls._prefixes.setdefault(Path(folder), f"t{token_hex(4)}_")
        config = StoreConfig(
            url=cls.url(), api_key=cls.key(), prefix=prefix, day_shards=cls.day_shards
        )
        return QdrantStore(config, Models(Model("test-model", cls.dimension)))

    @classmethod
    def url(cls):
        return cls._server.url

    @classmethod
    def key(cls):
        return ""


# A server is no part of this project: it is asked wherever one is named.
@pytest.mark.skipif(not REAL, reason="QDRANT_URL names no server")
class OnRealServer(OnServer):
    """The same on the server that QDRANT_URL names."""

    @classmethod
    def setup_class(cls):
        cls._prefixes = {}

    @classmethod
    def teardown_class(cls):
        cls.remove(set(cls._prefixes))

    def setup_method(self):
        self._of_class = set(self._prefixes)

    def teardown_method(self):
        """Keep few collections at a time: a server maps files of each into its memory."""
        self.remove(set(self._prefixes) - self._of_class)

    @classmethod
    def remove(cls, folders):
        for folder in folders:
            remove_collections(cls._prefixes.pop(folder))

    @classmethod
    def url(cls):
        return REAL

    @classmethod
    def key(cls):
        return os.environ.get("QDRANT_API_KEY", "")


def remove_collections(prefix: str) -> None:
    target = REAL.split("://")[-1]
    secure = REAL.startswith("https")
    channel = (
        grpc.secure_channel(target, grpc.ssl_channel_credentials())
        if secure
        else grpc.insecure_channel(target)
    )
    metadata = [("api-key", os.environ.get("QDRANT_API_KEY", ""))]
    with channel:
        stub = pb.CollectionsStub(channel)
        for kind in ("spans", "blocks", "meanings", "records"):
            stub.Delete(pb.DeleteCollection(collection_name=prefix + kind), metadata=metadata)


class TestQdrantStore(OnServer, StoreSuite):
    pass


class TestQdrantStoreAgainstFilters(OnServer, StorePropertySuite):
    pass


class TestQdrantStoreForgets(OnServer, ForgettingSuite):
    reference = MemoryStore


class TestQdrantStoreInVolume(OnServer, StoreVolumeSuite):
    pass


class TestQdrantStoreWithShardsByDay(OnServer, StoreSuite):
    day_shards = True


class TestRealServer(OnRealServer, StoreSuite):
    pass


class TestRealServerAgainstFilters(OnRealServer, StorePropertySuite):
    pass


class TestRealServerForgets(OnRealServer, ForgettingSuite):
    reference = MemoryStore


class TestRealServerInVolume(OnRealServer, StoreVolumeSuite):
    pass
