"""What the describing step hands to the store: columns of thin points and their bytes.

Columns rather than an object per span: 512 spans are a dozen lists, which the store slices,
hashes and joins without touching a span in Python more than once.

A row's body is its deterministic protobuf serialisation. A block is assembled by joining
headers and bodies as bytes; nothing is serialised twice. The same layout serves spans and
logs, since ResourceSpans/ScopeSpans and ResourceLogs/ScopeLogs number their fields alike.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from otel_vector.spans.ids import MeaningId, SpanId, Tenant
from otel_vector.spans.meanings import Meaning, RunKind, Signal

__all__ = [
    "Batch",
    "Group",
    "Join",
    "assemble",
    "assemble_parts",
    "digest_of",
    "varint",
    "without_rows",
]

_COLUMNS = (
    *("group", "bodies", "ids", "trace_ids", "span_ids", "start_ns", "end_ns", "traces"),
    *("meanings", "keys", "buckets", "runs"),
)
_ITEM_TAG = b"\x12"  # field 2, length-delimited: ScopeSpans.spans, ResourceSpans.scope_spans
_RESOURCE_TAG = b"\x0a"  # field 1, length-delimited: TracesData.resource_spans


@dataclass(frozen=True, slots=True)
class Group:
    """The headers that a run of rows shares.

    Attributes:
        resource: serialised ResourceSpans (or ResourceLogs) without its scopes: resource,
            schema URL, unknown fields.
        scope: serialised ScopeSpans (or ScopeLogs) without its items.
    """

    resource: bytes
    scope: bytes


@dataclass(frozen=True, slots=True)
class Join:
    """Meanings that a log record adds to the span it belongs to.

    Attributes:
        trace_id: 16 bytes.
        span_id: 8 bytes.
        meanings: ids to add to the span's `m`.
        keys: keys to add to the span's `k`.
        source: content id of the log record; None where it is not known.
    """

    trace_id: bytes
    span_id: bytes
    meanings: tuple[MeaningId, ...]
    keys: tuple[int, ...] = ()
    source: SpanId | None = None


@dataclass(slots=True)
class Batch:
    """Spans or log records of one delivery, described and ready to be stored.

    All lists but `groups` and `joins` have one entry per row.

    Attributes:
        signal: spans or logs.
        groups: distinct headers, in order of first use.
        group: index into `groups`.
        bodies: deterministic serialisation of the redacted Span or LogRecord.
        ids: content ids.
        trace_ids: 16 bytes; empty for a log record without a trace.
        span_ids: 8 bytes; empty for a log record without a span.
        start_ns: span start, or the log record's time (observed time where it has none).
        end_ns: span end; for logs equal to start_ns.
        traces: :func:`~otel_vector.spans.ids.trace_key` of trace_ids; 0 where there is none.
        meanings: ids of the meanings of all facets, in facet order, passages in order.
        keys: equality keys (`k`).
        buckets: duration buckets.
        runs: run kinds.
        texts: every meaning that a row or a join of this batch points at, by id.
        joins: what log records of this batch add to spans.
    """

    signal: Signal
    groups: list[Group] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ids: list[SpanId] = field(default_factory=list)
    trace_ids: list[bytes] = field(default_factory=list)
    span_ids: list[bytes] = field(default_factory=list)
    start_ns: list[int] = field(default_factory=list)
    end_ns: list[int] = field(default_factory=list)
    traces: list[int] = field(default_factory=list)
    meanings: list[tuple[MeaningId, ...]] = field(default_factory=list)
    keys: list[tuple[int, ...]] = field(default_factory=list)
    buckets: list[int] = field(default_factory=list)
    runs: list[RunKind] = field(default_factory=list)
    texts: dict[MeaningId, Meaning] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ids)


def digest_of(tenant: Tenant, batch: Batch) -> bytes:
    """Return the identity of a write: the same content in the same order, whoever sent it.

    Made of content ids, not of the request's bytes: a resend under another redaction or
    encoding is another write, and the same spans in the same order are always the same one.
    """
    digest = blake2b(f"{tenant}\x1f{batch.signal}".encode(), digest_size=32, person=b"ov-batch")
    digest.update("".join(batch.ids).encode())
    return digest.digest()


def varint(value: int) -> bytes:
    """Return a non-negative integer as a protobuf varint."""
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 -- seven bits a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def without_rows(batch: Batch, ids: Collection[SpanId]) -> Batch:
    """Return a batch without the rows of some ids, and without the texts only they point at.

    Its joins are those that do not come from these rows. The batch itself if there are no ids.
    """
    if not ids:
        return batch
    rows = [row for row, identity in enumerate(batch.ids) if identity not in ids]
    kept = Batch(batch.signal, list(batch.groups))
    for name in _COLUMNS:
        column = getattr(batch, name)
        setattr(kept, name, [column[row] for row in rows])
    kept.joins = [join for join in batch.joins if join.source not in ids]
    pointed = {m for meanings in kept.meanings for m in meanings}
    pointed.update(m for join in kept.joins for m in join.meanings)
    kept.texts = {m: text for m, text in batch.texts.items() if m in pointed}
    return kept


def assemble(batch: Batch, rows: Sequence[int]) -> bytes:
    """Return the chosen rows as one serialised TracesData (or LogsData).

    Rows keep their order, so the n-th span of the parsed message is ``rows[n]``. Consecutive
    rows of one group share its headers.
    """
    return b"".join(data for _, data in assemble_parts(batch, rows))


def assemble_parts(batch: Batch, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the parts of what `assemble` returns, each with its number of rows.

    A part holds the rows of one group and is a serialised TracesData (or LogsData) by itself.
    """
    for group, items in _runs(batch, rows):
        scope = b"".join((batch.groups[group].scope, *_tagged(items)))
        body = b"".join((batch.groups[group].resource, *_tagged((scope,))))
        yield len(items), b"".join((_RESOURCE_TAG, varint(len(body)), body))


def _runs(batch: Batch, rows: Sequence[int]) -> Iterable[tuple[int, list[bytes]]]:
    current, items = -1, list[bytes]()
    for row in rows:
        if batch.group[row] != current:
            if items:
                yield current, items
            current, items = batch.group[row], []
        items.append(batch.bodies[row])
    if items:
        yield current, items


def _tagged(items: Iterable[bytes]) -> Iterable[bytes]:
    for item in items:
        yield _ITEM_TAG
        yield varint(len(item))
        yield item
