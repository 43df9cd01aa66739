"""The engine: everything between the inbox and the answers, in one process.

The data folder::

    DATA/              mode 0700
      inbox/           requests that wait, and dead letters
      state.db         progress of imports; API keys, hashed
      redact.key       makes redaction markers comparable within this folder only; mode 0600
      audit.jsonl      administrative acts, and audit.head, where they end; mode 0600
      usage.db         what was used of rates and quotas, between door processes
      store/           blocks, points and meanings, a folder per tenant
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from otel_vector.embed.contract import Embedder
from otel_vector.embed.several import Embedders
from otel_vector.events.local import LocalEvents
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.keys import attribute_field
from otel_vector.state.contract import State
from otel_vector.state.folder import make_folder, once_made_key
from otel_vector.store.contract import Store
from otel_vector.store.timely import Timely
from otel_vector.telemetry import PartHealth, Telemetry
from otel_vector.wiring.backends import (
    NO_MODEL,
    Backends,
    EngineInbox,
    open_inbox,
    open_state,
    require_engine,
)
from otel_vector.wiring.gauges import observe_inbox
from otel_vector.wiring.health import StoreHealth
from otel_vector.wiring.jobs import build_jobs
from otel_vector.wiring.models import stored_models, use_models
from otel_vector.wiring.sealing import seal_schedules
from otel_vector.wiring.upkeep import Repairing

if TYPE_CHECKING:
    from otel_vector.ingest.embedding import EmbedLoop
    from otel_vector.ingest.worker import Worker
    from otel_vector.redact.redactor import Redactor
    from otel_vector.services.container import Services
    from otel_vector.services.stats import Retained

__all__ = ["Backlog", "Engine"]

_POLL_S = 0.05
_GAUGE_WAIT_S = 3.0
_STOP_S = 30.0  # how long `close` waits for the delivery and the text in hand

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is accepted and not yet findable: requests, their bytes, texts without a vector."""

    requests: int
    bytes: int
    texts: int


class Engine:
    """Everything between the inbox and the answers, in one process.

    `open` builds it, `start` sets the worker and the embedding loop going, `close` stops them
    and makes what was stored durable. Services answer from `open` to `close`.
    """

    settings: Settings
    backends: Backends
    store: Store
    inbox: EngineInbox
    embedder: Embedder | None
    events: LocalEvents
    telemetry: Telemetry
    state: State
    services: Services

    def __init__(self, settings: Settings, backends: Backends, opened: ExitStack) -> None:
        """Build the parts; what has to be closed again is left in `opened`."""
        self.settings = settings
        self.telemetry = Telemetry()
        self.backends = backends
        self._open_store_and_models(opened)
        self.inbox = open_inbox(settings, backends)
        opened.callback(self.inbox.close)
        self.state = open_state(settings, backends)
        opened.callback(self.state.close)
        self.events = LocalEvents()
        opened.callback(self.events.close)
        self._opened = opened
        self._build_ingest()
        self._build_services()
        self.jobs = build_jobs(self)
        self._observe()

    @classmethod
    def open(cls, settings: Settings, backends: Backends | None = None) -> Engine:
        """Open the data folder, making it if it is not there, and build everything.

        Raises:
            ConfigError: a setting is wrong, a library is missing, or the folder cannot be written.
            EmbedderUnavailableError: the model cannot be loaded, or its endpoint not asked.
            ModelMismatchError: the store holds vectors of another model.
            StorageFullError: the disk is full.
            StoreDamagedError: a stored file cannot be read.
            StoreLockedError: another process has the folder open.
            StoreVersionError: a newer version wrote it.
        """
        require_engine()
        make_folder(settings.data)
        with ExitStack() as opened:
            engine = cls(settings, backends or Backends(), opened)
            engine._opened = opened.pop_all()
            return engine

    def start(self) -> None:
        """Take up what a process that is gone had in hand, and begin to work."""
        self.inbox.recover()
        self._worker.start()
        if self._embedding is not None:
            self._embedding.start()
        if self._retaining is not None:
            self._retaining.start()
        self._repairing.start()
        self.jobs.start(seal_schedules(self.settings.store))
        self._started = True

    def backlog(self) -> Backlog:
        """Return what is accepted and not yet stored, or stored and not yet embedded."""
        waiting = self.inbox.state()
        return Backlog(waiting.pending, waiting.bytes, self._pending_texts())

    def wait_stored(self, deadline_s: float) -> bool:
        """Wait until the inbox is empty; return whether it was in time.

        What was in it is then durable in the store or set aside as dead letters.
        """
        return self._wait(deadline_s, self._is_stored)

    def drain(self, deadline_s: float) -> bool:
        """Wait until the inbox is empty and all texts have vectors, or for the deadline."""
        return self._wait(deadline_s, self._is_drained)

    def health(self) -> list[PartHealth]:
        """Return how each part is doing."""
        none = PartHealth("embedding", ok=True, detail="no model is set; words and filters only")
        return [
            self._inbox_health(),
            self._worker.health(),
            self._store_health.part(),
            self._embedding.health() if self._embedding is not None else none,
            *([self._retaining.health()] if self._retaining is not None else []),
            self._disk_health(),
        ]

    def close(self) -> None:
        """Stop the loops, checkpoint, ack what is stored, and release the folder.

        What is not stored yet waits in the inbox for the next start.
        """
        stopped = not self._started or self._stop_loops()
        if not stopped:
            _log.error("a loop did not stop in %.0f s; what it holds is stored again", _STOP_S)
            return
        self._started = False
        self._opened.close()

    def _open_store_and_models(self, opened: ExitStack) -> None:
        """Open the store with the models that settings name, else with those it has."""
        from otel_vector.describe.recipe import RECIPE

        config, folder = self.settings.embed, self.settings.data / "store"
        if not config.model:
            stored = stored_models(folder, self.settings.store).default
            config = replace(config, model=stored.name) if stored is not None else config
        self.embedder = default = self.backends.embedder(config)
        close = getattr(default, "close", None)
        if close is not None:
            opened.callback(close)
        self.store = self._opened_store(self.backends)
        opened.callback(self.store.close)
        self._store_health = StoreHealth(self.store)
        self.embedder = use_models(self.store, default, config, self.backends, opened)
        if not self.store.recipe:
            self.store.described(RECIPE)

    def take_embedder(self, embedder: Embedder) -> None:
        """Ask the model from now on that has taken another's place in the store."""
        close = getattr(embedder, "close", None)
        if close is not None:
            self._opened.callback(close)
        if isinstance(self.embedder, Embedders):
            made = {one.model: one for one in (*self.embedder.all(), embedder)}
            self.embedder.take([made[model.name] for model in self.store.models.current()])
        self._sink.arrived.set()

    def _opened_store(self, backends: Backends) -> Store:
        folder = self.settings.data / "store"
        make_folder(folder)
        model = self.embedder.model if self.embedder else NO_MODEL
        dimension = self.embedder.dimension if self.embedder else 0
        indexed = tuple(map(attribute_field, self.settings.describe.index_attributes))
        return backends.store(folder, self.settings.store, model, dimension, indexed)

    def _build_ingest(self) -> None:
        from otel_vector.ingest.aging import Aging
        from otel_vector.ingest.embedding import EmbedLoop
        from otel_vector.ingest.periodic import Periodic
        from otel_vector.ingest.pipeline import Pipeline
        from otel_vector.ingest.sink import Sink
        from otel_vector.ingest.stages import Stages
        from otel_vector.ingest.worker import Worker
        from otel_vector.maintain.retain import Retention
        from otel_vector.wiring.acts import drops_recorded

        settings, stages = self.settings, Stages(self.telemetry)
        limit_bytes = settings.inbox.max_request_bytes
        self._retention = Retention(
            self.store, settings.retention, told=drops_recorded(settings.data)
        )
        self._aging = Aging(self._retention.oldest_ns, self.telemetry)
        sink = self._sink = Sink(self.store, self.events, stages, self._aging.kept)
        self._pipeline = Pipeline(self._redactor(), settings.describe, stages, limit_bytes)
        self._worker: Worker = Worker(self.inbox, self._pipeline, sink, settings.ingest, stages)
        self._embedding: EmbedLoop | None = None
        if self.embedder is not None:
            self._embedding = EmbedLoop(self.store, self.embedder, sink, self.telemetry)
        self._repairing = Repairing(self.store, settings.describe)
        self._retaining: Periodic | None = None
        if self._retention.is_on:
            every_s, advice = settings.retention.every_s, "nothing is dropped; look at the disk"
            self._retaining = Periodic("retention", self._retention.run, every_s, advice)
        self._started = False

    def _build_services(self) -> None:
        from otel_vector.ingest.recording import SelfRecorder
        from otel_vector.services.container import Beside, build_services
        from otel_vector.services.stats import Observed

        self._recorder = SelfRecorder(self.inbox, self.telemetry)
        beside = Beside(
            redact=_one_at_a_time(self._redactor().text),
            passage_chars=self.settings.describe.passage_chars,
            arrived=self._sink.arrived.set,
            observed=Observed(self.inbox.state, self._rejected, self._retained),
            recorder=self._recorder,
        )
        self.services = build_services(
            self.store, self.embedder, self.events, self.settings.search, beside
        )

    def _redactor(self) -> Redactor:
        from otel_vector.redact.redactor import Redactor

        key = once_made_key(self.settings.data / "redact.key")
        return Redactor(self.settings.redact, key)

    def _observe(self) -> None:
        observe_inbox(self.telemetry, self.inbox, self.settings.inbox)
        gauge = self.telemetry.gauge
        pending = Timely(self._pending_texts, _GAUGE_WAIT_S)
        gauge("otel_vector_meanings_pending", "texts without a vector", pending)
        gauge("otel_vector_disk_free_bytes", "free disk of the data folder", self._free_bytes)
        gauge(
            "otel_vector_ingest_checkpoint_age_seconds",
            "seconds since the last checkpoint",
            self._worker.checkpoint_age_s,
        )
        self.telemetry.observed_counter(
            "otel_vector_describe_skipped_texts_total",
            "texts left out by the cap per operation",
            self._pipeline.skipped,
            ("facet",),
        )

    def _rejected(self) -> dict[str, int]:
        """Return what the doors refused, and what was too old, by reason."""
        counted = self.inbox.counters().items()
        refused = {n.removeprefix("rejected."): c for n, c in counted if n.startswith("rejected.")}
        return refused | ({"too_old": self._aging.count} if self._aging.count else {})

    def _retained(self, tenant: Tenant) -> Retained | None:
        """Return what retention does for a tenant."""
        if not self._retention.is_on:
            return None
        from otel_vector.services.stats import Retained

        config = self.settings.retention
        due = tuple(d.partition.name for d in self._retention.planned() if d.tenant == tenant)
        dropped = self._retention.dropped[tenant]
        return Retained(config.max_age_s, config.max_bytes, due, dropped)

    def _pending_texts(self) -> int:
        if self.embedder is None:
            return 0
        tenants: list[Tenant] = self.store.tenants()
        return sum(self.store.tenant(tenant).meanings.counts().pending for tenant in tenants)

    def _is_stored(self) -> bool:
        if not self.inbox.state().pending:
            return True
        self._worker.hurry()
        return False

    def _is_drained(self) -> bool:
        if not self._is_stored():
            return False
        refused = self._embedding.refused if self._embedding is not None else 0
        return self._pending_texts() <= refused

    def _wait(self, deadline_s: float, is_done: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + deadline_s
        while not is_done():
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(_POLL_S, left_s))
        return True

    def _stop_loops(self) -> bool:
        deadline = time.monotonic() + _STOP_S
        embedding = self._embedding is None or self._embedding.stop(_STOP_S)
        worker = self._worker.stop(max(0.0, deadline - time.monotonic()))
        left_s = max(0.0, deadline - time.monotonic())
        repairing = self._repairing.stop(left_s)
        jobs = self.jobs.stop(left_s)
        retaining = self._retaining is None or self._retaining.stop(left_s)
        return retaining and repairing and jobs and worker and embedding

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self.settings.data).free

    def _inbox_health(self) -> PartHealth:
        waiting, config = self.inbox.state(), self.settings.inbox
        detail = (
            f"{waiting.pending} requests wait, the oldest for {waiting.oldest_s:.1f} s; "
            f"{waiting.dead} dead letters"
        )
        full = waiting.bytes >= config.max_bytes
        return PartHealth("inbox", ok=not full, detail=f"full: {detail}" if full else detail)

    def _disk_health(self) -> PartHealth:
        free, least = self._free_bytes(), self.settings.inbox.min_free_bytes
        detail = f"{free >> 20} MiB free"
        if free < least:
            detail += f", less than the {least >> 20} MiB of inbox.min_free_bytes: make room"
        return PartHealth("disk", ok=free >= least, detail=detail)


def _one_at_a_time(work: Callable[[str], str]) -> Callable[[str], str]:
    """Return work that any thread may call, though one call is done after the other."""
    turn = Lock()

    def done(text: str) -> str:
        with turn:
            return work(text)

    return done
