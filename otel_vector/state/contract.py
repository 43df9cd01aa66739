"""Small things to remember that are no spans: how far an import came, and the like.

Promises, checked by the tests of every backend:

* `set` and `delete` return when the change survives power loss.
* Several processes may use one state at the same time; each sees the others' changes.
* Namespaces do not see each other. Keys and values are any text.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["State"]


class State(Protocol):
    """A durable map from (namespace, key) to a text."""

    def get(self, namespace: str, key: str) -> str | None:
        """Return a value, or None if there is none."""
        ...

    def set(self, namespace: str, key: str, value: str) -> None:
        """Store a value durably, in place of an older one.

        Raises:
            StorageFullError: the disk is full; the older value is kept.
        """
        ...

    def delete(self, namespace: str, key: str) -> None:
        """Forget a value; nothing happens if there is none."""
        ...

    def items(self, namespace: str) -> dict[str, str]:
        """Return all values of a namespace by key, in the order of keys."""
        ...

    def close(self) -> None:
        """Release everything; what was set stays."""
        ...
