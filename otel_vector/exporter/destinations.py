"""Where an outlet's requests go: to a collector by way of a spool, or into this process's store.

Both have an inbox that survives kill -9, so `put` means kept. A forked child has neither the
sender's nor the engine's threads: `abandon` leaves them to the parent, and the next `put` opens
what the child needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from otel_vector.errors import StorageFullError, StoreDamagedError
from otel_vector.exporter.folder import open_folder, set_aside
from otel_vector.exporter.notices import Notices
from otel_vector.exporter.outcomes import Way
from otel_vector.exporter.sender import Sender
from otel_vector.exporter.tally import Tally
from otel_vector.exporter.target import Target
from otel_vector.inbox.contract import Envelope
from otel_vector.inbox.forking import GATE
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.wiring import Spool

if TYPE_CHECKING:
    from otel_vector.wiring import Engine

__all__ = ["CollectorDestination", "Destination"]

_TENANT: Final = Tenant("default")
_PROTOBUF: Final = "application/x-protobuf"
_REOPEN_S: Final = 30.0


class Destination(Protocol):
    """Where requests go. `put` is for one thread at a time, the rest for any."""

    engine: Engine | None

    def open(self) -> None:
        """Open what is needed to put; called before anything else, and again after `abandon`."""
        ...

    def key_folder(self) -> Path | None:
        """Return where the key of markers is kept, None if there is no folder."""
        ...

    def put(self, signal: Signal, body: bytes, items: int) -> None:
        """Keep a request of so many items, durably.

        Raises:
            OtelVectorError: it cannot be kept.
        """
        ...

    def delivered(self, deadline: float) -> bool:
        """Wait until what was put is where it is to go; False if that cannot be in time."""
        ...

    def waiting(self) -> tuple[int, int]:
        """Return how many requests wait and their bytes."""
        ...

    def retire(self) -> None:
        """Close, at the end of the process, what it must not cut off; `put` still works."""
        ...

    def close(self, deadline: float) -> None:
        """Release everything; what is not delivered stays for the next process."""
        ...

    def abandon(self) -> None:
        """Leave everything to the parent, in a forked child."""
        ...


class CollectorDestination:
    """A collector, by way of a spool."""

    engine: Engine | None = None

    def __init__(self, settings: Settings, target: Target, tally: Tally, notices: Notices) -> None:
        self._settings = settings
        self._target = target
        self._tally = tally
        self._notices = notices
        self._folder: Path | None = None
        self._spool: Spool | None = None
        self._sender: Sender | None = None
        self._last = 0
        self._tried_at = -_REOPEN_S
        self._left_behind: list[object] = []

    def open(self) -> None:
        """See `Destination.open`. Without a folder that can be used, `put` tries again later."""
        if self._spool is not None or time.monotonic() - self._tried_at < _REOPEN_S:
            return
        self._tried_at = time.monotonic()
        found = open_folder(self._settings, self._target, self._notices)
        if found is None:
            return
        self._folder, self._spool = found
        self._spool.count("opened", 1)
        self._sender = Sender(
            self._folder, self._spool, _maker(self._target), self._tally, self._notices
        )
        self._sender.start()

    def key_folder(self) -> Path | None:
        """See `Destination.key_folder`."""
        return self._folder

    def put(self, signal: Signal, body: bytes, items: int) -> None:  # noqa: ARG002 -- the sender counts
        """See `Destination.put`."""
        envelope = Envelope(_TENANT, signal, _PROTOBUF, "identity", time.time_ns(), body)
        try:
            self._put(envelope)
        except StoreDamagedError:
            self._renew(is_damaged=True)
            self._put(envelope)

    def _put(self, envelope: Envelope) -> None:
        if self._spool is not None and not self._spool.is_there():
            self._notices.warn("gone", "the spool %s was deleted or moved", self._folder)
            self._renew(is_damaged=False)
        elif self._sender is not None and self._sender.is_damaged:
            self._renew(is_damaged=True)
        self.open()
        if self._spool is None or self._sender is None:
            raise StorageFullError("there is no folder for the spool; set exporter.spool")
        self._last = self._spool.submit(envelope).result()
        self._sender.wake()

    def _renew(self, *, is_damaged: bool) -> None:
        """Let go of a spool that is gone or cannot be used, so that another is opened."""
        spool, folder = self._spool, self._folder
        if is_damaged and spool is not None and folder is not None:
            set_aside(folder, self._notices, spool.is_there)
        self.close(time.monotonic())
        self._last = 0
        self._tried_at = -_REOPEN_S

    def delivered(self, deadline: float) -> bool:
        """See `Destination.delivered`."""
        if self._sender is None:
            return False
        return self._sender.delivered(self._last, deadline)

    def waiting(self) -> tuple[int, int]:
        """See `Destination.waiting`."""
        if self._spool is None:
            return 0, 0
        state = self._spool.state()
        return state.pending, state.bytes

    def retire(self) -> None:
        """See `Destination.retire`: whatever cuts the sender off, the spool keeps the rest."""

    def close(self, deadline: float) -> None:
        """See `Destination.close`."""
        sender, spool = self._sender, self._spool
        self._sender = self._spool = None
        if sender is not None and not sender.stop(deadline):
            self._left_behind += (sender, spool)
        elif spool is not None:
            spool.close()

    def abandon(self) -> None:
        """See `Destination.abandon`."""
        self._left_behind += (self._sender, self._spool)
        self._sender = self._spool = None
        self._tried_at = -_REOPEN_S


def _maker(target: Target) -> Callable[[], Way]:
    def make() -> Way:
        with GATE:  # a child cannot finish an import that a thread of its parent began
            if target.protocol == "grpc":
                from otel_vector.exporter.grpc_way import GrpcWay

                return GrpcWay(target)
            from otel_vector.exporter.http_way import HttpWay

            return HttpWay(target)

    return make
