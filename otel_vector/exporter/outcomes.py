"""What became of a request that was sent: the only things a sender has to know of a wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from otel_vector.spans.meanings import Signal

__all__ = ["Away", "Busy", "Denied", "Faulty", "Outcome", "Refused", "Taken", "Way"]


@dataclass(frozen=True, slots=True)
class Taken:
    """The collector has it, but for `rejected` items, for the reason in `detail`."""

    rejected: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """Nobody answered, or somebody on the way; it is sent again, later and later."""

    detail: str


@dataclass(frozen=True, slots=True)
class Busy:
    """The collector asks to come back after so many seconds."""

    delay_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class Denied:
    """Sending again helps only once somebody has changed a key, a tenant or an address."""

    detail: str


@dataclass(frozen=True, slots=True)
class Faulty:
    """The collector failed over it: perhaps over this request alone."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The collector will never take this request."""

    detail: str


Outcome = Taken | Away | Busy | Denied | Faulty | Refused


class Way(Protocol):
    """Sends requests to one collector. Used by one thread; `close` by any."""

    def send(self, signal: Signal, body: bytes) -> Outcome:
        """Send an OTLP request in protobuf and say what became of it."""
        ...

    def close(self) -> None:
        """Give up what is under way, and release everything."""
        ...
