"""Rates of keys: token buckets that let a request through whole, and those after it wait.

What a request costs is known only when it has been read, so a bucket is asked before and charged
afterwards. It may go into debt by one request; nothing passes until the debt is paid, so the rate
holds over time, and a request larger than a bucket is taken, too.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from otel_vector.errors import LimitedError
from otel_vector.keys.contract import Key, KeyLimits
from otel_vector.settings.config import LimitsConfig

__all__ = ["Amounts", "Bucket", "Failures", "IngestRates", "QuestionRates", "Standing"]

_NOBODY: Final = ""  # who asks as long as there are no keys
_NONE: Final = KeyLimits()
_SOON_S: Final = 0.001  # a wait is never told as none

Clock = Callable[[], float]


@dataclass(slots=True)
class Amounts:
    """What was taken: requests, items (spans and log records) and bytes.

    Made for every request, hence not frozen, which takes three times as long; nobody changes one.
    """

    requests: int = 0
    items: int = 0
    bytes: int = 0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.requests + other.requests, self.items + other.items, self.bytes + other.bytes
        )

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.requests - other.requests, self.items - other.items, self.bytes - other.bytes
        )


class Bucket:
    """So much a second, saved up for some seconds. Times are seconds of any steady clock."""

    __slots__ = ("_at_s", "_level", "capacity", "rate")

    def __init__(self, rate: float, burst_s: float, now_s: float) -> None:
        self.rate = rate
        self.capacity = max(1.0, rate * burst_s)
        self._level = self.capacity
        self._at_s = now_s

    def level(self, now_s: float) -> float:
        """Return what is there, below 0 for a debt."""
        if now_s > self._at_s:
            gained = (now_s - self._at_s) * self.rate
            self._level = min(self.capacity, self._level + gained)
            self._at_s = now_s
        return self._level

    def wait_s(self, now_s: float) -> float:
        """Return in how many seconds there is something; 0 if there is now."""
        level = self.level(now_s)
        return 0.0 if level > 0 else max(_SOON_S, -level / self.rate)

    def take(self, amount: float, now_s: float) -> None:
        """Take an amount, whatever is there."""
        self._level = self.level(now_s) - amount


@dataclass(frozen=True, slots=True)
class _Rates:
    """A key's buckets; None where it has no limit."""

    limits: KeyLimits
    requests: Bucket | None
    items: Bucket | None
    bytes: Bucket | None

    @property
    def is_limited(self) -> bool:
        return not (self.requests is self.items is self.bytes is None)

    def take(self, used: Amounts, now_s: float) -> None:
        if self.requests is not None:
            self.requests.take(used.requests, now_s)
        if self.items is not None:
            self.items.take(used.items, now_s)
        if self.bytes is not None:
            self.bytes.take(used.bytes, now_s)


class IngestRates:
    """The rates at which keys may store, as one process sees them.

    Several processes share them by telling each other what was used (`pending`, `shared`): each
    takes what the others took out of its own buckets, too.
    """

    def __init__(self, config: LimitsConfig, clock: Clock = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._rates: dict[str, _Rates] = {}
        self._unsent: dict[str, Amounts] = {}
        self._totals: dict[str, Amounts] = {}

    def admit(self, key: Key | None) -> None:
        """Let a key's next request in.

        Raises:
            LimitedError: one of its rates is used up; the message names which.
        """
        rates = self._of(key)
        if not rates.is_limited:
            return
        now_s = self._clock()
        for bucket, what in (
            (rates.requests, "requests"),
            (rates.items, "spans"),
            (rates.bytes, "bytes"),
        ):
            wait_s = bucket.wait_s(now_s) if bucket is not None else 0.0
            if bucket is not None and wait_s:
                raise LimitedError(
                    f"{_holder(key)} may send {bucket.rate:g} {what} a second (limits.{what}"
                    f"_per_s, or the key's own): send again in {wait_s:.1f} s, or slower",
                    wait_s,
                )

    def charge(self, key: Key | None, used: Amounts) -> None:
        """Take what a request used; a refused one used its request alone."""
        rates = self._of(key)
        if not rates.is_limited:
            return
        name = key.id if key is not None else _NOBODY
        with self._lock:
            rates.take(used, self._clock())
            self._unsent[name] = self._unsent.get(name, Amounts()) + used

    @property
    def is_used(self) -> bool:
        """Whether a key that came by has a limit."""
        with self._lock:
            return any(rates.is_limited for rates in self._rates.values())

    def pending(self) -> dict[str, Amounts]:
        """Return what was used since the last call, by key; limited keys only."""
        with self._lock:
            used, self._unsent = self._unsent, {}
        return used

    def put_back(self, used: Mapping[str, Amounts]) -> None:
        """Take back what could not be told to the others, to be told the next time."""
        with self._lock:
            for name, amounts in used.items():
                self._unsent[name] = self._unsent.get(name, Amounts()) + amounts

    def shared(self, totals: Mapping[str, Amounts], sent: Mapping[str, Amounts]) -> None:
        """Take what the others used.

        Args:
            totals: what all processes together ever used, by key.
            sent: what is in it of this process since the last call.
        """
        now_s = self._clock()
        with self._lock:
            for name, total in totals.items():
                known = self._totals.get(name, total - sent.get(name, Amounts()))
                foreign = total - known - sent.get(name, Amounts())
                self._totals[name] = total
                if name in self._rates:
                    self._rates[name].take(foreign, now_s)

    def _of(self, key: Key | None) -> _Rates:
        name, limits = (key.id, key.limits) if key is not None else (_NOBODY, _NONE)
        found = self._rates.get(name)
        if found is None or (found.limits is not limits and found.limits != limits):
            found = self._made(limits)
            with self._lock:
                self._rates[name] = found
        return found

    def _made(self, limits: KeyLimits) -> _Rates:
        config, now_s = self._config, self._clock()

        def bucket(own: float, default: float) -> Bucket | None:
            rate = own or default
            return Bucket(rate, config.burst_s, now_s) if rate else None

        return _Rates(
            limits,
            bucket(limits.requests_per_s, config.requests_per_s),
            bucket(limits.spans_per_s, config.spans_per_s),
            bucket(limits.bytes_per_s, config.bytes_per_s),
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a key stands with its rate of questions.

    Attributes:
        limit: questions that can be asked at once after a rest.
        window_s: seconds in which that many come back.
        remaining: questions left now.
        reset_s: seconds until all of them are back, or after a refusal until the next one.
    """

    limit: int
    window_s: int
    remaining: int
    reset_s: int


class QuestionRates:
    """The rates at which keys may ask the API."""

    def __init__(self, config: LimitsConfig, clock: Clock = time.monotonic) -> None:
        self._config = config
        self._clock = clock
        self._buckets: dict[str, Bucket] = {}

    def ask(self, key: Key | None) -> tuple[Standing | None, LimitedError | None]:
        """Take one question; return where the key stands, and the refusal if it may not ask."""
        own = key.limits.questions_per_s if key is not None else 0.0
        rate = own or self._config.questions_per_s
        if not rate:
            return None, None
        bucket, now_s = self._bucket(key, rate), self._clock()
        wait_s = bucket.wait_s(now_s)
        if not wait_s:
            bucket.take(1, now_s)
            return _standing(bucket, now_s, 0.0), None
        refusal = LimitedError(
            f"{_holder(key)} may ask {rate:g} times a second (limits.questions_per_s, or the "
            f"key's own): ask again in {wait_s:.1f} s",
            wait_s,
        )
        return _standing(bucket, now_s, wait_s), refusal

    def _bucket(self, key: Key | None, rate: float) -> Bucket:
        name = key.id if key is not None else _NOBODY
        bucket = self._buckets.get(name)
        if bucket is None or bucket.rate != rate:
            bucket = self._buckets[name] = Bucket(rate, self._config.burst_s, self._clock())
        return bucket


def _standing(bucket: Bucket, now_s: float, wait_s: float) -> Standing:
    level = bucket.level(now_s)
    return Standing(
        limit=int(bucket.capacity),
        window_s=max(1, ceil(bucket.capacity / bucket.rate)),
        remaining=max(0, ceil(level)),
        reset_s=ceil(wait_s or (bucket.capacity - level) / bucket.rate),
    )


class Failures:
    """Slows down addresses whose requests carry no valid key.

    The first few are answered at once; each further one has to wait. Keys that are valid never
    wait, whatever else comes from their address. Remembers a bounded number of addresses, those
    that failed last.
    """

    def __init__(
        self,
        at_once: int = 10,
        wait_s: float = 1.0,
        most: int = 10_000,
        clock: Clock | None = None,
    ) -> None:
        self._at_once = at_once
        self._wait_s = wait_s
        self._most = most
        self._clock = clock or time.monotonic
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def delay_s(self, address: str) -> float:
        """Count a failure of an address; return for how many seconds to hold its answer."""
        now_s = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = Bucket(1 / self._wait_s, self._at_once, now_s)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(address)
        allowed = bucket.wait_s(now_s) == 0.0
        if allowed:
            bucket.take(1, now_s)
        return 0.0 if allowed else self._wait_s


def _holder(key: Key | None) -> str:
    return "a sender" if key is None else f"the key {key.id}"
