"""Any endpoint that speaks OpenAI's `POST /v1/embeddings`: OpenAI, Ollama, vLLM, TEI, LiteLLM.

Texts go in small batches. A batch that the endpoint refuses as too long or malformed is sent
text by text, and a single text is shortened by half until it fits the model's window. The key
appears in no message and no log line.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx

from otel_vector.embed.contract import Role, Vector
from otel_vector.embed.patience import PatientTransport, retry_after_s
from otel_vector.embed.vectors import clean, unit
from otel_vector.errors import ConfigError, EmbedderUnavailableError

__all__ = ["OpenAIEmbedder"]

_BATCH = 64  # texts in one request
_MAX_CHARS = 8_000  # of one text: within OpenAI's 8,192 tokens for any alphabetic script
_MIN_CHARS = 64  # a text this short that is still refused is not refused for its length
_QUESTION_S = 5.0  # a person waits for a question's vector
_TOO_LONG = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)


class _RefusedError(Exception):
    """The endpoint refuses these texts."""


class OpenAIEmbedder:
    """Vectors from an OpenAI-compatible endpoint. Safe to call from several threads."""

    def __init__(
        self, url: str, model: str, api_key: str = "", dimension: int = 0, timeout_s: float = 30.0
    ) -> None:
        """Prepare a client; without a dimension, ask the endpoint for one vector.

        Args:
            url: base URL up to and including `/v1`.
            model: name of the model there.
            api_key: sent as a bearer token; empty for none.
            dimension: length of the vectors; 0 to find out.
            timeout_s: seconds to wait for one answer.

        Raises:
            ConfigError: the URL is none, or the endpoint refuses the model or the key.
            EmbedderUnavailableError: no dimension is given and the endpoint does not answer.
        """
        self._url = _checked(url).rstrip("/") + "/embeddings"
        self._model = model
        self._secret = api_key
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._clients = {
            Role.PASSAGE: _client(headers, timeout_s, attempts=4),
            Role.QUESTION: _client(headers, min(timeout_s, _QUESTION_S), attempts=2),
        }
        self._dimension = dimension or self._asked_dimension()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._model

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        return self._dimension

    def embed(self, texts: Sequence[str], role: Role) -> list[Vector]:
        """Return one vector per text.

        Raises:
            ConfigError: the endpoint refuses the key or the model, or answers with vectors of
                another dimension.
            EmbedderUnavailableError: it does not answer, even after several tries.
        """
        cleaned = [clean(text, _MAX_CHARS) or " " for text in texts]
        vectors = list[Vector]()
        for start in range(0, len(cleaned), _BATCH):
            vectors += self._batch(cleaned[start : start + _BATCH], role)
        for vector in vectors:
            if len(vector) != self._dimension:
                raise ConfigError(
                    f"embed.dimension: {self._model} returned vectors of {len(vector)} numbers, "
                    f"not {self._dimension}; set embed.dimension to {len(vector)}"
                )
        return vectors

    def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            client.close()

    def _asked_dimension(self) -> int:
        try:
            return len(self._batch(["dimension"], Role.QUESTION)[0])
        except EmbedderUnavailableError as error:
            raise EmbedderUnavailableError(
                f"{error}; set embed.dimension to start without asking the endpoint"
            ) from error

    def _batch(self, texts: list[str], role: Role) -> list[Vector]:
        try:
            return self._request(texts, role)
        except _RefusedError as error:
            if len(texts) > 1:
                return [self._batch([text], role)[0] for text in texts]
            if len(texts[0]) > _MIN_CHARS:
                return self._batch([texts[0][: len(texts[0]) // 2]], role)
            raise ConfigError(
                f"embed.model: the endpoint refuses to embed with {self._model!r}: {error}"
            ) from error

    def _request(self, texts: list[str], role: Role) -> list[Vector]:
        body = {"model": self._model, "input": texts, "encoding_format": "float"}
        try:
            response = self._clients[role].post(self._url, json=body)
        except httpx.HTTPError as error:
            raise EmbedderUnavailableError(
                f"embed.url: {_host(self._url)} does not answer: {type(error).__name__}"
            ) from error
        self._check(response)
        return _vectors(response, len(texts))

    def _check(self, response: httpx.Response) -> None:
        """Raise what the status says, with the endpoint's own words."""
        if response.is_success:
            return
        status, said = response.status_code, self._said(response)
        if status in _TOO_LONG:
            raise _RefusedError(said)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise ConfigError(f"embed.api_key: the endpoint refuses the key ({status}): {said}")
        if status == HTTPStatus.NOT_FOUND:
            raise ConfigError(
                f"embed.url: no embeddings at {_host(self._url)} for {self._model!r}: {said}"
            )
        raise EmbedderUnavailableError(
            f"embed.url: {_host(self._url)} answers {status}: {said}",
            retry_after_s(response.headers.get("retry-after", "")) or 1.0,
        )

    def _said(self, response: httpx.Response) -> str:
        text = response.text[:300].replace("\n", " ")
        return text.replace(self._secret, "***") if self._secret else text


def _client(headers: dict[str, str], timeout_s: float, attempts: int) -> httpx.Client:
    transport = PatientTransport(httpx.HTTPTransport(), attempts, patience_s=timeout_s)
    return httpx.Client(transport=transport, headers=headers, timeout=timeout_s)


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigError(f"embed.url: {error}") from error
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ConfigError("embed.url: give a base URL such as http://127.0.0.1:11434/v1")
    return url


def _host(url: str) -> str:
    """Return the part of a URL that may be told: no user, no password, no query."""
    return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))


def _vectors(response: httpx.Response, expected: int) -> list[Vector]:
    """Return the vectors of an answer in the order of its indexes."""
    try:
        data: list[dict[str, Any]] = response.json()["data"]
        ordered = sorted(data, key=lambda one: int(one["index"]))
        vectors = [unit(one["embedding"]) for one in ordered]
    except (ValueError, KeyError, TypeError) as error:
        raise EmbedderUnavailableError(
            f"embed.url: {_host(str(response.url))} answers something that is no list of vectors"
        ) from error
    if len(vectors) != expected:
        raise EmbedderUnavailableError(
            f"embed.url: asked for {expected} vectors, {_host(str(response.url))} "
            f"returned {len(vectors)}"
        )
    return vectors
