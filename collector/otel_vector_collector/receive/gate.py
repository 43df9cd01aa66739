"""Who is let in: the key a request carries, held against the keys of the folder.

Both doors and the API ask here. A request carries its key in one header: `authorization:
Bearer KEY`, `x-api-key` or `api-key`. Two of them are refused even if they agree, since a proxy
on the way may have looked at one and this process at the other.

A person at a browser types it: pages, and nothing else, take it as the password of
`authorization: Basic`, and a tenant as the user's name (`signed_in`).
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable
from typing import Final, TypeAlias
from urllib.parse import unquote_plus

from otel_vector.errors import (
    AccessError,
    ConfigError,
    InvalidInputError,
    UnauthenticatedError,
)
from otel_vector.keys.contract import ALL_TENANTS, Key, Keyring, Role
from otel_vector.keys.texts import is_key_like
from otel_vector.spans.ids import is_tenant
from otel_vector_collector.receive.addresses import Address

__all__ = [
    "OWNER",
    "Gate",
    "Headers",
    "refuse_key_in_url",
    "require",
    "signed_in",
    "text_sent",
    "unquoted",
]

OWNER: Final = Key(
    id="owner",
    name="the folder's owner",
    roles=frozenset({Role.ADMIN}),
    tenants=frozenset({ALL_TENANTS}),
    created_ns=0,
)
"""Who asks by a socket that only the folder's owner can open; no text is this key's."""

Headers: TypeAlias = Iterable[tuple[str, str]]
"""Names in lower case and values, in the order they came, repeated ones too."""

_PLAIN: Final = frozenset({"x-api-key", "api-key"})
_HOW: Final = "send it as header `authorization: Bearer ov_…` or `x-api-key: ov_…`"
_SIGN_IN: Final = (
    "the password is an API key with the role read, the user's name one of its tenants, or nothing"
)
_QUERY_NAMES: Final = re.compile(
    r"(?:^|[&;])(?:(?:x[-_])?api[-_]?key|access[-_]token|authorization)=", re.IGNORECASE
)
_QUOTED_AGAIN: Final = 4  # times that a URL is unquoted to look for a key in it


class Gate:
    """Lets requests in.

    Args:
        keys: the folder's; None where whoever can ask is the folder's owner anyway.
    """

    def __init__(self, keys: Keyring | None) -> None:
        self._keys = keys
        self._required = False

    def guard(self, address: Address) -> None:
        """Be asked at an address from now on: where others can reach it, always for a key.

        Raises:
            ConfigError: others can reach it and there are no keys to tell them apart.
            RetryableError: the keys cannot be read now.
        """
        if not address.is_loopback():
            if self._keys is None or not self._keys.in_force():
                raise ConfigError(
                    f"{address.setting} = {address} can be reached from other machines, and "
                    "without API keys only loopback is served; make one with `otel-vector keys "
                    f"create NAME --role ingest`, or use 127.0.0.1:{address.port}"
                )
            self._required = True

    def demands_key(self) -> bool:
        """Return whether requests need a key.

        Raises:
            RetryableError: the keys cannot be read now.
        """
        return self._required or (self._keys is not None and self._keys.in_force())

    def key_of(self, headers: Headers) -> Key | None:
        """Return the key of a request; None where none is needed.

        Raises:
            RetryableError: the keys cannot be read now.
            UnauthenticatedError: it carries none, several, or one that is not in force.
        """
        if self._keys is None or not self.demands_key():
            return None
        text = text_sent(headers)
        if text is None:
            raise UnauthenticatedError(f"an API key is needed here: {_HOW}")
        return self._keys.authenticate(text)


def text_sent(headers: Headers) -> str | None:
    """Return the text a request carries as its key, None if it carries none.

    Raises:
        UnauthenticatedError: it carries several, or in another form.
    """
    found = [pair for pair in headers if pair[0] == "authorization" or pair[0] in _PLAIN]
    if not found:
        return None
    if len(found) > 1:
        raise UnauthenticatedError(f"the request carries several keys; send one: {_HOW}")
    name, value = found[0]
    if name in _PLAIN:
        return value.strip()
    scheme, _, text = value.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthenticatedError(f"another kind of authorization than a key was sent: {_HOW}")
    return text.strip()


def signed_in(headers: Headers) -> list[tuple[str, str]]:
    """Return headers with what a person typed into a browser in the form programs send it in.

    Raises:
        UnauthenticatedError: that cannot be read.
    """
    found: list[tuple[str, str]] = []
    for name, value in headers:
        scheme, _, typed = value.strip().partition(" ")
        if name == "authorization" and scheme.lower() == "basic":
            found += _as_sent(typed.strip())
        else:
            found.append((name, value))
    return found


def _as_sent(typed: str) -> list[tuple[str, str]]:
    """Return the headers for a user's name and a password, which may be a secret mistyped."""
    try:
        user, colon, password = b64decode(typed, validate=True).decode().partition(":")
    except ValueError:
        raise UnauthenticatedError(f"the sign-in cannot be read; {_SIGN_IN}") from None
    if not colon or not _is_token(password) or (user and not is_tenant(user)):
        raise UnauthenticatedError(f"this is no sign-in; {_SIGN_IN}")
    tenant = [("x-tenant", user)] if user else []
    return [("authorization", f"Bearer {password}"), *tenant]


def _is_token(text: str) -> bool:
    """Return whether a text can be sent as a key: what a header may carry."""
    return bool(text) and text.isascii() and text.isprintable()


def require(key: Key | None, role: Role) -> None:
    """Refuse a key without a role; where no key is needed, everything is allowed.

    Raises:
        AccessError: the key has not got the role.
    """
    if key is not None and not key.may(role):
        has = ", ".join(sorted(key.roles))
        raise AccessError(
            f"this takes a key with the role {role}, and key {key.id} has {has}; use another key"
        )


def unquoted(text: str) -> str:
    """Return a part of a URL as it was before it was quoted, were it several times."""
    for _ in range(_QUOTED_AGAIN):
        text = unquote_plus(text)
    return text


def refuse_key_in_url(part: bytes) -> None:
    """Refuse a URL that carries a key: URLs are logged and remembered all along their way.

    Args:
        part: its path or its query.

    Raises:
        InvalidInputError: it does, quoted once or again.
    """
    text = unquoted(part.decode("latin-1"))
    if _QUERY_NAMES.search(text) or is_key_like(text):
        raise InvalidInputError(
            "an API key in a URL ends up in logs and histories, so it is refused there; replace "
            f"that key and {_HOW}"
        )
