"""A function as the body of a record, and the texts it is found by.

Each text stands for itself, since a short one says more clearly what a function does than the same
words among others: what the user wrote of it, its docstring, what happens around it, its source.
"""

from __future__ import annotations

from typing import Any

from otel_vector.describe.records import meanings_of
from otel_vector.describe.words import spelled
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.functions import FunctionRecord
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Facet, Meaning

__all__ = ["function_body", "function_key", "function_meanings"]

_NO_SERVICE = "unknown_service"
_MOST = 60  # passages of one text; four texts have fewer than a record may have


def function_key(service: str, function: FunctionRecord) -> str:
    """Return the key of a function's record."""
    return f"{service or _NO_SERVICE}/{function.name}"


def function_body(service: str, function: FunctionRecord) -> dict[str, Any]:
    """Return a function as JSON; the same function is always the same text."""
    return {
        "service": service or _NO_SERVICE,
        "name": function.name,
        "module": function.module,
        "qualname": function.qualname,
        "signature": function.signature,
        "docstring": function.docstring,
        "source": function.source,
        "source_hash": function.source_hash,
        "file": function.file,
        "line": function.line,
        "description": function.description,
        "narrative": function.narrative,
        "tags": dict(function.tags),
        "switches": dict(function.switches),
    }


def function_meanings(
    tenant: Tenant, function: FunctionRecord, config: DescribeConfig
) -> dict[MeaningId, Meaning]:
    """Return the meanings of facet `code` that a function is found by."""
    most = min(config.max_passages, _MOST)
    found: dict[MeaningId, Meaning] = {}
    for text in _texts(function):
        found |= meanings_of(tenant, Facet.CODE, text, config.passage_chars, most)
    return found


def _texts(function: FunctionRecord) -> list[str]:
    words = " ".join(spelled(function.qualname))
    does = function.description or function.docstring.partition("\n\n")[0]
    source = function.source or f"def {function.qualname}{function.signature}"
    texts = (f"{words}: {does}" if does else words, function.docstring, function.narrative, source)
    return [text for text in texts if text.strip()]
