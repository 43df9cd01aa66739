"""Functions on the wire: OTLP log records of a scope and an event name of our own.

::

    scope otel_vector.functions, event otel_vector.function
    body {"module": …, "qualname": …, "signature": …, …, "tags": {…}, "switches": {…}}

Members that are empty are left out. A receiver ignores members that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import time_ns
from typing import Any, Final

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from otel_vector.errors import InvalidInputError
from otel_vector.spans.functions import FunctionRecord, Scalar, is_name
from otel_vector.spans.values import plain

__all__ = ["EVENT", "SCOPE", "function_of", "functions_data", "is_function"]

SCOPE: Final = "otel_vector.functions"
EVENT: Final = "otel_vector.function"

_TEXTS: Final = (
    *("module", "qualname", "signature", "docstring", "source", "source_hash", "file"),
    *("description", "narrative"),
)
_TABLES: Final = ("tags", "switches")
_FIELDS: Final = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}


def functions_data(records: Iterable[FunctionRecord], resource: Resource) -> LogsData:
    """Return functions as one OTLP message.

    Args:
        records: what is announced.
        resource: of the process; its `service.name` becomes part of the functions' keys.
    """
    data = LogsData()
    logs = data.resource_logs.add()
    logs.resource.CopyFrom(resource)
    scope = logs.scope_logs.add()
    scope.scope.name = SCOPE
    now_ns = time_ns()
    for record in records:
        message = scope.log_records.add(
            time_unix_nano=now_ns, observed_time_unix_nano=now_ns, event_name=EVENT
        )
        _fill(message.body, record)
    return data


def is_function(scope: ScopeLogs, record: LogRecord) -> bool:
    """Return whether a log record announces a function."""
    return bool(scope.scope.name == SCOPE and record.event_name == EVENT)


def function_of(record: LogRecord) -> FunctionRecord:
    """Return the function that a log record announces.

    Raises:
        InvalidInputError: it has no name that a function can have, or a member of another type.
    """
    body = plain(record.body)
    if not isinstance(body, dict):
        raise InvalidInputError("a function is announced by a map of its members")
    members: dict[str, Any] = {name: _text(body, name) for name in _TEXTS}
    if not is_name(members["module"], members["qualname"]):
        raise InvalidInputError("a function is announced with its module and its qualified name")
    line = body.get("line", 0)
    if not isinstance(line, int):
        raise InvalidInputError("the line of a function is a whole number")
    members |= {name: _table(body, name) for name in _TABLES}
    return FunctionRecord(**members, line=line)


def _fill(body: AnyValue, record: FunctionRecord) -> None:
    members: dict[str, Any] = {name: getattr(record, name) for name in (*_TEXTS, "line")}
    values = body.kvlist_value.values
    for name, value in members.items():
        if value:
            _put(values.add(key=name).value, value)
    for name in _TABLES:
        if pairs := getattr(record, name):
            table = values.add(key=name).value.kvlist_value.values
            for key, value in pairs:
                _put(table.add(key=key).value, value)


def _put(target: AnyValue, value: Scalar) -> None:
    setattr(target, _FIELDS[type(value)], value)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str):
        raise InvalidInputError(f"the {name} of a function is a text")
    return value


def _table(body: Mapping[str, Any], name: str) -> tuple[tuple[str, Scalar], ...]:
    """Return a table of a function by name; a value that is no scalar is left out."""
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise InvalidInputError(f"the {name} of a function are a map")
    pairs = ((key, inner) for key, inner in value.items() if isinstance(inner, Scalar))
    return tuple(sorted(pairs))
