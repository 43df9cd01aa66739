"""What settings say about traced functions, read when the first span is made.

Reading them costs more than importing everything here, so that a program that traces nothing does
not pay for it. What is wrong in them is logged: a function that is called cannot answer for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from otel_vector.errors import ConfigError

if TYPE_CHECKING:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags
    from otel_vector.settings.load import Loaded

__all__ = ["Options", "options"]

T = TypeVar("T")

_log = logging.getLogger("otel_vector.instrument")


@dataclass(frozen=True, slots=True)
class Options:
    """The settings `instrument.*` that traced functions share.

    Attributes:
        max_chars: of a captured value; the rest is cut off.
        codes: of exceptions.
        tags: that spans may have.
    """

    max_chars: int
    codes: ErrorCodes
    tags: Tags


@cache
def options() -> Options:
    """Return the options of this process; each that cannot be read is the default one."""
    from otel_vector.settings.load import load

    loaded = _tried(load, "functions are traced with the default settings")
    return _default() if loaded is None else _of(loaded)


def _of(loaded: Loaded) -> Options:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags

    chosen = loaded.settings.instrument
    named = {name for name, origin in loaded.origins.items() if origin != "default"}
    ignored = frozenset(chosen.ignored_codes)

    def codes() -> ErrorCodes:
        required = "instrument.error_codes" in named
        return ErrorCodes.load(chosen.error_codes, ignored=ignored, required=required)

    def tags() -> Tags:
        return Tags.load(chosen.tags, required="instrument.tags" in named)

    return Options(
        chosen.max_chars,
        _tried(codes, "no file gives codes to exceptions") or ErrorCodes(ignored=ignored),
        _tried(tags, "tags are taken as decorators have them") or Tags(),
    )


def _default() -> Options:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags
    from otel_vector.settings.config import InstrumentConfig

    return Options(InstrumentConfig().max_chars, ErrorCodes(), Tags())


def _tried(read: Callable[[], T], instead: str) -> T | None:
    """Return what is read; None, and a line in the log that says what is done, if it cannot be."""
    try:
        return read()
    except ConfigError as error:
        _log.error("%s: %s", instead, error)
    except Exception:  # noqa: BLE001 - nothing may reach the function that is called
        _log.exception("%s, since the settings cannot be read", instead)
    return None
