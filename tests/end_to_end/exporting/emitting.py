"""What the programs of this folder have in common: a tracer that exports, and spans."""

import faulthandler
import logging
import os
import signal

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otel_vector import VectorSpanProcessor

faulthandler.register(signal.SIGUSR1)
logging.basicConfig(level="INFO", format="%(process)d %(name)s %(message)s")


def exporting(**keywords):
    """Return a provider that exports, made the global one."""
    provider = TracerProvider()
    provider.add_span_processor(VectorSpanProcessor(**keywords))
    trace.set_tracer_provider(provider)
    return provider


def emit(who, n):
    """Make spans `who-0`, `who-1` …; the tracer is that of the global provider."""
    tracer = trace.get_tracer("programs")
    for i in range(n):
        with tracer.start_as_current_span(f"{who}-{i}") as span:
            span.set_attribute("pid", os.getpid())


def flush():
    """Wait until the collector has everything; the program fails if it has not."""
    assert trace.get_tracer_provider().force_flush(30_000)
