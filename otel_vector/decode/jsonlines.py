"""Files of OTLP JSON, one request a line, as the Collector's file exporter writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.decode.otlp_json import message_from_json
from otel_vector.errors import MalformedError, UnsupportedError

__all__ = ["data_from_json", "requests_from_lines"]


def data_from_json(line: bytes | str) -> TracesData | LogsData:
    """Return the spans or the log records of one line, whichever it holds.

    Raises:
        MalformedError: not OTLP JSON.
        UnsupportedError: metrics or profiles, which are not stored here.
    """
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise MalformedError(f"not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise MalformedError("a line of OTLP JSON is an object")
    if "resourceSpans" in parsed:
        return message_from_json(TracesData, parsed)
    if "resourceLogs" in parsed:
        return message_from_json(LogsData, parsed)
    if "resourceMetrics" in parsed or "resourceProfiles" in parsed:
        raise UnsupportedError("metrics and profiles are not stored here")
    raise MalformedError("the line has neither resourceSpans nor resourceLogs")


def requests_from_lines(lines: Iterable[bytes]) -> Iterator[TracesData | LogsData]:
    """Return what each line holds, in order; empty lines are skipped.

    Raises:
        MalformedError: as `data_from_json`, with the line's number, counted from 1.
        UnsupportedError: likewise.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield data_from_json(line)
        except (MalformedError, UnsupportedError) as error:
            raise type(error)(f"line {number}: {error}") from error
