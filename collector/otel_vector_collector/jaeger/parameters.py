"""Query parameters of Jaeger's HTTP APIs, read as Jaeger reads them.

The legacy search has moments as microseconds since the epoch, `/api/v3` as RFC 3339; durations
are Go's (`1.2s`, `100ms`, `1h30m`) in both.
"""

from __future__ import annotations

import re
import time
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from starlette.datastructures import QueryParams

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query_terms import UNITS_NS
from otel_vector_collector.jaeger.questions import FALSE, TRUE, Asked

__all__ = [
    "check_hints",
    "legacy_search",
    "legacy_window",
    "moment_ns",
    "trace_ids",
    "traces_id",
    "v3_search",
]

_DAY_NS: Final = 86_400_000_000_000
_LIMIT: Final = 100
_TRACE_DIGITS: Final = 32
_PARTS: Final = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_WHOLE: Final = re.compile(rf"\+?(?:{_PARTS.pattern})+")
_RFC3339: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+ -])([0-9]{2}):([0-9]{2}))"
)


def legacy_search(given: QueryParams) -> Asked:
    """Return the search of `/api/traces`.

    Raises:
        InvalidQueryError: a parameter cannot be read.
    """
    least_ns, most_ns = _duration_ns(given, "minDuration"), _duration_ns(given, "maxDuration")
    if most_ns and most_ns < least_ns:
        raise InvalidQueryError("'maxDuration' should be greater than 'minDuration'")
    return Asked(
        service=given.get("service", ""),
        operation=given.get("operation", ""),
        attributes=_tags(given),
        since_ns=_number(given, "start", 1_000, None),
        until_ns=_number(given, "end", 1_000, None),
        least_ns=least_ns,
        most_ns=most_ns,
        depth=_number(given, "limit", 1, _LIMIT) or _LIMIT,
    )


def legacy_window(given: QueryParams) -> tuple[int, int]:
    """Return first and last nanosecond of what `/api/dependencies` asks about.

    Raises:
        InvalidQueryError: a parameter cannot be read.
    """
    end_ns = _number(given, "endTs", 1_000_000, None) or time.time_ns()
    lookback_ns = _number(given, "lookback", 1_000_000, None) or _DAY_NS
    return end_ns - lookback_ns, end_ns


def trace_ids(given: QueryParams) -> list[bytes]:
    """Return the traces that a search names by `traceID`.

    Raises:
        InvalidQueryError: one of them is no id.
    """
    return [traces_id(text) for text in given.getlist("traceID")]


def traces_id(text: str) -> bytes:
    """Return the 16 bytes of a trace's id: up to 32 hex digits, or base64.

    Raises:
        InvalidQueryError: it is neither.
    """
    if 0 < len(text) <= _TRACE_DIGITS and re.fullmatch(r"[0-9a-fA-F]+", text):
        return bytes.fromhex(text.rjust(_TRACE_DIGITS, "0"))
    try:
        raw = b64decode(
            text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True
        )
    except ValueError:
        raw = b""
    if len(raw) != _TRACE_DIGITS // 2:
        raise InvalidQueryError(f"a trace id is up to 32 hex digits, not {text[:80]!r}")
    return raw


def v3_search(given: QueryParams) -> Asked:
    """Return the search of `/api/v3/traces` and `/api/v3/trace-summaries`.

    Raises:
        InvalidQueryError: a parameter is missing or cannot be read.
    """
    if given.get("query.filter"):
        raise InvalidQueryError("query.filter is not understood here: use query.attributes")
    read = _Names(given)
    since, until = read("startTimeMin"), read("startTimeMax")
    if not since or not until:
        raise InvalidQueryError("query.startTimeMin and query.startTimeMax are required")
    since_ns, until_ns = (
        moment_ns("query.startTimeMin", since),
        moment_ns("query.startTimeMax", until),
    )
    if since_ns >= until_ns:
        raise InvalidQueryError("query.startTimeMin must be before query.startTimeMax")
    _check_truth("query.rawTraces", read("rawTraces"))
    depth = read("searchDepth") or given.get("query.num_traces", "")
    return Asked(
        service=read("serviceName"),
        operation=read("operationName"),
        attributes=_texts("query.attributes", given.get("query.attributes", "")),
        since_ns=since_ns,
        until_ns=until_ns,
        least_ns=_duration_of("query.durationMin", read("durationMin")),
        most_ns=_duration_of("query.durationMax", read("durationMax")),
        depth=_integer("query.searchDepth", depth) if depth else _LIMIT,
    )


class _Names:
    """Reads `query.…` parameters by their name, or by that in snake case of before."""

    def __init__(self, given: QueryParams) -> None:
        self._given = given

    def __call__(self, name: str) -> str:
        snake = re.sub(r"(?=[A-Z])", "_", name).lower()
        return self._given.get(f"query.{name}") or self._given.get(f"query.{snake}", "")


def moment_ns(name: str, text: str) -> int:
    """Return an RFC 3339 moment in nanoseconds; the plus of an offset may have become a blank.

    Raises:
        InvalidQueryError: it is none.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise _malformed(name, text, "write it as 2026-08-20T10:00:00.5Z")
    day, clock, fraction, sign, hours, minutes = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed(name, text, str(error)) from error
    offset_s = (int(hours) * 3600 + int(minutes) * 60) * (-1 if sign == "-" else 1) if sign else 0
    seconds = int(moment.timestamp()) - offset_s
    return seconds * 1_000_000_000 + int((fraction or "0")[:9].ljust(9, "0"))


def check_hints(given: QueryParams) -> None:
    """Refuse what beside a trace's id cannot be read; the trace comes whole whatever it says.

    Raises:
        InvalidQueryError: a moment or `rawTraces` cannot be read.
    """
    for name in ("startTime", "endTime", "start_time", "end_time"):
        if text := given.get(name):
            moment_ns(name, text)
    for name in ("rawTraces", "raw_traces"):
        _check_truth(name, given.get(name, ""))


def _check_truth(name: str, text: str) -> None:
    if text and text not in TRUE | FALSE:
        raise _malformed(name, text, "send true or false")


def _tags(given: QueryParams) -> Mapping[str, str]:
    """Return the tags: JSON objects, and `key:value` one by one."""
    tags: dict[str, str] = {}
    for text in given.getlist("tag"):
        key, colon, value = text.partition(":")
        if not colon:
            raise _malformed("tag", text, "expecting key:value")
        tags[key] = value
    for text in given.getlist("tags"):
        tags.update(_texts("tags", text))
    return tags


def _texts(name: str, text: str) -> dict[str, str]:
    """Return a JSON object of texts; numbers and booleans are taken by their JSON."""
    try:
        found: Any = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError as error:
        raise _malformed(name, text, f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _malformed(name, text, "send a JSON object of texts")
    return {
        key: value if isinstance(value, str) else orjson.dumps(value).decode()
        for key, value in found.items()
    }


def _number(given: QueryParams, name: str, factor: int, default: int | None) -> int | None:
    text = given.get(name, "")
    return _integer(name, text) * factor if text else default


def _integer(name: str, text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", text):
        raise _malformed(name, text, "send a whole number")
    return int(text)


def _duration_ns(given: QueryParams, name: str) -> int:
    return _duration_of(name, given.get(name, ""))


def _duration_of(name: str, text: str) -> int:
    """Return one of Go's durations in nanoseconds; 0 for none."""
    if text in {"", "0"}:
        return 0
    if not _WHOLE.fullmatch(text):
        raise _malformed(name, text, "write a number and its unit: 1.2s, 100ms, 500us")
    parts = _PARTS.findall(text)
    return sum(int(Decimal(n) * UNITS_NS[unit.replace("μ", "µ")]) for n, unit in parts)


def _malformed(name: str, text: str, why: str) -> InvalidQueryError:
    return InvalidQueryError(f"unable to parse param '{name}': {text[:80]!r}: {why}")
