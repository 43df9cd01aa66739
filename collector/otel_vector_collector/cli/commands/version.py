"""`otel-vector version`."""

from __future__ import annotations

from otel_vector_collector.cli.options import AsJson

__all__ = ["version"]


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    import platform
    from importlib.metadata import version as installed

    from otel_vector_collector.cli.console import print_json

    found = {
        "otel-vector": installed("otel-vector"),
        "qdrant-edge-py": installed("qdrant-edge-py"),
        "python": platform.python_version(),
    }
    if as_json:
        print_json(found)
    else:
        print(" ".join(f"{name} {number}" for name, number in found.items()))
