"""Two tenants on one server, one of them hostile: what it names is never another's."""

import pytest
from standin import StandIn

from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import SpanId, Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.store.qdrant.connection import Connection
from otel_vector.store.qdrant.names import tombs_of, uuid_of
from otel_vector.store.records import Draft
from otel_vector.testing.builders import TENANT, SpanRow, item_of
from otel_vector.testing.store_case import all_pages, write

_HOSTILE = Tenant("hostile")


@pytest.fixture
def store(tmp_path):
    with StandIn(tmp_path / "server") as server:
        opened = QdrantStore(StoreConfig(url=server.url), Models(Model("test-model", 8)))
        yield opened
        opened.close()


def test_a_deletion_of_an_id_beforehand_does_not_undo_another_tenants_deletion(store):
    row, ours = SpanRow(span=1), store.tenant(TENANT)
    identity = item_of(row).id
    store.tenant(_HOSTILE).upkeep.bury([identity, *tombs_of(TENANT, [identity])])
    write(ours, [row])
    ours.writer.delete(Signal.SPANS, [identity])
    write(ours, [row])
    assert all_pages(ours) == []
    assert ours.upkeep.tombstones() == [identity]


def test_a_deletion_of_the_id_of_a_record_to_come_does_not_keep_it_from_being_stored(store):
    point = uuid_of("record", TENANT, "functions", "main", "1")
    store.tenant(_HOSTILE).upkeep.bury([SpanId(point)])
    ours = store.tenant(TENANT).records
    (record,) = ours.put("functions", [Draft("main", {"a": 1}, ())], {})
    assert record.version == 1
    assert ours.get("functions", "main") is not None


@pytest.mark.parametrize(
    ("url", "key", "warned"),
    [
        ("http://qdrant.example:6334", "hidden", True),
        ("http://qdrant.example:6334", "", False),
        ("https://qdrant.example:6334", "hidden", False),
        ("http://127.0.0.1:6334", "hidden", False),
    ],
    ids=["plain", "no key", "tls", "here"],
)
def test_a_key_that_travels_unencrypted_is_warned_of_and_never_logged(url, key, warned, caplog):
    Connection(StoreConfig(url=url, api_key=key)).close()
    assert ("unencrypted" in caplog.text) is warned
    assert "hidden" not in caplog.text
