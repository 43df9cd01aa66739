"""Values as canonical text.

Most calls take and give what JSON has: it is written as it is, by one fast serialiser, once a look
at each type has shown that there is nothing else. Anything else is made a tree first. Both ways
give the same text for the same value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from otel_vector.canonical.tags import MOST_DEPTH, MOST_WEIGHT, OPAQUE, TAG, WEIGHT_BITS

if TYPE_CHECKING:
    from otel_vector.canonical.walk import Walk

__all__ = ["is_exact", "text_of"]

_QUOTED_TAG: Final = f'"{TAG}"'
_UNREADABLE: Final = OPAQUE + ',"type":"builtins.object","v":"<cannot be read>"}'
_ODD: Final = -1


def text_of(value: Any) -> str:
    """Return the canonical text of a value: JSON, the same for equal values of the same type.

    It never raises, reads no stream and consumes no iterator. What has no text of its own is an
    opaque part of it.
    """
    try:
        return _plain_text(value) or _tagged_text(value)
    except Exception:  # noqa: BLE001 -- there may be no stack or memory left to find out why
        return _UNREADABLE


def is_exact(text: str) -> bool:
    """Return whether a canonical text holds the whole value: nothing in it is opaque."""
    return OPAQUE not in text


def _plain_text(value: Any) -> str | None:
    """Return the text of a value that JSON has; None for any other, and where it may look so."""
    cls = type(value)
    if cls is dict or cls is list:
        if _weight(value, MOST_DEPTH) < 0:
            return None
    elif cls is not str or len(value) >> WEIGHT_BITS > MOST_WEIGHT:
        return None
    try:
        text = _serialiser()(value).decode()
    except TypeError:  # a number of more than 64 bits, a text without UTF-8
        return None
    return None if _QUOTED_TAG in text else text


def _weight(value: Any, depth: int) -> int:  # noqa: C901, PLR0912 -- one loop
    """Return how many parts a list or dict has, as a walk counts them; `_ODD` if not plain."""
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                return _ODD
        parts: Iterable[Any] = value.values()
    elif type(value) is list:
        parts = value
    else:
        return _ODD
    if len(value) > MOST_WEIGHT:
        return _ODD
    weight = 1
    for part in parts:
        cls = type(part)
        if cls is str:
            weight += 1 + (len(part) >> WEIGHT_BITS)
        elif cls is int or cls is bool or part is None:
            weight += 1
        elif cls is float:
            if part - part != 0.0:
                return _ODD
            weight += 1
        else:
            inner = _weight(part, depth - 1) if depth > 1 else _ODD
            if inner < 0:
                return _ODD
            weight += inner
    return weight if weight <= MOST_WEIGHT else _ODD


def _tagged_text(value: Any) -> str:
    return _serialiser()(_walk()().whole(value)).decode()


@cache
def _walk() -> type[Walk]:
    """Return what makes trees; loaded with the first value that needs one."""
    from otel_vector.canonical.walk import Walk

    return Walk


@cache
def _serialiser() -> Callable[[Any], bytes]:
    """Return what writes plain values; loaded with the first of them."""
    from functools import partial

    from orjson import OPT_SORT_KEYS, dumps

    return partial(dumps, option=OPT_SORT_KEYS)
