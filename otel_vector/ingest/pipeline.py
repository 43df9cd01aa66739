"""The steps between an envelope and a batch: decode, redact, describe. No I/O.

Functions that are announced among log records are taken out before these are described.

Serialised OTLP messages that are laid end to end parse as one message, so small requests of
one tenant and signal are merged as bytes before anything is parsed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.decode.messages import decode
from otel_vector.describe.describer import Describer
from otel_vector.inbox.contract import Envelope
from otel_vector.ingest.functions import Functions, taken_out
from otel_vector.ingest.stages import Stages
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet

__all__ = ["Pipeline", "Prepared"]

_PLAIN = ("application/x-protobuf", "identity")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be stored: spans or log records, and functions that came among the latter."""

    batch: Batch
    functions: Functions = field(default_factory=Functions)

    @property
    def has_items(self) -> bool:
        """Whether there are spans, log records or joins to be stored."""
        return bool(len(self.batch) or self.batch.joins)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be stored."""
        return not self.has_items and not self.functions.drafts


class Pipeline:
    """Brackets the steps and counts their time. Used by one thread."""

    def __init__(
        self, redactor: Redactor, config: DescribeConfig, stages: Stages, limit_bytes: int
    ) -> None:
        """Prepare the steps.

        Args:
            redactor: takes out what must not be stored.
            config: how spans become texts.
            stages: where time is counted.
            limit_bytes: size of one request after decompression.
        """
        self._limit_bytes = limit_bytes
        self._redactor = redactor
        self._config = config
        self._stages = stages
        self._describers: dict[Tenant, Describer] = {}

    def joinable(self, one: Envelope, other: Envelope) -> bool:
        """Return whether two envelopes can be one batch."""
        same_place = (one.tenant, one.signal) == (other.tenant, other.signal)
        return same_place and _is_plain(one) and _is_plain(other)

    def prepare(self, envelopes: Sequence[Envelope]) -> Prepared:
        """Return what one envelope, or several joinable ones, hold.

        Raises:
            MalformedError: a body cannot be parsed.
        """
        envelope = envelopes[0]
        if len(envelopes) > 1:
            envelope = replace(envelope, body=b"".join(one.body for one in envelopes))
        with self._stages.timed("decode"):
            data = decode(envelope, self._limit_bytes)
            raw = envelope.body if _is_plain(envelope) else data.SerializeToString()
        with self._stages.timed("redact"):
            self._stages.redacted.add(self._redacted(data, raw))
        received_ns = min(one.received_ns for one in envelopes)
        with self._stages.timed("describe"):
            return self._described(envelope.tenant, data, received_ns)

    def skipped(self) -> dict[tuple[str, ...], float]:
        """Return, by facet, how many texts got no meaning since their operation has enough."""
        total = Counter[Facet]()
        for describer in list(self._describers.values()):
            total.update(describer.skipped)
        return {(facet.value,): float(count) for facet, count in total.items()}

    def _redacted(self, data: TracesData | LogsData, raw: bytes) -> int:
        if isinstance(data, TracesData):
            return self._redactor.traces(data, raw)
        return self._redactor.logs(data, raw)

    def _described(
        self, tenant: Tenant, data: TracesData | LogsData, received_ns: int
    ) -> Prepared:
        describer = self._describers.get(tenant)
        if describer is None:
            describer = self._describers[tenant] = Describer(self._config, tenant)
        if isinstance(data, TracesData):
            return Prepared(describer.traces(data))
        functions = taken_out(data, tenant, self._config, received_ns)
        self._stages.announced.add(functions.refused, "refused")
        return Prepared(describer.logs(data), functions)


def _is_plain(envelope: Envelope) -> bool:
    return (envelope.content_type, envelope.encoding) == _PLAIN
