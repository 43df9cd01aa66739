"""Secrets out of one request, in place, before anything is described, embedded or stored.

::

    raw bytes ──gate──▶ nothing there: done (the usual case, some 1 µs a span)
                 │ hit
                 ▼
    every span, resource and scope serialised, one after the other ──gate──▶ which of them
                 ▼
    those are walked: by key, by pattern, JSON text inside strings, unknown fields

Where a name is secret (:mod:`~otel_vector.redact.keys`) the whole value goes; elsewhere just the
part of the text that is one (:mod:`~otel_vector.redact.patterns`, `contexts`, `personal`). What
goes leaves a marker (:mod:`otel_vector.spans.markers`). Redacting twice is redacting once.

Unknown fields cannot be looked into by name. They are kept, losslessly, unless the gate hits
their bytes; then that message (not those above or below it) loses them, counted as one value: a
field nobody here can read is worth less than a secret on disk.

Not found: a secret that is neither under a secret name nor of a known shape, one that is split
over several values, one that is encrypted, compressed or base64 of something else, and patterns
in numbers that are not text.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from itertools import accumulate
from typing import Any, Final

from google.protobuf.message import Message
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.redact.keys import KeyRules
from otel_vector.redact.text import TextRules
from otel_vector.redact.values import Walker
from otel_vector.settings.config import RedactConfig

__all__ = ["Redactor"]

_MIN_KEY: Final = 16
_RESOURCE_TAG: Final = b"\n"  # field 1, length-delimited: TracesData.resource_spans
_LOOK_AHEAD: Final = 64


class Redactor:
    """Redacts requests. Not for use by two threads at once.

    Args:
        config: what to look for.
        key: the store's secret key for digests, 16 bytes or more. Another key makes other
            markers, hence other span ids.

    Raises:
        ConfigError: `redact.patterns` or `redact.pii` cannot be read.
        ValueError: the key is too short.
    """

    def __init__(self, config: RedactConfig, key: bytes) -> None:
        if len(key) < _MIN_KEY:
            raise ValueError(f"the digest key has {len(key)} bytes, not {_MIN_KEY} or more")
        self._enabled = config.enabled
        keys = KeyRules(config)
        digest_key = blake2b(key, digest_size=32, person=b"ov-redact-key").digest()
        self._text = TextRules(config, keys, digest_key)
        self._walker = Walker(self._text, keys)

    def traces(self, data: TracesData, raw: bytes) -> int:
        """Redact spans in place; return how many values were redacted.

        Args:
            data: the spans.
            raw: the bytes, decompressed, that they were parsed from. Only protobuf is trusted
                to be what `data` holds; of JSON and anything else (also ``b""``) the message
                itself is serialised and looked at.
        """
        if not self._is_suspect(data, raw):
            return 0
        return self._redact(data, "resource_spans", "scope_spans", "spans")

    def logs(self, data: LogsData, raw: bytes) -> int:
        """Redact log records in place; see :meth:`traces`."""
        if not self._is_suspect(data, raw):
            return 0
        return self._redact(data, "resource_logs", "scope_logs", "log_records")

    def text(self, text: str) -> str:
        """Return a text, or a JSON document as text, without secrets; JSON stays JSON."""
        return self._walker.text(text)[0] if self._enabled else text

    def _is_suspect(self, data: Message, raw: bytes) -> bool:
        if not self._enabled:
            return False
        return self._text.gate.hit(raw if _is_protobuf(raw) else data.SerializeToString())

    def _redact(self, data: Any, resources: str, scopes: str, items: str) -> int:
        count = self._walker.unknown_fields(data)
        parts: list[Any] = []
        for resource in getattr(data, resources):
            count += self._header(resource)
            if resource.HasField("resource"):
                parts.append(resource.resource)
            for scope in getattr(resource, scopes):
                count += self._header(scope)
                if scope.HasField("scope"):
                    parts.append(scope.scope)
                parts.extend(getattr(scope, items))
        return count + sum(self._walker.message(part) for part in self._suspects(parts))

    def _header(self, message: Any) -> int:
        """Redact a message's own schema URL and unknown fields."""
        count = self._walker.unknown_fields(message)
        if message.schema_url:
            message.schema_url, more = self._walker.text(message.schema_url)
            count += more
        return count

    def _suspects(self, parts: list[Any]) -> list[Any]:
        """Return the parts whose bytes the gate hits.

        A hit marks every part that it overlaps: the next search starts behind it, so a hit that
        began in one part may hide another in the part where it ends.
        """
        bodies = [part.SerializeToString() for part in parts]
        ends = list(accumulate(map(len, bodies)))
        chosen: set[int] = set()
        for start, end in self._text.gate.ranges(b"".join(bodies)):
            chosen.update(
                range(bisect_right(ends, start), bisect_right(ends, max(start, end - 1)) + 1)
            )
        return [parts[i] for i in sorted(chosen) if i < len(parts)]


def _is_protobuf(raw: bytes) -> bool:
    """Return whether these bytes can be taken for the protobuf message they start like.

    A JSON text may start with a line feed, which is also the tag of a request's first field.
    """
    return raw[:1] == _RESOURCE_TAG and raw[:_LOOK_AHEAD].lstrip()[:1] not in {b"{", b""}
