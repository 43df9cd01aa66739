"""How spans and log records leave an application: to a collector, or into a store of its own.

::

    on_end, export ─▶ bounded queue ─▶ [thread: encode, redact] ─┬▶ spool ─▶ [sender] ─▶ OTLP
                                                                 └▶ inbox of an engine (`path=`)

Whoever hands something over waits for nothing. What cannot be kept is counted and told. The
classes are loaded when they are first used: decorators need just the list of functions of here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from otel_vector.exporter.log_exporter import VectorLogExporter as VectorLogExporter
    from otel_vector.exporter.span_exporter import VectorSpanExporter as VectorSpanExporter
    from otel_vector.exporter.span_processor import VectorSpanProcessor as VectorSpanProcessor

__all__ = ["VectorLogExporter", "VectorSpanExporter", "VectorSpanProcessor"]

_HOMES: Final = {
    "VectorLogExporter": "otel_vector.exporter.log_exporter",
    "VectorSpanExporter": "otel_vector.exporter.span_exporter",
    "VectorSpanProcessor": "otel_vector.exporter.span_processor",
}


def __getattr__(name: str) -> Any:
    """Load a class when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
