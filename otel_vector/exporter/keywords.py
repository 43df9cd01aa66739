"""Settings by keyword: those of the exporter by their short names, all others by their variables.

`endpoint="http://…"` is `OTEL_VECTOR_EXPORTER_ENDPOINT`; `redact_keys=["x"]` is
`OTEL_VECTOR_REDACT_KEYS`. What is not given is read from the environment, `.env` and the TOML
file.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from otel_vector.errors import ConfigError
from otel_vector.settings.config import Settings
from otel_vector.settings.load import load
from otel_vector.settings.schema import PREFIX, entries

__all__ = ["names", "settings_of"]

_SHORT: Final = "exporter."


@cache
def names() -> Mapping[str, str]:
    """Return the path of each setting by its keyword."""
    return MappingProxyType({_keyword(path): path for path in entries()})


def settings_of(keywords: Mapping[str, Any]) -> Settings:
    """Return the settings in force under some keywords; None counts as not given.

    Raises:
        ConfigError: a keyword is unknown, or a setting is wrong.
    """
    known = names()
    for name in keywords:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f", did you mean {near[0]}" if near else "; docs/configuration.md lists them"
            raise ConfigError(f"there is no setting {name!r}{hint}")
    given = {known[name]: _plain(value) for name, value in keywords.items()}
    return load(keywords=given).settings


def _keyword(path: str) -> str:
    if path.startswith(_SHORT):
        return path.removeprefix(_SHORT)
    return entries()[path].variable.removeprefix(PREFIX).lower()


def _plain(value: Any) -> Any:
    """Return a value as a file or the environment would say it."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return list(value) if isinstance(value, tuple) else value
