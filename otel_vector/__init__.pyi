from otel_vector.client import AsyncClient as AsyncClient
from otel_vector.client import Client as Client
from otel_vector.errors import OtelVectorError as OtelVectorError
from otel_vector.exporter import VectorLogExporter as VectorLogExporter
from otel_vector.exporter import VectorSpanExporter as VectorSpanExporter
from otel_vector.exporter import VectorSpanProcessor as VectorSpanProcessor
from otel_vector.instrument.decorators import trace_span as trace_span
from otel_vector.instrument.decorators import vectorize as vectorize
from otel_vector.instrument.searching import search_executions as search_executions
from otel_vector.instrument.searching import search_functions as search_functions
from otel_vector.instrument.setup import initialize_database as initialize_database
from otel_vector.settings.config import Settings as Settings
from otel_vector.wiring import Engine as Engine

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

__version__: str
