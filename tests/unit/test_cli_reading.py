"""Files of OTLP are read by their content, in every layout there is."""

import gzip
import io
import json

import pytest
import zstandard
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.errors import ConfigError, InvalidInputError, MalformedError, TooLargeError
from otel_vector.spans.meanings import Signal
from otel_vector_collector.cli.transfer.reading import PROTOBUF, Unit, units
from otel_vector_collector.cli.transfer.signals import messages_of, pieces
from otel_vector_collector.cli.transfer.streams import content_hash, opened, plain


def traces(count=1, size=0, resources=1):
    data = TracesData()
    for r in range(resources):
        resource = data.resource_spans.add(schema_url=f"https://schema/{r}")
        resource.resource.attributes.add(key="service.name").value.string_value = f"s{r}"
        scope = resource.scope_spans.add()
        scope.scope.name = "scope"
        for n in range(count):
            scope.spans.add(
                trace_id=bytes([1] * 16),
                span_id=(n + 1).to_bytes(8, "big"),
                name="x" * size or "n",
                start_time_unix_nano=5,
                end_time_unix_nano=6,
            )
    return data


def logs():
    data = LogsData()
    record = data.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=7)
    record.body.string_value = "hello"
    return data


TRACE_LINE = json.dumps(
    {
        "resourceSpans": [
            {"scopeSpans": [{"spans": [{"traceId": "01" * 16, "spanId": "02" * 8, "name": "n"}]}]}
        ]
    }
).encode()
LOG_LINE = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"7"}]}]}]}'
BOTH_LINE = TRACE_LINE[:-1] + b"," + LOG_LINE[1:]


def prefixed(*bodies):
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def count_of(signal, data):
    resources = data.resource_spans if signal is Signal.SPANS else data.resource_logs
    scopes = [
        s for r in resources for s in (r.scope_spans if signal is Signal.SPANS else r.scope_logs)
    ]
    return sum(len(s.spans if signal is Signal.SPANS else s.log_records) for s in scopes)


def found(content):
    return [
        (unit.number, signal, count_of(signal, data))
        for unit in units(plain(io.BufferedReader(io.BytesIO(content))))
        for signal, data in messages_of(unit)
    ]


SPANS, LOGS = Signal.SPANS, Signal.LOGS
LAYOUTS = {
    "lines": (TRACE_LINE + b"\n" + LOG_LINE + b"\n", [(1, SPANS, 1), (2, LOGS, 1)]),
    "no last line feed": (TRACE_LINE, [(1, SPANS, 1)]),
    "empty lines and CRLF": (
        b"\r\n" + TRACE_LINE + b"\r\n\r\n" + LOG_LINE,
        [(2, SPANS, 1), (4, LOGS, 1)],
    ),
    "byte order mark": (b"\xef\xbb\xbf" + TRACE_LINE, [(1, SPANS, 1)]),
    "both in one line": (BOTH_LINE, [(1, SPANS, 1), (1, LOGS, 1)]),
    "one document over lines": (
        json.dumps(json.loads(TRACE_LINE), indent=2).encode(),
        [(1, SPANS, 1)],
    ),
    "bare traces": (traces(2, resources=2).SerializeToString(), [(1, SPANS, 2), (2, SPANS, 2)]),
    "bare logs": (logs().SerializeToString(), [(1, LOGS, 1)]),
    "length-prefixed": (
        prefixed(traces(3).SerializeToString(), logs().SerializeToString()),
        [(1, SPANS, 3), (2, LOGS, 1)],
    ),
    "length-prefixed, each compressed": (
        prefixed(zstandard.compress(TRACE_LINE), zstandard.compress(logs().SerializeToString())),
        [(1, SPANS, 1), (2, LOGS, 1)],
    ),
    "nothing": (b"", []),
    "only empty lines": (b"\n\n \n", []),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_every_layout_is_read_in_every_compression(layout, pack):
    content, expected = LAYOUTS[layout]
    assert found(pack(content)) == expected


@pytest.mark.parametrize("length", range(60, 260))
def test_a_record_of_any_length_is_not_taken_for_json(length):
    data = traces()
    data.resource_spans[0].schema_url = ""
    data.resource_spans[0].schema_url = "u" * (length - data.resource_spans[0].ByteSize() - 2)
    content = data.SerializeToString()
    assert found(content) == [(1, SPANS, 1)]


def test_several_compressed_frames_are_one_file():
    content = TRACE_LINE + b"\n"
    assert len(found(zstandard.compress(content) + zstandard.compress(content))) == 2
    assert len(found(gzip.compress(content) + gzip.compress(content))) == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (prefixed(b"x" * 100)[:-1], "message 1 is cut off: 99 of 100 bytes"),
        (prefixed(b"") + b"\x00\x00", "message 2 is cut off within its length"),
        (traces().SerializeToString()[:-1], "record 1 is cut off"),
        (traces().SerializeToString() + b"\x0a", "record 2 has no readable length"),
        (traces().SerializeToString() + b"\x12\x00", "record 2 does not begin"),
        (b"hello, this is no OTLP", "message 1 says it is 1751477356 bytes"),
        (prefixed(b"\x28\xb5\x2f\xfdgarbage"), "cannot be decompressed"),
    ],
)
def test_a_file_that_is_cut_off_or_something_else_says_where(content, says):
    with pytest.raises(InvalidInputError) as caught:
        found(content)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{broken", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"resourceMetrics": []}', "metrics, which are not stored here"),
        (b'{"a": 1}', "neither resourceSpans nor resourceLogs"),
    ],
)
def test_a_bad_line_says_why_and_its_neighbours_are_read(line, says):
    good, bad, last = units(
        io.BufferedReader(io.BytesIO(TRACE_LINE + b"\n" + line + b"\n" + LOG_LINE))
    )
    assert messages_of(good)
    assert messages_of(last)
    assert bad.number == 2
    with pytest.raises(MalformedError, match=says):
        messages_of(bad)


def test_metrics_in_protobuf_are_not_taken_for_spans():
    data = MetricsData()
    metric = data.resource_metrics.add().scope_metrics.add().metrics.add(name="requests")
    metric.sum.data_points.add(as_int=3)
    with pytest.raises(MalformedError):
        messages_of(Unit(1, PROTOBUF, data.SerializeToString()))


def test_a_line_beyond_all_bounds_is_refused(monkeypatch):
    monkeypatch.setattr("otel_vector_collector.cli.transfer.reading.LONGEST_UNIT", 1000)
    with pytest.raises(TooLargeError, match="line 1 is longer than 1000 bytes"):
        found(b"{" + b" " * 2000 + b"}")


def test_a_large_message_is_cut_into_bounded_ones_that_hold_the_same():
    data = traces(count=50, size=1000, resources=2)
    data.resource_spans[0].resource.MergeFromString(b"\x9a\x06\x03abc")  # an unknown field
    parts = list(pieces(SPANS, data, 10_000))
    assert len(parts) > 5
    assert max(map(len, parts)) < 11_000
    spans = [
        (r.resource.SerializeToString(), r.schema_url, s.scope.name, span.SerializeToString())
        for part in parts
        for r in TracesData.FromString(part).resource_spans
        for s in r.scope_spans
        for span in s.spans
    ]
    whole = [
        (r.resource.SerializeToString(), r.schema_url, s.scope.name, span.SerializeToString())
        for r in data.resource_spans
        for s in r.scope_spans
        for span in s.spans
    ]
    assert spans == whole


def test_a_span_larger_than_the_bound_is_a_piece_of_its_own():
    assert len(list(pieces(SPANS, traces(count=2, size=5000), 1000))) == 2


def test_a_file_that_is_absent_is_a_sentence(tmp_path):
    with (
        pytest.raises(ConfigError, match="cannot be read: No such file"),
        opened(str(tmp_path / "gone")),
    ):
        pass


def test_content_decides_the_identity_of_a_file(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (content_hash(str(tmp_path / name)) for name in "abc")
    assert a == b != c
