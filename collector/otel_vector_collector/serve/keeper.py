"""Keeps the door processes running: starts them, replaces one that dies, stops them.

A door that dies is replaced on the same ports, at once the first time and then with growing
pauses, so that one which cannot live does not take the machine with it. Requests it had not
answered are sent again by their senders; what it had answered is in the inbox.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import Final

from otel_vector.errors import OtelVectorError
from otel_vector.telemetry import PartHealth
from otel_vector_collector.receive.child import DoorProcess, start_doors
from otel_vector_collector.receive.doors import Endpoints
from otel_vector_collector.receive.process import DoorSettings

__all__ = ["DoorKeeper"]

_LOG = logging.getLogger(__name__)
_POLL_S: Final = 0.2
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 30.0
_HEALTHY_S: Final = 60.0


@dataclass(slots=True)
class _Place:
    """One door's place: who stands there, since when, and when to try again (monotonic)."""

    door: DoorProcess | None
    since: float
    pause_s: float = _FIRST_PAUSE_S
    again_at: float = 0.0


class DoorKeeper:
    """The doors of one serving process; none if both are closed by setting.

    Raises:
        ConfigError: an address cannot be served.
        StorageFullError: the inbox cannot be written.
    """

    def __init__(self, settings: DoorSettings) -> None:
        wanted = bool(settings.serve.otlp_grpc or settings.serve.otlp_http)
        doors = start_doors(settings) if wanted else []
        self.endpoints = doors[0].endpoints if doors else Endpoints("", "")
        serve = replace(
            settings.serve,
            otlp_grpc=self.endpoints.otlp_grpc,
            otlp_http=self.endpoints.otlp_http,
        )
        self._settings = replace(settings, serve=serve, join=True)
        self._places = [_Place(door, time.monotonic()) for door in doors]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="doors", daemon=True)
        self._thread.start()

    def health(self) -> PartHealth:
        """Return whether every door runs; one that died is missing until it is replaced."""
        if not self._places:
            return PartHealth("doors", ok=True, detail="closed by setting")
        if self._stopping.is_set():
            return PartHealth("doors", ok=False, detail="stopping, no more requests are taken")
        doors = [place.door for place in self._places]
        pids = [str(door.pid) for door in doors if door is not None and door.returncode() is None]
        if len(pids) == len(doors):
            return PartHealth("doors", ok=True, detail=f"process {', '.join(pids)}")
        detail = f"{len(pids)} of {len(doors)} run; others are started again, the log says why"
        return PartHealth("doors", ok=False, detail=detail)

    def stop(self, timeout_s: float) -> None:
        """Take no more requests; those under way end within `timeout_s` seconds."""
        self._stopping.set()
        self._thread.join()
        deadline = time.monotonic() + timeout_s
        for place in self._places:
            if place.door is not None:
                place.door.stop(max(0.1, deadline - time.monotonic()))
                place.door = None

    def _watch(self) -> None:
        while not self._stopping.wait(_POLL_S):
            for place in self._places:
                self._look_after(place)

    def _look_after(self, place: _Place) -> None:
        now = time.monotonic()
        if place.door is not None:
            code = place.door.returncode()
            if code is None:
                return
            self._bury(place, code, now)
        if now >= place.again_at:
            self._replace(place)

    def _bury(self, place: _Place, code: int, now: float) -> None:
        assert place.door is not None
        if now - place.since > _HEALTHY_S:
            place.pause_s = _FIRST_PAUSE_S
        _LOG.error(
            "door process %d ended with code %d; starting another in %.1f s",
            place.door.pid,
            code,
            place.pause_s,
        )
        place.door.stop(0.1)
        place.door = None
        self._pause(place, now)

    def _pause(self, place: _Place, now: float) -> None:
        place.again_at = now + place.pause_s
        place.pause_s = min(2 * place.pause_s, _LONGEST_PAUSE_S)

    def _replace(self, place: _Place) -> None:
        try:
            place.door = DoorProcess(self._settings)
        except (OtelVectorError, OSError) as error:
            self._pause(place, time.monotonic())
            _LOG.error("no door could be started: %s", error)
        else:
            place.since = time.monotonic()
            _LOG.warning("door process %d took over", place.door.pid)
