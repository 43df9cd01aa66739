"""The OpenAPI schema as a file.

`python -m otel_vector_collector.api.openapi > docs/openapi.json` writes the committed one.
"""

from __future__ import annotations

import sys

import orjson

from otel_vector_collector.api.app import routed

__all__ = ["schema"]


def schema() -> bytes:
    """Return the schema as JSON, indented, its keys in order."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(routed().openapi(), option=options)


if __name__ == "__main__":
    sys.stdout.buffer.write(schema())
