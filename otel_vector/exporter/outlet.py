"""The outlets of this process: one for each set of settings, shared, closed by its last user."""

from __future__ import annotations

import atexit
import os
import secrets
import sys
import threading
import time
from typing import Final

from opentelemetry.trace import get_tracer_provider

from otel_vector.errors import OtelVectorError
from otel_vector.exporter.destinations import CollectorDestination, Destination
from otel_vector.exporter.embedded import EmbeddedDestination
from otel_vector.exporter.encoding import Encoder
from otel_vector.exporter.metrics import observe
from otel_vector.exporter.notices import Notices
from otel_vector.exporter.outgoing import Outlet
from otel_vector.exporter.tally import Tally
from otel_vector.exporter.target import target_of
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import Settings
from otel_vector.state.folder import once_made_key

__all__ = ["Outlet", "outlet", "outlets", "release"]

_FAMILIES: Final = ("multiprocessing", "billiard")
"""Packages whose forked children end without `atexit`, but run finalizers of their own."""
_MAIN: Final = "MainProcess"


class _Registry:
    """Which outlets there are, and how many use each."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.users: dict[Settings, tuple[Outlet, int]] = {}
        self.ends_at: float | None = None


_registry: Final = _Registry()


def outlet(settings: Settings) -> Outlet:
    """Return the outlet of these settings, opened if there is none; to be given to `release`.

    Raises:
        ConfigError: the destination cannot be what the settings say.
        OtelVectorError: the store of this process cannot be opened.
    """
    with _registry.turn:
        found, users = _registry.users.get(settings, (None, 0))
        if found is None:
            found = _built(settings)
            found.start()
            observe(outlets)
            _follow()
        _registry.users[settings] = found, users + 1
        return found


def release(settings: Settings, deadline_s: float) -> bool:
    """Let an outlet go: each user flushes it, since what follows may end the process at once.

    The last one closes it. Who shuts several down in a row waits for a silent collector once.

    Args:
        settings: as `outlet` was called with.
        deadline_s: seconds that may take.

    Returns:
        False if not all could be delivered, or written, in time.
    """
    with _registry.turn:
        found, users = _registry.users.get(settings, (None, 0))
        if found is None:
            return True
        if users > 1:
            _registry.users[settings] = found, users - 1
        else:
            del _registry.users[settings]
    left_s = _left_s(deadline_s)
    return found.leave(left_s) if users > 1 else found.close(left_s)


def outlets() -> list[Outlet]:
    """Return the outlets that are open, to be flushed or looked at."""
    return [found for found, _ in list(_registry.users.values())]


def _built(settings: Settings) -> Outlet:
    notices = Notices()
    tally = Tally(notices)
    destination: Destination
    if settings.exporter.path:
        destination = EmbeddedDestination(settings, tally)
    else:
        target = target_of(settings)
        if target.shows_key:
            notices.warn(
                "plain", "the key travels unencrypted to %s; use https:// if you can", target.url
            )
        destination = CollectorDestination(settings, target, tally, notices)

    def encoder() -> Encoder:
        return Encoder(_redactor(settings, destination, notices), tally.dropped)

    return Outlet(settings.exporter.queue_items, destination, encoder, tally, notices)


def _redactor(settings: Settings, destination: Destination, notices: Notices) -> Redactor:
    """Return a redactor with the destination's key; without a folder, with one of its own."""
    folder = destination.key_folder()
    try:
        key = once_made_key(folder / "redact.key") if folder else secrets.token_bytes(32)
    except OtelVectorError as error:
        notices.warn("key", "markers are comparable within this process only: %s", error)
        key = secrets.token_bytes(32)
    return Redactor(settings.redact, key)


def _left_s(deadline_s: float) -> float:
    """Return how much of a deadline is left once the process has begun to end."""
    if _registry.ends_at is None:
        return deadline_s
    return max(0.0, min(deadline_s, _registry.ends_at - time.monotonic()))


def _end() -> None:
    """Deliver what there is, at the end of the process.

    Who was shut down before has released its outlet. Who is shut down after this still can: what
    it exports is kept, and waits for the next process if there is no time left to send it.
    """
    for settings, (found, _) in list(_registry.users.items()):
        _registry.ends_at = _registry.ends_at or time.monotonic() + settings.exporter.shutdown_s
        force_flush = getattr(get_tracer_provider(), "force_flush", None)
        if force_flush is not None:
            force_flush(int(_left_s(settings.exporter.shutdown_s) * 1e3))
        found.end(_left_s(settings.exporter.shutdown_s))


def _after_fork() -> None:
    """Start anew in a child."""
    _registry.turn = threading.Lock()
    _registry.ends_at = None
    for found in outlets():
        found.abandon()
    _follow()


def _follow() -> None:
    """Have a child of multiprocessing, which skips `atexit`, deliver what there is at its end.

    When a child begins it forgets the finalizers that it inherited and calls who asked for it;
    outlets that are opened later are in a process that has begun.
    """
    for family in _FAMILIES:
        util = sys.modules.get(f"{family}.util")
        if util is not None:
            util.register_after_fork(_registry, _finalize)
            process = sys.modules.get(f"{family}.process")
            if process is not None and process.current_process().name != _MAIN:
                _finalize(_registry)


def _finalize(registry: _Registry) -> None:
    for family in _FAMILIES:
        util = sys.modules.get(f"{family}.util")
        if util is not None:
            util.Finalize(registry, _end, exitpriority=10)


atexit.register(_end)
os.register_at_fork(after_in_child=_after_fork)
