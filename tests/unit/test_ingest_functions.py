"""Functions that applications announce become records, whichever store keeps them."""

from dataclasses import replace

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from standin import StandIn
from support import ingest as parts

from otel_vector.errors import StorageFullError
from otel_vector.exporter.announcements import log_records
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Where
from otel_vector.spans.functions import FunctionRecord
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.store.memory import MemoryStore
from otel_vector.store.models import Model, Models
from otel_vector.store.qdrant import QdrantStore
from otel_vector.testing.builders import TENANT, LogRow

PAY = FunctionRecord(
    module="shop.payments",
    qualname="Till.pay",
    signature="(self, amount: int) -> bool",
    docstring="Charge the card.\n\nAsks the bank.",
    source="def pay(self, amount):\n    return True\n",
    source_hash="0123456789abcdef",
    file="shop/payments.py",
    line=42,
    description="charges a card",
    tags=(("team", "billing"),),
)
KEY = "shop/shop.payments.Till.pay"


@pytest.fixture(params=["memory", "edge", "server"])
def bench(request, tmp_path):
    with StandIn(tmp_path / "server") as server:
        made = parts.Bench(tmp_path, opened(request.param, tmp_path, server))
        yield made.start()
        made.close()
        made.store.close()


def opened(kind, folder, server):
    if kind == "memory":
        return MemoryStore(16, "hashing-16")
    if kind == "edge":
        return EdgeStore(folder / "store", StoreConfig(), "hashing-16", 16)
    return QdrantStore(StoreConfig(url=server.url), Models(Model("hashing-16", 16)))


def announcement(*functions, service="shop"):
    resource = Resource(
        attributes=[KeyValue(key="service.name", value=AnyValue(string_value=service))]
    )
    return log_records(functions, resource)


def put(bench, data, tenant="default"):
    """Put a message into the inbox and wait until it is stored and acked."""
    body = data.SerializeToString()
    bench.inbox.put(parts.envelope_of(body, Signal.LOGS, tenant))
    parts.eventually(bench.is_empty)


def record(bench, key=KEY, tenant="default"):
    return bench.store.tenant(Tenant(tenant)).records.get("functions", key)


def logs_of(bench):
    return bench.store.tenant(TENANT).reader.find(Signal.LOGS, Where(), 100).items


def counted(bench, outcome):
    totals = bench.telemetry.totals("otel_vector_ingest_functions_total")
    return totals.get((outcome,), 0)


def test_an_announced_function_becomes_a_record_and_no_log_record(bench):
    put(bench, announcement(PAY))
    found = record(bench)
    assert found.version == 1
    assert found.body == {
        "service": "shop",
        "name": "shop.payments.Till.pay",
        "module": "shop.payments",
        "qualname": "Till.pay",
        "signature": "(self, amount: int) -> bool",
        "docstring": "Charge the card.\n\nAsks the bank.",
        "source": "def pay(self, amount):\n    return True\n",
        "source_hash": "0123456789abcdef",
        "file": "shop/payments.py",
        "line": 42,
        "description": "charges a card",
        "narrative": "",
        "tags": {"team": "billing"},
        "switches": {},
    }
    assert not logs_of(bench)
    assert counted(bench, "kept") == 1


def test_a_function_is_found_by_texts_of_facet_code_that_wait_for_their_vectors(bench):
    bench.sink.arrived.clear()
    put(bench, announcement(PAY))
    pending = bench.store.tenant(TENANT).meanings.pending(100)
    assert {meaning.facet for meaning in pending} == {Facet.CODE}
    assert "till pay: charges a card" in {meaning.text for meaning in pending}
    assert bench.sink.arrived.is_set()


def test_the_same_function_again_changes_nothing(bench):
    for _ in range(3):
        put(bench, announcement(PAY))
    assert record(bench).version == 1


def test_a_changed_function_is_a_new_version(bench):
    put(bench, announcement(PAY))
    put(bench, announcement(replace(PAY, source="def pay(self): ...", source_hash="f" * 16)))
    assert record(bench).version == 2
    put(bench, announcement(PAY))
    assert record(bench).version == 3


def test_functions_of_one_text_are_two_records(bench):
    put(bench, announcement(PAY, replace(PAY, qualname="Till.charge")))
    put(bench, announcement(PAY, service="other"))
    assert bench.store.tenant(TENANT).records.collections() == {"functions": 3}
    assert record(bench, "other/shop.payments.Till.pay").body["service"] == "other"


def test_log_records_beside_a_function_are_stored_as_ever(bench):
    data = announcement(PAY)
    data.MergeFromString(parts.body_of([LogRow(body="stock is low")]))
    data.resource_logs[0].scope_logs[0].log_records.add(event_name="another", time_unix_nano=1)
    put(bench, data)
    assert sorted(item.name for item in logs_of(bench)) == ["", "another"]
    assert record(bench).version == 1


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAY, qualname=""),
        replace(PAY, qualname="x" * 600),
        replace(PAY, source="x" * (2 << 20)),
        replace(PAY, module="other/shop"),
    ],
    ids=["nameless", "long name", "oversized", "name of another service"],
)
def test_what_cannot_be_a_record_stays_a_log_record_and_stops_no_other(bench, wrong):
    put(bench, announcement(wrong, PAY))
    assert [item.name for item in logs_of(bench)] == ["otel_vector.function"]
    assert record(bench).version == 1
    assert (counted(bench, "kept"), counted(bench, "refused")) == (1, 1)


def test_an_event_of_that_name_in_another_scope_is_a_log_record(bench):
    data = announcement(PAY)
    data.resource_logs[0].scope_logs[0].scope.name = "shop"
    put(bench, data)
    assert len(logs_of(bench)) == 1
    assert record(bench) is None


def test_secrets_leave_a_function_before_it_is_kept(bench):
    source = 'def pay():\n    client = Client(password="hunter2-very-secret")\n'
    put(bench, announcement(replace(PAY, source=source)))
    assert "hunter2" not in str(record(bench).body)
    texts = [meaning.text for meaning in bench.store.tenant(TENANT).meanings.pending(100)]
    assert not any("hunter2" in text for text in texts)


def test_a_tenant_has_its_own_functions(bench):
    put(bench, announcement(PAY), "acme")
    put(bench, announcement(replace(PAY, description="something else")))
    assert record(bench, tenant="acme").body["description"] == "charges a card"
    assert record(bench).body["description"] == "something else"
    assert (record(bench, tenant="acme").version, record(bench).version) == (1, 1)


def test_functions_that_are_delivered_again_leave_the_versions_as_they_are(tmp_path):
    """Two versions, of which neither was acked when the worker was killed."""
    first = parts.Bench(tmp_path, checkpoint_s=1000.0)
    second = replace(PAY, source_hash="f" * 16)
    for function in (PAY, second):
        body = announcement(function).SerializeToString()
        first.inbox.put(parts.envelope_of(body, Signal.LOGS))
    first.start()
    parts.eventually(lambda: getattr(record(first), "version", 0) == 2)
    first.store.checkpoint_error = StorageFullError("killed before its checkpoint")
    first.close()

    again = parts.Bench(tmp_path, parts.FaultyStore(first.store.inner))
    assert again.inbox.state().pending == 2
    again.start()
    parts.eventually(again.is_empty)
    assert record(again).version == 2
    assert record(again).body["source_hash"] == "f" * 16
    again.close()


def test_a_message_of_functions_alone_is_acked(bench):
    put(bench, LogsData())
    put(bench, announcement(PAY))
    assert bench.is_empty()
