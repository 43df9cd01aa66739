"""Programs that set themselves up by one call, and the places they write to."""

import subprocess
import sys
import textwrap
from contextlib import contextmanager

from serving import Served, environment

HEAD = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from otel_vector import OtelVectorError, VectorSpanProcessor, initialize_database
from otel_vector import search_executions, search_functions, vectorize
from otel_vector.instrument.searching import search_errors_by_message

@vectorize("adds two numbers", attributes_to_capture=["a"])
def add(a, b):
    return a + b
"""


def programs_in(folder):
    """Return what runs a program in a folder and returns the lines that it printed."""

    def call(text, *, check=True, **settings):
        named = {f"OTEL_VECTOR_{name.upper()}": str(value) for name, value in settings.items()}
        done = subprocess.run(
            [sys.executable, "-c", HEAD + textwrap.dedent(text)],
            capture_output=True,
            text=True,
            cwd=folder,
            env={**environment(), "OTEL_SERVICE_NAME": "shop", **named},
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return call


@contextmanager
def place_of(kind, folder):
    """Yield the settings of a place to write to, of which there is one while the block lasts."""
    if kind == "embedded":
        yield {"exporter_path": folder / "store"}
        return
    served = Served(folder)
    served.start()
    try:
        yield {
            "exporter_endpoint": f"http://{served.endpoints['otlp_grpc']}",
            "exporter_spool": folder / "spool",
            "client_url": f"http://{served.endpoints['api']}",
        }
    finally:
        served.end()
