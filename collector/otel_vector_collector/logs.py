"""The process's own log: a line of text, or one JSON object per line with trace ids."""

from __future__ import annotations

import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final

import orjson

from otel_vector.settings.config import LogConfig

__all__ = ["JsonFormatter", "TextFormatter", "configure"]

_TEXT: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_QUIET: Final = ("httpx", "httpcore", "uvicorn", "asyncio")


# Errors quote what was sent: C0 but for line feed and tab, C1, what reorders text, surrogates.
_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class TextFormatter(logging.Formatter):
    """A line of text per record, with nothing in it that a terminal acts on."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and the traceback where there is one."""
        return _escaped(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per record: time, level, logger, message, and ids where there are some."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _escaped(record.getMessage()),
            "pid": record.process,
        }
        fields |= _trace_ids()
        if record.exc_info:
            fields["exception"] = _escaped(self.formatException(record.exc_info))
        return orjson.dumps(fields, default=str).decode()


def configure(config: LogConfig) -> None:
    """Send the log of this process to stderr, in the form and from the level that are set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if config.json else TextFormatter(_TEXT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _trace_ids() -> dict[str, object]:
    """Return the ids of the span this code runs in; nothing without opentelemetry-api."""
    try:
        from opentelemetry.trace import get_current_span
    except ImportError:
        return {}
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
