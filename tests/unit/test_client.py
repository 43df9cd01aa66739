"""Clients speak HTTP over TCP and unix sockets, and turn problems into our errors."""

import json
import logging
import ssl
import threading
from pathlib import Path

import pytest
from support.answering import DROP, Reply, answering, problem, said
from support.certificates import issued
from support.clients import CLIENTS

from otel_vector import errors
from otel_vector.client import Access, Client

KEY = "ov_0123456789abcdef_c2VjcmV0"


@pytest.fixture(params=CLIENTS, autouse=True)
def kind(request):
    """Which client: each test here runs with both."""
    return CLIENTS[request.param]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No settings but those that a test makes."""
    monkeypatch.chdir(tmp_path)
    for name in ("URL", "TENANT", "CA"):
        monkeypatch.delenv(f"OTEL_VECTOR_CLIENT_{name}", raising=False)


@pytest.fixture(params=["tcp", "unix"])
def way(request, tmp_path):
    return None if request.param == "tcp" else tmp_path / "s"


def test_answers_are_the_json_of_the_api(kind, way):
    with answering(said({"spans": 3}), socket_path=way) as (url, came), kind(url) as client:
        assert client.stats() == {"spans": 3}
        assert client.attribute_values("a/b", runs=["live", "all"]) == {"spans": 3}
    assert [one.path for one in came.requests] == [
        "/v1/stats",
        "/v1/attributes/a%2Fb/values?runs=live&runs=all",
    ]


def test_a_socket_is_asked_without_settings(kind, tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_VECTOR_API_KEY", KEY)
    with (
        answering(said({}), socket_path=tmp_path / "s") as (_, came),
        kind.over_socket(tmp_path / "s") as client,
    ):
        client.stats()
    assert "authorization" not in came.requests[0].headers


def test_a_question_is_words_and_keywords_or_a_whole(kind):
    with answering(said({"groups": []})) as (url, came), kind(url) as client:
        client.search("declined", filter='service = "shop"', limit=5, since=None)
        client.search({"text": "declined", "filter": None, "limit": 5})
        client.search(group=False)
        client.similar("declined", examples=2)
        client.similar(span="0" * 32)
        client.delete(trace_ids=["1" * 32], dry_run=True)
        list(client.export(signal="logs", limit=3))
        client.start_job("backup", {"target": "/backups"})
    assert [json.loads(one.body) for one in came.requests] == [
        {"text": "declined", "filter": 'service = "shop"', "limit": 5},
        {"text": "declined", "limit": 5},
        {"group": False},
        {"text": "declined", "examples": 2},
        {"span": "0" * 32},
        {"trace_ids": ["1" * 32], "dry_run": True},
        {"signal": "logs", "limit": 3},
        {"kind": "backup", "arguments": {"target": "/backups"}},
    ]


def test_what_cannot_be_written_as_json_is_refused(kind):
    with kind("http://127.0.0.1:9") as client:
        with pytest.raises(errors.InvalidInputError, match="cannot be sent as JSON"):
            client.put_record("code", {"key": "a", "body": {"file": Path("x")}})
        with pytest.raises(errors.InvalidInputError, match="cannot be sent as JSON"):
            list(client.put_records("code", [{"key": object()}]))


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (problem(404, "not-found", "no span 00"), errors.NotFoundError, "no span 00"),
        (problem(422, "query-timeout"), errors.QueryTimeoutError, "it is so"),
        (said({"type": "about:blank", "title": "busy"}, 503), errors.RetryableError, "busy"),
        (Reply(502, (b"<h1>\nproxy</h1>",)), errors.RetryableError, "status 502: <h1> proxy"),
        (Reply(418, ()), errors.InvalidInputError, "status 418"),
        (said(["odd"], 500), errors.RetryableError, "status 500"),
        (said({}, 429), errors.LimitedError, "status 429"),
        (said("text"), errors.PermanentError, "not what a collector's API answers"),
        (Reply(200, (b"<html>hello",)), errors.PermanentError, "'<html>hello' is not what"),
        (
            Reply(200, (b"{}",), {"Content-Encoding": "gzip"}),
            errors.PermanentError,
            "cannot be read",
        ),
        (Reply(200, (b'{"spans"',), breaks=True), errors.RetryableError, "cannot be reached"),
        (DROP, errors.RetryableError, "cannot be reached"),
    ],
    ids=lambda value: None if isinstance(value, str) else str(getattr(value, "status", "")),
)
def test_what_is_no_answer_is_an_error_of_ours(kind, reply, error, words):
    with (
        answering(reply) as (url, _),
        kind(url, retry_s=0) as client,
        pytest.raises(error, match=words),
    ):
        client.stats()


def test_what_the_server_says_is_raised_as_if_nothing_were_below_it(kind):
    with (
        answering(problem(404, "not-found"), DROP) as (url, _),
        kind(url, retry_s=0) as client,
    ):
        with pytest.raises(errors.NotFoundError) as raised:
            client.stats()
        assert raised.value.__suppress_context__
        with pytest.raises(errors.RetryableError) as raised:
            client.stats()
        assert raised.value.__cause__


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(kind):
    with answering(said({})) as (elsewhere, came):
        away = Reply(307, (b"",), {"Location": f"{elsewhere}/v1/stats"})
        with (
            answering(away) as (url, _),
            kind(url, api_key=KEY) as client,
            pytest.raises(errors.ConfigError, match=r"redirect to .* is not followed"),
        ):
            client.stats()
    assert not came.requests


def test_a_key_is_sent_and_shown_nowhere(kind, caplog):
    caplog.set_level(logging.DEBUG)
    access = Access(api_key=KEY, tenant="a")
    with (
        answering(said({}), problem(503, "retryable")) as (url, came),
        kind(url, access=access, retry_s=0) as client,
    ):
        client.stats()
        with pytest.raises(errors.RetryableError) as raised:
            client.stats()
        shown = f"{client!r} {access!r} {raised.value}"
    assert came.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert came.requests[0].headers["x-tenant"] == "a"
    assert "c2VjcmV0" not in shown + caplog.text
    assert url in shown


def test_without_arguments_the_settings_say_who_is_asked(kind, tmp_path, monkeypatch):
    with answering(said({})) as (url, came):
        (tmp_path / ".env").write_text(f"OTEL_VECTOR_CLIENT_URL={url}\n")
        monkeypatch.setenv("OTEL_VECTOR_API_KEY", KEY)
        monkeypatch.setenv("OTEL_VECTOR_CLIENT_TENANT", "ours")
        with kind() as client:
            client.stats()
        with kind(tenant="theirs") as client:
            client.stats()
        with kind(access=Access()) as client:
            client.stats()
    sent = [(r.headers.get("authorization"), r.headers.get("x-tenant")) for r in came.requests]
    assert sent == [(f"Bearer {KEY}", "ours"), (f"Bearer {KEY}", "theirs"), (None, None)]


def test_without_any_setting_this_machine_is_asked(kind):
    with kind() as client:
        assert client.base_url == "http://127.0.0.1:8317"


@pytest.mark.parametrize(
    "url", ["localhost:8317", "ftp://a", "http://", "http://[", "http://a:b", "http://u:p@a", "http://a?b"]
)  # fmt: skip
def test_an_address_that_is_none_is_refused_at_once_and_not_repeated(kind, url):
    with pytest.raises(errors.ConfigError, match=r"client\.url") as raised:
        kind(url)
    assert "u:p" not in str(raised.value)


@pytest.mark.parametrize("access", [{"api_key": "ov_\n"}, {"api_key": "ö"}, {"tenant": "a\r\nb"}])
def test_what_no_header_can_hold_is_refused_at_once(kind, access):
    with pytest.raises(errors.ConfigError, match=r"client\."):
        kind("http://127.0.0.1:9", **access)


def test_a_certificate_file_that_is_not_there_is_named(kind):
    with pytest.raises(errors.ConfigError, match=r"client\.ca.*nowhere\.pem"):
        kind("https://127.0.0.1:9", ca="nowhere.pem")


def test_a_server_is_believed_by_its_authority_and_shown_a_certificate(kind, tmp_path):
    files = issued(tmp_path)
    cert, key = files.client()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.ca)
    tls.load_cert_chain(files.config.cert, files.config.key)
    tls.verify_mode = ssl.CERT_REQUIRED
    shown = {"cert": str(cert), "key": str(key)}
    with answering(said({"spans": 1}), tls=tls) as (url, came):
        with kind(url, ca=str(files.ca), **shown) as client:
            assert client.stats() == {"spans": 1}
        with (
            kind(url, **shown) as stranger,
            pytest.raises(errors.ConfigError, match=r"is not trusted here.*client\.ca"),
        ):
            stranger.stats()
        assert len(came.requests) == 1


def test_readiness_is_read_whether_or_not_all_is_well(kind):
    replies = [said({"ready": False}, 503), problem(503, "retryable", "the store is away")]
    with answering(*replies) as (url, came), kind(url, retry_s=0) as client:
        assert client.ready() == {"ready": False}
        assert len(came.requests) == 1
        with pytest.raises(errors.RetryableError, match="the store is away"):
            client.ready()


def test_events_come_as_they_are_told(kind):
    held = threading.Event()
    parts = (b": hi\n\nid: 1\ndata: {", b'"a": 1}\n\n', b'data: {"a": 2}\n\ndata: {"unended"')
    reply = Reply(200, parts, {"Content-Type": "text/event-stream"}, held=held)
    with answering(reply) as (url, came), kind(url, timeout_s=5) as client:
        events = client.events(filter="x", since=None)
        assert next(events) == {"a": 1}
        held.set()
        assert list(events) == [{"a": 2}]
        assert list(client.job_events("0a")) == [{"a": 1}, {"a": 2}]
    assert [one.path for one in came.requests] == ["/v1/events?filter=x", "/v1/jobs/0a/events"]


def test_only_a_line_feed_ends_a_line_of_an_event(kind):
    told = {"name": "a\u2028b\u0085c\u000bd"}
    data = json.dumps(told, ensure_ascii=False).encode()
    with answering(Reply(200, (b"data:", data, b"\n\n"))) as (url, _), kind(url) as client:
        assert list(client.events()) == [told]


def test_a_follower_that_leaves_early_closes_the_stream(kind):
    held = threading.Event()
    reply = Reply(200, (b'data: {"a": 1}\n\n', b"data: {}\n\n"), held=held)
    with answering(reply) as (url, _), kind(url) as client:
        events = client.events()
        assert next(events) == {"a": 1}
        events.close()
        held.set()


def test_an_answer_that_does_not_come_in_time_is_a_sentence(kind):
    held = threading.Event()
    with (
        answering(Reply(200, (b"{", b"}"), held=held)) as (url, _),
        kind(url, timeout_s=0.2, retry_s=0) as client,
    ):
        with pytest.raises(errors.RetryableError, match="gives no answer in time"):
            client.stats()
        held.set()


def test_a_deletion_is_waited_for_however_long_it_takes(kind):
    held = threading.Event()
    timer = threading.Timer(0.5, held.set)
    with (
        answering(Reply(200, (b"{", b"}"), held=held)) as (url, _),
        kind(url, timeout_s=0.2) as client,
    ):
        timer.start()
        assert client.delete({"filter": "service:shop"}) == {}
    timer.join()


def test_a_blocking_client_is_for_any_thread():
    found = []
    with answering(said({"spans": 1})) as (url, _), Client(url) as client:
        threads = [threading.Thread(target=lambda: found.append(client.stats())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [{"spans": 1}] * 8
