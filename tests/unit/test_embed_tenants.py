"""What one tenant had embedded answers no other tenant sooner, and no event counts others' writes."""

from otel_vector.embed.cached import TenantCaches
from otel_vector.embed.contract import Role
from otel_vector.events.local import LocalEvents
from otel_vector.services.search import Search, SearchQuestion
from otel_vector.services.similar import Similar, SimilarQuestion
from otel_vector.settings.config import SearchConfig
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.memory import MemoryStore
from otel_vector.testing.hashing import HashingEmbedder

A, B = Tenant("a"), Tenant("b")


class Counting(HashingEmbedder):
    def __init__(self):
        super().__init__()
        self.texts = []

    def embed(self, texts, role):
        self.texts += texts
        return super().embed(texts, role)


def test_each_tenant_pays_for_its_own_questions():
    embedder = Counting()
    store = MemoryStore(model=embedder.model, dimension=embedder.dimension)
    search = Search(store, TenantCaches(embedder), SearchConfig())
    similar = Similar(search)
    for tenant in (B, B, A, A, B):
        search.answer(tenant, SearchQuestion(text="card declined"))
        similar.answer(tenant, SimilarQuestion(text="refund late"))
    assert embedder.texts.count("card declined") == 2
    assert embedder.texts.count("refund late") == 2


def test_the_tenants_remembered_are_bounded():
    embedder = Counting()
    caches = TenantCaches(embedder, tenants=2)
    for tenant in (A, B, Tenant("c"), A):
        caches.of(tenant).embed(["x"], Role.QUESTION)
    assert embedder.texts == ["x"] * 4


def test_events_of_others_leave_no_gap_in_the_sequence():
    events = LocalEvents()
    with events.subscribe(A) as mine:
        for tenant in (A, B, B, A):
            events.publish(tenant, Signal.SPANS, (SpanId("0" * 32),), 1)
        assert [mine.next(1).sequence, mine.next(1).sequence] == [1, 2]
    events.close()
