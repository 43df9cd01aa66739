"""A program of a user, which is only type-checked: what the clients give has its type.

A line that has to be refused says so with `type: ignore`; one that is not refused fails, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type

from otel_vector import AsyncClient, Client
from otel_vector.client import Access, calls
from otel_vector.client.events import StoredEvent
from otel_vector.client.shapes import (
    Group,
    GroupedAnswer,
    JobAnswer,
    ListedAnswer,
    RecordsAnswer,
    RecordVersion,
    ScoredLogRecord,
    ScoredSpan,
    StoredAnswer,
)


def blocking(question: dict[str, Any]) -> None:
    with Client("http://127.0.0.1:8317", access=Access("ov_a_b"), tenant="shop") as client:
        assert_type(client.search("card declined", filter="service:shop", limit=5), GroupedAnswer)
        assert_type(client.search("card declined", group=True), GroupedAnswer)
        assert_type(client.search(group=False, since="-1h"), ListedAnswer)
        assert_type(client.search(question), Any)
        assert_type(client.search_all("card declined"), Iterator[Group])
        assert_type(client.search_all(group=False), Iterator[ScoredSpan | ScoredLogRecord])
        assert_type(client.records_all("functions"), Iterator[RecordVersion])
        assert_type(client.pages(calls.records("functions", limit=9)), Iterator[RecordsAnswer])
        assert_type(client.pages(calls.grouped("declined")), Iterator[GroupedAnswer])
        assert_type(client.put_records("functions", [{"key": "a"}, b"{}"]), Iterator[StoredAnswer])
        assert_type(client.job_events("0a"), Iterator[JobAnswer])
        assert_type(client.events(filter=None), Iterator[StoredEvent])
        assert_type(client.export(signal="logs", protobuf=True), Iterator[bytes])
        assert_type(client.stats()["meanings"]["pending"], int)
        for row in client.search_all(group=False):
            told = row["severity"] if "signal" in row else row["duration_nano"]
            assert_type(told, str)
        client.search("x", limt=5)  # type: ignore[call-overload]
        client.search("x", over=["traces"])  # type: ignore[list-item]
        client.events(limit=5)  # type: ignore[call-arg]
        client.delete(trace_ids="1")["traces"] + ""  # type: ignore[operator]
    Client(password="x")  # type: ignore[call-arg]


async def in_an_event_loop() -> None:
    async with AsyncClient() as client:
        assert_type(await client.search("card declined"), GroupedAnswer)
        assert_type(await client.search(group=False), ListedAnswer)
        assert_type(client.search_all(group=False), AsyncIterator[ScoredSpan | ScoredLogRecord])
        assert_type(client.events(), AsyncIterator[StoredEvent])
        assert_type(client.put_records("functions", keys()), AsyncIterator[StoredAnswer])
        async for page in client.pages(calls.listed("declined")):
            assert_type(page, ListedAnswer)
        client.search("x")["groups"]  # type: ignore[index]


async def keys() -> AsyncIterator[dict[str, Any]]:
    yield {"key": "a"}
