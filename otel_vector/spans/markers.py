"""What stands where a secret stood: ``[redacted:<kind>:<16 hex>]``.

The hex is a keyed digest, so equal secrets of one store stay comparable (whole-value hashes,
"the same token again") and nobody without the key can test a guess. The digest identifies a
value and tells a reader nothing, so it never enters a text that is embedded, indexed or shown
as a meaning: :func:`without_digests` takes it out.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

__all__ = ["MARKER", "marker", "without_digests"]

MARKER: Final = re.compile(r"\[redacted:([a-z0-9_-]{1,32}):([0-9a-f]{16})\]")
"""One marker; group 1 is the kind, group 2 the digest."""

_OPENING: Final = "[redacted:"
_DIGESTED: Final = re.compile(
    rf"{MARKER.pattern}|\[redacted:([a-z0-9_-]{{1,32}}):[0-9a-f]{{0,16}}\Z"
)


def marker(kind: str, secret: bytes, key: bytes) -> str:
    """Return the marker of a secret.

    Args:
        kind: what was found, ``[a-z0-9_-]``, at most 32 characters.
        secret: the bytes it replaces.
        key: the store's key, 1 to 64 bytes.
    """
    digest = blake2b(secret, digest_size=8, key=key, person=b"ov-redact").hexdigest()
    return f"[redacted:{kind}:{digest}]"


def without_digests(text: str) -> str:
    """Return the text with every marker cut to ``[redacted:<kind>]``.

    A marker at the end may itself have been cut off, with some of its digest left.
    """
    if _OPENING not in text:
        return text
    return _DIGESTED.sub(lambda found: f"[redacted:{found[1] or found[3]}]", text)
