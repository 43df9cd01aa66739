"""When a call that failed is made again."""

from __future__ import annotations

import random
import time
from typing import Any, Final

from otel_vector.client.call import Call
from otel_vector.client.problems import Failure

__all__ = ["Tries"]

_FIRST_S: Final = 0.1
_LONGEST_S: Final = 2.0


class Tries:
    """The tries of one call.

    A call is repeated while the time for it lasts, if its failure is one that passes and doing
    it twice does no harm: it is repeatable, or was never sent. Once a value of an answer was
    handed out there is no other try, which would hand it out again.

    Args:
        call: what is tried.
        retry_s: seconds from now within which a further try may begin.
    """

    def __init__(self, call: Call[Any], retry_s: float) -> None:
        self._repeatable = call.repeatable
        self._until = time.monotonic() + retry_s
        self._longest_s = _FIRST_S
        self.handed_out = False

    def pause_after(self, failure: Failure) -> float:
        """Return the seconds to wait before the next try.

        The server's own wish counts; without one, or above it, the pauses double.

        Raises:
            OtelVectorError: there is no other try; it is the failure's error.
        """
        pause_s = max(failure.wait_s, random.uniform(self._longest_s / 2, self._longest_s))
        self._longest_s = min(2 * self._longest_s, _LONGEST_S)
        harmless = (self._repeatable or not failure.sent) and not self.handed_out
        if failure.passing and harmless and time.monotonic() + pause_s <= self._until:
            return pause_s
        raise failure.error from failure.cause
