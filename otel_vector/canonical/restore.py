"""Values of built-in types, of the standard library and of numpy from their trees."""

from __future__ import annotations

import os
import re
import sys
from base64 import b64decode
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from math import prod
from types import MappingProxyType
from typing import Any, Final

from otel_vector.canonical.rebuild import Rebuilder
from otel_vector.canonical.tags import MOST_WEIGHT, Tree
from otel_vector.canonical.values import Opaque, Unresolved

__all__ = ["RESTORERS"]

Read = Callable[[Tree], Any]

_DTYPE: Final = re.compile(r"[<>|=][biufcmMSUV]\d{0,9}(\[\d{0,9}[a-zA-Z]{1,7}\])?")
_FOREIGN_PATH: Final = "PosixPath" if os.name == "nt" else "WindowsPath"
"""The paths that this operating system has none of."""
_FACTORIES: Final[Mapping[str, type]] = MappingProxyType(
    {each.__name__: each for each in (dict, float, int, list, set, str, tuple)}
)


def _raw(tree: Mapping[str, Tree]) -> bytes:
    return b64decode(tree["v"], validate=True)


def _bytes(tree: Mapping[str, Tree], _: Read) -> bytes:
    raw: bytes = tree["text"].encode() if "text" in tree else _raw(tree)
    return raw


def _parts(tree: Mapping[str, Tree], read: Read) -> list[Any]:
    if type(tree["v"]) is not list:
        raise TypeError("its parts are no list")
    return [read(part) for part in tree["v"]]


def _exact(value: Any, *kinds: type) -> Any:
    """Return a decoded part that is to be read; one of an application's class would run code."""
    if type(value) not in kinds:
        raise TypeError(f"{type(value).__name__} is not {kinds[0].__name__}")
    return value


def _numbers(tree: Mapping[str, Tree], read: Read, *kinds: type) -> list[Any]:
    return [_exact(part, *kinds) for part in _parts(tree, read)]


def _pairs(tree: Mapping[str, Tree], read: Read) -> list[tuple[Any, Any]]:
    return [(read(key), read(part)) for key, part in tree["v"]]


def _int(tree: Mapping[str, Tree], _: Read) -> int:
    text = tree["v"]
    return int(text, 16) if "0x" in text else int(text)


def _clock(made: type[datetime | time]) -> Rebuilder:
    def restored(tree: Mapping[str, Tree], read: Read) -> Any:
        value = made.fromisoformat(tree["v"]).replace(fold=1 if tree.get("fold") else 0)
        if "zone" in tree:
            zone = _zone_named(_exact(read(tree["zone"]), str))
            fields = {"value": value, "zone": tree["zone"]}
            unresolved = Unresolved(f"datetime.{made.__name__}", fields)
            return unresolved if zone is None else value.replace(tzinfo=zone)
        return value.replace(tzinfo=_fixed_zone(value, tree, read))

    return restored


def _fixed_zone(value: datetime | time, tree: Mapping[str, Tree], read: Read) -> timezone | None:
    """The zone of a reading: as it says itself, but for what stands beside it."""
    offset = timedelta(*tree["offset"]) if "offset" in tree else value.utcoffset()
    if offset is None:
        return None
    return (
        timezone(offset, _exact(read(tree["name"]), str)) if "name" in tree else timezone(offset)
    )


def _zone_named(key: str) -> Any:
    """Return a time zone; None if this machine does not have it."""
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(key)
    except (KeyError, ValueError, OSError):
        return None


def _zone(tree: Mapping[str, Tree], read: Read) -> Any:
    key = _exact(read(tree["v"]), str)
    found = _zone_named(key)
    return Unresolved("zoneinfo.ZoneInfo", {"key": key}) if found is None else found


def _timezone(tree: Mapping[str, Tree], read: Read) -> timezone:
    offset = timedelta(*tree["v"])
    return (
        timezone(offset, _exact(read(tree["name"]), str)) if "name" in tree else timezone(offset)
    )


def _decimal(tree: Mapping[str, Tree], _: Read) -> Any:
    from decimal import Decimal

    return Decimal(tree["v"])


def _fraction(tree: Mapping[str, Tree], read: Read) -> Any:
    from fractions import Fraction

    numerator, denominator = _numbers(tree, read, int)
    return Fraction(numerator, denominator)


def _uuid(tree: Mapping[str, Tree], _: Read) -> Any:
    from uuid import UUID

    return UUID(tree["v"])


def _path(tree: Mapping[str, Tree], read: Read) -> Any:
    import pathlib

    name, text = tree["type"], _exact(read(tree["v"]), str)
    if name not in {"PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"}:
        raise ValueError(f"no such path as {name}")
    if name == _FOREIGN_PATH:
        return Unresolved(f"pathlib.{name}", {"path": text})
    return getattr(pathlib, name)(text)


def _defaulting(tree: Mapping[str, Tree], read: Read) -> Any:
    pairs, factory = _pairs(tree, read), tree["factory"]
    if factory is not None and type(factory) is not str:
        fields = {"factory": read(factory), "items": dict(pairs)}
        return Unresolved("collections.defaultdict", fields)
    return defaultdict(None if factory is None else _FACTORIES[factory], pairs)


def _array(tree: Mapping[str, Tree], _: Read) -> Any:
    numpy, shape = sys.modules.get("numpy"), tuple(tree["shape"])
    if numpy is None:
        return Unresolved("numpy.ndarray", {"dtype": tree["dtype"], "shape": shape})
    dtype, raw = _dtype(numpy, tree), _raw(tree)
    if not raw and (0 in shape or (not dtype.itemsize and prod(shape) <= MOST_WEIGHT)):
        return numpy.zeros(shape, dtype)
    return numpy.frombuffer(raw, dtype).reshape(shape).copy()


def _scalar(tree: Mapping[str, Tree], read: Read) -> Any:
    numpy, part = sys.modules.get("numpy"), tree["v"]
    if numpy is None:
        return Unresolved("numpy.generic", {"dtype": tree["dtype"], "value": read(part)})
    dtype = _dtype(numpy, tree)
    if dtype.kind in "biuf":
        return dtype.type(_exact(read(part), int, float, bool))
    raw = _raw(tree)
    return numpy.frombuffer(raw, dtype)[0] if raw else dtype.type()


def _dtype(numpy: Any, tree: Mapping[str, Tree]) -> Any:
    if _DTYPE.fullmatch(tree["dtype"]) is None:
        raise ValueError(f"no such type of numbers as {tree['dtype']}")
    return numpy.dtype(tree["dtype"])


def _opaque(tree: Mapping[str, Tree], _: Read) -> Opaque:
    if type(tree["type"]) is not str or type(tree["v"]) is not str:
        raise TypeError("an opaque part is described by texts")
    return Opaque(tree["type"], tree["v"])


RESTORERS: Final[Mapping[str, Rebuilder]] = MappingProxyType(
    {
        "opaque": _opaque,
        "int": _int,
        "float": lambda tree, _: float(tree["v"]),
        "str": lambda tree, _: _raw(tree).decode("utf-8", "surrogatepass"),
        "bytes": _bytes,
        "bytearray": lambda tree, read: bytearray(_bytes(tree, read)),
        "complex": lambda tree, read: complex(*_numbers(tree, read, float, int)),
        "range": lambda tree, read: range(*_numbers(tree, read, int)),
        "tuple": lambda tree, read: tuple(_parts(tree, read)),
        "set": lambda tree, read: set(_parts(tree, read)),
        "frozenset": lambda tree, read: frozenset(_parts(tree, read)),
        "dict": lambda tree, read: dict(_pairs(tree, read)),
        "OrderedDict": lambda tree, read: OrderedDict(_pairs(tree, read)),
        "Counter": lambda tree, read: Counter(dict(_pairs(tree, read))),
        "defaultdict": _defaulting,
        "deque": lambda tree, read: deque(
            _parts(tree, read), _exact(read(tree["maxlen"]), int, type(None))
        ),
        "date": lambda tree, _: date.fromisoformat(tree["v"]),
        "datetime": _clock(datetime),
        "time": _clock(time),
        "timedelta": lambda tree, _: timedelta(*tree["v"]),
        "timezone": _timezone,
        "zone": _zone,
        "Decimal": _decimal,
        "Fraction": _fraction,
        "UUID": _uuid,
        "path": _path,
        "ndarray": _array,
        "numpy": _scalar,
    }
)
"""By tag, what makes the value."""
