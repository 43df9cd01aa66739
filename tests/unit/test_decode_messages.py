"""OTLP bytes become messages, or a sentence that says why not."""

import gzip
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.decode.messages import (
    JSON,
    PROTOBUF,
    decode,
    logs_from,
    metrics_from,
    traces_from,
)
from otel_vector.errors import (
    MalformedError,
    TooLargeError,
    UnsupportedMediaError,
)
from otel_vector.spans.meanings import Signal


@dataclass(frozen=True)
class Encoded:
    signal: Signal
    content_type: str
    encoding: str
    body: bytes


def spans(name="n"):
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(name=name)
    span.trace_id, span.span_id = b"t" * 16, b"s" * 8
    return data


def test_an_envelope_is_decoded_by_its_signal_and_encoding():
    body = gzip.compress(spans().SerializeToString())
    assert decode(Encoded(Signal.SPANS, PROTOBUF, "gzip", body)) == spans()
    assert isinstance(decode(Encoded(Signal.LOGS, JSON, "identity", b"{}")), LogsData)


def test_an_envelope_is_not_expanded_past_the_limit():
    body = gzip.compress(bytes(10_000))
    with pytest.raises(TooLargeError):
        decode(Encoded(Signal.SPANS, PROTOBUF, "gzip", body), limit_bytes=1000)


def test_an_empty_body_is_an_empty_request():
    assert traces_from(b"", PROTOBUF) == TracesData()
    assert traces_from(b"{}", JSON) == TracesData()


def test_fields_nobody_knows_are_kept():
    unknown = b"\xfa\x3e\x03new"
    data = traces_from(spans().SerializeToString() + unknown, PROTOBUF)
    assert data.SerializeToString().endswith(unknown)


@pytest.mark.parametrize(
    "body",
    [
        spans().SerializeToString()[:-3],
        spans("AAAA").SerializeToString().replace(b"AAAA", b"\xff\xfe\xed\xed"),
        spans("AAA").SerializeToString().replace(b"AAA", b"\xed\xa0\x80"),
        b"\xff" * 20,
        b"not protobuf at all",
    ],
    ids=["truncated", "not utf-8", "a lone surrogate", "noise", "text"],
)
def test_bytes_that_protobuf_cannot_parse_are_malformed(body):
    with pytest.raises(MalformedError, match="not an OTLP protobuf message"):
        traces_from(body, PROTOBUF)


@pytest.mark.parametrize("read", [traces_from, logs_from, metrics_from])
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/xml"])
def test_other_content_types_are_not_spoken(read, content_type):
    with pytest.raises(UnsupportedMediaError, match="application/x-protobuf"):
        read(b"", content_type)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([traces_from, logs_from, metrics_from]))
def test_any_bytes_are_read_or_refused(body, read):
    for content_type in (PROTOBUF, JSON):
        try:
            read(body, content_type)
        except MalformedError as error:
            assert str(error)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_requests_are_read_or_refused(data):
    body = bytearray(spans("checkout").SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        traces_from(bytes(body), PROTOBUF)
    except MalformedError:
        return
