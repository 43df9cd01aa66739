"""The inbox in one SQLite file, shared by the doors' processes and the engine's."""

from otel_vector.inbox.sqlite.inbox import SqliteInbox

__all__ = ["SqliteInbox"]
