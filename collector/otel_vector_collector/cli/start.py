"""Where the command `otel-vector` starts: with a sentence if its libraries are not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

__all__ = ["main"]


def main() -> None:
    """Run the command line, or say what it takes to have one."""
    if find_spec("typer") is None or find_spec("fastapi") is None:
        sys.exit(
            "otel-vector: this Python has the library alone; the command comes with"
            " `pip install 'otel-vector[collector]'`"
        )
    from otel_vector_collector.cli.main import main as run

    run()
