"""Quotas of tenants: how much each may store in a day (UTC), and have on disk.

What is taken is known only when a request has been read, so a quota is asked before and charged
afterwards: the request that crosses it is taken whole. A quota that is not set is not counted.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from otel_vector.errors import ConfigError, QuotaError
from otel_vector.keys.limits import Amounts
from otel_vector.settings.config import LimitsConfig
from otel_vector.settings.schema import entries
from otel_vector.settings.values import problem_with, read
from otel_vector.spans.ids import Tenant

__all__ = ["DAY_S", "Quota", "QuotaBook", "Quotas", "quota_book"]

DAY_S: Final = 86400
_NAMES: Final = ("spans_per_day", "bytes_per_day", "disk_bytes")
_ROOM_S: Final = 600.0
"""When to come back to a full disk quota: longer than a Collector's 300 s of retries, so that it
drops what it cannot deliver at once instead of holding up what it could."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one tenant may store; 0 for any amount.

    Attributes:
        spans_per_day: spans and log records taken between two midnights (UTC).
        bytes_per_day: their bytes, after decompression.
        disk_bytes: bytes on disk from which on nothing more is taken.
    """

    spans_per_day: int = 0
    bytes_per_day: int = 0
    disk_bytes: int = 0


@dataclass(frozen=True, slots=True)
class QuotaBook:
    """Every tenant's quota: its own, or the one for all others."""

    default: Quota
    own: Mapping[Tenant, Quota]

    def of(self, tenant: Tenant) -> Quota:
        """Return a tenant's quota."""
        return self.own.get(tenant, self.default)

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a quota."""
        return self.default == Quota() and not any(q != Quota() for q in self.own.values())

    @property
    def has_disk(self) -> bool:
        """Whether somebody's bytes on disk are bounded."""
        return any(quota.disk_bytes for quota in (self.default, *self.own.values()))


def quota_book(config: LimitsConfig) -> QuotaBook:
    """Return the quotas that the settings say.

    Raises:
        ConfigError: an entry of `limits.tenants` cannot be read.
    """
    default = Quota(config.spans_per_day, config.bytes_per_day, config.disk_bytes)
    own = dict[Tenant, Quota]()
    for text in config.tenants:
        tenant, name, number = _read(text)
        own[tenant] = replace(own.get(tenant, default), **{name: number})
    return QuotaBook(default, own)


def _read(text: str) -> tuple[Tenant, str, int]:
    tenant, _, rest = text.partition(":")
    name, _, number = (part.strip() for part in rest.partition("="))
    if not tenant.strip() or name not in _NAMES:
        raise ConfigError(
            f"limits.tenants: {text!r} is not TENANT:QUOTA=NUMBER, like acme:spans_per_day=5M; "
            f"quotas are {', '.join(_NAMES)}"
        )
    entry = entries()[f"limits.{name}"]
    try:
        value = read(entry, number)
    except ValueError as error:
        raise ConfigError(f"limits.tenants: {text!r}: {error}") from error
    if problem := problem_with(entry, value):
        raise ConfigError(f"limits.tenants: {text!r}: {problem}")
    return Tenant(tenant.strip()), name, int(value)


class Quotas:
    """What tenants have used of their quotas, as one process sees it.

    Several processes share it by telling each other what was used (`pending`, `shared`).
    """

    def __init__(self, book: QuotaBook, clock: Callable[[], float] = time.time) -> None:
        self._book = book
        self._clock = clock
        self._lock = threading.Lock()
        self._day = self.today()
        self._used: dict[Tenant, Amounts] = {}
        self._unsent: dict[Tenant, Amounts] = {}
        self._disk: Mapping[Tenant, int] = {}

    def today(self) -> int:
        """Return the day, counted from the epoch."""
        return int(self._clock() // DAY_S)

    @property
    def is_used(self) -> bool:
        """Whether somebody has a quota."""
        return not self._book.is_empty

    def admit(self, tenant: Tenant) -> None:
        """Let a tenant's next request in.

        Raises:
            QuotaError: a quota is used up; the message says which, and until when.
        """
        quota = self._book.of(tenant)
        if quota == _ANY:
            return
        self._turn()
        used = self._used.get(tenant, _NOTHING)
        left_s = DAY_S - self._clock() % DAY_S
        if quota.spans_per_day and used.items >= quota.spans_per_day:
            raise _used_up(tenant, f"{quota.spans_per_day} spans a day", "spans_per_day", left_s)
        if quota.bytes_per_day and used.bytes >= quota.bytes_per_day:
            raise _used_up(tenant, f"{quota.bytes_per_day} bytes a day", "bytes_per_day", left_s)
        if quota.disk_bytes and self._disk.get(tenant, 0) >= quota.disk_bytes:
            raise QuotaError(
                f"tenant {tenant!r} has {self._disk[tenant]} bytes on disk, its quota is "
                f"{quota.disk_bytes} (limits.disk_bytes): delete some, or let retention",
                _ROOM_S,
            )

    def charge(self, tenant: Tenant, used: Amounts) -> None:
        """Count what a request brought."""
        if self._book.of(tenant) == _ANY:
            return
        self._turn()
        with self._lock:
            self._used[tenant] = self._used.get(tenant, _NOTHING) + used
            self._unsent[tenant] = self._unsent.get(tenant, _NOTHING) + used

    def pending(self) -> dict[Tenant, Amounts]:
        """Return what was used today since the last call, by tenant."""
        self._turn()
        with self._lock:
            used, self._unsent = self._unsent, {}
        return used

    def put_back(self, used: Mapping[Tenant, Amounts]) -> None:
        """Take back what could not be told to the others, to be told the next time."""
        with self._lock:
            for tenant, amounts in used.items():
                self._unsent[tenant] = self._unsent.get(tenant, _NOTHING) + amounts

    def shared(self, day: int, used: Mapping[Tenant, Amounts], disk: Mapping[Tenant, int]) -> None:
        """Take what all processes together used on a day, and what tenants have on disk."""
        self._turn()
        with self._lock:
            self._disk = dict(disk)
            if day == self._day:
                for tenant, amounts in used.items():
                    self._used[tenant] = amounts + self._unsent.get(tenant, _NOTHING)

    def _turn(self) -> None:
        """Begin a new day."""
        today = self.today()
        if today != self._day:
            with self._lock:
                self._day, self._used, self._unsent = today, {}, {}


_ANY: Final = Quota()
_NOTHING: Final = Amounts()


def _used_up(tenant: Tenant, quota: str, setting: str, left_s: float) -> QuotaError:
    return QuotaError(
        f"tenant {tenant!r} has used its {quota} (limits.{setting}): it is renewed at midnight "
        "UTC",
        left_s,
    )
