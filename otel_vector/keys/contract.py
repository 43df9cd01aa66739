"""API keys: what each may do, for which tenants, and who holds one.

Promises, checked by the tests of every keyring:

* A key's text is told once, by `create` or `rotate`; what is stored does not give it away.
* As soon as there is a key, every request needs one; a key that expired or was disabled still
  counts, so that the last one to go does not open the doors.
* Several processes may use one keyring at the same time. What one of them changes is in force in
  the others within a second; `authenticate` reads nothing from disk more often than that.
* What is disabled stays disabled, whatever else is done to the key at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from otel_vector.spans.ids import Tenant

__all__ = ["ALL_TENANTS", "Issued", "Key", "KeyLimits", "KeyOrder", "Keyring", "Role"]

ALL_TENANTS: Final = Tenant("*")
"""In place of names of tenants: every tenant there is or will be."""


class Role(StrEnum):
    """What a key may do.

    `ingest` stores, `read` asks. `admin` deletes, starts and ends work, and does all that the
    other two do: who may delete a store and restore another can do nothing worse by reading it.
    """

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How much a key may do; 0 is without limit.

    Attributes:
        spans_per_s: spans and log records stored, per second.
        bytes_per_s: bytes of requests taken, after decompression, per second.
        requests_per_s: requests to the OTLP doors, per second.
        questions_per_s: requests to the API, per second.
    """

    spans_per_s: float = 0.0
    bytes_per_s: float = 0.0
    requests_per_s: float = 0.0
    questions_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """What a new key shall be.

    Attributes:
        name: for people; need not be unique.
        roles: at least one.
        tenants: at least one, or :data:`ALL_TENANTS` alone.
        expires_ns: nanoseconds since the epoch after which it is refused; 0 for never.
        limits: how much it may do.
    """

    name: str
    roles: frozenset[Role]
    tenants: frozenset[Tenant]
    expires_ns: int = 0
    limits: KeyLimits = field(default_factory=KeyLimits)


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret.

    Attributes:
        id: twelve hex digits, the middle part of `ov_<id>_<secret>`; not secret.
        name: for people.
        roles: what it may do.
        tenants: for whom; :data:`ALL_TENANTS` alone for all.
        created_ns: nanoseconds since the epoch.
        expires_ns: when it ends by itself, 0 for never.
        disabled_ns: when it was disabled, 0 if it was not.
        rotated_ns: when it last got a new secret, 0 if it never did.
        limits: how much it may do.
    """

    id: str
    name: str
    roles: frozenset[Role]
    tenants: frozenset[Tenant]
    created_ns: int
    expires_ns: int = 0
    disabled_ns: int = 0
    rotated_ns: int = 0
    limits: KeyLimits = field(default_factory=KeyLimits)

    def may(self, role: Role) -> bool:
        """Return whether the key has a role, by itself or as an administrator."""
        return role in self.roles or Role.ADMIN in self.roles

    @property
    def is_universal(self) -> bool:
        """Whether the key is for all tenants."""
        return ALL_TENANTS in self.tenants

    def reaches(self, tenant: Tenant) -> bool:
        """Return whether the key is for a tenant."""
        return self.is_universal or tenant in self.tenants

    def works_at(self, now_ns: int) -> bool:
        """Return whether the key is neither disabled nor expired."""
        return not self.disabled_ns and not (self.expires_ns and now_ns >= self.expires_ns)


@dataclass(frozen=True, slots=True)
class Issued:
    """A key and its text, which is never told again.

    Attributes:
        key: the key.
        text: `ov_<id>_<secret>`, what its holder sends.
    """

    key: Key
    text: str = field(repr=False)


class Keyring(Protocol):
    """All keys of one data folder."""

    def create(self, order: KeyOrder) -> Issued:
        """Make a key.

        Raises:
            InvalidInputError: the order names no role, no tenant, or what is none.
            StorageFullError: the disk is full; there is no new key.
        """
        ...

    def list(self) -> list[Key]:
        """Return every key there ever was, oldest first."""
        ...

    def rotate(self, key_id: str, grace_s: float) -> Issued:
        """Give a key a new secret; older ones are refused after `grace_s` seconds.

        Raises:
            InvalidInputError: the key is disabled or expired; make another.
            NotFoundError: there is no such key.
            StorageFullError: the disk is full; the key is as it was.
        """
        ...

    def disable(self, key_id: str) -> Key:
        """Refuse a key from now on, for good. Doing it twice is allowed.

        Raises:
            NotFoundError: there is no such key.
            StorageFullError: the disk is full; the key is as it was.
        """
        ...

    def authenticate(self, text: str) -> Key:
        """Return the key whose text this is.

        Raises:
            UnauthenticatedError: it is none, or the key is disabled or expired. The message
                never repeats the text, and tells of the key only to who has its secret.
            RetryableError: the keys cannot be read now.
        """
        ...

    def in_force(self) -> bool:
        """Return whether requests need a key: whether there ever was one.

        Raises:
            RetryableError: the keys cannot be read now.
        """
        ...
