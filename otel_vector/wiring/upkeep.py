"""Kinds of jobs that bring a store back, or to another model: reindex, repair, reembed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from otel_vector.errors import ConfigError, InvalidInputError
from otel_vector.jobs.contract import Arguments, Kind, Schedule
from otel_vector.progress import Progress
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet

if TYPE_CHECKING:
    from otel_vector.wiring.engine import Engine

__all__ = ["REPAIRS", "upkeep_kinds"]

REPAIRS: Final = Schedule("repair", every_s=15.0)
"""What is damaged is made again by itself."""

_REEMBED: Final = frozenset({"model", "facet", "url"})


def upkeep_kinds(engine: Engine) -> dict[str, Kind]:
    """Return the kinds, by name."""
    return {
        "reindex": Kind(lambda tenant, _, progress: _reindex(engine, tenant, progress)),
        "repair": Kind(lambda _tenant, _arguments, progress: _repair(engine, progress),
                       store_wide=True),
        "reembed": Kind(lambda _, arguments, progress: _reembed(engine, arguments, progress),
                        _checked, store_wide=True),
    }  # fmt: skip


def _reindex(engine: Engine, tenant: Tenant | None, progress: Progress) -> Arguments:
    from otel_vector.maintain.describing import describers
    from otel_vector.maintain.reindex import reindex

    describe = describers(engine.settings.describe)
    tenants = None if tenant is None else [tenant]
    done = reindex(engine.store, describe, engine.state, progress, tenants)
    return {"items": done.items, "partitions": done.partitions}


def _repair(engine: Engine, progress: Progress) -> Arguments:
    from otel_vector.maintain.describing import describers
    from otel_vector.maintain.reindex import repair

    done = repair(engine.store, describers(engine.settings.describe), progress)
    return {"items": done.items, "partitions": done.partitions}


def _reembed(engine: Engine, arguments: Arguments, progress: Progress) -> Arguments:
    from otel_vector.maintain.reembed import reembed

    config = engine.settings.embed
    url = str(arguments.get("url") or config.url)
    asked = replace(config, model=str(arguments["model"]), url=url, dimension=0)
    embedder = engine.backends.embedder(asked)
    if embedder is None:
        raise ConfigError("embed.model: `none` gives no vectors; set embed.model to it instead")
    facet = Facet(str(arguments["facet"])) if arguments.get("facet") else None
    done = reembed(engine.store, embedder, facet, progress)
    engine.take_embedder(embedder)
    return {"texts": done.texts, "refused": done.refused, "model": embedder.model}


def _checked(arguments: Arguments) -> Arguments:
    """Return what `reembed` is told: a model, and a facet and an endpoint if wanted."""
    unknown = set(arguments) - _REEMBED
    texts: dict[str, Any] = {name: arguments.get(name) or "" for name in sorted(_REEMBED)}
    if unknown or not all(isinstance(text, str) for text in texts.values()):
        raise InvalidInputError(f"reembed takes the texts {', '.join(sorted(_REEMBED))}")
    if not texts["model"]:
        raise InvalidInputError("reembed needs the name of a model")
    if texts["facet"] and texts["facet"] not in set(Facet):
        raise InvalidInputError(f"there is no facet {texts['facet']!r}; {', '.join(Facet)}")
    return {name: text for name, text in texts.items() if text}
