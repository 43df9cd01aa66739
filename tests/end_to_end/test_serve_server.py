"""`otel-vector serve --store URL`: the server fails in the middle of writes, and nothing is lost."""

import subprocess
import threading
import time

import pytest
from sending import api, eventually_served, exported, multiset, post, serving, settle
from serving import COMMAND, Served, environment
from standin import StandIn

from otel_vector.spans.items import traces_data
from otel_vector.testing.builders import SpanRow, item_of

PATIENCE = {"store__patience_s": 0.2, "store__timeout_s": 1.0}


def requests(count, first=0):
    """Return requests of ten spans each, and all of them as one message."""
    rows = [SpanRow(span=n + 1, trace=n % 97 + 1) for n in range(first * 10, (first + count) * 10)]
    bodies = [
        traces_data([*map(item_of, rows[start : start + 10])]) for start in range(0, len(rows), 10)
    ]
    return [body.SerializeToString() for body in bodies], traces_data([*map(item_of, rows)])


@pytest.fixture
def server(tmp_path):
    with StandIn(tmp_path / "server") as running:
        yield running


def start(folder, url):
    folder.mkdir(exist_ok=True)
    return serving(folder, store__url=url, embed__model="none", **PATIENCE)


def stall(server):
    with server.faults.stalled("Upsert"):
        time.sleep(3)


def fill_disk(server):
    server.faults.disk_full = True
    time.sleep(3)
    server.faults.disk_full = False


def lose_answers(server):
    server.faults.lose_answers("Upsert", 20)


@pytest.mark.parametrize("trouble", [stall, fill_disk, lose_answers], ids=lambda f: f.__name__)
def test_what_was_accepted_waits_for_the_server_and_is_stored_once(tmp_path, server, trouble):
    bodies, everything = requests(40)
    with start(tmp_path / "one", server.url) as served:
        for body in bodies[:5]:
            assert post(served, body).status == 200
        failing = threading.Thread(target=trouble, args=(server,))
        failing.start()
        for body in bodies[5:]:
            assert post(served, body).status == 200
        failing.join()
        settle(served)
        assert multiset(exported(served)) == multiset(everything)
        with api(served) as client:
            assert client.get("/v1/stats").json()["inbox"]["dead"] == 0


def test_a_server_that_dies_and_comes_back_is_gone_on_with(tmp_path):
    bodies, everything = requests(20)
    server = StandIn(tmp_path / "server")
    port, url = server.port, server.url
    with start(tmp_path / "one", url) as served:
        for body in bodies[:10]:
            assert post(served, body).status == 200
        server.close()
        for body in bodies[10:]:
            assert post(served, body).status == 200
        with api(served) as client:

            def is_told():
                parts = client.get("/ready").json()["parts"]
                store = next(part for part in parts if part["name"] == "store")
                return not store["ok"] and "start it, or check store.url" in store["detail"]

            eventually_served(served, is_told)
            away = client.get("/v1/stats")
            assert (away.status_code, away.json()["title"]) == (503, "store unavailable")
            assert int(away.headers["retry-after"]) > 0
            metrics = client.get("/metrics")
            assert metrics.status_code == 200
            assert "otel_vector_store_up 0.0" in metrics.text
            assert "otel_vector_inbox_requests" in metrics.text
            assert "otel_vector_store_items{" not in metrics.text
        with StandIn(tmp_path / "server", port=port), api(served) as client:
            # Until the connection is made again, questions are told that there is none.
            eventually_served(served, lambda: client.get("/v1/stats").status_code == 200)
            settle(served)
            assert multiset(exported(served)) == multiset(everything)
            assert "otel_vector_store_up 1.0" in client.get("/metrics").text


def test_an_import_into_a_server_that_is_away_is_accepted_and_stored_later(tmp_path):
    server = StandIn(tmp_path / "server")
    file, (_, everything) = tmp_path / "spans.pb", requests(3)
    body = everything.SerializeToString()
    file.write_bytes(len(body).to_bytes(4, "big") + body)
    with start(tmp_path / "one", server.url) as served:
        server.close()
        with subprocess.Popen(
            [*COMMAND, "import", "--data", str(served.data), str(file)],
            stderr=subprocess.PIPE, cwd=tmp_path, env=environment(), text=True,
        ) as importing:  # fmt: skip
            with api(served) as client:

                def is_waiting():
                    return "1 requests wait" in client.get("/ready").text

                eventually_served(served, is_waiting)
            with StandIn(tmp_path / "server", port=server.port):
                assert importing.wait(60) == 0
                assert "Traceback" not in importing.stderr.read()
                assert multiset(exported(served)) == multiset(everything)


def test_two_collectors_share_what_either_takes(tmp_path, server):
    bodies, everything = requests(20)
    with (
        start(tmp_path / "one", server.url) as one,
        start(tmp_path / "two", server.url) as two,
    ):
        for number, body in enumerate(bodies):
            assert post(one, body).status == 200
            if number % 3 == 0:
                assert post(two, body).status == 200
        settle(one)
        settle(two)
        assert multiset(exported(one)) == multiset(exported(two)) == multiset(everything)


def test_a_start_without_a_server_says_what_to_do(tmp_path):
    done = subprocess.run(
        [*COMMAND, "serve", "--data", str(tmp_path), "--store", "http://127.0.0.1:1",
         "--set", "store.patience_s=0"],
        capture_output=True, cwd=tmp_path, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    told = (done.stderr + done.stdout).decode()
    assert "does not answer" in told
    assert "Traceback" not in told


def test_the_option_alone_is_enough(tmp_path, server):
    served = Served(tmp_path)
    try:
        served.start("--store", server.url, "--set", "embed.model=none")
        (body,), everything = requests(1)
        assert post(served, body).status == 200
        settle(served)
        assert multiset(exported(served)) == multiset(everything)
        assert not (served.data / "store" / "tenants").exists()
    finally:
        served.end()
