"""Spans that the SDK made, of the global provider, as the tests of decorators look at them."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Recorded:
    """The spans that ended, in that order."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()

    @property
    def names(self) -> list[str]:
        return [span.name for span in self.all]

    @property
    def only(self) -> ReadableSpan:
        (span,) = self.all
        return span

    def named(self, name: str) -> ReadableSpan:
        (span,) = (span for span in self.all if span.name.rpartition(".")[2] == name)
        return span


@contextmanager
def recorded() -> Iterator[Recorded]:
    """Have the global provider hand over spans; set one if there is none."""
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider(shutdown_on_exit=False)
        trace.set_tracer_provider(provider)
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    try:
        yield Recorded(exporter)
    finally:
        exporter.shutdown()
