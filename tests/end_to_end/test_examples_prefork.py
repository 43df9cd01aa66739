"""A service under gunicorn: spans of every worker arrive, whichever way it came and went."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from example_programs import SERVER, Workplace, settled, stored, terminals
from serving import Served, eventually

SERVICE, CUSTOMERS, QUESTION = terminals("prefork")
REQUESTS = 120
WORKERS = 3
PORT = 8003


@pytest.fixture
def served(tmp_path):
    (tmp_path / "collector").mkdir()
    collector = Served(tmp_path / "collector")
    collector.start()
    yield collector
    collector.end()


@pytest.fixture
def place(tmp_path, served):
    (tmp_path / "place").mkdir()
    return Workplace(tmp_path / "place", served)


def requests(port, number, country="FR"):
    """Ask for prices, each on a connection of its own so that all workers get some."""

    def ask(grams):
        headers = {"connection": "close"}
        url = f"http://127.0.0.1:{port}/quote?country={country}&grams={grams}"
        return httpx.get(url, headers=headers, timeout=30, trust_env=False).status_code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(ask, range(number)))


def pids(spans):
    return {s.attributes["worker.pid"] for s in spans if s.kind == SERVER}


def quotes(spans):
    return [span for span in spans if span.name == "quote"]


@pytest.mark.parametrize(
    "how", ["", "--preload", "--worker-class sync", "--worker-class sync --preload"]
)
def test_spans_of_every_worker_arrive(place, served, how):
    port = place.own_port(PORT)
    seen = set()
    with place.running(f"{SERVICE.strip()} {how}", port):
        sent = 0
        while len(seen) < WORKERS:
            assert requests(port, REQUESTS) == [200] * REQUESTS
            sent += REQUESTS
            settled(served, 2 * sent)
            seen = pids(stored(served))
    spans = stored(served)
    assert len(quotes(spans)) == sent
    by_id = {span.span_id: span for span in spans}
    assert {by_id[quote.parent_id].kind for quote in quotes(spans)} == {SERVER}


@pytest.mark.parametrize("how", ["", "--preload"])
def test_what_workers_hold_when_they_are_told_to_stop_arrives(place, served, how):
    port = place.own_port(PORT)
    with place.running(f"{SERVICE.strip()} {how}", port) as parent:
        assert requests(port, REQUESTS) == [200] * REQUESTS
        os.kill(parent.pid, signal.SIGTERM)
        assert parent.wait(60) == 0
    settled(served, 2 * REQUESTS)
    assert len(quotes(stored(served))) == REQUESTS


@pytest.mark.parametrize("how", ["", "--preload"])
def test_spans_of_workers_that_were_replaced_arrive(place, served, how):
    port = place.own_port(PORT)
    often = f"{SERVICE.strip()} {how} --max-requests 20 --max-requests-jitter 0"
    with place.running(often, port):
        assert requests(port, REQUESTS) == [200] * REQUESTS
        settled(served, 2 * REQUESTS)
    spans = stored(served)
    assert len(quotes(spans)) == REQUESTS
    assert len(pids(spans)) > WORKERS


def test_the_commands_of_the_readme_answer(place, served):
    port = place.own_port(PORT)
    with place.running(SERVICE, port):
        answers = place.run(CUSTOMERS)
    assert '{"cents": 1350}' in answers
    assert "no parcels are sent to XX" in answers
    settled(served, 4)
    eventually(lambda: "no parcels are sent to XX" in place.run(QUESTION))
