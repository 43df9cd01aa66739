"""Tags of spans: from the environment and from decorators, as an allow-list has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.util.types import AttributeValue

__all__ = ["Tags"]


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags that spans may have."""

    allowed: Mapping[str, Any] | None = None
    ambient: Mapping[str, AttributeValue] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path, *, required: bool = True) -> Tags:
        """Read the allow-list, and the environment's values of what it names.

        Args:
            path: the file; empty for none, which allows any tag of a decorator.
            required: whether it was named by somebody, so that it has to be there.

        Raises:
            ConfigError: it was named and is not there, or it cannot be read.
        """
        file = Path(path)
        return cls(json.loads(file.read_text("utf-8")) if path and file.is_file() else None)

    def of(self, decorator_tags: Mapping[str, Any]) -> dict[str, AttributeValue]:
        """Return the attributes of spans of a function with these tags."""
        merged = {**self.ambient, **decorator_tags}
        return {f"otel_vector.tag.{name}": value for name, value in merged.items()}

    def declared(self) -> Mapping[str, str]:
        """Return the description of each tag by name."""
        return {n: str(f.get("description", "")) for n, f in (self.allowed or {}).items()}
