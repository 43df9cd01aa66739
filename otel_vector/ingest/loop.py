"""A thread that repeats one step until it is stopped, and is never silent about failing.

A step that raises is logged with what to do, shown by `health`, and tried again after a pause
that grows from half a second to half a minute; a step that succeeds clears the failure.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from otel_vector.errors import RetryableError
from otel_vector.telemetry import PartHealth

__all__ = ["Loop", "Stepper"]

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0

_log = logging.getLogger(__name__)


class Stepper(Protocol):
    """What a loop drives. Both are called in the loop's thread."""

    def step(self) -> None:
        """Do some work, or wait a moment for it."""
        ...

    def finish(self) -> None:
        """Tidy up before the thread ends."""
        ...


class Loop:
    """Drives a stepper in a thread of its own."""

    def __init__(self, name: str, stepper: Stepper, advice: str) -> None:
        """Prepare the thread.

        Args:
            name: of the thread and the part, as health shows it.
            stepper: what is repeated.
            advice: what a person should do when a step fails, for the log.
        """
        self._name = name
        self._stepper = stepper
        self._advice = advice
        self._stopping = threading.Event()
        self._failure = ""
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def stopping(self) -> bool:
        """Whether a stop was asked for."""
        return self._stopping.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait, but no longer than until the stop; return whether a stop was asked for."""
        return self._stopping.wait(seconds)

    def stop(self, deadline_s: float, wake: Callable[[], None] | None = None) -> bool:
        """Ask for the stop and wait for it; return whether the thread has ended.

        Args:
            deadline_s: seconds to wait at most.
            wake: interrupts what the step may be waiting for.
        """
        self._stopping.set()
        if wake is not None:
            wake()
        if self._thread.ident is not None:
            self._thread.join(deadline_s)
        return not self._thread.is_alive()

    def health(self) -> PartHealth:
        """Return whether the thread lives and its last step succeeded."""
        if self._failure:
            return PartHealth(self._name, ok=False, detail=f"{self._failure}; {self._advice}")
        if self._thread.is_alive():
            return PartHealth(self._name, ok=True, detail="running")
        started = self._thread.ident is not None
        return PartHealth(self._name, ok=False, detail="stopped" if started else "not started")

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._guarded(self._stepper.step)
            self._guarded(self._stepper.finish)
        except BaseException as error:  # noqa: BLE001 -- above a thread nobody would hear it
            _log.critical("%s ended; restart the process", self._name, exc_info=error)
            self._failure = f"the thread ended: {type(error).__name__}"

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except RetryableError as error:
            self._failed(error, str(error))
        except Exception as error:  # noqa: BLE001 -- a loop outlives whatever one step meets
            self._failed(error, f"{type(error).__name__}: {error}")
        else:
            self._failure, self._failures = "", 0

    def _failed(self, error: Exception, text: str) -> None:
        self._failure = text
        pause_s = min(_FIRST_PAUSE_S * 2**self._failures, _LONGEST_PAUSE_S)
        self._failures = min(self._failures + 1, 10)
        _log.error(
            "%s failed (%s); %s; next try in %.1f s",
            self._name,
            text,
            self._advice,
            pause_s,
            exc_info=None if isinstance(error, RetryableError) else error,
        )
        self._stopping.wait(pause_s)
