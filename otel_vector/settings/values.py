"""A setting's value from what a file, the environment or a flag says, by its annotation.

Text reads as: `true`/`false`; whole numbers, with a size suffix (`64MiB`, `2GB`, `10k`) if
wanted; numbers, with a time suffix (`500ms`, `20s`, `7d`) giving seconds; lists with commas or
as a JSON array. A TOML file may give the number, boolean or array itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit

from otel_vector.settings.schema import Entry

__all__ = ["problem_with", "read", "written"]

_SIZES: Final = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "kib": 1 << 10}
_SIZES.update({"m": 10**6, "mb": 10**6, "mib": 1 << 20, "g": 10**9, "gb": 10**9, "gib": 1 << 30})
_SIZES.update({"t": 10**12, "tb": 10**12, "tib": 1 << 40})
_TIMES: Final = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_NUMBER: Final = re.compile(r"(-?[0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-z]*)")
_DOORS: Final = frozenset({"serve.otlp_grpc", "serve.otlp_http", "serve.jaeger_grpc"})
_ADDRESSES: Final = _DOORS | {"serve.api"}
_MAX_PORT: Final = 65535
_TRACE_LINK: Final = "serve.trace_link"
_PLACEHOLDER: Final = "{trace_id}"


def read(entry: Entry, raw: Any) -> Any:
    """Return the setting's value from a text or a TOML value.

    Raises:
        ValueError: it does not read as the setting's type; the message says what would.
    """
    value = _READERS[entry.type](raw)
    return "" if entry.path in _DOORS and value == "off" else value


def written(value: Any) -> Any:
    """Return a value as JSON can carry it."""
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path) else value


def problem_with(entry: Entry, value: Any) -> str | None:
    """Return why a value of the right type is not allowed, or None."""
    if entry.among:
        given = value if isinstance(value, tuple) else (value,)
        wrong = [v for v in given if v not in entry.among]
        if wrong:
            return f"{wrong[0]!r} is none of {', '.join(entry.among)}"
    if entry.low is not None and value < entry.low:
        return f"{value} is less than {entry.low:g}"
    if entry.high is not None and value > entry.high:
        return f"{value} is more than {entry.high:g}"
    if entry.path == _TRACE_LINK:
        return _link_problem(value)
    return _address_problem(entry, value) if entry.path in _ADDRESSES else None


def _address_problem(entry: Entry, value: str) -> str | None:
    if not value and entry.path in _DOORS:
        return None
    host, _, port = value.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > _MAX_PORT:
        return f"{value!r} is not host:port, like {entry.default}"
    return None


def _link_problem(value: str) -> str | None:
    """Return why a link cannot be followed by a browser, or should not be; None if it can."""
    if not value:
        return None
    try:
        parts = urlsplit(value)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return f"{value!r} is not a URL"
    plain = value.isascii() and value.isprintable() and not set(value) & set(" \"'<>\\^`|")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_one or not plain:
        return f"{value!r} is not a URL of http or https"
    if "@" in parts.netloc:
        return "a URL with a user's name in it is not for links"
    braces = value.count("{") == value.count("}") == value.count(_PLACEHOLDER) > 0
    if not braces or _PLACEHOLDER in parts.netloc:
        return f"{value!r} has no {_PLACEHOLDER} behind its host"
    return None


def _boolean(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str) and raw.strip().lower() in {"true", "false"}:
        return raw.strip().lower() == "true"
    raise ValueError(f"{raw!r} is neither true nor false")


def _whole(raw: Any) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    number = _scaled(raw, _SIZES) if isinstance(raw, str) else None
    if number is None or number != int(number):
        raise ValueError(f"{raw!r} is not a whole number, like 1000 or 64MiB")
    return int(number)


def _seconds(raw: Any) -> float:
    if isinstance(raw, int | float) and not isinstance(raw, bool) and raw == raw:  # noqa: PLR0124
        return float(raw)
    number = _scaled(raw, _TIMES) if isinstance(raw, str) else None
    if number is None:
        raise ValueError(f"{raw!r} is not a number of seconds, like 20, 500ms or 7d")
    return float(number)


def _scaled(text: str, units: Mapping[str, float]) -> float | None:
    match = _NUMBER.fullmatch(text.strip())
    if match is None or match[2].lower() not in units:
        return None
    digits = match[1].replace("_", "")
    number = float(digits) if "." in digits else int(digits)
    return number * units[match[2].lower()]


def _texts(raw: Any) -> tuple[str, ...]:
    items = raw
    if isinstance(raw, str):
        items = _json_list(raw) if raw.lstrip().startswith("[") else raw.split(",")
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ValueError(f"{raw!r} is not a list of texts, like a,b or an array")
    return tuple(item.strip() for item in items if item.strip())


def _json_list(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{text!r} is not a JSON array: {error}") from error


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(f"{raw!r} is not a text")  # noqa: TRY004 -- one error for all of them
    return raw.strip()


def _path(raw: Any) -> Path:
    text = _text(raw)
    if not text:
        raise ValueError("an empty text is not a path")
    return Path(text).expanduser()


_READERS: Final[Mapping[Any, Callable[[Any], Any]]] = MappingProxyType(
    {
        bool: _boolean,
        int: _whole,
        float: _seconds,
        str: _text,
        Path: _path,
        tuple[str, ...]: _texts,
    }
)
