"""`otel-vector keys`: who may use the folder, in which role, for which tenants.

Works on the folder itself, served or not: a process that serves it knows within a second. A key
is printed once, alone on stdout, or written to a file; nothing takes one as an argument, where
others could read it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from otel_vector_collector.cli.options import AsJson, Config, Data, loaded

if TYPE_CHECKING:
    from otel_vector.keys.contract import Issued, Key, KeyOrder, Keyring

__all__ = ["app"]

app = typer.Typer(help="API keys: who may do what, for which tenants.", no_args_is_help=True)

_Which = Annotated[
    str, typer.Argument(metavar="ID", help="Its id, or its name if no other has it.")
]
_File = Annotated[
    Path | None,
    typer.Option("--file", help="Write the key there, mode 0600, rather than print it."),
]
_ForGroup = Annotated[
    bool, typer.Option("--for-group", help="With --file: let its group read it, mode 0640.")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="For people: who uses it.")],
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="`ingest`, `read` or `admin`; may be repeated."),
    ] = None,
    tenant: Annotated[
        list[str] | None,
        typer.Option("--tenant", help="For whom, `*` for all; may be repeated; else `default`."),
    ] = None,
    expires: Annotated[
        str, typer.Option("--expires", help="When it ends: 12h, 90d, 52w, or a date.")
    ] = "",
    rate: Annotated[
        list[str] | None,
        typer.Option("--rate", help="At most so much a second: spans=500; may be repeated."),
    ] = None,
    file: _File = None,
    for_group: _ForGroup = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once; from the first one on every request needs one.

    A file that holds such a key already is left as it is.
    """
    from otel_vector.keys.contract import KeyOrder
    from otel_vector.spans.ids import Tenant
    from otel_vector_collector.cli.lengths import end_ns

    order = KeyOrder(
        name=name,
        roles=frozenset(map(_role, role or [])),
        tenants=frozenset(map(Tenant, tenant or ["default"])),
        expires_ns=end_ns(expires, time.time_ns()) if expires else 0,
        limits=_limits(rate or []),
    )
    with _ring(data, config) as ring:
        if file is None:
            _tell(ring.create(order), as_json, "made")
        else:
            _filed(ring, order, file, for_group=for_group, as_json=as_json)


@app.command("list")
def list_keys(data: Data = None, config: Config = None, as_json: AsJson = False) -> None:
    """List them all, without their secrets, oldest first."""
    from otel_vector_collector.cli.console import print_json, say, show, table

    with _ring(data, config) as ring:
        found = ring.list()
    if as_json:
        print_json([_facts(key) for key in found])
    elif not found:
        say("no keys: only this machine is answered; make one with `otel-vector keys create`")
    else:
        columns = (("id", "whole"), ("name", "left"), ("roles", "left"), ("tenants", "left"))
        more = (("made", "left"), ("expires", "left"), ("state", "left"))
        show(table((*columns, *more), [_row(key) for key in found]))


@app.command()
def rotate(
    which: _Which,
    grace: Annotated[
        str, typer.Option("--grace", help="How long the old one works still: 0s, 30m, 24h, 7d.")
    ] = "24h",
    file: _File = None,
    for_group: _ForGroup = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, once; the old one works for the grace time."""
    from otel_vector_collector.cli.keyfile import require_own, written
    from otel_vector_collector.cli.lengths import length_s

    how, grace_s = f"new secret; the old one works for another {grace}", length_s(grace)
    with _ring(data, config) as ring:
        key_id = _id_of(ring, which)
        if file is None:
            _tell(ring.rotate(key_id, grace_s), as_json, how)
        else:
            require_own(key_id, file)
            issued = written(file, lambda: ring.rotate(key_id, grace_s), for_group=for_group)
            _tell_file(issued.key, as_json, how, file)


@app.command()
def disable(
    which: _Which,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Refuse a key from now on, for good."""
    from otel_vector_collector.cli.console import print_json, say

    with _ring(data, config) as ring:
        key_id = _id_of(ring, which)
        if not yes:
            typer.confirm(f"refuse key {key_id} from now on, for good?", abort=True, err=True)
        key = ring.disable(key_id)
    if as_json:
        print_json(_facts(key))
    else:
        say(f"key {key.id} ({key.name}) is disabled")


@contextmanager
def _ring(data: Data, config: Config) -> Iterator[Keyring]:
    from otel_vector.keys.audit import AuditLog
    from otel_vector.keys.audited import AuditedKeyring
    from otel_vector.wiring import open_keyring

    settings = loaded(data, config).settings
    with open_keyring(settings) as ring:
        yield AuditedKeyring(ring, AuditLog(settings.data))


def _limits(rates: list[str]) -> Any:
    from otel_vector.keys.contract import KeyLimits

    return KeyLimits(**dict(map(_rate, rates)))


def _rate(text: str) -> tuple[str, float]:
    """Return a limit's name and number from `spans=500`, `bytes=2MiB` and the like."""
    from otel_vector.settings.schema import entries
    from otel_vector.settings.values import read

    name, _, number = text.partition("=")
    entry = entries().get(f"limits.{name}_per_s")
    try:
        value = float(read(entry, number)) if entry else 0.0
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}: {error}", param_hint="--rate") from error
    if value <= 0:
        known = "spans=N, bytes=N, requests=N or questions=N, above 0"
        raise typer.BadParameter(f"{text!r} is not {known}", param_hint="--rate")
    return f"{name}_per_s", value


def _role(text: str) -> Any:
    from otel_vector.keys.contract import Role

    if text not in set(Role):
        raise typer.BadParameter(f"{text!r} is none of {', '.join(Role)}", param_hint="--role")
    return Role(text)


def _id_of(ring: Keyring, which: str) -> str:
    """Return the id that is meant: itself, or that of the only key so named that still works."""
    from otel_vector.errors import InvalidInputError

    keys, now_ns = ring.list(), time.time_ns()
    if any(key.id == which for key in keys):
        return which
    named = [key for key in keys if key.name == which and key.works_at(now_ns)]
    if len(named) > 1:
        ids = ", ".join(key.id for key in named)
        raise InvalidInputError(f"several keys are called {which!r}: say which of {ids}")
    return named[0].id if named else which


def _filed(ring: Keyring, order: KeyOrder, file: Path, *, for_group: bool, as_json: bool) -> None:
    """See to it that a file holds such a key; what holds one already is left as it is."""
    from otel_vector_collector.cli.keyfile import held, require_same, written

    key, how = held(ring, file), "in force; left as it is"
    if key is None:
        key, how = written(file, lambda: ring.create(order), for_group=for_group).key, "made"
    else:
        require_same(key, order, file)
    _tell_file(key, as_json, how, file)


def _tell_file(key: Key, as_json: bool, how: str, file: Path) -> None:
    from otel_vector_collector.cli.console import print_json, say

    if as_json:
        print_json(_facts(key) | {"file": str(file)})
    else:
        say(f"key {key.id} ({key.name}) in {file}: {how}")


def _tell(issued: Issued, as_json: bool, how: str) -> None:
    from otel_vector_collector.cli.console import print_json, say

    if as_json:
        print_json(_facts(issued.key) | {"key": issued.text})
        return
    say(f"key {issued.key.id} ({issued.key.name}), {how}; this is shown once:")
    print(issued.text)


def _facts(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "roles": sorted(key.roles),
        "tenants": sorted(key.tenants),
        "created_unix_nano": str(key.created_ns),
        "expires_unix_nano": str(key.expires_ns) if key.expires_ns else None,
        "rotated_unix_nano": str(key.rotated_ns) if key.rotated_ns else None,
        "disabled_unix_nano": str(key.disabled_ns) if key.disabled_ns else None,
        "state": _state(key),
    }


def _row(key: Key) -> tuple[object, ...]:
    from otel_vector_collector.units import ago, moment

    ends = moment(key.expires_ns)[:16] or "never"
    roles, tenants = ", ".join(sorted(key.roles)), ", ".join(sorted(key.tenants))
    return (key.id, key.name, roles, tenants, ago(key.created_ns), ends, _state(key))


def _state(key: Key) -> str:
    if key.disabled_ns:
        return "disabled"
    return "in force" if key.works_at(time.time_ns()) else "expired"
