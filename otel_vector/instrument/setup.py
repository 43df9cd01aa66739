"""Sets up a process that traces functions: one call at its start."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from otel_vector.errors import ConfigError
from otel_vector.exporter.keywords import settings_of
from otel_vector.exporter.outlet import outlet, release
from otel_vector.exporter.span_processor import VectorSpanProcessor
from otel_vector.instrument.database import Database
from otel_vector.instrument.sampler import RunKindSampler
from otel_vector.settings.config import Settings

__all__ = ["database", "initialize_database"]


class _Known:
    """The database of this process, once there is one.

    Attributes:
        database: where searches ask.
        is_set_up: whether spans go there, and not just searches.
        own: the processor that was made last; None while spans go through one of somebody else.
    """

    def __init__(self) -> None:
        self.turn = threading.RLock()
        self.database: Database | None = None
        self.own: VectorSpanProcessor | None = None
        self.is_set_up = False

    def leave(self) -> None:
        """Flush and close the database, unless somebody else's processor goes on with it."""
        is_elses = self.is_set_up and self.own is None
        if self.database is not None and not is_elses:
            self.database.close()

    def set_up(self, database: Database, own: VectorSpanProcessor | None) -> None:
        """Put a database that spans go to in the place of the one before."""
        self.leave()
        self.database, self.own, self.is_set_up = database, own, True

    def ask(self, database: Database) -> None:
        """Put a database that is but searched in the place of one that is closed."""
        self.database, self.is_set_up = database, False

    def renew(self) -> None:
        """Leave no lock behind that another thread held at the fork."""
        self.turn = threading.RLock()


_known: Final = _Known()
os.register_at_fork(after_in_child=_known.renew)


def initialize_database(**settings: Any) -> Database:
    """Send the spans of this process to the store, and see that the store answers.

    A tracer provider is set up if there is none; one that is there gets a `VectorSpanProcessor`,
    once, however often this is called. With other settings than the call before, the new database
    takes the place of that one, which is flushed and closed; processors of the application stay.

    Args:
        settings: the keywords of `VectorSpanProcessor`: `path="traces"` for a store in this
            process, `endpoint=` and `client_url=` for a collector elsewhere. What is not given is
            read from the environment, `.env` and `otel-vector.toml`.

    Returns:
        The database: `client` is asked by searches, `flush` waits for what was recorded, `close`
        ends both.

    Raises:
        ConfigError: a setting is wrong.
        OtelVectorError: the store does not answer, or cannot be opened; says what to do.
    """
    wanted = settings_of(settings)
    with _known.turn:
        known = _known.database
        is_same = known is not None and not known.is_closed and known.settings == wanted
        if known is not None and is_same and _known.is_set_up:
            known.check()
            return known
        provider = _provider()
        processor = _processor_of(provider, wanted)
        if known is not None and not is_same and _is_same_folder(known.settings, wanted):
            _put(provider, None, _known.own)
            _known.leave()
        made = processor or VectorSpanProcessor(**settings)
        database = Database(wanted, made.outlet, made.shutdown)
        with ExitStack() as undo:
            if processor is None:
                undo.callback(made.shutdown, 0)
            database.check()
            undo.pop_all()
        own = made if processor is None else None
        _put(provider, own, _known.own)
        _install(provider)
        _known.set_up(database, own)
        return database


def database() -> Database:
    """Return the database of this process; that of its settings if none was initialized.

    Raises:
        ConfigError: a setting is wrong.
        OtelVectorError: the store of this process cannot be opened.
    """
    with _known.turn:
        if _known.database is None or _known.database.is_closed:
            settings = settings_of({})
            shared = outlet(settings)
            seconds = settings.exporter.shutdown_s
            found = Database(settings, shared, lambda: release(settings, seconds))
            _known.ask(found)
            return found
        return _known.database


def _provider() -> TracerProvider:
    """Return the SDK's tracer provider of this process, a new one if there is none yet.

    Raises:
        ConfigError: another provider is in its place.
    """
    current = trace.get_tracer_provider()
    if isinstance(current, TracerProvider):
        return current
    if not isinstance(current, trace.ProxyTracerProvider):
        raise ConfigError(
            f"the tracer provider is a {type(current).__qualname__}, which takes no processor; set"
            " OpenTelemetry's SDK up before, or leave it to initialize_database"
        )
    made = TracerProvider()
    made.sampler = RunKindSampler(made.sampler)
    return made


def _install(provider: TracerProvider) -> None:
    if trace.get_tracer_provider() is not provider:
        trace.set_tracer_provider(provider)


def _put(
    provider: TracerProvider, new: VectorSpanProcessor | None, old: VectorSpanProcessor | None
) -> None:
    """Have a provider's spans go to a processor and no more to another, none twice."""
    shared = provider._active_span_processor  # noqa: SLF001 -- nothing else can remove one
    with shared._lock:  # noqa: SLF001
        kept = tuple(one for one in shared._span_processors if one is not old)  # noqa: SLF001
        shared._span_processors = (*kept, *([new] if new else []))  # noqa: SLF001


def _is_same_folder(one: Settings, other: Settings) -> bool:
    """Return whether two settings name one store, which cannot be open twice."""
    if not (one.exporter.path and other.exporter.path):
        return False
    return Path(one.exporter.path).expanduser().resolve() == (
        Path(other.exporter.path).expanduser().resolve()
    )


def _processor_of(provider: TracerProvider, settings: Settings) -> VectorSpanProcessor | None:
    """Return the processor that a provider has for these settings."""
    processors = provider._active_span_processor._span_processors  # noqa: SLF001 -- not shown
    ours = (one for one in processors if isinstance(one, VectorSpanProcessor))
    return next((p for p in ours if p.settings == settings and not p.outlet.is_closed), None)
