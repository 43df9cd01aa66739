"""Functions are announced once in a process, and come back from the wire as they were."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_vector.errors import InvalidInputError
from otel_vector.exporter.announcements import Announcements, log_records
from otel_vector.spans.function_logs import function_of, is_function
from otel_vector.spans.functions import FunctionRecord

PAY = FunctionRecord(
    module="shop.payments",
    qualname="Till.pay",
    signature="(self, amount: int) -> bool",
    docstring="Charge the card.",
    source="def pay(self, amount):\n    return True\n",
    source_hash="0123456789abcdef",
    file="shop/payments.py",
    line=42,
    description="charges a card",
    narrative="then a receipt is sent",
    tags=(("priority", 1), ("ratio", 0.5), ("team", "billing"), ("vip", True)),
    switches=(("semantic_cache", True),),
)
RESOURCE = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="shop"))])


def records_of(data):
    """Return the log records of a message with their scopes, read back from its bytes."""
    read = LogsData.FromString(data.SerializeToString())
    return [
        (scope, record)
        for resource in read.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def test_a_function_comes_back_from_the_wire_as_it_was():
    ((scope, record),) = records_of(log_records([PAY], RESOURCE))
    assert is_function(scope, record)
    assert function_of(record) == PAY


def test_a_function_without_anything_but_its_name_comes_back_too():
    bare = FunctionRecord("shop", "pay")
    ((_, record),) = records_of(log_records([bare], RESOURCE))
    assert function_of(record) == bare
    assert bare.name == "shop.pay"


def test_the_resource_of_the_process_goes_with_its_functions():
    data = log_records([PAY], RESOURCE)
    assert data.resource_logs[0].resource == RESOURCE


def test_members_that_a_later_version_adds_are_ignored():
    ((_, record),) = records_of(log_records([PAY], RESOURCE))
    record.body.kvlist_value.values.add(key="complexity").value.int_value = 3
    assert function_of(record) == PAY


@pytest.mark.parametrize(
    "body",
    [
        AnyValue(string_value="shop.pay"),
        AnyValue(),
        {"module": "shop"},
        {"module": "shop", "qualname": "x" * 500},
        {"module": "shop", "qualname": "pay\n"},
        {"module": "shop", "qualname": "pay", "line": "three"},
        {"module": "shop", "qualname": "pay", "source": 3},
        {"module": "shop", "qualname": "pay", "tags": "billing"},
    ],
)
def test_what_is_no_function_is_refused(body):
    with pytest.raises(InvalidInputError):
        function_of(LogRecord(body=as_value(body)))


def as_value(body):
    """Return a map of texts and integers as an OTLP value."""
    if isinstance(body, AnyValue):
        return body
    value = AnyValue()
    for key, inner in body.items():
        field = "int_value" if isinstance(inner, int) else "string_value"
        setattr(value.kvlist_value.values.add(key=key).value, field, inner)
    return value


def test_each_reader_is_given_each_function_once():
    announced = Announcements()
    announced.announce(PAY)
    first, place = announced.pending(0)
    announced.announce(refund := replace(PAY, qualname="Till.refund"))
    second, end = announced.pending(place)
    assert (first, second) == ([PAY], [refund])
    assert announced.pending(end) == ([], end)
    assert announced.pending(0)[0] == [PAY, refund]


def test_the_same_function_again_is_nothing_new_and_another_content_is():
    announced = Announcements()
    for record in (PAY, replace(PAY), replace(PAY, source_hash="fedcba9876543210")):
        announced.announce(record)
    assert len(announced.pending(0)[0]) == 2


def test_functions_of_one_text_are_two():
    announced = Announcements()
    announced.announce(PAY)
    announced.announce(replace(PAY, qualname="Till.charge"))
    assert len(announced.pending(0)[0]) == 2


def test_functions_over_the_bound_are_counted_and_told_once(caplog):
    announced = Announcements(most=1)
    for number in range(3):
        announced.announce(replace(PAY, line=number))
    assert len(announced.pending(0)[0]) == 1
    assert announced.left_out == 2
    assert len(caplog.records) == 1


def test_a_fork_keeps_what_was_announced():
    announced = Announcements()
    announced.announce(PAY)
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        os.write(writable, str(len(announced.pending(0)[0])).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as told:
        assert told.read() == "1"
    assert os.waitpid(child, 0)[1] == 0


def test_announcing_loads_nothing_heavy():
    code = (
        "import sys, otel_vector.exporter.announcements;"
        "print([m for m in ('grpc', 'httpx', 're2', 'sqlite3', 'numpy', 'google.protobuf')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"
