"""The list of settings, read off the dataclasses: one entry per path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from types import MappingProxyType
from typing import Any, get_type_hints

from otel_vector.settings.config import Settings, help_of

__all__ = ["PREFIX", "Entry", "build", "entries", "value_at"]

PREFIX = "OTEL_VECTOR_"
_OPTIONS = MappingProxyType(
    {
        "data": "--data",
        "serve.otlp_grpc": "--otlp-grpc",
        "serve.otlp_http": "--otlp-http",
        "serve.jaeger_grpc": "--jaeger-grpc",
        "serve.api": "--api",
        "store.url": "--store",
    }
)
_VARIABLES = MappingProxyType(
    {"client.api_key": PREFIX + "API_KEY", "instrument.functions": PREFIX + "INSTRUMENT"}
)
"""Settings whose variable is not their path."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting.

    Attributes:
        path: its name in the file, `inbox.max_bytes`.
        type: the annotation its value is read by.
        default: the value without any setting.
        help: its line in the docs.
        secret: never shown.
        low, high: bounds of a number, None without.
        among: the only texts allowed; empty for any.
    """

    path: str
    type: Any
    default: Any
    help: str
    secret: bool
    low: float | None
    high: float | None
    among: tuple[str, ...]

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return _VARIABLES.get(self.path, PREFIX + self.path.upper().replace(".", "_"))

    @property
    def flag(self) -> str:
        """How the command line sets it: an option of its own, or `--set`."""
        return _OPTIONS.get(self.path, f"--set {self.path}")


@cache
def entries() -> Mapping[str, Entry]:
    """Return every setting by path, in the order of the docs."""
    hints = get_type_hints(Settings)
    found: dict[str, Entry] = {}
    for part in fields(Settings):
        if part.default is not MISSING:
            found[part.name] = _entry(part.name, hints[part.name], part)
            continue
        inner = get_type_hints(hints[part.name])
        for setting in fields(hints[part.name]):
            path = f"{part.name}.{setting.name}"
            found[path] = _entry(path, inner[setting.name], setting)
    return MappingProxyType(found)


def _entry(path: str, hint: Any, setting: Field[Any]) -> Entry:
    facts = setting.metadata
    return Entry(
        path=path,
        type=hint,
        default=setting.default,
        help=help_of(setting),
        secret=bool(facts["secret"]),
        low=facts["low"],
        high=facts["high"],
        among=facts["among"],
    )


def build(values: Mapping[str, Any]) -> Settings:
    """Return settings with these values by path, and defaults for the rest."""
    hints = get_type_hints(Settings)
    parts: dict[str, Any] = {}
    for part in fields(Settings):
        if part.default is not MISSING:
            if part.name in values:
                parts[part.name] = values[part.name]
            continue
        mine = {p.partition(".")[2]: v for p, v in values.items() if p.startswith(f"{part.name}.")}
        parts[part.name] = hints[part.name](**mine)
    return Settings(**parts)


def value_at(settings: Settings, path: str) -> Any:
    """Return the value of one setting."""
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value
