"""Trees of values without parts: bytes, times, numbers, ids, paths."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Any, Final

from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.tags import TAG, Handler, Tree, Walker

__all__ = ["BUILT_IN", "LOADED"]


def _bytes(walker: Walker, value: bytes | bytearray) -> Tree:
    """Bytes as the text they are: it can be read, searched, and secrets in it be found."""
    walker.weigh(len(value))
    try:
        return {TAG: type(value).__name__, "text": value.decode()}
    except UnicodeDecodeError:
        return {TAG: type(value).__name__, "v": b64encode(value).decode("ascii")}


def _complex(walker: Walker, value: complex) -> Tree:
    return {TAG: "complex", "v": [walker.tree(value.real), walker.tree(value.imag)]}


def _range(walker: Walker, value: range) -> Tree:
    parts = (value.start, value.stop, value.step)
    return {TAG: "range", "v": [walker.tree(part) for part in parts]}


def _date(_: Walker, value: date) -> Tree:
    return {TAG: "date", "v": value.isoformat()}


def _clock(walker: Walker, value: datetime | time) -> Tree:
    """The clock's reading, with what else is needed to know the moment.

    A fixed offset stands in the reading itself, but beside it if it is of less than a second,
    which the standard library does not always read back. A time zone is named beside it.
    """
    zone = _zone_facts(walker, value.tzinfo)
    if zone is None:
        return opaque_tree(value)
    reading = value.replace(tzinfo=None) if "zone" in zone or "offset" in zone else value
    tree = {TAG: type(value).__name__, "v": reading.isoformat(), **zone}
    return {**tree, "fold": 1} if value.fold else tree


def _zone_facts(walker: Walker, zone: tzinfo | None) -> dict[str, Tree] | None:
    """What the reading does not tell of its zone; None if nothing can."""
    if zone is None:
        return {}
    if type(zone) is timezone:
        name = zone.tzname(None)
        offset = zone.utcoffset(None)
        facts = {"offset": _timedelta(walker, offset)["v"]} if offset.microseconds else {}
        usual = timezone(offset).tzname(None)
        return facts if name == usual else {"name": walker.tree(name), **facts}
    key = _zone_key(zone)
    return None if key is None else {"zone": walker.tree(key)}


def _zone_key(zone: Any) -> str | None:
    """The name of a time zone, None for one that was made without or is not of `zoneinfo`."""
    module = sys.modules.get("zoneinfo")
    return zone.key if module is not None and type(zone) is vars(module)["ZoneInfo"] else None


def _timezone(walker: Walker, value: timezone) -> Tree:
    tree = {TAG: "timezone", "v": _timedelta(walker, value.utcoffset(None))["v"]}
    facts = _zone_facts(walker, value) or {}
    return {**tree, "name": facts["name"]} if "name" in facts else tree


def _zone(walker: Walker, value: tzinfo) -> Tree:
    key = _zone_key(value)
    return opaque_tree(value) if key is None else {TAG: "zone", "v": walker.tree(key)}


def _timedelta(_: Walker, value: timedelta) -> Tree:
    return {TAG: "timedelta", "v": [value.days, value.seconds, value.microseconds]}


def _decimal(walker: Walker, value: Any) -> Tree:
    text = str(value)
    walker.weigh(len(text))
    return {TAG: "Decimal", "v": text}


def _fraction(walker: Walker, value: Any) -> Tree:
    return {TAG: "Fraction", "v": [walker.tree(value.numerator), walker.tree(value.denominator)]}


def _uuid(_: Walker, value: Any) -> Tree:
    return {TAG: "UUID", "v": str(value)}


def _path(walker: Walker, value: Any) -> Tree:
    return {TAG: "path", "type": type(value).__name__, "v": walker.tree(str(value))}


BUILT_IN: Final[Mapping[type, Handler]] = MappingProxyType(
    {
        bytes: _bytes,
        bytearray: _bytes,
        complex: _complex,
        range: _range,
        date: _date,
        datetime: _clock,
        time: _clock,
        timedelta: _timedelta,
        timezone: _timezone,
    }
)
"""Types that are there whatever is imported."""

LOADED: Final[Mapping[str, tuple[str, Handler]]] = MappingProxyType(
    {
        "Decimal": ("decimal", _decimal),
        "Fraction": ("fractions", _fraction),
        "UUID": ("uuid", _uuid),
        "ZoneInfo": ("zoneinfo", _zone),
        "PosixPath": ("pathlib", _path),
        "WindowsPath": ("pathlib", _path),
        "PurePosixPath": ("pathlib", _path),
        "PureWindowsPath": ("pathlib", _path),
    }
)
"""Types by name, and the module to find them in if it is loaded."""
