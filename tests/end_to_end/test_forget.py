"""Deletion and retention as a user has them: commands on a served folder and on one that is not."""

import time

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import api, call, serving, settle
from serving import Served, cli

SECRET = "ermine vestibule 4417"
DAY_NS = 86_400 * 10**9


def traces(count, start_ns, note="plain"):
    data = TracesData()
    resource = data.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    spans = resource.scope_spans.add().spans
    for n in range(1, count + 1):
        span = spans.add(
            trace_id=(n + len(note)).to_bytes(16, "big"),
            span_id=n.to_bytes(8, "big"),
            name="chat",
            start_time_unix_nano=start_ns + n,
            end_time_unix_nano=start_ns + n + 1000,
        )
        span.attributes.add(key="gen_ai.prompt").value.string_value = f"{note} {n}"
        span.attributes.add(key="user.id").value.string_value = note.replace(" ", "-")
    return data.SerializeToString()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("forget"), embed__model="none") as opened:
        call(opened, traces(30, time.time_ns()))
        call(opened, traces(10, time.time_ns(), SECRET))
        settle(opened)
        yield opened


def test_deleting_asks_first_with_the_counts(served):
    by_user = ("--filter", f'user.id:"{SECRET.replace(" ", "-")}"')
    counted = cli(served, "delete", *by_user, "--dry-run", "--json").json
    assert (counted["spans"], counted["services"], counted["dry_run"]) == (10, ["shop"], True)
    refused = cli(served, "delete", *by_user, check=False, stdin=b"n\n")
    assert refused.code == 1
    assert "delete 10 spans and 0 logs of 10 traces, of shop for good?" in refused.err
    done = cli(served, "delete", *by_user, stdin=b"y\n")
    assert done.out.strip() == "deleted 10 spans and 0 logs of 10 traces, of shop"
    stats = cli(served, "stats", "--json").json
    assert (stats["spans"], stats["tombstones"]) == (30, 10)
    call(served, traces(10, time.time_ns(), "later"))
    settle(served)
    assert SECRET not in cli(served, "search", SECRET, "--json").out


def test_deleting_everything_has_to_be_said(served):
    for arguments in ([], ["--filter", "service:shop"]):
        refused = cli(served, "delete", "--yes", *arguments, check=False)
        assert refused.code == 1
        assert "--all" in refused.err


def test_a_trace_and_an_id_are_deleted_without_a_server_as_well(tmp_path):
    folder = Served(tmp_path)
    with serving(tmp_path, embed__model="none") as running:
        call(running, traces(5, time.time_ns()))
        settle(running)
        with api(running) as client:
            one, other = client.post("/v1/search", json={"group": False}).json()["spans"][:2]
        running.stop()
    assert cli(folder, "delete", "--trace", one["trace_id"], "-y", "--json").json["spans"] == 1
    assert cli(folder, "delete", "--id", other["id"], "-y", "--json").json["spans"] == 1
    assert cli(folder, "stats", "--json").json["spans"] == 3


def test_retention_drops_what_is_old_and_leaves_out_what_comes_late(tmp_path):
    now_ns = time.time_ns()
    with serving(tmp_path, embed__model="none") as running:
        call(running, traces(20, now_ns - 40 * DAY_NS))
        call(running, traces(10, now_ns, "fresh"))
        settle(running)
        assert cli(running, "stats", "--json").json["retention"] is None
        running.stop()
    keeping = {"retention__max_age_s": 30 * 86_400, "embed__model": "none"}
    with serving(tmp_path, **keeping) as running:
        call(running, traces(7, now_ns - 50 * DAY_NS, "late"))
        stats = settle(running)
        deadline = time.monotonic() + 30
        while stats["spans"] != 10 and time.monotonic() < deadline:
            stats = cli(running, "stats", "--json").json
        assert stats["spans"] == 10
        assert stats["rejected"]["too_old"] == 7
        assert stats["retention"]["dropped_items"] == 20
        assert stats["retention"]["due"] == []
        running.stop()
