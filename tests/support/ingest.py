"""Parts for tests of the ingest: real inbox, real steps, the reference store, and faults."""

import time

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.embed.contract import Role
from otel_vector.errors import EmbedderUnavailableError, StorageFullError
from otel_vector.events.local import LocalEvents
from otel_vector.inbox.contract import Envelope
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.ingest.pipeline import Pipeline
from otel_vector.ingest.sink import Sink
from otel_vector.ingest.stages import Stages
from otel_vector.ingest.worker import Worker
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import DescribeConfig, InboxConfig, IngestConfig, RedactConfig
from otel_vector.spans.batch import assemble
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.store.memory import MemoryStore
from otel_vector.telemetry import Telemetry
from otel_vector.testing.builders import TENANT, SpanRow, batch_of
from otel_vector.testing.hashing import HashingEmbedder

DEADLINE_S = 20.0
NOT_OTLP = b"\x0a\xff\xff\xff\xff\x0f not a message"


def eventually(is_true, deadline_s=DEADLINE_S):
    """Wait until something is true, or fail."""
    deadline = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def body_of(rows):
    """Return rows as the bytes of a request."""
    batch = batch_of(rows)
    return assemble(batch, range(len(batch)))


def envelope(rows, tenant=TENANT, **other):
    """Return an envelope as a door puts it."""
    signal = Signal.SPANS if isinstance(rows[0], SpanRow) else Signal.LOGS
    return envelope_of(body_of(rows), signal, tenant, **other)


def envelope_of(body, signal=Signal.SPANS, tenant=TENANT, **other):
    """Return an envelope of any bytes."""
    values = {"content_type": "application/x-protobuf", "encoding": "identity"} | other
    return Envelope(Tenant(tenant), signal, received_ns=time.time_ns(), body=body, **values)


def parsed(body, signal=Signal.SPANS):
    """Return the message of a body."""
    return (TracesData if signal is Signal.SPANS else LogsData).FromString(body)


def traces_of(store, tenant=TENANT, signal=Signal.SPANS):
    """Return the trace numbers of all that is stored, sorted."""
    page = store.tenant(tenant).reader.find(signal, Where(), 10_000)
    return sorted(int.from_bytes(item.message.trace_id, "big") for item in page.items)


class FaultyStore:
    """A memory store whose writes and checkpoints raise what a test sets."""

    def __init__(self, inner=None):
        self.inner = inner or MemoryStore(16, "hashing-16")
        self.write_error = None
        self.checkpoint_error = None
        self.log = []

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def tenant(self, tenant):
        return _FaultyTenant(self, self.inner.tenant(tenant))

    def checkpoint(self):
        if self.checkpoint_error is not None:
            raise self.checkpoint_error
        self.inner.checkpoint()
        self.log.append("checkpoint")


class _FaultyTenant:
    def __init__(self, store, inner):
        self._store, self._inner = store, inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    @property
    def writer(self):
        if self._store.write_error is not None:
            self._store.log.append("refused")
            raise self._store.write_error
        self._store.log.append("write")
        return self._inner.writer


class MoodyEmbedder(HashingEmbedder):
    """Answers, or is down, or chokes on a word."""

    def __init__(self):
        super().__init__(16)
        self.down = False
        self.chokes_on = None
        self.choking = ValueError
        self.texts = []

    def embed(self, texts, role):
        if self.down:
            raise EmbedderUnavailableError("embed.url: it is down")
        if self.chokes_on and any(self.chokes_on in text for text in texts):
            raise self.choking("cannot take this text")
        if role is Role.PASSAGE:
            self.texts += texts
        return super().embed(texts, role)


class Bench:
    """An inbox, a store and a worker between them."""

    def __init__(self, path, store=None, **config):
        self.telemetry = Telemetry()
        self.inbox = SqliteInbox(path / "inbox", InboxConfig(min_free_bytes=0))
        self.store = store or FaultyStore()
        self.events = LocalEvents()
        stages = Stages(self.telemetry)
        self.stages = stages
        self.sink = Sink(self.store, self.events, stages)
        redactor = Redactor(RedactConfig(), b"k" * 32)
        pipeline = Pipeline(redactor, DescribeConfig(), stages, 64 << 20)
        options = IngestConfig(**({"checkpoint_s": 0.02} | config))
        self.worker = Worker(self.inbox, pipeline, self.sink, options, stages)

    def start(self):
        self.inbox.recover()
        self.worker.start()
        return self

    def close(self):
        assert self.worker.stop(DEADLINE_S)
        self.inbox.close()

    def is_empty(self):
        return not self.inbox.state().pending


FULL = StorageFullError("the disk is full")
