"""Reading ahead: an iterator runs in a thread of its own, some steps before who takes from it."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from queue import Empty, Full, Queue
from typing import Final, TypeVar

__all__ = ["ahead"]

_POLL_S: Final = 0.1
_T = TypeVar("_T")


class _End:
    """What comes after the last item: the error that ended the iterator, or none."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


def ahead(items: Iterator[_T], depth: int) -> Generator[_T, None, None]:
    """Yield what an iterator yields, made by a thread up to some items ahead.

    An error of the iterator is raised where its item would have come. Who stops early closes the
    generator (`contextlib.closing`); the thread has ended when that returns.
    """
    made: Queue[_T | _End] = Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(items, made, stop), name="ahead", daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _drain(made)
        thread.join()


def _run(items: Iterator[_T], made: Queue[_T | _End], stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _put(made, item, stop):
                return
    except BaseException as raised:  # noqa: BLE001 -- raised again by who takes the items
        error = raised
    _put(made, _End(error), stop)


def _put(made: Queue[_T | _End], item: _T | _End, stop: threading.Event) -> bool:
    while not stop.is_set():
        try:
            made.put(item, timeout=_POLL_S)
        except Full:
            continue
        return True
    return False


def _drain(made: Queue[_T | _End]) -> None:
    try:
        while True:
            made.get_nowait()
    except Empty:
        return
