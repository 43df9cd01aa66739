"""The functions of this process that stores are to know: announced once, sent by each outlet.

A function is announced where it is decorated, which may be long before anything is exported, and
each outlet reads the list from where it stopped reading::

    announce ─▶ [f1, f2, f3, …] ─▶ pending(0) ─▶ records, 3
                                   pending(3) ─▶ what came since

There is no lock to be held by a thread that a fork leaves behind: adding to a list and reading a
part of it are one step each, and a record that two threads announce at once is in it twice, which
costs a message and changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from otel_vector.spans.functions import FunctionRecord

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource

__all__ = ["MOST", "Announcements", "announce", "announcements", "log_records", "pending"]

MOST: Final = 20_000
"""Functions that a process may announce; later ones are left out and logged once."""

_log = logging.getLogger(__name__)


class Announcements:
    """A list that only grows, without what is in it already."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: set[FunctionRecord] = set()
        self._records: list[FunctionRecord] = []
        self.left_out = 0
        """Functions that were one too many."""

    def announce(self, record: FunctionRecord) -> None:
        """Take a function; the same content again is nothing new."""
        if record in self._known:
            return
        if len(self._records) >= self._most:
            self._leave_out()
            return
        self._known.add(record)
        self._records.append(record)

    def pending(self, since: int) -> tuple[list[FunctionRecord], int]:
        """Return what was announced after a place, and the place to go on from.

        Args:
            since: 0 for all, else what the last call returned.
        """
        found = self._records[since:]
        return found, since + len(found)

    def _leave_out(self) -> None:
        self.left_out += 1
        if self.left_out == 1:
            _log.warning(
                "more than %d functions were announced; further ones are traced, but no search"
                " finds their definitions",
                self._most,
            )


announcements: Final = Announcements()
"""Those of this process."""

announce: Final[Callable[[FunctionRecord], None]] = announcements.announce
pending: Final[Callable[[int], tuple[list[FunctionRecord], int]]] = announcements.pending


def log_records(records: Iterable[FunctionRecord], resource: Resource) -> LogsData:
    """Return functions as the OTLP message that announces them to a collector.

    Args:
        records: some functions.
        resource: of the process, encoded.
    """
    from otel_vector.spans.function_logs import functions_data

    return functions_data(records, resource)
