"""The one loop that gives pending meanings their vectors, newest first.

Ingest never waits for it: a meaning is found by its words and by filters at once, and by
meaning as soon as this loop has come to it. Batches are small enough to take a fraction of a
second each, so that what has just arrived is next in line, and each distinct text is embedded
once. While the embedder does not answer, meanings stay pending and the loop asks less often.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Sequence

from otel_vector.embed.cached import TenantCaches
from otel_vector.embed.contract import Embedder, Role, Vector
from otel_vector.embed.several import each_of
from otel_vector.errors import OtelVectorError, RetryableError
from otel_vector.ingest.loop import Loop
from otel_vector.ingest.sink import Sink
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Meaning
from otel_vector.store.contract import Store
from otel_vector.telemetry import PartHealth, Telemetry

__all__ = ["EmbedLoop"]

_FIRST_BATCH = 8
_LARGEST_BATCH = 256
_QUICK_S = 0.1  # a batch that took less may grow,
_SLOW_S = 0.3  # one that took more shrinks
_IDLE_S = 5.0  # how long a loop without work waits for a wake
_REST_S = 0.1  # between looking and looking again, however often it is woken
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
_LOG_EVERY_S = 60.0
_MAX_REFUSED = 1000  # texts that no model takes, remembered so as not to be tried for ever

_log = logging.getLogger(__name__)


class EmbedLoop:
    """Fills pending meanings, in one thread."""

    def __init__(self, store: Store, embedder: Embedder, sink: Sink, telemetry: Telemetry) -> None:
        self._store = store
        self._embedder = embedder
        self._caches: dict[str, TenantCaches] = {}
        self._sink = sink
        self._size = _FIRST_BATCH
        self._warm = False
        self._unavailable = ""
        self._pause_s = 0.0
        self._last_logged = -_LOG_EVERY_S
        self._refused: set[MeaningId] = set()
        self._texts = telemetry.counter(
            "otel_vector_embed_texts_total", "texts that got their vector"
        )
        self._seconds = telemetry.counter(
            "otel_vector_embed_seconds_total", "seconds spent in the embedder"
        )
        self._failed = telemetry.counter(
            "otel_vector_embed_failures_total", "calls of the embedder that failed"
        )
        telemetry.gauge(
            "otel_vector_embed_refused", "texts the model does not take", lambda: self.refused
        )
        self._loop = Loop("embedding", self, "search goes on with words and filters")

    @property
    def refused(self) -> int:
        """Meanings that stay without a vector because the model does not take their text."""
        return len(self._refused)

    def start(self) -> None:
        """Start the thread."""
        self._loop.start()

    def stop(self, deadline_s: float) -> bool:
        """Finish the batch in hand; return whether that was in time."""
        return self._loop.stop(deadline_s, wake=self._sink.arrived.set)

    def health(self) -> PartHealth:
        """Return whether the embedder answers."""
        health = self._loop.health()
        if not health.ok or not self._unavailable:
            return health
        detail = f"{self._unavailable}; texts wait, search goes on with words and filters"
        return PartHealth(health.name, ok=False, detail=detail)

    def step(self) -> None:
        """Embed one small batch of each tenant, or wait for texts to arrive."""
        self._sink.arrived.clear()
        if not self._warm:
            self._warm_up()
        worked = [self._fill_some(tenant) for tenant in self._store.tenants()]
        if self._unavailable:
            self._loop.pause(self._pause_s)
        elif not any(worked) and not self._loop.pause(_REST_S):
            self._sink.arrived.wait(_IDLE_S)

    def _warm_up(self) -> None:
        """Load the model, or reach the endpoint, before the first question waits for it."""
        try:
            self._embedder.embed(["ready"], Role.QUESTION)
            self._warm = True
        except OtelVectorError as error:
            self._postpone(error)

    def finish(self) -> None:
        """Leave what is pending for the next start."""

    def _fill_some(self, tenant: Tenant) -> bool:
        if self._loop.stopping:
            return False
        worked = [self._fill_by(one, tenant) for one in each_of(self._embedder)]
        return any(worked)

    def _fill_by(self, embedder: Embedder, tenant: Tenant) -> bool:
        """Embed one small batch of a tenant's texts by one model; return whether there was any."""
        model, meanings = embedder.model, self._store.tenant(tenant).meanings
        pending = meanings.pending(self._size + len(self._refused), model)
        waiting = [m for m in pending if m.id not in self._refused][: self._size]
        if not waiting:
            return False
        try:
            caches = self._caches.setdefault(model, TenantCaches(embedder))
            vectors = self._vectors(caches.of(tenant), waiting)
        except OtelVectorError as error:
            self._postpone(error)
            return False
        self._unavailable, self._pause_s = "", 0.0
        if vectors:
            self._sink.fill(tenant, vectors, model)
        return True

    def _vectors(self, embedder: Embedder, waiting: Sequence[Meaning]) -> dict[MeaningId, Vector]:
        ids = defaultdict[str, list[MeaningId]](list)
        for meaning in waiting:
            ids[meaning.text].append(meaning.id)
        texts = list(ids)
        try:
            found = dict(zip(texts, self._embed(embedder, texts), strict=True))
        except RetryableError:
            raise
        except Exception:  # noqa: BLE001 -- one odd text must not hold up the others
            found = self._one_by_one(embedder, ids)
        return {one: vector for text, vector in found.items() for one in ids[text]}

    def _one_by_one(
        self, embedder: Embedder, ids: dict[str, list[MeaningId]]
    ) -> dict[str, Vector]:
        """Embed each text by itself and refuse those that cannot be.

        Raises:
            OtelVectorError: what says no to each of them says no to the settings, not to a text.
        """
        found, faults = dict[str, Vector](), dict[str, Exception]()
        for text in ids:
            try:
                found[text] = self._embed(embedder, [text])[0]
            except RetryableError:
                raise
            except Exception as error:  # noqa: BLE001 -- whatever a model raises
                faults[text] = error
        for text, fault in faults.items():
            if isinstance(fault, OtelVectorError) and not found:
                raise fault
            self._refuse(ids[text], fault)
        return found

    def _refuse(self, meanings: list[MeaningId], error: Exception) -> None:
        self._failed.add()
        if len(self._refused) < _MAX_REFUSED:
            self._refused.update(meanings)
        _log.error(
            "a text of %d meanings cannot be embedded (%s); it is found by its words only",
            len(meanings),
            type(error).__name__,
        )

    def _embed(self, embedder: Embedder, texts: list[str]) -> list[Vector]:
        started = time.perf_counter()
        vectors = embedder.embed(texts, Role.PASSAGE)
        took_s = time.perf_counter() - started
        self._texts.add(len(texts))
        self._seconds.add(took_s)
        if took_s < _QUICK_S and len(texts) >= self._size:
            self._size = min(self._size * 2, _LARGEST_BATCH)
        elif took_s > _SLOW_S:
            self._size = max(self._size // 2, 1)
        return vectors

    def _postpone(self, error: OtelVectorError) -> None:
        self._failed.add()
        self._unavailable = str(error)
        self._pause_s = min(max(_FIRST_PAUSE_S, self._pause_s * 2), _LONGEST_PAUSE_S)
        if time.monotonic() - self._last_logged >= _LOG_EVERY_S:
            self._last_logged = time.monotonic()
            _log.warning("texts wait for their vectors: %s", error)
