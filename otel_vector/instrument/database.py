"""What an application writes to and asks: a collector, or the store in its own process."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import get_current

from otel_vector.errors import AccessError, StoreUnavailableError, UnauthenticatedError
from otel_vector.exporter.outlet import Outlet
from otel_vector.exporter.suppressed import suppressed
from otel_vector.instrument.asking import Asked, Collector, Embedded
from otel_vector.instrument.definitions import functions_about
from otel_vector.instrument.executions import Executions, Wish
from otel_vector.instrument.options import options
from otel_vector.instrument.own_writes import OwnWrites
from otel_vector.instrument.rows import Row
from otel_vector.instrument.run_kinds import kind_in
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import RunKind

if TYPE_CHECKING:
    from otel_vector.client import Client
    from otel_vector.wiring import Engine

__all__ = ["Database"]

_TENANT: Final = "default"
_FLUSH_S: Final = 10.0
_SECRET_PARTS: Final = re.compile(r"(?<=//)[^/?#]*@|[?#].*", re.DOTALL)
"""Of an URL: a user's name and password, and what is asked of a server."""


class Database:
    """Answers from what is stored, including all that this process has written.

    Args:
        settings: those in force.
        outlet: through which this process writes; None if it does not.
        closing: called by `close`, with the seconds it may take.
    """

    def __init__(
        self,
        settings: Settings,
        outlet: Outlet | None,
        closing: Callable[[], object] = lambda: None,
    ) -> None:
        self.settings = settings
        self._outlet = outlet
        self._closing = closing
        self._client: Client | None = None
        self._process = os.getpid()
        self._writes = OwnWrites(outlet)
        self.is_closed = False

    def __repr__(self) -> str:
        """Return where it is, without keys and passwords."""
        state = ", closed" if self.is_closed else ""
        return f"Database({self._place()}{state})"

    def _place(self) -> str:
        path = self.settings.exporter.path
        if path:
            return f"path={path!r}"
        from otel_vector.client.access import DEFAULT_URL

        return f"client_url={_SECRET_PARTS.sub('', self.settings.client.url or DEFAULT_URL)!r}"

    @property
    def client(self) -> Client | Engine:
        """Whom searches ask: the collector's client, or the store in this process.

        Raises:
            StoreUnavailableError: it is closed, or the store is in the process that this one was
                forked from.
        """
        return self._engine() if self.settings.exporter.path else self._collector()

    def check(self) -> None:
        """See whether the store answers.

        Raises:
            OtelVectorError: it does not; says what to do.
        """
        if self.settings.exporter.path:
            self._engine()
            return
        with suppressed():
            try:
                self._collector().stats()
            except UnauthenticatedError:
                raise
            except AccessError:  # a key that stores and may not read
                self._collector().health()

    def flush(self, deadline_s: float = _FLUSH_S) -> bool:
        """Wait until what was recorded has arrived; return whether it was in time."""
        return self._outlet is None or self._outlet.flush(deadline_s)

    def close(self) -> None:
        """Flush, and write and ask no more. Once is enough."""
        if self.is_closed:
            return
        self.is_closed = True
        self._closing()
        if self._client is not None and self._process == os.getpid():
            self._client.close()

    def functions(
        self, query: str, limit: int, filters: Mapping[str, Any] | None
    ) -> list[dict[str, Any]]:
        """Return functions; see `search_functions`."""
        with suppressed():
            asked = self._asked()
            self._writes.wait(asked, vectors=bool(query))
            return functions_about(asked, query, limit, filters)

    def executions(self, wish: Wish) -> list[Row]:
        """Return executions; see `search_executions`."""
        with suppressed():
            asked = self._asked()
            self._writes.wait(asked, vectors=bool(wish.words))
            return Executions(asked, options().tags.declared()).find(wish)

    def runs(self) -> tuple[str, ...]:
        """Return the kinds of runs that count here: live, and the caller's own."""
        own = kind_in(get_current())
        return tuple(dict.fromkeys((RunKind.LIVE.value, *([own.value] if own else []))))

    def _asked(self) -> Asked:
        if self.settings.exporter.path:
            tenant = Tenant(self.settings.client.tenant or _TENANT)
            return Embedded(self._engine().services, tenant)
        return Collector(self._collector())

    def _refuse_if_closed(self) -> None:
        if self.is_closed:
            raise StoreUnavailableError(
                f"{self!r} answers no more; call initialize_database, which closes the one before"
                " if its settings differ, and ask what it returns"
            )

    def _engine(self) -> Engine:
        self._refuse_if_closed()
        engine = self._outlet.engine if self._outlet is not None else None
        if engine is None:
            raise StoreUnavailableError(
                f"the store {self.settings.exporter.path} is not open in this process; ask where"
                " it is open, or send to a collector, which any process can ask"
            )
        return engine

    def _collector(self) -> Client:
        """Return the client of this process; a fork must not share its parent's connections."""
        self._refuse_if_closed()
        if self._client is None or self._process != os.getpid():
            from otel_vector.client import Access, Client
            from otel_vector.client.access import DEFAULT_URL

            config = self.settings.client
            self._client = Client(config.url or DEFAULT_URL, access=Access.of(config), retry_s=2.0)
            self._process = os.getpid()
        return self._client
