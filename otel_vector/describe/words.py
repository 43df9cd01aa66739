"""Names made readable: identifiers, paths and service names as words in lower case.

An embedding model knows words, not `hipstershop.CartService/GetCart` or `/api/v1/orders/{id}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["service_words", "spelled", "words_of"]

_PACKAGE: Final = re.compile(r"\b(?:[a-z][a-z0-9_]*\.)+(?=[A-Z])")
_TOKEN: Final = re.compile(r"[^\W_]+")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_VERSION: Final = re.compile(r"v[0-9]{1,2}")
_POD: Final = re.compile(r"-[0-9a-f]{8,10}-[0-9a-z]{5}$|-[0-9]{1,4}$")
_NOISE: Final = frozenset({"api", "microservice", "service", "svc", "ts"})
_SUFFIX: Final = "service"


def words_of(name: str) -> list[str]:
    """Return the words of a span name, route or identifier, without noise.

    Java-style packages before a class, version numbers and words that every name has (`api`,
    `service`) go; a name made of nothing else keeps them.
    """
    return _without_noise(spelled(_PACKAGE.sub("", name)))


def service_words(service: str) -> str:
    """Return a service's name as words, without the suffixes Kubernetes gives to pods."""
    return " ".join(_without_noise(spelled(_POD.sub("", service))))


def spelled(text: str) -> list[str]:
    """Return the words of an identifier in lower case: camelCase, snake_case, paths, dots."""
    return [part.lower() for token in _TOKEN.findall(text) for part in _humps(token)]


def _without_noise(words: list[str]) -> list[str]:
    kept = [_trimmed(word) for word in words if not _is_noise(word)]
    return kept or words


def _humps(token: str) -> Iterable[str]:
    return _HUMP.split(token) if not token.islower() else (token,)


def _is_noise(word: str) -> bool:
    return word in _NOISE or _VERSION.fullmatch(word) is not None


def _trimmed(word: str) -> str:
    """Cut `service` off a compound such as `checkoutservice`."""
    return word.removesuffix(_SUFFIX) or word
