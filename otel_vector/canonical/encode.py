"""Values as canonical text: JSON with sorted keys, tagged where JSON has no such type."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["text_of"]


def text_of(value: Any) -> str:
    """Return the canonical text of a value; never raises."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_opaque
    )


def _opaque(value: Any) -> dict[str, str]:
    cls = type(value)
    return {"$ov": "opaque", "type": f"{cls.__module__}.{cls.__qualname__}", "v": ""}
