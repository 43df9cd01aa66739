"""What settings say about traced functions, read when the first span is made.

Reading them costs more than importing everything here, so that a program that traces nothing does
not pay for it. What is wrong in them is logged: a function that is called cannot answer for it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from otel_vector.errors import ConfigError

if TYPE_CHECKING:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags
    from otel_vector.settings.load import Loaded

__all__ = ["Options", "options"]

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
    """Return the options of this process; the defaults when its settings cannot be read."""
    try:
        return _read()
    except ConfigError as error:
        _log.error("functions are traced with the default settings: %s", error)
    except Exception:  # noqa: BLE001 - nothing may reach the function that is called
        _log.exception(
            "functions are traced with the default settings, since these cannot be read"
        )
    return _default()


def _read() -> Options:
    from otel_vector.settings.load import load

    return _of(load())


def _of(loaded: Loaded) -> Options:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags

    chosen = loaded.settings.instrument
    named = {name for name, origin in loaded.origins.items() if origin != "default"}
    codes = ErrorCodes.load(
        chosen.error_codes,
        ignored=chosen.ignored_codes,
        required="instrument.error_codes" in named,
    )
    tags = Tags.load(chosen.tags, required="instrument.tags" in named)
    return Options(chosen.max_chars, codes, tags)


def _default() -> Options:
    from otel_vector.instrument.error_codes import ErrorCodes
    from otel_vector.instrument.tags import Tags
    from otel_vector.settings.config import InstrumentConfig

    return Options(InstrumentConfig().max_chars, ErrorCodes(), Tags())
