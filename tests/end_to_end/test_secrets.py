"""Fifty planted secrets go through a served folder: no file of it holds any of them afterwards.

Files are read as they are, and as what they hold: every SQLite value, zstd frames expanded. The
same search finds every secret when redaction is off, and in the inbox before the drain.
"""

import os
import signal
import sqlite3

import pytest
import zstandard
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import call, eventually_served, post, serving, settle
from support.planted import SECRETS, logs_with, spellings, traces_with

NOW_NS = 1_700_000_000 * 10**9
HOLE = bytes(4096)  # of which the engine's files have many
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


@pytest.fixture(scope="module")
def planted():
    """Return every secret in every place of a span and of a log record, one request each."""
    traces, logs = TracesData(), LogsData()
    for plant in SECRETS:
        traces.MergeFrom(traces_with(plant))
        logs.MergeFrom(logs_with(plant))
    _identify(traces, logs)
    return traces, logs


def _identify(traces, logs):
    """Give each span a trace of its own, and every other log record a span to join."""
    spans = [s for r in traces.resource_spans for scope in r.scope_spans for s in scope.spans]
    for number, span in enumerate(spans, start=1):
        span.trace_id, span.start_time_unix_nano = number.to_bytes(16, "big"), NOW_NS + number
    records = [r for res in logs.resource_logs for s in res.scope_logs for r in s.log_records]
    for number, record in enumerate(records, start=1):
        record.time_unix_nano = NOW_NS + number
        if number % 2:
            record.trace_id, record.span_id = number.to_bytes(16, "big"), b"s" * 8
    assert len(spans) > 50 * 25


def send(served, planted):
    traces, logs = planted
    assert call(served, traces.SerializeToString()) == b""
    assert post(served, logs.SerializeToString(), path="/v1/logs").status == 200


def contents(folder):
    """Yield (place, bytes) of all that a folder holds, as it is and expanded."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        body = path.read_bytes().replace(HOLE, b"")
        yield str(path.relative_to(folder)), body
        if body[:16] == b"SQLite format 3\x00":
            yield from _values(path, folder)
        elif body[:4] == ZSTD_MAGIC:
            yield f"{path.name} expanded", expanded(body)


def _values(path, folder):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        names = [
            n for (n,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        for name in names:
            for row in database.execute(f"SELECT * FROM {name}"):
                for value in row:
                    body = value if isinstance(value, bytes) else str(value).encode()
                    plain = expanded(body) if body[:4] == ZSTD_MAGIC else body
                    yield f"{path.relative_to(folder)} {name}", plain
    finally:
        database.close()


def expanded(body):
    return zstandard.ZstdDecompressor().decompress(body)


def found(folder, plants):
    """Return secrets by the places where they are."""
    wanted = {plant.secret: [s.encode() for s in spellings(plant.secret)] for plant in plants}
    places = {}
    for place, body in contents(folder):
        for secret, spelled in wanted.items():
            if any(one in body for one in spelled):
                places.setdefault(secret, set()).add(place)
    return places


def test_no_secret_is_left_in_any_file(tmp_path, planted):
    """Fails if one secret of one place gets past redaction, or the inbox keeps what it acked."""
    with serving(tmp_path) as served:
        os.kill(served.process.pid, signal.SIGSTOP)
        send(served, planted)
        waiting = found(served.data, SECRETS)
        os.kill(served.process.pid, signal.SIGCONT)
        eventually_served(served, lambda: not settle(served)["meanings"]["pending"], 120)
        assert served.stop() == 0, served.log()
        log = served.log().encode()
    assert waiting.keys() == {plant.secret for plant in SECRETS}
    assert found(served.data, SECRETS) == {}
    assert not [p.secret for p in SECRETS if p.secret.encode() in log]


def test_every_secret_is_found_when_redaction_is_off(tmp_path, planted):
    """Fails if the search above is blind: to blocks, to meanings, or to a spelling."""
    with serving(tmp_path, redact__enabled="false", embed__model="none") as served:
        send(served, planted)
        settle(served)
        assert served.stop() == 0, served.log()
    places = found(served.data, SECRETS)
    assert places.keys() == {plant.secret for plant in SECRETS}
    everywhere = set.union(*places.values())
    assert any(place.endswith("blocks.db block") for place in everywhere)
    assert any("/meanings/" in place for place in everywhere)
