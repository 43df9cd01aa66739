"""Identities: pure functions of content, so that a resend is the same thing again.

Two hash functions are used. BLAKE2b where an id decides whether two things are the same (span
ids, meaning ids): a sender must not be able to construct a collision. XXH3 where a hash only
narrows a search and the block confirms it (trace keys, equality keys).

All 63-bit values are positive and fit a signed 64-bit integer, the engine's integer type.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import NewType

from xxhash import xxh3_64_intdigest

__all__ = [
    "MeaningId",
    "SpanId",
    "Tenant",
    "content_hasher",
    "field_key",
    "is_tenant",
    "meaning_hex",
    "meaning_id",
    "parse_meaning_id",
    "trace_key",
]

Tenant = NewType("Tenant", str)
"""The name of a tenant, ``[a-z0-9][a-z0-9_.-]{0,62}``; ``default`` without keys."""

SpanId = NewType("SpanId", str)
"""128-bit content id of a stored span or log record: 32 lower-case hex digits."""

MeaningId = NewType("MeaningId", int)
"""63-bit content id of a meaning; 16 lower-case hex digits on every surface."""

_MASK_63 = (1 << 63) - 1
_TENANT = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.ASCII)


def is_tenant(text: str) -> bool:
    """Return whether a text can be the name of a tenant."""
    return _TENANT.fullmatch(text) is not None


def meaning_id(tenant: Tenant, facet: str, text: str) -> MeaningId:
    """Return the 63-bit id of one text of one facet."""
    parts = f"{tenant}\x1f{facet}\x1f{text}".encode("utf-8", "replace")
    digest = blake2b(parts, digest_size=8, person=b"ov-meaning").digest()
    return MeaningId(int.from_bytes(digest, "big") & _MASK_63)


def meaning_hex(value: MeaningId) -> str:
    """Return the id as the 16 hex digits that every surface shows."""
    return f"{value:016x}"


def parse_meaning_id(text: str) -> MeaningId:
    """Return the id that :func:`meaning_hex` wrote.

    Raises:
        ValueError: the text is not 16 hex digits.
    """
    value = int(text, 16)
    if len(text) != 16 or value > _MASK_63:  # noqa: PLR2004 -- 64 bits in hex
        raise ValueError(f"a meaning id is 16 hex digits, not {text!r}")
    return MeaningId(value)


def trace_key(trace_id: bytes) -> int:
    """Return the 63-bit lookup key of a whole trace id (16 bytes).

    A hash, not a slice: ids that were 64 bits wide at their source have a zero half.
    """
    return xxh3_64_intdigest(trace_id) >> 1


def field_key(field: str, value: str) -> int:
    """Return the 63-bit lookup key of one (field, value) pair of the `k` list."""
    return xxh3_64_intdigest(f"{field}\x1f{value}".encode("utf-8", "replace")) >> 1


def content_hasher(tenant: Tenant, resource: bytes, scope: bytes) -> blake2b:
    """Return a hasher to be copied for each span of one resource and scope.

    ``h = base.copy(); h.update(body); SpanId(h.hexdigest())`` is the span's id, where body is
    the deterministic serialisation of the redacted span.
    """
    base = blake2b(digest_size=16, person=b"ov-span")
    for part in (tenant.encode(), resource, scope):
        base.update(len(part).to_bytes(4, "big"))
        base.update(part)
    return base
