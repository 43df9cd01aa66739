"""The text of a key, `ov_<id>_<secret>`, and what is kept of it.

The secret is 43 characters of 62, some 256 random bits. Hashes made slow on purpose protect
passwords, which can be guessed; of a secret that nobody can enumerate a fast hash gives nothing
away, and a slow one at the door would let strangers spend this machine's time. Hence BLAKE2b,
with a salt of its own for each secret so that equal hashes tell nothing either.
"""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from typing import Final

__all__ = ["Sealed", "is_key_like", "joined", "new_id", "new_secret", "parted", "sealed"]

_ALPHABET: Final = string.ascii_letters + string.digits
_SECRET_CHARS: Final = 43
_ID_BYTES: Final = 6
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_KEY: Final = re.compile(r"ov_([0-9a-f]{12})_([A-Za-z0-9]{43})", re.ASCII)
_BEGINNING: Final = re.compile(r"ov_[0-9a-f]{12}_", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is kept of a secret: enough to know it again, not to tell it."""

    salt: bytes
    digest: bytes

    def opens(self, secret: str) -> bool:
        """Return whether this is the secret, in the same time whether it is or not."""
        return compare_digest(_digest(self.salt, secret), self.digest)


def new_id() -> str:
    """Return twelve random hex digits."""
    return secrets.token_hex(_ID_BYTES)


def new_secret() -> str:
    """Return a random secret of 256 bits, without `_` so that a key's parts are clear."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_CHARS))


def joined(key_id: str, secret: str) -> str:
    """Return a key's text."""
    return f"ov_{key_id}_{secret}"


def parted(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a key's text; None if it has not the form of one."""
    match = _KEY.fullmatch(text)
    return (match[1], match[2]) if match else None


def is_key_like(text: str) -> bool:
    """Return whether a key stands somewhere in a text, whole or cut short."""
    return _BEGINNING.search(text) is not None


def sealed(secret: str) -> Sealed:
    """Return what is kept of a secret."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return Sealed(salt, _digest(salt, secret))


def _digest(salt: bytes, secret: str) -> bytes:
    hasher = blake2b(secret.encode(), digest_size=_DIGEST_BYTES, salt=salt, person=b"ov-api-key")
    return hasher.digest()
