"""The digest of a canonical text, by which equal values are found."""

from __future__ import annotations

from hashlib import blake2b

__all__ = ["DIGEST_BYTES", "digest_of"]

DIGEST_BYTES = 16


def digest_of(text: str) -> str:
    """Return 32 hexadecimal digits: BLAKE2b with 128 bits over the text's UTF-8."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).hexdigest()
