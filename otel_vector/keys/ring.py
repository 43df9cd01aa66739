"""The keyring over a state: a picture of all keys in memory, looked at again twice a second.

One read of a few rows tells whether anything changed; requests in between cost one hash. A
picture that cannot be renewed serves for a minute, so that a moment's trouble with the disk
does not turn every sender away; what was disabled meanwhile is late by as much.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from otel_vector.errors import (
    InvalidInputError,
    NotFoundError,
    OtelVectorError,
    StoreUnavailableError,
    UnauthenticatedError,
)
from otel_vector.keys.contract import ALL_TENANTS, Issued, Key, KeyOrder, Role
from otel_vector.keys.rows import (
    NAMESPACE,
    Secret,
    Shelf,
    disabled_row,
    key_row,
    read_rows,
    secret_row,
)
from otel_vector.keys.texts import joined, new_id, new_secret, parted, sealed
from otel_vector.spans.ids import is_tenant
from otel_vector.state.contract import State

__all__ = ["StateKeyring"]

_LOG = logging.getLogger(__name__)
_FRESH_S: Final = 0.5
_STALE_S: Final = 60.0
_NAME_CHARS: Final = 100
_DECOY: Final = sealed(new_secret())
"""Tried where there is no such key, so that a wrong id takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """What was read, when, and when it was last tried again (monotonic seconds)."""

    rows: dict[str, str]
    shelf: Shelf
    read_s: float
    tried_s: float


class StateKeyring:
    """All keys of a data folder, from any thread.

    Args:
        state: where they are kept; stays the caller's to close.
        clock_ns: the time, nanoseconds since the epoch.
    """

    def __init__(self, state: State, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._state = state
        self._clock_ns = clock_ns
        self._lock = threading.Lock()
        self._picture: _Picture | None = None
        self._ever = False

    def create(self, order: KeyOrder) -> Issued:
        """Make a key; its secret is stored first, so that no key is without one."""
        _check(order)
        key = Key(
            id=new_id(),
            name=order.name.strip(),
            roles=order.roles,
            tenants=order.tenants,
            created_ns=self._clock_ns(),
            expires_ns=order.expires_ns,
            limits=order.limits,
        )
        text = self._add_secret(key)
        self._state.set(NAMESPACE, *key_row(key))
        self._forget()
        return Issued(key, text)

    def list(self) -> list[Key]:
        """Return every key there ever was, oldest first, as it is stored now."""
        return list(read_rows(self._state.items(NAMESPACE)).keys.values())

    def rotate(self, key_id: str, grace_s: float) -> Issued:
        """Give a key a new secret; the older ones end after the grace time at the latest."""
        shelf = read_rows(self._state.items(NAMESPACE))
        key, now_ns = _found(shelf, key_id), self._clock_ns()
        if not key.works_at(now_ns):
            raise InvalidInputError(
                f"key {key_id} ({key.name}) is {_end(key)}; make another with "
                "`otel-vector keys create`"
            )
        text = self._add_secret(key)
        until_ns = now_ns + max(1, int(grace_s * 1e9))
        for older in shelf.secrets[key_id]:
            if not older.until_ns or older.until_ns > until_ns:
                self._state.set(NAMESPACE, *secret_row(replace(older, until_ns=until_ns)))
            elif not older.works_at(now_ns):
                self._state.delete(NAMESPACE, secret_row(older)[0])
        self._forget()
        return Issued(replace(key, rotated_ns=now_ns), text)

    def disable(self, key_id: str) -> Key:
        """Refuse a key from now on, for good."""
        key = _found(read_rows(self._state.items(NAMESPACE)), key_id)
        if not key.disabled_ns:
            key = replace(key, disabled_ns=self._clock_ns())
            self._state.set(NAMESPACE, *disabled_row(key_id, key.disabled_ns))
        self._forget()
        return key

    def authenticate(self, text: str) -> Key:
        """Return the key whose text this is."""
        parts = parted(text)
        if parts is None:
            raise UnauthenticatedError("this is no API key; keys look like ov_<id>_<secret>")
        key_id, secret = parts
        shelf, now_ns = self._shelf(), self._clock_ns()
        known = [one for one in shelf.secrets.get(key_id, ()) if one.works_at(now_ns)]
        seals = [one.seal for one in known] or [_DECOY]
        opened = [seal.opens(secret) for seal in seals]
        key = shelf.keys.get(key_id) if known and any(opened) else None
        if key is None:
            raise UnauthenticatedError(
                "the API key is not known here, or was replaced; ask for a new one"
            )
        if not key.works_at(now_ns):
            raise UnauthenticatedError(f"the API key {key_id} is {_end(key)}; ask for a new one")
        return key

    def in_force(self) -> bool:
        """Return whether there ever was a key; once seen, it stays so for this keyring."""
        if self._shelf().keys:
            self._ever = True
        return self._ever

    def _add_secret(self, key: Key) -> str:
        secret = new_secret()
        stored = Secret(key.id, new_id(), sealed(secret), self._clock_ns())
        self._state.set(NAMESPACE, *secret_row(stored))
        return joined(key.id, secret)

    def _forget(self) -> None:
        with self._lock:
            self._picture = None

    def _shelf(self) -> Shelf:
        picture = self._picture
        if picture is not None and time.monotonic() - picture.tried_s < _FRESH_S:
            return picture.shelf
        with self._lock:
            self._picture = self._renewed(self._picture)
            return self._picture.shelf

    def _renewed(self, old: _Picture | None) -> _Picture:
        now_s = time.monotonic()
        if old is not None and now_s - old.tried_s < _FRESH_S:
            return old
        try:
            rows = self._state.items(NAMESPACE)
            same = old is not None and rows == old.rows
            shelf = old.shelf if old is not None and same else read_rows(rows)
        except OtelVectorError as error:
            if old is None or now_s - old.read_s > _STALE_S:
                raise StoreUnavailableError(f"the API keys cannot be read now: {error}") from error
            _LOG.warning("the API keys cannot be read, those of before serve on: %s", error)
            return replace(old, tried_s=now_s)
        return _Picture(rows, shelf, now_s, now_s)


def _found(shelf: Shelf, key_id: str) -> Key:
    if key_id not in shelf.keys:
        raise NotFoundError(
            f"there is no key {key_id[:40]!r}; `otel-vector keys list` tells the ids"
        )
    return shelf.keys[key_id]


def _end(key: Key) -> str:
    return "disabled" if key.disabled_ns else "expired"


def _check(order: KeyOrder) -> None:
    if not order.name.strip() or len(order.name) > _NAME_CHARS or not order.name.isprintable():
        raise InvalidInputError(f"a key's name has 1 to {_NAME_CHARS} printable characters")
    if not order.roles:
        known = ", ".join(Role)
        raise InvalidInputError(f"a key needs a role: {known}")
    wrong = [one for one in order.tenants if one != ALL_TENANTS and not is_tenant(one)]
    if wrong:
        raise InvalidInputError(
            f"{wrong[0][:80]!r} is not a tenant: a-z, 0-9, '_', '.', '-', at most 63 characters"
        )
    if not order.tenants or (ALL_TENANTS in order.tenants and len(order.tenants) > 1):
        raise InvalidInputError("a key is for named tenants, or for '*' alone")
