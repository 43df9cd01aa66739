"""Searches of an application in what it, and others, have recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from otel_vector.errors import InvalidInputError
from otel_vector.instrument.executions import Wish
from otel_vector.instrument.ordered import Order
from otel_vector.instrument.rows import Row
from otel_vector.instrument.setup import database

__all__ = ["search_errors_by_message", "search_executions", "search_functions"]

Filters = Mapping[str, Any] | None


def search_functions(query: str, limit: int = 5, filters: Filters = None) -> list[dict[str, Any]]:
    """Return functions by what they do, those that answer best first.

    Args:
        query: in plain words; empty for all functions, by name.
        limit: functions at most.
        filters: as for `search_executions`, on the names in `properties`.

    Returns:
        Of each function `properties` (`function_name`, `module_name`, `docstring`, `source_code`,
        `search_description`, `sequence_narrative`, `file_path`, `line`, tags, …), `metadata` with
        `distance` (0 for the same meaning), and `uuid`, the key of its record.

    Raises:
        InvalidInputError: the query is no text, or a name to filter by is unknown.
        OtelVectorError: the store does not answer.
    """
    return database().functions(_text(query), limit, filters)


def search_executions(
    limit: int = 10,
    filters: Filters = None,
    sort_by: str | None = None,
    sort_ascending: bool = False,  # noqa: FBT001, FBT002 -- as users of VectorWave know it
    query: str | None = None,
) -> list[Row]:
    """Return calls of functions, and all other spans, as flat dicts.

    What this process has recorded so far is among them.

    Args:
        limit: executions at most.
        filters: by name, all of which have to hold: a value, a list for any of its values, or a
            comparison by `__gt`, `__gte`, `__lt`, `__lte`, `__like` (`*` for any text), and
            `__not_equal` after the name. Names are those of the rows.
            Runs other than live, and the caller's own, count if `exec_source` says so.
        sort_by: a name; `timestamp_utc`, the end, without one, or with a query how well it
            answers.
        sort_ascending: the least first.
        query: what they are to be about, in the query language.

    Returns:
        Of each `uuid`, `trace_id`, `span_id`, `parent_span_id`, `service_name`, `function_name`,
        `function_uuid`, `timestamp_utc` (when it ended, ISO), `duration_ms`, `status` (SUCCESS or
        ERROR), `error_code`, `error_message`, `input_value` and `return_value` (JSON text),
        `exec_source`; `attributes_to_capture` and tags by their names, or by that of their
        attribute where the name is taken; other captured arguments where it is not.

    Raises:
        InvalidInputError: the query is no text, a name is unknown, or a value cannot be compared
            so.
        OtelVectorError: the store does not answer.
    """
    words = "" if query is None else _text(query)
    known = database()
    by_time = None if words else "timestamp_utc"
    name = sort_by or by_time
    order = Order(name, sort_ascending) if name else None
    return known.executions(Wish(limit, filters, order, words, runs=known.runs()))


def search_errors_by_message(query: str, limit: int = 10, filters: Filters = None) -> list[Row]:
    """Return failed executions by what their errors say; otherwise as `search_executions`."""
    words = _text(query)
    known = database()
    failed = {"status": "ERROR", **(filters or {})}
    return known.executions(Wish(limit, failed, None, words, ("error",), known.runs()))


def _text(query: object) -> str:
    """Return a query that is a text.

    Raises:
        InvalidInputError: it is none.
    """
    if not isinstance(query, str):
        raise InvalidInputError(
            f"query is a text, such as 'card declined', or empty for anything; not {query!r:.80}"
        )
    return query
