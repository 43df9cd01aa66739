"""The store's header: what wrote it, and which embedding model its vectors are of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from otel_vector.errors import ModelMismatchError, StoreDamagedError, StoreVersionError

__all__ = ["SCHEMA", "bind"]

SCHEMA: Final = 1
"""Version of the store's layout and of the rules that ids depend on."""

_KINDS: Final = {"schema": int, "model": str, "dimension": int, "indexed": list}


def bind(path: Path, model: str, dimension: int, indexed: tuple[str, ...]) -> frozenset[str]:
    """Read or write the header; return the attributes that every point is keyed by.

    A store that was made without a model takes the first one it is opened with. An attribute
    counts as indexed only if it was so from the store's beginning: older points lack its key.

    Raises:
        StoreDamagedError: the header cannot be read.
        StoreVersionError: a newer version wrote the store.
        ModelMismatchError: the store holds vectors of another model.
    """
    header = _read(path)
    if header is None:
        header = {"schema": SCHEMA, "model": "", "dimension": 0, "indexed": list(indexed)}
    _check(path, header, model, dimension)
    kept = [name for name in header["indexed"] if name in indexed]
    current = header | {"indexed": kept}
    if dimension:
        current |= {"model": model, "dimension": dimension}
    if current != header or not path.exists():
        _write(path, current)
    return frozenset(kept)


def _check(path: Path, header: Mapping[str, Any], model: str, dimension: int) -> None:
    if header["schema"] > SCHEMA:
        raise StoreVersionError(
            f"the store {path.parent} has schema {header['schema']}, this version reads up to"
            f" {SCHEMA}; install the version of otel-vector that wrote it, or a newer one"
        )
    known = (header["model"], header["dimension"])
    if dimension and header["dimension"] and known != (model, dimension):
        raise ModelMismatchError(
            f"the store {path.parent} holds vectors of {known[0]} (dimension {known[1]}), not of"
            f" {model} (dimension {dimension}); set embed.model to {known[0]}, or import its"
            " export into a new data folder"
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        header = orjson.loads(path.read_bytes())
        kinds = [(name, type(header[name])) for name in _KINDS]
    except FileNotFoundError:
        return None
    except (LookupError, TypeError, ValueError) as fault:
        raise _damaged(path) from fault
    if kinds != list(_KINDS.items()):
        raise _damaged(path)
    return dict(header)


def _damaged(path: Path) -> StoreDamagedError:
    return StoreDamagedError(f"{path} cannot be read; restore it from a backup")


def _write(path: Path, header: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(orjson.dumps(header))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
