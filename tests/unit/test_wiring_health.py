"""How a store is doing is told in time, whatever the server behind it does."""

import time

import pytest
from standin import StandIn

from otel_vector.settings.config import StoreConfig
from otel_vector.store.memory import MemoryStore
from otel_vector.store.models import Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.wiring.health import StoreHealth

DEADLINE_S = 20.0


@pytest.fixture
def server(tmp_path):
    with StandIn(tmp_path / "server") as running:
        yield running


@pytest.fixture
def store(server):
    opened = QdrantStore(StoreConfig(url=server.url, patience_s=0.2, timeout_s=5.0), Models())
    yield opened
    opened.close()


def comes_true(health, words):
    deadline = time.monotonic() + DEADLINE_S
    while words not in (part := health.part()).detail:
        assert time.monotonic() < deadline, part
    return part


def test_a_store_that_is_whole_is_well():
    part = StoreHealth(MemoryStore(8)).part()
    assert (part.name, part.ok, part.detail) == ("store", True, "whole")


def test_a_server_that_is_away_is_named_and_what_to_do(server, store):
    health = StoreHealth(store)
    assert health.part().ok
    server.close()
    part = comes_true(health, "does not answer")
    assert (part.name, part.ok) == ("store", False)
    assert "start it, or check store.url" in part.detail


def test_a_server_that_stalls_is_told_without_waiting_for_it_and_well_when_it_goes_on(
    server, store
):
    health = StoreHealth(store, wait_s=0.2)
    with server.faults.stalled("Facet"):
        part = comes_true(health, "has not answered for")
        assert not part.ok
        assert "waits in the inbox" in part.detail
    assert comes_true(health, "whole").ok
