"""Where ended spans wait for the thread that encodes them: bounded, and as good as free to add to.

Whoever adds looks at one number, `mark`: below it there is nothing to do. The thread sets it to 1
when it sleeps, to a batch while it lingers for more, and above the bound while it works::

    add ─▶ [ … ] ─▶ length ≥ mark? ─ no ─▶ done
                          │ yes
                          ▼ over the bound: take the newest back and count it; else wake the thread

Adding comes before looking, and the thread sets the mark before it looks whether there is
anything, so that one of the two sees the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = ["BATCH", "Items"]

BATCH: Final = 512


class Items:
    """A bounded queue. Any thread adds; one at a time takes.

    Args:
        most: the bound.
        nudge: wakes the thread.
        lost: counts items that were one too many.
    """

    __slots__ = ("_lost", "_most", "_nudge", "_waiting", "mark")

    def __init__(
        self, most: int, nudge: Callable[[], object], lost: Callable[[int], object]
    ) -> None:
        self._waiting: deque[Any] = deque()
        self._most = most
        self._nudge = nudge
        self._lost = lost
        self.mark = 1

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._waiting)

    def add(self, item: Any) -> None:
        """Add one item; never waits, never raises."""
        waiting = self._waiting
        waiting.append(item)
        if len(waiting) >= self.mark:
            self._look()

    def add_all(self, items: Sequence[Any]) -> bool:
        """Add some items; return whether there was room for all of them."""
        waiting = self._waiting
        room = self._most - len(waiting)
        fitting = items if len(items) <= room else items[: max(0, room)]
        waiting.extend(fitting)
        if len(waiting) >= self.mark:
            self._look()
        lost = len(items) - len(fitting)
        if lost:
            self._lost(lost)
        return not lost

    def take(self, limit: int = BATCH) -> list[Any]:
        """Take the oldest items, `limit` at most."""
        waiting = self._waiting
        taken = []
        for _ in range(min(limit, len(waiting))):
            try:
                taken.append(waiting.popleft())
            except IndexError:  # whoever added one too many took it back
                break
        return taken

    def working(self) -> None:
        """Have nobody nudge until the bound is reached."""
        self.mark = self._most + 1

    def clear(self) -> None:
        """Forget everything, in a forked child: it waits in the parent."""
        self._waiting.clear()
        self.mark = 1

    def _look(self) -> None:
        if len(self._waiting) > self._most:
            try:
                self._waiting.pop()
            except IndexError:
                return
            self._lost(1)
        else:
            self._nudge()
