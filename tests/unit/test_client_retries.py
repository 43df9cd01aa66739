"""What may be repeated is repeated while its time lasts; nothing else is, and nothing is told twice."""

import json
import socket
import threading
import time
from email.utils import formatdate

import pytest
from support.answering import DROP, Reply, answering, problem, said
from support.clients import CLIENTS

from otel_vector import errors
from otel_vector.client.calls import listed, start_job, stats
from otel_vector.client.problems import Failure, RefusedError, reader_of
from otel_vector.client.retries import Tries

LINES = (
    b'{"key": "a", "status": "created", "line": 1}\n{"key": "b", "status": "created", "line": 2}\n'
)
PASSING = errors.RetryableError("busy")


@pytest.fixture(params=CLIENTS)
def kind(request):
    return CLIENTS[request.param]


def asked(client):
    """Everything that may be done twice."""
    yield client.stats
    yield lambda: client.search("x")
    yield lambda: client.similar("x")
    yield lambda: client.delete(filter="x", dry_run=True)
    yield lambda: client.put_record("code", {"key": "a"})
    yield lambda: list(client.put_records("code", [{"key": "a"}, {"key": "b"}]))
    yield lambda: list(client.export())
    yield lambda: list(client.events())


@pytest.mark.parametrize(
    "first",
    [
        problem(503, "inbox-full", Retry_After="0"),
        problem(429, "limited", Retry_After="0"),
        Reply(502, (b"<h1>proxy</h1>",)),
        Reply(504, ()),
        DROP,
    ],
    ids=["503", "429", "502", "504", "dropped"],
)
def test_what_may_be_done_twice_is_tried_again(kind, first):
    for n in range(8):
        with answering(first, Reply(200, (LINES,) if n == 5 else (b"{}",))) as (url, came):
            with kind(url, access=None) as client:
                list(asked(client))[n]()
            bodies = [request.body for request in came.requests]
            assert len(bodies) == 2
            assert bodies[0] == bodies[1]


def once(client):
    """Everything that done twice is something else."""
    yield lambda: client.start_job("reindex")
    yield lambda: client.cancel_job("0a")
    yield lambda: client.delete(filter="x")
    yield lambda: client.delete_record("code", "a")


@pytest.mark.parametrize("first", [problem(503, "retryable"), DROP], ids=["503", "dropped"])
def test_what_may_not_be_done_twice_is_sent_once(kind, first):
    for n in range(4):
        with answering(first, said({})) as (url, came), kind(url) as client:
            with pytest.raises(errors.RetryableError):
                list(once(client))[n]()
            assert len(came.requests) == 1


def test_what_was_never_sent_is_tried_again_whatever_it_is(kind):
    """A port that is bound but not listened on refuses; what listens there later is found."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=listen_late, args=(listener,))
        thread.start()
        with kind(url, retry_s=30) as client:
            assert client.start_job("reindex") == {"id": "0a"}
        thread.join()


def listen_late(listener):
    time.sleep(0.3)
    listener.listen()
    connection, _ = listener.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"id": "0a"}')


def test_without_time_nothing_is_repeated(kind):
    with answering(problem(503, "retryable"), said({})) as (url, came):
        with kind(url, retry_s=0) as client, pytest.raises(errors.RetryableError):
            client.stats()
        assert len(came.requests) == 1


def test_a_collector_that_is_away_is_told_at_once_without_time(kind):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            kind(url, retry_s=0) as client,
            pytest.raises(errors.RetryableError, match=r"cannot be reached.*check the address"),
        ):
            client.stats()


def test_the_time_for_further_tries_ends(kind):
    with (
        answering(problem(503, "retryable", "still busy")) as (url, _),
        kind(url, retry_s=0.5) as client,
        pytest.raises(errors.RetryableError, match="still busy"),
    ):
        client.stats()


def test_who_is_told_to_wait_for_longer_than_there_is_time_gives_up_at_once(kind):
    with answering(problem(429, "quota", Retry_After="3600")) as (url, came):
        with kind(url) as client, pytest.raises(errors.QuotaError) as raised:
            client.stats()
        assert len(came.requests) == 1
        assert raised.value.retry_after_s == 3600


def test_an_export_that_broke_off_is_not_begun_again(kind):
    broken = Reply(200, (b"one\n", b"two\n"), breaks=True)
    with answering(broken, Reply(200, (b"one\n",))) as (url, came), kind(url) as client:
        parts = client.export()
        assert next(parts).startswith(b"one\n")
        with pytest.raises(errors.RetryableError, match="cannot be reached"):
            list(parts)
        assert len(came.requests) == 1


def test_an_export_that_broke_off_before_its_first_byte_is_begun_again(kind):
    with answering(Reply(200, (), breaks=True), Reply(200, (b"one\n",))) as (url, came):
        with kind(url) as client:
            assert b"".join(client.export()) == b"one\n"
        assert len(came.requests) == 2


def test_a_lot_of_records_whose_answers_broke_off_is_sent_again_and_told_once(kind):
    broken = Reply(200, (LINES[:50],), breaks=True)
    with answering(broken, Reply(200, (LINES,))) as (url, came), kind(url) as client:
        outcomes = list(client.put_records("code", iter([{"key": "a"}, {"key": "b"}])))
        assert [one["line"] for one in outcomes] == [1, 2]
        assert len(came.requests) == 2
        assert [json.loads(line)["key"] for line in came.requests[1].body.splitlines()] == [
            "a",
            "b",
        ]


def test_fewer_answers_than_records_are_an_error(kind):
    with (
        answering(Reply(200, (LINES,))) as (url, _),
        kind(url) as client,
        pytest.raises(errors.PermanentError, match="2 answers came to 3 records"),
    ):
        list(client.put_records("code", [b'{"key": "a"}\n\n{"key": "b"}', {"key": "c"}]))


def failure_of(call, status, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(RefusedError) as raised:
        list(reader_of(call, status, named).end())
    return raised.value.failure


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7),
        ("", 0),
        ("soon", 0),
        ("-3", 0),
        ("²", 0),
        ("Mon, 1 Jan 99999999999 00:00:00 GMT", 0),
        (formatdate(90, usegmt=True), 30),
    ],
)
def test_retry_after_is_seconds_or_a_moment_of_the_servers_clock(text, seconds):
    failure = failure_of(stats(), 503, retry_after=text, date=formatdate(60, usegmt=True))
    assert (failure.passing, failure.wait_s) == (True, seconds)


def test_a_moment_is_of_our_clock_if_the_server_tells_none():
    failure = failure_of(stats(), 503, retry_after=formatdate(time.time() + 500, usegmt=True))
    assert 490 < failure.wait_s <= 500


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 501, 507])
def test_what_will_fail_again_is_no_reason_to_try(status):
    assert not failure_of(stats(), status).passing


def test_pauses_double_up_to_two_seconds_and_differ():
    tries = Tries(stats(), 1e6)
    pauses = [tries.pause_after(Failure(PASSING, passing=True)) for _ in range(8)]
    for pause, most in zip(pauses, [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2], strict=True):
        assert most / 2 <= pause <= most
    assert len(set(pauses)) == 8


def test_the_servers_wish_is_the_least_pause():
    assert Tries(stats(), 60).pause_after(Failure(PASSING, passing=True, wait_s=5)) == 5


def test_what_was_not_sent_may_be_sent_and_what_was_handed_out_may_not():
    unsent = Failure(PASSING, passing=True, sent=False)
    assert Tries(start_job("reindex", {}), 60).pause_after(unsent) > 0
    handed_out = Tries(listed("x").first, 60)
    handed_out.handed_out = True
    with pytest.raises(errors.RetryableError):
        handed_out.pause_after(unsent)
