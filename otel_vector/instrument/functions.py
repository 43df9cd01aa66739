"""Definitions of functions, announced to whatever stores the process's spans.

Done once per function, when it is decorated: 0.1 to 0.5 ms, most of it for finding where its text
ends. Spans lead to it by `code.function.name` and `otel_vector.source.hash`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from otel_vector.exporter.announcements import announce
from otel_vector.instrument.faults import faults
from otel_vector.instrument.names import module_of, qualname_of, subject_of
from otel_vector.instrument.sources import source_of
from otel_vector.spans.functions import FunctionRecord, Scalar

__all__ = ["About", "register"]

_LONGEST_TEXT: Final = 20_000  # characters of a docstring, description or narrative
_LONGEST_SIGNATURE: Final = 2_000
_LONGEST_VALUE: Final = 1_000
_WIDEST: Final = 1 << 63  # what OTLP has for an integer
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class About:
    """What a decorator says of its function.

    Attributes:
        description: what it is found by.
        narrative: what comes before and after it.
        tags: those of the decorator.
        switches: what differs from the default: `semantic_cache`, `cache_threshold`, `replay`,
            `alert` and the like.
    """

    description: str = ""
    narrative: str = ""
    tags: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    switches: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def register(function: Callable[..., Any], about: About) -> str:
    """Announce a function; return the hash of its source, 16 hex digits.

    Never raises: what cannot be read of a function is noted and left out, and the hash is empty.

    Args:
        function: any callable.
        about: what its decorator says.
    """
    try:
        record = _record(function, about)
        announce(record)
    except Exception as error:  # noqa: BLE001 -- an application's callable raises what it likes
        faults.note("a function was not registered", error)
        return ""
    return record.source_hash


def _record(function: Callable[..., Any], about: About) -> FunctionRecord:
    subject, source = subject_of(function), source_of(function)
    return FunctionRecord(
        module=_clean(module_of(function)),
        qualname=_clean(qualname_of(function)),
        signature=_signature(subject),
        docstring=_docstring(subject),
        source=_clean(source.text),
        source_hash=source.hash,
        file=_clean(source.file),
        line=source.line,
        description=_clean(about.description)[:_LONGEST_TEXT],
        narrative=_clean(about.narrative)[:_LONGEST_TEXT],
        tags=_table(about.tags),
        switches=_table(about.switches),
    )


def _docstring(subject: Any) -> str:
    text = getattr(subject, "__doc__", None)
    return _clean(inspect.cleandoc(text))[:_LONGEST_TEXT] if isinstance(text, str) else ""


def _signature(subject: Any) -> str:
    """Return a signature as it is written; without the addresses that some defaults show."""
    try:
        signature = inspect.signature(subject)
        shown = str(
            signature.replace(
                parameters=[
                    p.replace(annotation=_bare(p.annotation))
                    for p in signature.parameters.values()
                ],
                return_annotation=_bare(signature.return_annotation),
            )
        )
    except Exception as error:  # noqa: BLE001 -- the `__repr__` of a default is the application's
        faults.note("a signature cannot be shown", error)
        return ""
    return _clean(_ADDRESS.sub("", shown))[:_LONGEST_SIGNATURE]


class _Bare:
    """An annotation that is a text already, shown without quotes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _table(values: Mapping[str, Any]) -> tuple[tuple[str, Scalar], ...]:
    return tuple(sorted((_clean(str(name)), _scalar(value)) for name, value in values.items()))


def _scalar(value: Any) -> Scalar:
    """Return a value as OTLP has it; what it has no type for as text."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_WIDEST <= value < _WIDEST:
        return int(value)
    return _clean(str(value))[:_LONGEST_VALUE]


def _clean(text: str) -> str:
    """Return a text that UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode()
