"""Nothing of one tenant's is told to another: not data, not counts, not that something exists.

Each request is made three times. The usual 1,000 take half a minute on two cores, and
`ISOLATION_REQUESTS=4000` a minute and a half.
"""

import os
import threading
import time
from random import Random

import grpc
import httpx
import pytest
from isolating import (
    MARK,
    NOBODY,
    READ_BY_POST,
    A,
    B,
    Generator,
    harvest,
    logs,
    marks_in,
    operations,
    plain,
    record,
    spans,
    trace_id,
    wait_for,
    world,
)
from sending import METHODS, WAIT_S

REQUESTS = int(os.environ.get("ISOLATION_REQUESTS", "1000"))
A_SEED, B_SEED = 0xA1, 0xB1

ELSEWHERE = {
    ("get", "/v1/events"): "test_events_tell_a_follower_nothing_of_others",
    ("get", "/v1/audit"): "test_acts_on_others_are_not_told",
    ("post", "/v1/records/{collection}"): "test_records_of_one_name_are_two",
    ("post", "/v1/jobs"): "test_a_job_is_nobody_elses",
}
"""Routes whose answers do not end, grow by being asked, or change what the next one says."""

SWEPT = {
    route: operation
    for route, operation in operations().items()
    if route not in ELSEWHERE and (route[0] in {"get", "delete"} or route[1] in READ_BY_POST)
}


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """What B has, read on a server where B is alone."""
    alone = world(tmp_path_factory.mktemp("b") / "alone")
    try:
        alone.load(B, MARK, B_SEED)
        with alone.client(B) as client:
            return harvest(client)
    finally:
        alone.served.end()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server that A uses, and later B."""
    made = world(tmp_path_factory.mktemp("ab") / "shared")
    try:
        made.load(A, "mine", A_SEED)
        yield made
    finally:
        made.served.end()


@pytest.fixture(scope="module")
def swept(theirs, shared):
    """All answers that A got before B had anything, and after, by request.

    A first round leaves A's side as the later ones find it.
    """
    random = Random(4)
    generators = [Generator(theirs, *route, operation) for route, operation in SWEPT.items()]
    asked = [generators[number % len(generators)].request(random) for number in range(REQUESTS)]
    with shared.client(A) as client, Following(shared) as following:
        for one in asked:
            one.ask(client)
        before = [one.ask(client) for one in asked]
        shared.load(B, MARK, B_SEED)
        after = [one.ask(client) for one in asked]
        assert shared.send(A, spans("later", 0xA2, 1)).status_code == 200
        wait_for(lambda: following.text().count("event: stored") > 0)
    return asked, before, after, following.text()


class Following:
    """Reads A's stream of events while B's data come in."""

    def __init__(self, made):
        self._client = made.client(A)
        self._lines = []
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self):
        self._thread.start()
        assert self._opened.wait(WAIT_S)
        return self

    def __exit__(self, *_):
        self._stop = True
        self._thread.join(WAIT_S)
        self._client.close()

    _stop = False

    def _read(self):
        with self._client.stream("GET", "/v1/events") as answer:
            assert answer.status_code == 200
            for line in answer.iter_lines():
                self._lines.append(line)
                self._opened.set()
                if self._stop or line.startswith("data: "):
                    return

    def text(self):
        return "\n".join(self._lines)


def test_every_route_is_asked(swept):
    assert set(SWEPT) | set(ELSEWHERE) == set(operations()), "teach this test the new routes"
    assert all(test in globals() for test in ELSEWHERE.values())
    assert len(swept[0]) >= min(REQUESTS, 1000)


def test_nothing_of_theirs_comes_back(swept, theirs):
    asked, _, after, _ = swept
    told = [
        (one, marks)
        for one, answer in zip(asked, after, strict=True)
        if (marks := marks_in(answer, one, theirs.marks))
    ]
    assert not told, told[:5]


def test_no_answer_depends_on_whether_they_have_anything(swept):
    asked, before, after, _ = swept
    differing = [
        (one, first, second)
        for one, first, second in zip(asked, map(plain, before), map(plain, after), strict=True)
        if first != second
    ]
    assert not differing, f"{len(differing)}: {differing[:3]}"


def test_what_is_asked_is_mostly_taken(swept):
    """Requests that are all refused for their shape would prove nothing."""
    _, _, after, _ = swept
    statuses = [answer.status_code for answer in after]
    assert sum(status == 200 for status in statuses) > 0.3 * len(statuses)
    assert not any(status >= 500 for status in statuses)
    assert {200, 400, 403, 404} <= set(statuses)


def test_events_tell_a_follower_nothing_of_others(swept, theirs):
    stream = swept[3]
    assert stream.count("event: stored") == 1
    assert '"sequence":3,' in stream.replace(" ", ""), "two writes of A's came before it"
    assert not any(mark in stream for mark in theirs.marks)


def test_what_they_have_is_whole_after_all_that(swept, shared, theirs):
    with shared.client(B) as client:
        again = harvest(client)
    # Cursors hold ranks, and where words fit equally well the engine's order is no promise.
    del again.values["cursor"]
    assert again.values == {n: v for n, v in theirs.values.items() if n != "cursor"}
    assert again.marks == theirs.marks


@pytest.mark.parametrize("path", ["/v1/traces", "/v1/logs"])
def test_a_key_cannot_store_for_another_tenant_over_http(swept, shared, path):
    data = spans("forged", 0xB1) if path == "/v1/traces" else logs("forged", 0xB1)
    answers = {
        tenant: shared.send("a ingest", data, path, **{header: tenant})
        for tenant in (B, NOBODY)
        for header in ("x-tenant", "x-scope-orgid")
    }
    assert answers[B].status_code == 403
    assert alike(answers[B].content, B) == alike(answers[NOBODY].content, NOBODY)
    assert answers[B].status_code == answers[NOBODY].status_code


@pytest.mark.parametrize("path", METHODS)
def test_a_key_cannot_store_for_another_tenant_over_grpc(swept, shared, path):
    told = {}
    body = spans("forged", 0xB1).SerializeToString() if path == "/v1/traces" else b""
    for tenant in (B, NOBODY):
        with grpc.insecure_channel(shared.served.endpoints["otlp_grpc"]) as channel:
            send = channel.unary_unary(METHODS[path])
            metadata = (("x-api-key", shared.keys["a ingest"]), ("x-tenant", tenant))
            with pytest.raises(grpc.RpcError) as refused:
                send(body, timeout=WAIT_S, metadata=metadata)
        told[tenant] = refused.value.code(), alike(refused.value.details().encode(), tenant)
    assert told[B] == told[NOBODY]
    assert told[B][0] is grpc.StatusCode.PERMISSION_DENIED


def test_a_key_that_may_only_store_reads_nothing(swept, shared, theirs):
    with httpx.Client(
        base_url=f"http://{shared.served.endpoints['api']}", trust_env=False
    ) as client:
        for key in (shared.keys["a ingest"], None, "ov_000000000000_" + "x" * 43):
            headers = {} if key is None else {"x-api-key": key}
            for path in ("/v1/services", "/v1/stats", f"/v1/traces/{trace_id(B_SEED, 1).hex()}"):
                answer = client.get(path, headers=headers)
                assert answer.status_code == (403 if key == shared.keys["a ingest"] else 401)
                assert MARK not in answer.text


def test_records_of_one_name_are_two(swept, shared):
    """A's record under B's collection and key is A's own, and goes without B's."""
    path = f"/v1/records/{MARK}code/{MARK}.module:function1"
    with shared.client(A) as a, shared.client(B) as b:
        theirs = b.get(path).content
        assert a.get(path).status_code == 404
        mine = {"key": f"{MARK}.module:function1", "body": {"mine": True}}
        answer = a.post(f"/v1/records/{MARK}code", json=mine)
        assert answer.status_code == 200
        assert a.get(path).json()["version"] == 1
        assert b.get(path).content == theirs
        assert a.delete(path).status_code in {200, 204}
        assert a.get(path).status_code == 404
        assert b.get(path).content == theirs
        assert record(MARK, 1)["body"] == b.get(path).json()["body"]


def test_a_job_is_nobody_elses(swept, shared):
    """A's job is A's to see and to end, and works on what is A's alone."""
    with shared.client(A) as a, shared.client(B) as b:
        before = b.get("/v1/jobs").json()["jobs"]
        stats = b.get("/v1/stats").json()
        made = a.post("/v1/jobs", json={"kind": "reindex"})
        assert made.status_code in {200, 201, 202}
        path = f"/v1/jobs/{made.json()['id']}"
        assert a.get(path).status_code == 200
        assert b.get(path).status_code == b.delete(path).status_code == 404
        assert b.get(f"{path}/events").status_code == 404
        deadline = time.monotonic() + WAIT_S
        while a.get(path).json()["state"] in {"waiting", "running"}:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert a.get(path).json()["state"] == "done"
        assert b.get("/v1/jobs").json()["jobs"] == before
        assert b.get("/v1/stats").json() == stats


def test_acts_on_others_are_not_told(swept, shared):
    """B's own acts, under B's key, are not among those that A is shown."""
    with shared.client(A) as a, shared.client(B) as b, shared.client("all") as everybody:
        before = a.get("/v1/audit", params={"limit": 1000}).json()
        gone = b.request("DELETE", "/v1/spans", json={"trace_ids": [trace_id(B_SEED, 9).hex()]})
        assert gone.status_code == 200
        assert a.get("/v1/audit", params={"limit": 1000}).json() == before
        assert all(act["tenants"] == [A] for act in before["acts"])
        mine = b.get("/v1/audit").json()["acts"]
        assert any(act["what"] == "spans.delete" for act in mine)
        assert all(act["tenants"] == [B] for act in mine)
        whole = everybody.get("/v1/audit", params={"limit": 1000}, headers={"x-tenant": A})
        assert {A, B} <= {name for act in whole.json()["acts"] for name in act["tenants"]}
        assert a.get("/v1/audit", headers={"x-tenant": B}).status_code == 403


def alike(body, tenant):
    """Return an answer with a tenant's name taken out; both names are equally long."""
    return body.replace(tenant.encode(), b"TENANT")
