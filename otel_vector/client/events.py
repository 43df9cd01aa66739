"""What `GET /v1/events` tells; a schema of HTTP has no words for the data of events."""

from __future__ import annotations

from typing import TypedDict

from otel_vector.client.shapes import LogRecord, Span

__all__ = ["StoredEvent"]


class StoredEvent(TypedDict):
    """One write, as `events` tells of it.

    Attributes:
        sequence: its number.
        signal: spans or logs.
        count: how many new items it stored.
        skipped: writes before it that this follower lost by reading too slowly.
        ids: content ids of the items shown.
        spans: the first hundred of the new spans, under a filter those that match.
        logs: the same of log records.
    """

    sequence: int
    signal: str
    count: int
    skipped: int
    ids: list[str]
    spans: list[Span]
    logs: list[LogRecord]
