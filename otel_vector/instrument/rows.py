"""Executions and functions as flat rows: one dict each, with the names that users filter by."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from otel_vector.instrument.captured import INPUT, SCOPE, arguments_in
from otel_vector.spans.items import Item
from otel_vector.spans.meanings import RunKind
from otel_vector.spans.values import plain, text_form

__all__ = [
    "ARGUMENT",
    "EXECUTION_FIELDS",
    "FUNCTION_FIELDS",
    "TAG",
    "Row",
    "ended_at",
    "execution_row",
    "function_row",
    "named_values",
]

Row = dict[str, Any]

ARGUMENT: Final = "otel_vector.argument."
TAG: Final = "otel_vector.tag."

EXECUTION_FIELDS: Final = (
    *("uuid", "trace_id", "span_id", "parent_span_id"),
    *("service_name", "function_name", "function_uuid", "timestamp_utc"),
    *("duration_ms", "status", "error_code", "error_message"),
    *("input_value", "return_value", "exec_source"),
)
"""What every execution has; an argument or tag of such a name stands under its attribute's."""

FUNCTION_FIELDS: Final = (
    *("function_name", "module_name", "qualified_name", "service_name", "signature"),
    *("docstring", "source_code", "source_hash", "search_description", "sequence_narrative"),
    *("file_path", "line"),
)
"""What every function has."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SOURCES: Final = {RunKind.LIVE: "REALTIME"}


def ended_at(nanoseconds: int) -> str:
    """Return a moment as ISO text in UTC, to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return moment.isoformat(timespec="microseconds")


def execution_row(item: Item) -> Row:
    """Return a span as a flat row; its `uuid` is the content id, empty if the item has none."""
    attributes = {a.key: a.value for a in item.message.attributes}
    values = {key: plain(value) for key, value in attributes.items()}
    code = str(values.get("code.function.name") or "")
    row: Row = {
        "uuid": str(item.id),
        "trace_id": item.trace_hex,
        "span_id": item.span_hex,
        "parent_span_id": item.parent_hex or None,
        "service_name": item.service,
        "function_name": code.rpartition(".")[2] if code else item.name,
        "function_uuid": f"{item.service}/{code}" if code else None,
        "timestamp_utc": ended_at(item.end_ns),
        "duration_ms": item.duration_ns / 1e6,
        "status": "ERROR" if item.status == "error" else "SUCCESS",
        "error_code": values.get("otel_vector.error.code") or values.get("error.type"),
        "error_message": _message(item),
        "input_value": _text(attributes, INPUT),
        "return_value": _text(attributes, "output.value"),
        "exec_source": _SOURCES.get(item.run, item.run.value.upper()),
    }
    _spread(row, values, ARGUMENT)
    _spread(row, values, TAG)
    if row["input_value"] and item.scope.scope.name == SCOPE:
        for name, value in arguments_in(row["input_value"]).items():
            row.setdefault(name, value)
    return row


def named_values(item: Item, row: Row) -> Row:
    """Return what conditions may name: the row, arguments and tags by their attributes."""
    own = {
        a.key: plain(a.value) for a in item.message.attributes if a.key.startswith((ARGUMENT, TAG))
    }
    return own | row


def function_row(record: Mapping[str, Any]) -> Row:
    """Return the body of a function's record as a flat row."""
    row: Row = {
        "function_name": str(record.get("qualname", "")).rpartition(".")[2],
        "module_name": record.get("module", ""),
        "qualified_name": record.get("name", ""),
        "service_name": record.get("service", ""),
        "signature": record.get("signature", ""),
        "docstring": record.get("docstring", ""),
        "source_code": record.get("source", ""),
        "source_hash": record.get("source_hash", ""),
        "search_description": record.get("description", ""),
        "sequence_narrative": record.get("narrative", ""),
        "file_path": record.get("file", ""),
        "line": record.get("line", 0),
    }
    for table in (record.get("switches", {}), record.get("tags", {})):
        _spread(row, {f"{TAG}{name}": value for name, value in table.items()}, TAG)
    return row


def _spread(row: Row, values: Mapping[str, Any], prefix: str) -> None:
    """Add what stands under a prefix by its short name, unless that is taken."""
    for key, value in values.items():
        if key.startswith(prefix):
            short = key.removeprefix(prefix)
            row[key if short in row or not short else short] = value


def _text(attributes: Mapping[str, Any], key: str) -> str | None:
    return text_form(attributes[key]) if key in attributes else None


def _message(item: Item) -> str | None:
    """Return what the exception said that ended a call, else what its status says."""
    if item.status != "error":
        return None
    for event in reversed(item.message.events):
        for attribute in event.attributes:
            if attribute.key == "exception.message":
                return text_form(attribute.value)
    return str(item.message.status.message) or None
