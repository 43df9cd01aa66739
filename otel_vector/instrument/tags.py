"""Tags of spans: from the environment and from decorators, as an allow-list has them.

The list is one JSON object: name → {"data_type": …, "description": …}. Types are `TEXT`, `INT`,
`NUMBER`, `BOOLEAN`, `DATE` and `UUID`, in any case, with `_ARRAY` or `[]` after it for several. A
tag's value is that of the environment variable of its name in upper case, unless a decorator gives
one. Without a list the tags of decorators are taken as they are.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from opentelemetry.util.types import AttributeValue

from otel_vector.canonical.encode import text_of
from otel_vector.errors import ConfigError
from otel_vector.instrument.files import object_in
from otel_vector.settings.load import variables

__all__ = ["Tag", "Tags"]

_log = logging.getLogger("otel_vector.instrument")

Scalar = str | int | float | bool

_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})
_LOW, _HIGH = -(1 << 63), (1 << 63) - 1
"""What an integer attribute can be."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that spans may have.

    Attributes:
        cast: makes its value of what was given; a ValueError says that it cannot.
        description: what it is, for people.
    """

    cast: Callable[[Any], AttributeValue]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags that spans may have, and those they all have.

    Attributes:
        allowed: by name; None if there is no list, which allows any.
        everywhere: values from the environment, by name.
    """

    allowed: Mapping[str, Tag] | None = None
    everywhere: Mapping[str, AttributeValue] = field(default_factory=dict)
    _warned: set[str] = field(default_factory=set, compare=False, repr=False)

    @classmethod
    def load(cls, path: str | Path, *, required: bool = True) -> Tags:
        """Read the allow-list, and the environment's values of what it names.

        Args:
            path: the file; empty for none.
            required: whether somebody named the file, so that it has to be there.

        Raises:
            ConfigError: it was named and is not there, or is not as it should be.
        """
        entries = object_in(path, required=required)
        if entries is None:
            return cls()
        tags = cls({name: _tag(f"{path}: {name}", entry) for name, entry in entries.items()})
        given = variables({name.upper(): name for name in entries})
        return cls(tags.allowed, tags._cast(given), tags._warned)

    def of(self, decorator_tags: Mapping[str, Any]) -> dict[str, AttributeValue]:
        """Return the attributes of the spans of a function whose decorator gives these tags.

        What is not allowed, or has a value that is none of its type, is left out and told once.
        """
        merged = {**self.everywhere, **self._cast(decorator_tags)}
        return {f"otel_vector.tag.{name}": value for name, value in merged.items()}

    def declared(self) -> Mapping[str, str]:
        """Return the description of each allowed tag by name."""
        return {name: tag.description for name, tag in (self.allowed or {}).items()}

    def _cast(self, given: Mapping[str, Any]) -> dict[str, AttributeValue]:
        found = {}
        for name, value in given.items():
            tag = _ANY if self.allowed is None else self.allowed.get(name)
            if tag is None:
                self._warn(name, "it is not in the list of tags; add it there")
                continue
            try:
                found[name] = tag.cast(value)
            except ValueError as error:
                self._warn(name, str(error))
        return found

    def _warn(self, name: str, problem: str) -> None:
        if name not in self._warned:
            self._warned.add(name)
            _log.warning("the tag %s is left out: %s", name, problem)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value) if isinstance(value, str | int | float) else text_of(value)
    return text.encode("utf-8", "replace").decode()


def _whole(value: Any) -> int:
    number = _number(value) if isinstance(value, float) else value
    if isinstance(number, bool) or not isinstance(number, str | int | float):
        raise ValueError("its value is no whole number")  # noqa: TRY004 -- one error for all casts
    try:
        whole = int(number)
    except ValueError:
        raise ValueError("its value is no whole number") from None
    if (isinstance(number, float) and whole != number) or not _LOW <= whole <= _HIGH:
        raise ValueError("its value is no whole number of 64 bits")
    return whole


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("its value is no number")  # noqa: TRY004 -- one error for all casts
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("its value is no number") from None
    if not math.isfinite(number):
        raise ValueError("its value is no finite number")
    return number


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word not in _TRUE | _FALSE:
        raise ValueError("its value is neither true nor false")
    return word in _TRUE


_CASTS: Final[Mapping[str, Callable[[Any], Scalar]]] = MappingProxyType(
    {
        "text": _text,
        "string": _text,
        "date": _text,
        "uuid": _text,
        "int": _whole,
        "number": _number,
        "boolean": _boolean,
        "bool": _boolean,
    }
)


def _several(cast: Callable[[Any], Scalar]) -> Callable[[Any], AttributeValue]:
    """Return a cast of lists; a text is a list of what stands between commas."""

    def casted(value: Any) -> AttributeValue:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple | set | frozenset):
            raise ValueError("its value is no list")  # noqa: TRY004 -- one error for all casts
        return tuple(cast(part) for part in value)

    return casted


def _as_it_is(value: Any) -> AttributeValue:
    """Return a value that attributes have as it is, and the text of any other."""
    cls = type(value)
    if cls is bool or cls is float or (cls is int and _LOW <= value <= _HIGH):
        return value  # type: ignore[no-any-return]
    if cls in {list, tuple} and value and {type(part) for part in value} == {str}:
        return tuple(_text(part) for part in value)
    return _text(value)


_ANY: Final = Tag(_as_it_is)


def _tag(where: str, entry: Any) -> Tag:
    if not isinstance(entry, dict):
        raise ConfigError(f'{where}: {entry!r} is no tag; write {{"data_type": "TEXT"}}')
    named = entry.get("data_type", "TEXT")
    name = named[0] if isinstance(named, list) and len(named) == 1 else named
    kind = str(name).strip().lower()
    single = kind.removesuffix("[]").removesuffix("_array")
    if single not in _CASTS:
        known = ", ".join(sorted(each.upper() for each in _CASTS))
        raise ConfigError(f"{where}: no such data_type as {name}; there are {known}")
    cast = _CASTS[single]
    return Tag(cast if single == kind else _several(cast), str(entry.get("description") or ""))
