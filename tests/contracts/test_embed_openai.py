"""An OpenAI-compatible endpoint over real HTTP: the promises, and every way to misbehave."""

import logging
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from support.embeddings import serving

from otel_vector.embed.contract import Embedder, Role
from otel_vector.embed.openai import OpenAIEmbedder
from otel_vector.embed.patience import retry_after_s
from otel_vector.errors import ConfigError, EmbedderUnavailableError
from otel_vector.testing.embed import EmbedderSuite

KEY = "sk-planted-0123456789"


@pytest.fixture
def endpoint():
    with serving() as running:
        yield running


@pytest.fixture
def embedder(endpoint):
    made = OpenAIEmbedder(endpoint.url, "small", KEY, dimension=16, timeout_s=5)
    yield made
    made.close()


@pytest.fixture(scope="module")
def patient() -> Iterator[Embedder]:
    with serving(window=5000) as running:
        made = OpenAIEmbedder(running.url, "small", dimension=16)
        yield made
        made.close()


class TestOpenAIEmbedder(EmbedderSuite):
    @pytest.fixture
    def embedder(self, patient: Embedder) -> Embedder:
        return patient


def test_the_model_and_the_key_are_sent(endpoint, embedder):
    embedder.embed(["a"], Role.QUESTION)
    path, headers, body = endpoint.requests[-1]
    assert path == "/v1/embeddings"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (body["model"], body["input"]) == ("small", ["a"])


def test_without_a_dimension_the_endpoint_is_asked(endpoint):
    made = OpenAIEmbedder(endpoint.url, "small")
    assert made.dimension == 16
    made.close()


def test_many_texts_go_in_batches_and_come_back_in_order(endpoint, embedder):
    texts = [f"text {number}" for number in range(150)]
    vectors = embedder.embed(texts, Role.PASSAGE)
    assert len(endpoint.requests) == 3
    assert vectors[149] == embedder.embed([texts[149]], Role.PASSAGE)[0]


@pytest.mark.parametrize("trouble", [429, 500, 503, "cut"])
def test_trouble_that_passes_is_not_seen(endpoint, embedder, trouble):
    endpoint.script = [trouble, trouble]
    assert len(embedder.embed(["a"], Role.PASSAGE)) == 1
    assert len(endpoint.requests) == 3


def test_retry_after_is_honoured(endpoint, embedder):
    endpoint.script = [(429, {"retry-after": "1"})]
    started = time.monotonic()
    embedder.embed(["a"], Role.PASSAGE)
    assert time.monotonic() - started >= 1.0


def test_retry_after_is_read_in_both_forms():
    assert retry_after_s("3") == 3.0
    assert 500 < retry_after_s(formatdate(time.time() + 600, usegmt=True)) <= 600
    assert retry_after_s("") == retry_after_s("soon") == 0.0


@pytest.mark.parametrize("trouble", [429, 500])
def test_trouble_that_stays_is_told_as_unavailable(endpoint, embedder, trouble):
    endpoint.script = [trouble] * 20
    with pytest.raises(EmbedderUnavailableError, match=f"embed.url.*{trouble}"):
        embedder.embed(["a"], Role.PASSAGE)
    assert len(endpoint.requests) == 4


def test_a_person_waits_for_two_attempts_at_most(endpoint, embedder):
    endpoint.script = [500] * 20
    with pytest.raises(EmbedderUnavailableError):
        embedder.embed(["a"], Role.QUESTION)
    assert len(endpoint.requests) == 2


def test_an_endpoint_that_is_too_slow_is_unavailable(endpoint):
    made = OpenAIEmbedder(endpoint.url, "small", dimension=16, timeout_s=0.2)
    endpoint.script = ["slow"] * 5
    with pytest.raises(EmbedderUnavailableError, match="Timeout"):
        made.embed(["a"], Role.PASSAGE)
    made.close()


def test_an_endpoint_that_is_not_there_is_unavailable():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(EmbedderUnavailableError, match=r"embed\.dimension"):
        OpenAIEmbedder(url, "small")


def test_vectors_of_another_dimension_are_a_setting_error(endpoint):
    made = OpenAIEmbedder(endpoint.url, "small", dimension=8)
    with pytest.raises(ConfigError, match=r"embed\.dimension.*16"):
        made.embed(["a"], Role.PASSAGE)
    made.close()


@pytest.mark.parametrize("answer", ["nonsense", "few"])
def test_an_answer_that_is_no_list_of_vectors_is_unavailable(endpoint, embedder, answer):
    endpoint.script = [answer]
    with pytest.raises(EmbedderUnavailableError, match=r"embed\.url"):
        embedder.embed(["a"], Role.PASSAGE)


@pytest.mark.parametrize(("status", "setting"), [(401, "api_key"), (403, "api_key"), (404, "url")])
def test_a_refusal_names_the_setting_and_never_the_key(
    endpoint, embedder, caplog, status, setting
):
    endpoint.script = [status]
    with caplog.at_level(logging.DEBUG), pytest.raises(ConfigError) as caught:
        embedder.embed(["a"], Role.PASSAGE)
    assert f"embed.{setting}" in str(caught.value)
    assert KEY not in str(caught.value) + caplog.text + repr(embedder)


def test_a_text_the_model_cannot_take_is_cut_without_costing_its_neighbours(embedder, endpoint):
    endpoint.window = 1000
    short, _ = embedder.embed(["short", "long " * 1000], Role.PASSAGE)
    assert short == embedder.embed(["short"], Role.PASSAGE)[0]


def test_a_refusal_that_is_not_about_length_ends(endpoint, embedder):
    endpoint.script = [400] * 50
    with pytest.raises(ConfigError, match=r"embed\.model"):
        embedder.embed(["x" * 8000], Role.PASSAGE)
    assert len(endpoint.requests) < 12


@pytest.mark.parametrize("url", ["", "localhost:1", "ftp://x/v1", "http://[::bad/v1"])
def test_a_url_that_is_none_is_a_setting_error(url):
    with pytest.raises(ConfigError, match=r"embed\.url"):
        OpenAIEmbedder(url, "small")


def test_a_password_in_the_url_is_not_told(endpoint):
    url = endpoint.url.replace("http://", "http://user:hunter2@")
    made = OpenAIEmbedder(url, "small", dimension=16)
    endpoint.script = [500] * 5
    with pytest.raises(EmbedderUnavailableError) as caught:
        made.embed(["a"], Role.QUESTION)
    assert "hunter2" not in str(caught.value)
    made.close()
