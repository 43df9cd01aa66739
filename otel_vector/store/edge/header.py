"""The store's header: what wrote it, and which embedding models its vectors are of.

::

    schema             version of the layout
    recipe             by which everything in it was described; 0 if nobody has said so
    model, dimension   of all facets that have no model of their own; "" and 0 without one
    facets             facet → [model, dimension]
    coming             null, or [facet or "", model, dimension]: being filled in
    slots              model → the name its vectors have in the shards of meanings
    leaving            names of vectors that are to be removed
    indexed            key fields that every point has been given
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import orjson

from otel_vector.errors import ModelMismatchError, StoreDamagedError, StoreVersionError
from otel_vector.spans.meanings import Facet
from otel_vector.store.edge.durable import rename_durably
from otel_vector.store.edge.faults import translated
from otel_vector.store.models import Coming, Model, Models

__all__ = ["SCHEMA", "Header", "bind", "header_schema", "raise_schema", "read_header",
           "write_header"]  # fmt: skip

SCHEMA: Final = 2
"""Version of the store's layout and of the rules that ids depend on."""

_FIRST_SLOT: Final = "dense"
_KINDS: Final = {"schema": int, "model": str, "dimension": int, "indexed": list}


@dataclass(frozen=True, slots=True)
class Header:
    """What `store.json` says; see the module."""

    models: Models
    indexed: tuple[str, ...] = ()
    recipe: int = 0
    slots: Mapping[str, str] = field(default_factory=dict)
    leaving: tuple[str, ...] = ()

    def with_models(self, models: Models) -> Header:
        """Return the header for other models: each gets a slot, those of no model leave."""
        wanted = [model.name for model in models.all()]
        slots = {name: slot for name, slot in self.slots.items() if name in wanted}
        taken = {*self.slots.values(), *self.leaving}
        for name in wanted:
            if name not in slots:
                slots[name] = _free_slot(taken)
                taken.add(slots[name])
        gone = [slot for slot in self.slots.values() if slot not in slots.values()]
        leaving = tuple(dict.fromkeys((*self.leaving, *gone)))
        return replace(self, models=models, slots=slots, leaving=leaving)


def _free_slot(taken: set[str]) -> str:
    number, slot = 1, _FIRST_SLOT
    while slot in taken:
        number += 1
        slot = f"{_FIRST_SLOT}-{number}"
    return slot


def bind(path: Path, wanted: Models, indexed: tuple[str, ...]) -> Header:
    """Read or write the header; return it as it holds for this process.

    A store that was made without a model takes the first one it is opened with; opened
    without one, it keeps its own and answers by none. A facet for which no model is named keeps
    the one it has. An attribute counts as indexed only if it was so from the store's beginning:
    older points lack its key.

    Raises:
        StoreDamagedError: the header cannot be read, or is missing beside what it belongs to.
        StoreVersionError: a newer version wrote the store.
        ModelMismatchError: the store holds vectors of another model.
    """
    header = read_header(path)
    if header is None and any((path.parent / "tenants").glob("*/")):
        raise StoreDamagedError(
            f"{path} is missing beside what belongs to it; restore it from a backup"
        )
    found = header or Header(Models(), indexed)
    if wanted.default is not None:
        _check(path, found.models, wanted)
    kept = tuple(name for name in found.indexed if name in indexed)
    current = replace(found, indexed=kept)
    if wanted.default is not None and found.models.default is None:
        current = current.with_models(replace(wanted, coming=found.models.coming))
    if current != header:
        write_header(path, current)
    return current if wanted.default is not None else replace(current, models=Models())


def _check(path: Path, known: Models, wanted: Models) -> None:
    """Compare what is asked for with what there is; what is not named is not asked for."""
    if known.default is None:
        return
    pairs: list[tuple[str, Model | None, Model | None]] = [("", known.default, wanted.default)]
    pairs += [(f, known.of(f), model) for f, model in wanted.facets.items()]
    for facet, has, asked in pairs:
        if has is not None and asked is not None and has != asked:
            raise _mismatch(path, facet, has, asked)


def _mismatch(path: Path, facet: str, has: Model, asked: Model) -> ModelMismatchError:
    setting = f"embed.facets.{facet}" if facet else "embed.model"
    option = f" --facet {facet}" if facet else ""
    whose = f" for {facet}" if facet else ""
    return ModelMismatchError(
        f"the store {path.parent} holds vectors of {has.name} (dimension {has.dimension}){whose},"
        f" not of {asked.name} (dimension {asked.dimension}); set {setting} to {has.name}, or"
        f" change the model: otel-vector reembed --model {asked.name}{option}"
    )


def header_schema(path: Path) -> int | None:
    """Return the version of a header; None if there is none.

    Raises:
        StoreDamagedError: it cannot be read.
    """
    raw = _raw(path)
    return None if raw is None else int(raw["schema"])


def raise_schema(path: Path, schema: int) -> None:
    """Note durably that everything beside the header is of a version."""
    _write(path, {**(_raw(path) or {}), "schema": schema})


def read_header(path: Path) -> Header | None:
    """Return the header; None if there is none.

    Raises:
        StoreDamagedError: it cannot be read.
        StoreVersionError: a newer version wrote it.
    """
    raw = _raw(path)
    if raw is None:
        return None
    if raw["schema"] > SCHEMA:
        raise StoreVersionError(
            f"the store {path.parent} has schema {raw['schema']}, this version reads up to"
            f" {SCHEMA}; install the version of otel-vector that wrote it, or a newer one"
        )
    try:
        return _header(raw)
    except (LookupError, TypeError, ValueError) as fault:
        raise _damaged(path) from fault


def _header(raw: Mapping[str, Any]) -> Header:
    default = Model(raw["model"], raw["dimension"]) if raw["dimension"] else None
    facets = {Facet(f): Model(name, size) for f, (name, size) in raw.get("facets", {}).items()}
    coming = None
    if raw.get("coming"):
        facet, name, size = raw["coming"]
        coming = Coming(Model(name, size), Facet(facet) if facet else None)
    first = {default.name: _FIRST_SLOT} if default else {}
    return Header(
        Models(default, facets, coming),
        tuple(raw["indexed"]),
        int(raw.get("recipe", 1)),
        dict(raw.get("slots", first)),
        tuple(raw.get("leaving", ())),
    )


def write_header(path: Path, header: Header) -> None:
    """Write the header durably, whole or not at all."""
    models = header.models
    coming = models.coming
    _write(
        path,
        {
            "schema": SCHEMA,
            "recipe": header.recipe,
            "model": models.default.name if models.default else "",
            "dimension": models.default.dimension if models.default else 0,
            "facets": {str(f): [m.name, m.dimension] for f, m in models.facets.items()},
            "coming": [coming.facet or "", coming.model.name, coming.model.dimension]
            if coming
            else None,
            "slots": dict(header.slots),
            "leaving": list(header.leaving),
            "indexed": list(header.indexed),
        },
    )


def _raw(path: Path) -> dict[str, Any] | None:
    try:
        raw = orjson.loads(path.read_bytes())
        kinds = [(name, type(raw[name])) for name in _KINDS]
    except FileNotFoundError:
        return None
    except (LookupError, TypeError, ValueError) as fault:
        raise _damaged(path) from fault
    if kinds != list(_KINDS.items()):
        raise _damaged(path)
    return dict(raw)


def _damaged(path: Path) -> StoreDamagedError:
    return StoreDamagedError(f"{path} cannot be read; restore it from a backup")


def _write(path: Path, content: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".new")
    with translated(f"writing {path}"):
        with temporary.open("wb") as file:
            file.write(orjson.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        rename_durably(temporary, path)
