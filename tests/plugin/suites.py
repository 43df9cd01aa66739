"""The promises of the contracts, held by another package's backends: what its tests would be."""

import pytest
from otel_vector_tiny.embed import LetterEmbedder
from otel_vector_tiny.inbox import TinyInbox
from otel_vector_tiny.store import TinyStore

from otel_vector.settings.config import StoreConfig
from otel_vector.testing.embed import EmbedderSuite
from otel_vector.testing.inbox import InboxSuite
from otel_vector.testing.store import StoreSuite


class TestTinyStore(StoreSuite):
    @classmethod
    def open_store(cls, folder):
        return TinyStore(folder, StoreConfig(), "model", cls.dimension)


class TestTinyEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self):
        return LetterEmbedder()


class TestTinyInbox(InboxSuite):
    @pytest.fixture
    def opened(self, tmp_path):
        inboxes = []

        def opened(config):
            inboxes.append(TinyInbox(tmp_path / "inbox", config))
            return inboxes[-1]

        yield opened
        for inbox in inboxes:
            inbox.close()
