"""otel-vector: an OpenTelemetry-native span store that answers questions.

`Client` and `AsyncClient` ask a running collector, `Engine` is a store in this process, `Settings`
is what they are set up with. Names are loaded when they are first used, so that importing the
package costs nothing; `__init__.pyi` holds their types.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

__all__ = [
    "AsyncClient",
    "Client",
    "Engine",
    "OtelVectorError",
    "Settings",
    "VectorLogExporter",
    "VectorSpanExporter",
    "VectorSpanProcessor",
    "__version__",
    "initialize_database",
    "search_executions",
    "search_functions",
    "trace_span",
    "vectorize",
]

_HOMES: Final = {
    "AsyncClient": "otel_vector.client",
    "Client": "otel_vector.client",
    "Engine": "otel_vector.wiring",
    "OtelVectorError": "otel_vector.errors",
    "Settings": "otel_vector.settings.config",
    "VectorLogExporter": "otel_vector.exporter",
    "VectorSpanExporter": "otel_vector.exporter",
    "VectorSpanProcessor": "otel_vector.exporter",
    "initialize_database": "otel_vector.instrument.setup",
    "search_executions": "otel_vector.instrument.searching",
    "search_functions": "otel_vector.instrument.searching",
    "trace_span": "otel_vector.instrument.decorators",
    "vectorize": "otel_vector.instrument.decorators",
}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name == "__version__":
        return import_module("importlib.metadata").version("otel-vector")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """Name what is public."""
    return __all__
