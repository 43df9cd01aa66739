"""The digest of a canonical text, by which equal values are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import blake2b

__all__ = ["DIGEST_BYTES", "digest_of", "digester"]

DIGEST_BYTES = 16


def digest_of(text: str) -> str:
    """Return 32 hexadecimal digits: BLAKE2b with 128 bits over the text's UTF-8."""
    return digester(text).hexdigest()


def digester(text: str) -> blake2b:
    """Return the digest of a text's beginning, to be updated with the UTF-8 of the rest."""
    from hashlib import blake2b  # costs more to load than all of this package

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES)
