"""A long answer whose key ends meanwhile ends too: events cleanly, what has an end without it."""

import asyncio
import threading
import time
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from support.serving import Served, served
from support.world import World

from otel_vector.keys.contract import Role
from otel_vector.keys.ring import StateKeyring
from otel_vector.state.sqlite import SqliteState
from otel_vector.testing.keys import order
from otel_vector_collector.api.authentication import Authentication
from otel_vector_collector.api.streams import SHARE
from otel_vector_collector.receive.gate import Gate


@pytest.fixture
def keys(tmp_path):
    state = SqliteState(tmp_path / "state.db")
    yield StateKeyring(state)
    state.close()


@contextmanager
def endless(gate, media):
    """Serve an answer that goes on for as long as it may."""

    async def app(scope, receive, send):
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(b"content-type", media.encode())],
            }
        )
        while True:
            await send({"type": "http.response.body", "body": b"part\n", "more_body": True})
            await asyncio.sleep(0.01)

    config = uvicorn.Config(
        Authentication(app, gate), port=0, log_config=None, lifespan="off", access_log=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/long"
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(60)


def followed(url, keys, issued):
    """Read an answer, end its key after the first part, and read on to the end."""
    headers = {"x-api-key": issued.text}
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        parts = answer.iter_raw()
        next(parts)
        keys.disable(issued.key.id)
        for _ in parts:
            pass


def test_events_end_when_their_key_does(keys):
    issued = keys.create(order("reader", Role.READ))
    with endless(Gate(keys), "text/event-stream; charset=utf-8") as url:
        followed(url, keys, issued)


def test_an_export_breaks_off_so_that_nobody_takes_it_for_whole(keys):
    issued = keys.create(order("reader", Role.READ))
    with (
        endless(Gate(keys), "application/x-ndjson") as url,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete"),
    ):
        followed(url, keys, issued)


def test_a_key_that_is_rotated_with_grace_ends_nothing(keys):
    issued = keys.create(order("reader", Role.READ))
    headers = {"x-api-key": issued.text}
    with (
        endless(Gate(keys), "application/x-ndjson") as url,
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        parts = answer.iter_raw()
        keys.rotate(issued.key.id, 3600)
        until = time.monotonic() + 2.5  # the key is looked at every second
        while time.monotonic() < until:
            assert next(parts)


def test_followers_of_one_tenant_leave_room_for_those_of_others(keys):
    world = World()
    made = (keys.create(order("one", Role.READ, tenants=(name,))) for name in ("a", "b"))
    loud, other = (issued.text for issued in made)
    read = []
    with served(Served(world.store, world.services), Gate(keys)) as api, ExitStack() as open_ones:

        def follow(key):
            stream = api.stream("GET", "/v1/events", headers={"x-api-key": key}, timeout=60)
            answer = open_ones.enter_context(stream)
            if answer.status_code == 200:
                read.append(answer.iter_raw())  # ends its answer when it is let go
                next(read[-1])
            return answer.status_code

        assert {follow(loud) for _ in range(SHARE)} == {200}
        assert follow(loud) == 503
        assert follow(other) == 200
        assert api.get("/v1/stats", headers={"x-api-key": loud}).status_code == 200
