"""How an envelope lies in a row, and the sums that are kept beside the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from otel_vector.inbox.contract import Envelope
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal

__all__ = [
    "ENVELOPE",
    "add_totals",
    "chunked",
    "envelope_from",
    "insert_waiting",
    "marks",
    "totals",
]

ENVELOPE = "tenant, signal, content_type, encoding, received_ns"
_IDS_AT_ONCE = 500


def envelope_from(columns: Sequence[object], body: bytes) -> Envelope:
    """Return the envelope of the columns `ENVELOPE` and a body."""
    tenant, signal, content_type, encoding, received_ns = columns
    return Envelope(
        tenant=Tenant(str(tenant)),
        signal=Signal(str(signal)),
        content_type=str(content_type),
        encoding=str(encoding),
        received_ns=int(str(received_ns)),
        body=body,
    )


def insert_waiting(sql: sqlite3.Connection, envelopes: Sequence[Envelope]) -> list[int]:
    """Append envelopes within a write transaction and return their ids, which are in order."""
    last = sql.execute("SELECT seq FROM sqlite_sequence WHERE name='waiting'").fetchone()
    first = 1 if last is None else last[0] + 1
    ids = list(range(first, first + len(envelopes)))
    sql.executemany(
        "INSERT INTO waiting VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
        [
            (number, e.tenant, e.signal.value, e.content_type, e.encoding, e.received_ns, *sized)
            for number, e in zip(ids, envelopes, strict=True)
            for sized in [(len(e.body), e.body)]
        ],
    )
    add_totals(sql, len(envelopes), sum(len(e.body) for e in envelopes))
    return ids


def totals(sql: sqlite3.Connection) -> tuple[int, int]:
    """Return how many envelopes wait and the bytes of their bodies."""
    pending, size = sql.execute("SELECT pending, bytes FROM totals").fetchone()
    return pending, size


def add_totals(sql: sqlite3.Connection, pending: int, size: int) -> None:
    """Change the sums within a write transaction."""
    sql.execute("UPDATE totals SET pending = pending + ?, bytes = bytes + ?", (pending, size))


def chunked(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Cut ids into parts that fit one statement."""
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


def marks(ids: Sequence[int]) -> str:
    """Return the placeholders of an IN list."""
    return ",".join("?" * len(ids))
