"""A request of too many items is told from its bytes, before it is parsed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.decode.wire import check_items, check_json_objects
from otel_vector.errors import TooLargeError


def requests(resources, scopes, items):
    data = LogsData()
    for _ in range(resources):
        resource = data.resource_logs.add(schema_url="https://opentelemetry.io/schemas/1.40.0")
        for _ in range(scopes):
            resource.scope_logs.add().scope.name = "library"
            for _ in range(items):
                resource.scope_logs[-1].log_records.add(time_unix_nano=1, flags=1)
    return data.SerializeToString()


@pytest.mark.parametrize(
    ("shape", "entries"), [((1, 1, 30), 32), ((3, 4, 5), 75), ((40, 0, 0), 40), ((1, 40, 0), 41)]
)
def test_resources_scopes_and_items_count(shape, entries):
    body = requests(*shape)
    check_items(body, entries)
    with pytest.raises(TooLargeError, match="smaller batches"):
        check_items(body, entries - 1)


def test_sixty_kilobytes_of_gzip_cannot_become_gigabytes():
    spans = b"\x12\x00" * 1_000_000
    scope = b"\x12" + varint(len(spans)) + spans
    with pytest.raises(TooLargeError):
        check_items(b"\x0a" + varint(len(scope)) + scope)


def test_fields_of_other_types_hide_nothing():
    """An unknown number, fixed values and a group before the items."""
    ahead = b"\x38\x80\x01" + b"\x41" + bytes(8) + b"\x4d" + bytes(4) + b"\x53\x54"
    spans = b"\x12\x00" * 100
    scope = ahead + b"\x12" + varint(len(ahead + spans)) + ahead + spans
    body = b"\x0a" + varint(len(scope)) + scope
    assert len(TracesData.FromString(body).resource_spans[0].scope_spans[0].spans) == 100
    check_items(body, 102)
    with pytest.raises(TooLargeError):
        check_items(body, 101)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(body):
    check_items(body, 1_000)
    with suppress(TooLargeError):
        check_items(body, 0)


def test_json_of_too_many_objects_is_refused():
    check_json_objects(b"{}" * 10, 10)
    with pytest.raises(TooLargeError, match="objects"):
        check_json_objects(b"{}" * 11, 10)


def varint(number):
    found = b""
    while number > 0x7F:
        found += bytes([number & 0x7F | 0x80])
        number >>= 7
    return found + bytes([number])
