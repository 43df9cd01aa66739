"""A package `shop` to be traced without a decorator, and the spans of its functions."""

import importlib
import sys
import textwrap
from contextlib import contextmanager

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_vector.instrument.zero import VectorInstrumentor

CART = """
    import functools
    from dataclasses import dataclass

    from shop.base import Base, taxed

    def decorated(function):
        @functools.wraps(function)
        def call(*args):
            return function(*args)
        return call

    def total(prices):
        return taxed(sum(prices))

    subtotal = total
    double = lambda price: 2 * price

    @decorated
    def checked(price):
        return price

    class Cart(Base):
        def __init__(self):
            self.prices = []

        def __call__(self, price):
            return self.add(price)

        def add(self, price):
            self.prices.append(price)
            return self

        @property
        def size(self):
            return len(self.prices)

        @staticmethod
        def currency():
            return "EUR"

        @classmethod
        def of(cls, *prices):
            cart = cls()
            cart.prices.extend(prices)
            return cart

        class Line:
            def show(self):
                return "line"

    Alias = Cart

    async def order():
        return "ordered"
"""
BASE = """
    class Base:
        def describe(self):
            return type(self).__name__

    def taxed(price):
        return price * 2
"""


@contextmanager
def shop_in(folder, monkeypatch):
    """Write the package and make it importable; nothing of it is imported yet."""
    write(folder, {"shop/__init__.py": "", "shop/cart.py": CART, "shop/base.py": BASE})
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [n for n in sys.modules if n.partition(".")[0] in {"shop", "space"}]:
        del sys.modules[name]


class Traced:
    """Instruments, and tells the spans since."""

    def __init__(self):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def instrument(self, *functions, **more):
        if functions:
            more["functions"] = functions
        VectorInstrumentor().instrument(tracer_provider=self.provider, **more)

    def names(self):
        return [span.name for span in self.spans()]

    def spans(self):
        found = self.exporter.get_finished_spans()
        self.exporter.clear()
        return found


@contextmanager
def tracing():
    """Yield a `Traced`; whatever it instrumented is restored."""
    traced = Traced()
    try:
        yield traced
    finally:
        if VectorInstrumentor().is_instrumented_by_opentelemetry:
            VectorInstrumentor().uninstrument()
        traced.provider.shutdown()


def write(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def load(name):
    return importlib.import_module(name)
