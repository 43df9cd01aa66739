"""The store of this process as a destination: for notebooks, tests and single services.

The process that opened the folder has the engine. Its forked children only put into the inbox,
from which the engine takes; so does this process itself once its engine is retired at the end.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_vector.errors import StorageFullError
from otel_vector.exporter.tally import Tally
from otel_vector.inbox.contract import Envelope
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.state.lock import FolderLock
from otel_vector.wiring import Spool, open_spool

if TYPE_CHECKING:
    from otel_vector.wiring import Engine

__all__ = ["EmbeddedDestination"]

_TENANT: Final = Tenant("default")
_PROTOBUF: Final = "application/x-protobuf"


class EmbeddedDestination:
    """A store in this process."""

    def __init__(self, settings: Settings, tally: Tally) -> None:
        data = Path(settings.exporter.path).expanduser().absolute()
        self._settings = replace(settings, data=data)
        self._tally = tally
        self._lock: FolderLock | None = None
        self.engine: Engine | None = None
        self._inbox: Spool | None = None
        self._is_owner = True
        self._left_behind: list[object] = []

    def open(self) -> None:
        """See `Destination.open`.

        Raises:
            OtelVectorError: as `Engine.open` does.
        """
        if self._is_owner and self.engine is None:
            self._open_engine()
        elif not self._is_owner and self._inbox is None:
            self._inbox = open_spool(self._settings)

    def key_folder(self) -> Path | None:
        """See `Destination.key_folder`: markers are those that the engine itself would leave."""
        return self._settings.data

    def put(self, signal: Signal, body: bytes, items: int) -> None:
        """See `Destination.put`."""
        self.open()
        inbox = self.engine.inbox if self.engine is not None else self._inbox
        if inbox is None:
            raise StorageFullError(f"the store {self._settings.data} is not open")
        tenant = Tenant(self._settings.client.tenant) if self._settings.client.tenant else _TENANT
        inbox.submit(
            Envelope(tenant, signal, _PROTOBUF, "identity", time.time_ns(), body)
        ).result()
        self._tally.sent(signal, items)

    def delivered(self, deadline: float) -> bool:
        """See `Destination.delivered`: it is stored, and can be found."""
        if self.engine is None:
            return True
        return self.engine.wait_stored(max(0.0, deadline - time.monotonic()))

    def waiting(self) -> tuple[int, int]:
        """See `Destination.waiting`."""
        inbox = self.engine.inbox if self.engine is not None else self._inbox
        if inbox is None:
            return 0, 0
        state = inbox.state()
        return state.pending, state.bytes

    def retire(self) -> None:
        """Close the engine at the end of the process; what still comes is stored next time."""
        engine, self.engine, self._is_owner = self.engine, None, False
        if engine is not None:
            engine.close()
        if self._lock is not None:
            self._lock.release()

    def close(self, deadline: float) -> None:  # noqa: ARG002 -- the engine has its own deadline
        """See `Destination.close`."""
        self.retire()
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            inbox.close()

    def abandon(self) -> None:
        """See `Destination.abandon`."""
        if self._lock is not None:
            self._lock.abandon()
        self._left_behind += (self.engine, self._inbox)
        self.engine = self._inbox = None
        self._is_owner = False

    def _open_engine(self) -> None:
        from otel_vector.wiring import Engine, in_application, require_engine

        require_engine()  # before the lock, which makes the folder
        program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
        command = f"the exporter of {program}"
        self._lock = lock = FolderLock.acquire(self._settings.data, command)
        with ExitStack() as undo:
            undo.callback(self._release, lock)
            engine = Engine.open(self._settings, in_application(self._settings.inbox))
            undo.callback(engine.close)
            engine.start()
            undo.pop_all()
        self.engine = engine

    def _release(self, lock: FolderLock) -> None:
        self._lock = None
        lock.release()
