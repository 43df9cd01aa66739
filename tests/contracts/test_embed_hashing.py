"""The hashing embedder keeps the promises, with and without the cache around it."""

import pytest

from otel_vector.embed.cached import CachedEmbedder
from otel_vector.embed.contract import Embedder, Role
from otel_vector.testing.embed import EmbedderSuite
from otel_vector.testing.hashing import HashingEmbedder


class Counting(HashingEmbedder):
    """Counts the texts it is asked for."""

    def __init__(self) -> None:
        super().__init__(16)
        self.asked = 0

    def embed(self, texts, role):
        self.asked += len(texts)
        return super().embed(texts, role)


class TestHashingEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return HashingEmbedder(32)

    def test_texts_that_share_words_are_nearer_than_texts_that_do_not(self, embedder):
        one, near, far = embedder.embed(
            ["card payment declined", "payment declined by bank", "cart emptied"], Role.PASSAGE
        )
        assert sum(map(float.__mul__, one, near)) > sum(map(float.__mul__, one, far))


class TestCachedEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self) -> Embedder:
        return CachedEmbedder(HashingEmbedder(32), size=3)


def test_the_cache_asks_once_for_a_text_it_still_holds():
    inner = Counting()
    cached = CachedEmbedder(inner, size=2)
    first = cached.embed(["a", "b", "a"], Role.QUESTION)
    assert cached.embed(["a"], Role.QUESTION) == [first[0]]
    assert inner.asked == 2


def test_the_cache_keeps_roles_apart_and_forgets_the_least_recent():
    inner = Counting()
    cached = CachedEmbedder(inner, size=2)
    cached.embed(["a"], Role.QUESTION)
    cached.embed(["a"], Role.PASSAGE)
    cached.embed(["b"], Role.PASSAGE)
    cached.embed(["a"], Role.QUESTION)
    assert inner.asked == 4
