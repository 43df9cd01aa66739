"""The inbox: what lies between an accepted request and the store.

Promises, checked by `otel_vector.testing.inbox`:

* `put` returns only when the envelope survives kill -9 and power loss. Several threads may put
  at once; their envelopes share one commit.
* At least once: an envelope stays until it is acked. What was taken and not acked is taken
  again after the taker is gone (`recover`) or after `retry_later`'s delay.
* `take` hands out in the order of arrival, each delivery to one taker.
* Bounded: `put` raises `InboxFullError` when the bodies waiting exceed the bound, and
  `StorageFullError` when the disk is full. In both cases nothing was stored.
* `ack` deletes the body from every file: after `scrub` no byte of it is left on disk.
* Dead letters are envelopes that failed by a fault of ours. They expire: then they are neither
  listed nor counted, and the next `scrub` deletes them.
* The body may hold secrets that redaction has not seen: files have mode 0600.

`Intake` is the doors' view of an inbox: they put without a thread per request, and report what
they refused. `Inbox` and `DeadLetters` are the views of the engine and of the operator.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal

__all__ = [
    "DeadLetter",
    "DeadLetters",
    "Delivery",
    "DoorCounters",
    "Envelope",
    "Inbox",
    "InboxState",
    "Intake",
]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One accepted request. The doors put identity-encoded protobuf only.

    Attributes:
        tenant: fixed at the door.
        signal: spans or logs.
        content_type: `application/x-protobuf` or `application/json`.
        encoding: `identity`, `gzip`, `deflate` or `zstd`.
        received_ns: nanoseconds since the epoch.
        body: the request's bytes.
    """

    tenant: Tenant
    signal: Signal
    content_type: str
    encoding: str
    received_ns: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An envelope on its way; `attempt` starts at 1."""

    id: int
    envelope: Envelope
    attempt: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was set aside: its id, why, when, and the envelope."""

    id: int
    reason: str
    died_ns: int
    attempt: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class InboxState:
    """What waits: envelopes, their bytes, the age of the oldest in seconds, dead letters."""

    pending: int
    bytes: int
    oldest_s: float
    dead: int


class Inbox(Protocol):
    """A durable, bounded queue of envelopes."""

    def put(self, envelope: Envelope) -> int:
        """Store an envelope durably and return its id.

        Raises:
            InboxFullError: over the bound.
            StorageFullError: the disk is full.
        """
        ...

    def take(self, limit: int, max_bytes: int, wait_s: float) -> list[Delivery]:
        """Return up to `limit` deliveries of up to `max_bytes` in all (at least one if any).

        Waits up to `wait_s` seconds for the first. Empty when none came.
        """
        ...

    def ack(self, ids: Sequence[int]) -> None:
        """Delete these deliveries. Unknown ids are ignored."""
        ...

    def retry_later(self, ids: Sequence[int], delay_s: float) -> None:
        """Hand these out again after a delay, with `attempt` one higher."""
        ...

    def state(self) -> InboxState:
        """Return what waits."""
        ...

    def close(self) -> None:
        """Release everything; what was put stays."""
        ...


class DoorCounters(Protocol):
    """Durable counters of what the doors saw, summed over all door processes."""

    def count(self, name: str, n: int) -> None:
        """Add `n`; it becomes durable, and visible to others, within about a second."""
        ...

    def counters(self) -> Mapping[str, int]:
        """Return the sums by name."""
        ...


class Intake(DoorCounters, Protocol):
    """What a door needs of an inbox."""

    def submit(self, envelope: Envelope) -> Future[int]:
        """Return at once; the future ends as `Inbox.put` would, with an id or an error."""
        ...

    def close(self) -> None:
        """Commit what was submitted, then release everything."""
        ...


class DeadLetters(Protocol):
    """The letters that could not be stored by a fault of ours."""

    def bury(self, id: int, reason: str) -> None:  # noqa: A002 -- the field's own name
        """Move a taken delivery to the dead letters."""
        ...

    def list(self, limit: int) -> list[DeadLetter]:
        """Return dead letters, newest first; bodies are left out (empty)."""
        ...

    def show(self, id: int) -> DeadLetter:  # noqa: A002
        """Return one dead letter with its body.

        Raises:
            NotFoundError: there is none with this id.
        """
        ...

    def retry(self, ids: Sequence[int]) -> int:
        """Put these back into the inbox; return how many."""
        ...

    def drop(self, ids: Sequence[int]) -> int:
        """Delete these; return how many."""
        ...
