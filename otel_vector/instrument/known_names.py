"""What executions can be filtered and sorted by; a wrong name is an error and no empty answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from otel_vector.errors import InvalidInputError
from otel_vector.instrument.asking import Asked, Json
from otel_vector.instrument.captured import SCOPE, naming
from otel_vector.instrument.conditions import Condition, unknown_name
from otel_vector.instrument.rows import ARGUMENT, EXECUTION_FIELDS, TAG, Row, execution_row

__all__ = ["KnownNames"]

_CLOSED: Final = {
    "status": ("ERROR", "SUCCESS"),
    "exec_source": ("EVAL", "REALTIME", "REPLAY", "SELF", "SHADOW", "TEST"),
}
_LOOKED_AT: Final = 100  # spans whose arguments are read to know their names
_ANY: Final[Json] = {"group": False, "limit": 1, "runs": ["all"]}


class KnownNames:
    """Fields, declared tags, and what spans are found to have.

    Args:
        asked: who has the spans.
        declared: names of tags that there may be before any span has them.
    """

    def __init__(self, asked: Asked, declared: Iterable[str] = ()) -> None:
        self._asked = asked
        self._known = {*EXECUTION_FIELDS, *declared}

    def check_condition(self, condition: Condition) -> None:
        """Refuse a condition that nothing can fulfil.

        Raises:
            InvalidInputError: its name is unknown, or its value none that the field can have.
        """
        self.check(condition.name, "the filter")
        among = _CLOSED.get(condition.name)
        if among is None or condition.op not in {"equal", "not_equal"}:
            return
        wrong: list[Any] = [value for value in condition.values if value not in among]
        if wrong:
            raise InvalidInputError(
                f"{condition.name} is one of {', '.join(among)}, not {wrong[0]!r:.80}"
            )

    def check(self, name: str, what: str) -> None:
        """Refuse a name that no span has, unless there are no spans at all yet.

        Raises:
            InvalidInputError: with the nearest name that is known.
        """
        if name in self._known:
            return
        keys = [name] if name.startswith((ARGUMENT, TAG)) else [ARGUMENT + name, TAG + name]
        having = {"or": [{"has": {"attribute": key}} for key in keys]}
        if self._asked.search({**_ANY, "filter": having})["spans"] or self._is_captured(name):
            self._known.add(name)
        elif self._asked.search(_ANY)["spans"]:
            raise unknown_name(name, self._known | self._seen(), what)

    def _is_captured(self, name: str) -> bool:
        """Return whether it is an argument within what calls were given, as far as can be told."""
        if name.startswith((ARGUMENT, TAG)):
            return False
        found = self._latest(naming(name))
        return len(found) == _LOOKED_AT or any(name in row for row in found)

    def _latest(self, condition: Json) -> list[Row]:
        question = {"filter": condition, "limit": _LOOKED_AT, "runs": ["all"]}
        return [execution_row(item) for item in self._asked.listed(question)]

    def _seen(self) -> set[str]:
        """Return the names of arguments and tags that spans have lately had."""
        keys = [row["key"] for row in self._asked.attributes()["attributes"]]
        own = {key.removeprefix(p) for key in keys for p in (ARGUMENT, TAG) if key.startswith(p)}
        called = self._latest({"field": "scope", "value": SCOPE})
        return own | {
            name for row in called for name in row if not name.startswith((ARGUMENT, TAG))
        }
