"""What brings a store back, or to another model: the jobs reindex and reembed, and repairs."""

from __future__ import annotations

import logging
from dataclasses import replace
from threading import Event
from typing import Any, Final, Protocol

from otel_vector.embed.contract import Embedder
from otel_vector.errors import (
    ConfigError,
    InvalidInputError,
    JobCancelledError,
    StoreDamagedError,
)
from otel_vector.jobs.contract import NO_URL, Arguments, Kind
from otel_vector.progress import Progress
from otel_vector.settings.config import DescribeConfig, Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.state.contract import State
from otel_vector.store.contract import Store
from otel_vector.wiring.backends import Backends

__all__ = ["Repairing", "Upkept", "upkeep_kinds"]

_log = logging.getLogger(__name__)

_EVERY_S: Final = 15.0
_REEMBED: Final = frozenset({"model", "facet", "url"})


class Upkept(Protocol):
    """The engine, as its upkeep uses it."""

    settings: Settings
    backends: Backends
    store: Store
    state: State

    def take_embedder(self, embedder: Embedder) -> None:
        """Ask the model from now on that has taken another's place in the store."""
        ...


def upkeep_kinds(engine: Upkept) -> dict[str, Kind]:
    """Return the kinds, by name."""
    return {
        "reindex": Kind(lambda tenant, _, progress: _reindex(engine, tenant, progress)),
        "reembed": Kind(lambda _, arguments, progress: _reembed(engine, arguments, progress),
                        _checked, store_wide=True, urls=("url",)),
    }  # fmt: skip


def _reindex(engine: Upkept, tenant: Tenant | None, progress: Progress) -> Arguments:
    from otel_vector.maintain.describing import describers
    from otel_vector.maintain.reindex import reindex

    describe = describers(engine.settings.describe)
    tenants = None if tenant is None else [tenant]
    done = reindex(engine.store, describe, engine.state, progress, tenants)
    return {"items": done.items, "partitions": done.partitions}


def _reembed(engine: Upkept, arguments: Arguments, progress: Progress) -> Arguments:
    from otel_vector.maintain.reembed import reembed

    config = engine.settings.embed
    url = str(arguments.get("url") or config.url)
    url = "" if url == NO_URL else url
    key = config.api_key if url == config.url or not config.url else ""  # another's is not told
    asked = replace(config, model=str(arguments["model"]), url=url, dimension=0, api_key=key)
    embedder = engine.backends.embedder(asked)
    if embedder is None:
        raise ConfigError("embed.model: `none` gives no vectors; set embed.model to it instead")
    facet = Facet(str(arguments["facet"])) if arguments.get("facet") else None
    done = reembed(engine.store, embedder, facet, progress)
    engine.take_embedder(embedder)
    return {"texts": done.texts, "refused": done.refused, "model": embedder.model}


class Repairing:
    """Makes what is damaged again by itself, in a thread of its own."""

    def __init__(self, store: Store, config: DescribeConfig) -> None:
        """Look after a store; nothing is done before `start`."""
        from otel_vector.ingest.periodic import Periodic

        self._store = store
        self._config = config
        self._stopping = Event()
        self._failed = ""
        advice = "what is damaged stays so; look at the log, and at `otel-vector doctor`"
        self._loop = Periodic("repair", self._run, _EVERY_S, advice)

    def start(self) -> None:
        """Start the thread."""
        self._loop.start()

    def stop(self, deadline_s: float) -> bool:
        """End at the next report; return whether that was in time, in seconds."""
        self._stopping.set()
        return self._loop.stop(deadline_s)

    def _run(self) -> None:
        from otel_vector.maintain.describing import describers
        from otel_vector.maintain.reindex import repair

        try:
            done = repair(self._store, describers(self._config), self._progress)
        except JobCancelledError:
            return
        except StoreDamagedError as error:
            if str(error) != self._failed:  # told once
                self._failed = str(error)
                _log.error("%s", error)
            return
        if done.partitions:
            _log.warning("%d partitions with %d items were made again from their blocks",
                         done.partitions, done.items)  # fmt: skip

    def _progress(self, done: int, total: int | None = None, note: str = "") -> None:
        if self._stopping.is_set():
            raise JobCancelledError(f"the process stops at {done} of {total} ({note})")


def _checked(arguments: Arguments) -> Arguments:
    """Return what `reembed` is told: a model, and a facet and an endpoint if wanted."""
    unknown = set(arguments) - _REEMBED
    texts: dict[str, Any] = {name: arguments.get(name) or "" for name in sorted(_REEMBED)}
    if unknown or not all(isinstance(text, str) for text in texts.values()):
        raise InvalidInputError(f"reembed takes the texts {', '.join(sorted(_REEMBED))}")
    if "@" in texts["url"]:
        raise InvalidInputError(
            "leave the password out of the URL: jobs are kept and shown; set embed.api_key"
        )
    if not texts["model"]:
        raise InvalidInputError("reembed needs the name of a model")
    if texts["facet"] and texts["facet"] not in set(Facet):
        raise InvalidInputError(f"there is no facet {texts['facet']!r}; {', '.join(Facet)}")
    return {name: text for name, text in texts.items() if text}
