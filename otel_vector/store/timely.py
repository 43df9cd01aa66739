"""Reads of a store that have to end in time, though a server may take long to answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Generic, TypeVar

from otel_vector.errors import StoreUnavailableError

__all__ = ["Timely"]

T = TypeVar("T")


class Timely(Generic[T]):
    """Calls a function in a thread of its own, one call at a time. Threads: any."""

    def __init__(self, read: Callable[[], T], wait_s: float) -> None:
        """Take the function, and for how many seconds a call is waited for."""
        self._read = read
        self._wait_s = wait_s
        self._lock = Lock()
        self._call: Future[T] | None = None
        self._since = 0.0

    def __call__(self) -> T:
        """Return what the function returns; a call that is under way is waited for.

        Raises:
            StoreUnavailableError: it takes longer; the call goes on meanwhile.
        """
        call = self._begun()
        try:
            return call.result(self._wait_s)
        except TimeoutError as error:
            raise StoreUnavailableError(
                f"the store has not answered for {monotonic() - self._since:.0f} s; see that its "
                "server runs; what is accepted waits in the inbox"
            ) from error

    def _begun(self) -> Future[T]:
        with self._lock:
            if self._call is None or self._call.done():
                self._call, self._since = Future(), monotonic()
                Thread(target=self._run, args=(self._call,), name="timely", daemon=True).start()
            return self._call

    def _run(self, call: Future[T]) -> None:
        try:
            call.set_result(self._read())
        except Exception as error:  # noqa: BLE001 -- raised by whoever waits for the call
            call.set_exception(error)
