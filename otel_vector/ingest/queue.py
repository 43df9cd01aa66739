"""What the worker needs of an inbox: the queue, its dead letters, and two duties of an owner."""

from __future__ import annotations

from typing import Protocol

from otel_vector.inbox.contract import DeadLetters, Inbox

__all__ = ["Queue"]


class Queue(Inbox, DeadLetters, Protocol):
    """An inbox as its one consumer sees it."""

    def recover(self) -> object:
        """Hand out again what a consumer that is gone had taken and not acked."""
        ...

    def scrub(self) -> object:
        """Leave no byte of acked bodies and of expired dead letters on disk."""
        ...
