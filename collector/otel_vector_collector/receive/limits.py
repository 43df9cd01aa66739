"""What a door holds requests to: rates of keys, quotas of tenants, patience with strangers.

A request is held against them before anything of it is read, and charged when it is known what it
brought. Nothing here is done per span.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from otel_vector.errors import (
    LimitedError,
    OtelVectorError,
    QuotaError,
    UnauthenticatedError,
)
from otel_vector.inbox.contract import DoorCounters
from otel_vector.keys.contract import Key
from otel_vector.keys.limits import Amounts, Failures, IngestRates
from otel_vector.keys.quotas import Quotas, quota_book
from otel_vector.settings.config import LimitsConfig
from otel_vector.spans.ids import Tenant

__all__ = ["DoorLimits", "Holding", "Sender", "counted_as"]

_MOST_NAMED: Final = 100  # tenants counted by name
_MOST_HELD: Final = 100  # answers held back at the same time


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the tenant a request stores for, and its key; None where none is needed."""

    tenant: Tenant
    key: Key | None = None


class DoorLimits:
    """The limits of one door process."""

    def __init__(self, config: LimitsConfig, counters: DoorCounters) -> None:
        """Begin with nothing used.

        Raises:
            ConfigError: a quota cannot be read.
        """
        self.rates = IngestRates(config)
        self.quotas = Quotas(quota_book(config))
        self.holding = Holding()
        self._counters = counters
        self._named: set[str] = set()

    def admit(self, sender: Sender) -> None:
        """Let a request in.

        Raises:
            LimitedError: its key's rate is used up.
            QuotaError: its tenant's quota is used up.
        """
        try:
            self.quotas.admit(sender.tenant)
            self.rates.admit(sender.key)
        except LimitedError as error:
            what = "quota" if isinstance(error, QuotaError) else "rate"
            tenant = counted_as(sender.tenant, self._named)
            self._counters.count(f"limited.{what}.{tenant}", 1)
            raise

    def charge(self, sender: Sender, items: int, size: int) -> None:
        """Take what a request brought: items that were taken, and bytes."""
        used = Amounts(1, items, size)
        self.rates.charge(sender.key, used)
        self.quotas.charge(sender.tenant, used)


class Holding:
    """Holds back the answers to addresses that fail again and again."""

    def __init__(self) -> None:
        self._failures = Failures()
        self._held = 0

    async def held(self, error: OtelVectorError, address: str) -> OtelVectorError:
        """Wait before a refusal is told, if its address failed too often.

        Args:
            error: why it is refused; only a missing or wrong key is held back.
            address: where the request came from, without a port.

        Returns:
            What to tell: the same, or where many are held back already that one has to wait.
        """
        delay_s = 0.0
        if isinstance(error, UnauthenticatedError):
            delay_s = self._failures.delay_s(address)
        if not delay_s:
            return error
        if self._held >= _MOST_HELD:
            return LimitedError("too many requests without a valid key come in: send one", delay_s)
        self._held += 1
        try:
            await asyncio.sleep(delay_s)
        finally:
            self._held -= 1
        return error


def counted_as(tenant: str, named: set[str]) -> str:
    """Return the name a tenant is counted under: its own for the first hundred, else `other`."""
    if tenant in named:
        return tenant
    if len(named) >= _MOST_NAMED:
        return "other"
    named.add(tenant)
    return tenant
