"""Cursors of pages: opaque texts, bound to the tenant and to the question they continue.

A cursor is ``base64url(version ‖ mac ‖ zlib(state))``. The mac covers tenant and question, so
a cursor that was edited, or handed in with another question, is refused with a sentence. It
protects from mistakes: a cursor holds nothing but a place in the asker's own data.
"""

from __future__ import annotations

import hmac
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from typing import Final

from otel_vector.errors import InvalidQueryError
from otel_vector.spans.ids import Tenant

__all__ = ["pack_cursor", "unpack_cursor"]

_VERSION: Final = b"\x01"
_MAC_BYTES: Final = 12
_LONGEST: Final = 1 << 17  # characters of a cursor
_LARGEST_STATE: Final = 1 << 20  # bytes after decompression


def pack_cursor(tenant: Tenant, question: bytes, state: bytes) -> str:
    """Return the cursor that carries a state.

    Args:
        tenant: whose.
        question: identity of the question without its page.
        state: where the next page starts.
    """
    body = zlib.compress(state, 6)
    raw = _VERSION + _mac(tenant, question, body) + body
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def unpack_cursor(tenant: Tenant, question: bytes, cursor: str) -> bytes:
    """Return the state that a cursor carries.

    Raises:
        InvalidQueryError: it was not made for this tenant and question, or was edited.
    """
    raw = _raw(cursor)
    mac, body = raw[1 : 1 + _MAC_BYTES], raw[1 + _MAC_BYTES :]
    if raw[:1] != _VERSION or not hmac.compare_digest(mac, _mac(tenant, question, body)):
        raise InvalidQueryError(
            "the cursor does not belong to this question: repeat the question that gave it, "
            "with only the cursor added, or start again without one"
        )
    unpacker = zlib.decompressobj()
    state = unpacker.decompress(body, _LARGEST_STATE)
    if not unpacker.eof:
        raise InvalidQueryError("the cursor is too large: start again without one")
    return state


def _raw(cursor: str) -> bytes:
    if len(cursor) > _LONGEST:
        raise InvalidQueryError(f"a cursor has at most {_LONGEST} characters, not {len(cursor)}")
    try:
        return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise InvalidQueryError(
            "the cursor cannot be read: hand it in as it was given, or start again without one"
        ) from None


def _mac(tenant: Tenant, question: bytes, body: bytes) -> bytes:
    hasher = blake2b(digest_size=_MAC_BYTES, person=b"ov-cursor")
    for part in (tenant.encode(), question, body):
        hasher.update(len(part).to_bytes(4, "big"))
        hasher.update(part)
    return hasher.digest()
