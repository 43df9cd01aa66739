"""What no patience helps with, in sentences that say what to do; and what passes by itself."""

import grpc
import pytest
from qdrant_client import grpc as pb
from standin import StandIn

from otel_vector.errors import (
    ConfigError,
    ModelMismatchError,
    StorageFullError,
    StoreUnavailableError,
    StoreVersionError,
)
from otel_vector.settings.config import StoreConfig
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore, stored_models
from otel_vector.testing.builders import TENANT, SpanRow
from otel_vector.testing.store_case import all_pages, newest_first, write

MODEL = Models(Model("test-model", 8))


@pytest.fixture
def server(tmp_path):
    with StandIn(tmp_path / "server") as running:
        yield running


def opened(url, models=MODEL, **settings):
    given = {"patience_s": 1.0, "timeout_s": 5.0, **settings}
    return QdrantStore(StoreConfig(url=url, **given), models)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://host:6334", "write http://host:6334"),
        ("http://", "write http://host:6334"),
        ("http://host:70000", "write http://host:6334"),
        ("http://host:6333", "use the gRPC port, as a rule http://host:6334"),
        ("https://key:secret@host:6334", "set store.api_key"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused(url, says):
    with pytest.raises(ConfigError, match=says) as refused:
        opened(url)
    assert "secret" not in str(refused.value).replace("secrets", "")


def test_a_server_that_is_not_there_is_waited_for_and_then_named():
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        opened("http://127.0.0.1:1")


def test_a_wrong_key_is_refused_without_showing_it(tmp_path):
    with (
        StandIn(tmp_path / "server", api_key="right") as server,
        pytest.raises(ConfigError, match=r"set store\.api_key") as refused,
    ):
        opened(server.url, api_key="not-this-one")
    assert "not-this-one" not in str(refused.value)


def test_a_key_that_is_right_opens(tmp_path):
    with StandIn(tmp_path / "server", api_key="right") as server:
        opened(server.url, api_key="right").close()


def test_an_old_server_is_refused(tmp_path):
    with (
        StandIn(tmp_path / "server", version="1.16.3") as server,
        pytest.raises(StoreVersionError, match=r"1\.16\.3, too old"),
    ):
        opened(server.url)


def test_tls_to_a_server_without_it_is_refused(server):
    with pytest.raises(ConfigError, match=r"no TLS connection"):
        opened(server.url.replace("http:", "https:"))


def test_an_authority_that_cannot_be_read_is_refused(server, tmp_path):
    with pytest.raises(ConfigError, match=r"store\.ca"):
        opened("https://127.0.0.1:1", ca=str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    "other", [Model("other-model", 8), Model("test-model", 9)], ids=["name", "dimension"]
)
def test_vectors_of_another_model_are_refused(server, other):
    opened(server.url).close()
    with pytest.raises(ModelMismatchError, match="otel-vector reembed"):
        opened(server.url, Models(other))
    assert stored_models(StoreConfig(url=server.url)) == MODEL


def test_a_store_made_without_a_model_takes_the_first(server):
    store = opened(server.url, Models())
    assert store.models == Models()
    store.close()
    assert stored_models(StoreConfig(url=server.url)) == Models()
    store = opened(server.url)
    assert store.models == MODEL
    store.close()


def test_an_index_that_is_missing_is_made(server):
    name = StoreConfig().prefix + "blocks"
    with grpc.insecure_channel(server.url.removeprefix("http://")) as channel:
        collections = pb.CollectionsStub(channel)
        collections.Create(pb.CreateCollection(collection_name=name))
        opened(server.url).close()
        asked = pb.GetCollectionInfoRequest(collection_name=name)
        made = set(collections.Get(asked).result.payload_schema)
    assert made == {"tenant", "r", "y", "lo", "hi"}


def test_what_passes_is_tried_again(server):
    store = opened(server.url)
    tenant, rows = store.tenant(TENANT), [SpanRow(span=n) for n in range(1, 9)]
    for code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"):
        server.faults.fail("Upsert", 1, getattr(grpc.StatusCode, code))
    server.faults.lose_answers("Upsert", 1)
    assert len(write(tenant, rows).new) == len(rows)
    assert all_pages(tenant) == newest_first(rows)
    store.close()


def test_a_full_disk_is_told_and_a_later_try_stores_everything_once(server):
    store = opened(server.url)
    tenant, rows = store.tenant(TENANT), [SpanRow(span=n) for n in range(1, 9)]
    server.faults.disk_full = True
    with pytest.raises(StorageFullError, match="no disk space left"):
        write(tenant, rows)
    server.faults.disk_full = False
    write(tenant, rows)
    assert all_pages(tenant) == newest_first(rows)
    store.close()


@pytest.mark.parametrize("upsert", [1, 2, 3], ids=["meanings", "blocks", "points"])
def test_a_write_that_breaks_off_anywhere_is_completed_by_the_next_try(server, upsert):
    store = opened(server.url, patience_s=0.0)
    tenant, rows = store.tenant(TENANT), [SpanRow(span=n) for n in range(1, 9)]
    broken = grpc.StatusCode.UNAVAILABLE
    passing = server.faults.calls["Upsert"]
    refuse = server.faults._before

    def before(method, given, request, context):
        if method == "Upsert" and server.faults.calls["Upsert"] - passing == upsert - 1:
            server.faults.fail("Upsert", 1, broken)
        refuse(method, given, request, context)

    server.faults._before = before
    with pytest.raises(StoreUnavailableError):
        write(tenant, rows)
    server.faults._before = refuse
    assert len(write(tenant, rows).new) == len(rows)
    assert all_pages(tenant) == newest_first(rows)
    assert tenant.size().blocks == 1
    store.close()


def test_a_key_that_is_withdrawn_later_is_a_matter_of_waiting(tmp_path):
    with StandIn(tmp_path / "server", api_key="right") as server:
        store = opened(server.url, api_key="right")
        server.faults.api_key = "another"
        with pytest.raises(StoreUnavailableError, match=r"set store\.api_key"):
            write(store.tenant(TENANT), [SpanRow()])
        server.faults.api_key = "right"
        assert len(write(store.tenant(TENANT), [SpanRow()]).new) == 1
        store.close()
