"""What goes wrong while a function is traced: counted, logged once a minute, never raised.

The function that is traced must not notice. A message names the type of an exception and not its
text, which may quote the very values that were to be recorded.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Faults", "faults"]

_EVERY_S: Final = 60.0
_log = logging.getLogger("otel_vector.instrument")


class Faults:
    """Counts faults, and logs those of a minute in one line.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_s = clock()
        self._unsaid = 0
        self.count = 0
        """Faults since the process began."""

    def note(self, what: str, error: BaseException) -> None:
        """Count a fault, and log it unless one was logged within the last minute.

        Args:
            what: what could not be done, of which function.
            error: why.
        """
        self.count += 1
        self._unsaid += 1
        now_s = self._clock()
        if now_s < self._next_s:
            return
        unsaid, self._unsaid, self._next_s = self._unsaid, 0, now_s + _EVERY_S
        _log.warning(
            "%s: %s; the function itself ran as ever (%d such faults since the last message)",
            what,
            type(error).__qualname__,
            unsaid,
        )


faults: Final = Faults()
"""Those of this process."""
