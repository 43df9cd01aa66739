"""Error codes of exceptions."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.util.types import AttributeValue

__all__ = ["ErrorCodes"]


@dataclass(frozen=True, slots=True)
class ErrorCodes:
    """Codes by exception, and which of them are no failures."""

    rules: Mapping[str, Any] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()

    @classmethod
    def load(
        cls, path: str | Path, *, ignored: Collection[str] = (), required: bool = True
    ) -> ErrorCodes:
        """Read the mapping file.

        Args:
            path: the file; empty for none.
            ignored: codes that are expected and no failures.
            required: whether it was named by somebody, so that it has to be there.

        Raises:
            ConfigError: it was named and is not there, or it cannot be read.
        """
        file = Path(path)
        rules = json.loads(file.read_text("utf-8")) if path and file.is_file() else {}
        return cls(rules, frozenset(ignored))

    def code_of(self, exception: BaseException) -> str:
        """Return the exception's code."""
        code = getattr(exception, "error_code", None)
        return str(code or self.rules.get(type(exception).__name__, type(exception).__name__))

    def is_ignored(self, code: str) -> bool:
        """Return whether spans with this code are no failures."""
        return code in self.ignored

    def attributes_of(self, exception: BaseException) -> dict[str, AttributeValue]:
        """Return `error.type`, `otel_vector.error.code` and, if so, `otel_vector.error.ignored`."""
        code = self.code_of(exception)
        found: dict[str, AttributeValue] = {
            "error.type": type(exception).__qualname__,
            "otel_vector.error.code": code,
        }
        if self.is_ignored(code):
            found["otel_vector.error.ignored"] = True
        return found
