"""Keys as rows of a state, in one namespace so that one read gives a picture of one moment.

::

    key/<id>                what the key is, written once
    secret/<id>/<number>    salt and digest of one of its secrets, and until when it works
    disabled/<id>           when the key was disabled; never removed

No row is read, changed and written back but a secret's end: two processes that rotate and
disable one key at the same time undo nothing of each other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

import orjson

from otel_vector.errors import StoreDamagedError
from otel_vector.keys.contract import Key, KeyLimits, Role
from otel_vector.keys.texts import Sealed
from otel_vector.spans.ids import Tenant

__all__ = [
    "NAMESPACE",
    "Secret",
    "Shelf",
    "disabled_row",
    "key_row",
    "read_rows",
    "secret_row",
]

NAMESPACE: Final = "keys"

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret of a key.

    Attributes:
        key_id: whose it is.
        number: random, tells the secrets of one key apart.
        seal: what is kept of it.
        created_ns: when it was made.
        until_ns: when it ends because another took its place; 0 while none did.
    """

    key_id: str
    number: str
    seal: Sealed
    created_ns: int
    until_ns: int = 0

    def works_at(self, now_ns: int) -> bool:
        """Return whether it has not ended."""
        return not self.until_ns or now_ns < self.until_ns


@dataclass(frozen=True, slots=True)
class Shelf:
    """All keys by id, oldest first, and the secrets of each."""

    keys: Mapping[str, Key]
    secrets: Mapping[str, tuple[Secret, ...]]


def key_row(key: Key) -> Row:
    """Return the row that says what a key is."""
    value = {
        "name": key.name,
        "roles": sorted(key.roles),
        "tenants": sorted(key.tenants),
        "created_ns": key.created_ns,
        "expires_ns": key.expires_ns,
        "limits": asdict(key.limits),
    }
    return f"key/{key.id}", orjson.dumps(value).decode()


def secret_row(secret: Secret) -> Row:
    """Return the row of one secret."""
    value = {
        "salt": secret.seal.salt.hex(),
        "digest": secret.seal.digest.hex(),
        "created_ns": secret.created_ns,
        "until_ns": secret.until_ns,
    }
    return f"secret/{secret.key_id}/{secret.number}", orjson.dumps(value).decode()


def disabled_row(key_id: str, now_ns: int) -> Row:
    """Return the row that ends a key."""
    return f"disabled/{key_id}", str(now_ns)


def read_rows(rows: Mapping[str, str]) -> Shelf:
    """Return the keys of a state.

    Raises:
        StoreDamagedError: a row is none of ours.
    """
    try:
        return _read(rows)
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamagedError(
            "the API keys of the data folder cannot be read; restore state.db from a backup"
        ) from error


def _read(rows: Mapping[str, str]) -> Shelf:
    split = [(name.split("/"), value) for name, value in rows.items()]
    secrets: dict[str, tuple[Secret, ...]] = {}
    for path, value in split:
        if path[0] == "secret":
            secrets[path[1]] = (*secrets.get(path[1], ()), _secret(path, orjson.loads(value)))
    ended = {path[1]: int(value) for path, value in split if path[0] == "disabled"}
    keys = [_key(path[1], orjson.loads(value)) for path, value in split if path[0] == "key"]
    finished = [
        replace(
            key, disabled_ns=ended.get(key.id, 0), rotated_ns=_rotated_ns(secrets.get(key.id, ()))
        )
        for key in keys
    ]
    ordered = sorted(finished, key=lambda key: (key.created_ns, key.id))
    return Shelf({key.id: key for key in ordered}, secrets)


def _secret(path: list[str], value: dict[str, Any]) -> Secret:
    seal = Sealed(bytes.fromhex(value["salt"]), bytes.fromhex(value["digest"]))
    return Secret(path[1], path[2], seal, int(value["created_ns"]), int(value["until_ns"]))


def _key(key_id: str, value: dict[str, Any]) -> Key:
    known = {entry.name for entry in fields(KeyLimits)}
    limits = {name: number for name, number in value["limits"].items() if name in known}
    return Key(
        id=key_id,
        name=str(value["name"]),
        roles=frozenset(map(Role, value["roles"])),
        tenants=frozenset(map(Tenant, value["tenants"])),
        created_ns=int(value["created_ns"]),
        expires_ns=int(value["expires_ns"]),
        limits=KeyLimits(**limits),
    )


def _rotated_ns(secrets: Iterable[Secret]) -> int:
    times = sorted(secret.created_ns for secret in secrets)
    return times[-1] if len(times) > 1 else 0
