"""The kinds of jobs of an engine, and the runner over its state."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from otel_vector.errors import InvalidInputError, StoreVersionError, UnsupportedError
from otel_vector.jobs.contract import Arguments, Kind
from otel_vector.jobs.kept import KeptJobs
from otel_vector.jobs.runner import Runner
from otel_vector.maintain.backup import Contents, Part, make_backup, read_manifest
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector.wiring.acts import kinds_recorded
from otel_vector.wiring.migration import MIGRATE, migrate_kind
from otel_vector.wiring.sealing import SEAL, seal_kind
from otel_vector.wiring.upkeep import Upkept, upkeep_kinds

__all__ = ["build_jobs", "copy_database", "require_readable"]

_TARGET: Final = "target"


def build_jobs(engine: Upkept) -> Runner:
    """Return the runner of an engine's jobs, which is started by whoever starts the engine."""
    kinds = upkeep_kinds(engine) | {
        SEAL: seal_kind(engine.store, engine.settings.store),
        MIGRATE: migrate_kind(engine),
        "import": Kind(_import_ended, lambda arguments: arguments, lane="import"),
        "backup": Kind(
            lambda _, arguments, progress: _backup(engine, arguments, progress),
            lambda arguments: _checked(engine, arguments),
            store_wide=True,
            paths=(_TARGET,),
        ),
    }
    return Runner(KeptJobs(engine.state), kinds_recorded(kinds, engine.settings.data))


def _import_ended(_: Tenant | None, arguments: Arguments, progress: Progress) -> Arguments:
    """End an import whose command is gone; while it lives, the command itself does it."""
    progress(0)
    raise InvalidInputError(
        f"imports are done by the command: otel-vector import {arguments.get('file', 'FILE')}; "
        "one that was ended goes on where it was"
    )


def _backup(engine: Upkept, arguments: Arguments, progress: Progress) -> Arguments:
    data = engine.settings.data
    parts = (
        Part("state", _files_of(data, "state.db", "redact.key", *_acts_of(data))),
        Part("inbox", _files_of(data / "inbox", "inbox.db")),
        Part("store", engine.store.snapshot),
    )
    contents = Contents(data, parts, lambda: _facts(engine))
    made = make_backup(contents, Path(str(arguments[_TARGET])), progress)
    return {"folder": str(made)}


def _facts(engine: Upkept) -> dict[str, Any]:
    from otel_vector.store.edge.header import SCHEMA

    sizes = {str(name): engine.store.tenant(name).size() for name in engine.store.tenants()}
    return {
        "schema": SCHEMA,
        "program": version("otel-vector"),
        "model": getattr(engine.store.models.default, "name", ""),
        "tenants": {name: {"spans": one.spans, "logs": one.logs} for name, one in sizes.items()},
    }


def _acts_of(data: Path) -> list[str]:
    """Return the audit log's files, its head first: a log that is longer than it says is sound."""
    return [name for name in ("audit.head", "audit.jsonl") if (data / name).exists()]


def _files_of(source: Path, *names: str) -> Callable[[Path, Progress], None]:
    """Return what copies files of a folder: databases by SQLite, others as they are."""

    def copy(target: Path, progress: Progress) -> None:
        for number, name in enumerate(names, 1):
            if name.endswith(".db"):
                copy_database(source / name, target / name)
            else:
                _copy_plain(source / name, target / name)
            progress(number, len(names), f"copied {name}")

    return copy


def require_readable(backup: Path) -> None:
    """Refuse a backup whose store this version cannot read.

    Raises:
        StoreVersionError: a newer version's schema.
    """
    from otel_vector.store.edge.header import SCHEMA

    schema = read_manifest(backup).get("schema", 0)
    if isinstance(schema, int) and schema > SCHEMA:
        raise StoreVersionError(
            f"the backup {backup} has a store of schema {schema}, this version reads up to "
            f"{SCHEMA}; restore it with the version of otel-vector that made it, or a newer one"
        )


def copy_database(source: Path, target: Path) -> None:
    """Copy one SQLite file as it is at one moment, whoever writes to it."""
    target.touch(mode=0o600, exist_ok=False)
    uri = f"{source.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True)) as read, closing(sqlite3.connect(target)) as to:
        read.backup(to)
        to.execute("PRAGMA journal_mode=DELETE")


def _copy_plain(source: Path, target: Path) -> None:
    target.touch(mode=0o600, exist_ok=False)
    target.write_bytes(source.read_bytes())


def _checked(engine: Upkept, arguments: Arguments) -> Arguments:
    """Return what `backup` is told: an absolute path of a folder on the store's machine.

    Raises:
        InvalidInputError: it is told something else.
        UnsupportedError: the store cannot copy itself.
    """
    if not engine.store.capabilities.snapshots:
        raise UnsupportedError(
            "a backup copies what lies in the data folder, and this store does not: make "
            "snapshots of its collections with the server's own tools (docs/operate/server.md)"
        )
    target = arguments.get(_TARGET)
    if set(arguments) != {_TARGET} or not isinstance(target, str):
        raise InvalidInputError("backup takes a target: the path of a folder")
    if not Path(target).is_absolute():
        raise InvalidInputError(f"the target {target!r} is no absolute path")
    return {_TARGET: target}
