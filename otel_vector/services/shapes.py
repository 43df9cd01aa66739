"""Answers as plain JSON values: the fixed shapes that the API and the commands print.

Ids are lower-case hex, nanoseconds decimal strings. Every value can be written as JSON.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from otel_vector.services.answers import (
    Found,
    GroupedAnswer,
    ListedAnswer,
    MeaningGroup,
    RecordHit,
    Why,
)
from otel_vector.services.catalog import AttributeKeys, AttributeValues, Operation, ServiceRow
from otel_vector.services.commonest import CommonestAnswer
from otel_vector.services.deleting import Deleted
from otel_vector.services.meanings import KnownMeaning
from otel_vector.services.records import ShownRecord
from otel_vector.services.stats import StatsAnswer
from otel_vector.services.traces import Trace
from otel_vector.spans.durations import percentile_ns
from otel_vector.spans.ids import meaning_hex
from otel_vector.spans.items import KINDS, Item
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.spans.values import text_form
from otel_vector.store.contract import Tally
from otel_vector.store.records import Record

__all__ = [
    "Json",
    "answer_json",
    "commonest_json",
    "deleted_json",
    "item_json",
    "keys_json",
    "known_meaning_json",
    "meaning_json",
    "operation_json",
    "record_json",
    "service_json",
    "shown_record_json",
    "stats_json",
    "trace_json",
    "values_json",
]

Json = dict[str, Any]

_SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
_TEXT_CHARS: Final = 1000  # of a body or value in a row; the item's detail has all of it


def answer_json(answer: GroupedAnswer | ListedAnswer) -> Json:
    """Return a search's answer, grouped or item by item."""
    found: Json
    if isinstance(answer, GroupedAnswer):
        found = {"groups": [_group_json(group) for group in answer.groups]}
    else:
        found = {"spans": [_found_json(item) for item in answer.items]}
    if answer.records is not None:
        found["records"] = [_hit_json(hit) for hit in answer.records]
    return {
        "search_id": answer.search_id,
        "searched": list(answer.searched),
        **found,
        "next": answer.next,
        "pending": answer.pending,
        "took_ms": round(answer.took_ms, 3),
    }


def commonest_json(answer: CommonestAnswer) -> Json:
    """Return meanings in order; times also as numbers, for tools that draw them."""
    groups = [_group_json(group) for group in answer.groups]
    for shown, group in zip(groups, answer.groups, strict=True):
        shown["spans"] |= _numbers_json(group.spans)
    return {
        "groups": groups,
        "found": answer.found,
        "compared": answer.compared,
        "truncated": answer.is_truncated,
        "took_ms": round(answer.took_ms, 3),
    }


def item_json(item: Item) -> Json:
    """Return a span or log record as a row."""
    return _span_json(item) if item.signal is Signal.SPANS else _log_json(item)


def meaning_json(meaning: Meaning) -> Json:
    """Return a meaning; an operation also names its service, span name and kind."""
    shown = {"id": meaning_hex(meaning.id), "facet": meaning.facet, "text": meaning.text}
    if meaning.facet is Facet.OPERATION:
        kind = KINDS[meaning.kind] if 0 <= meaning.kind < len(KINDS) else KINDS[0]
        shown |= {"service": meaning.service, "name": meaning.name, "kind": kind}
    return shown


def known_meaning_json(known: KnownMeaning) -> Json:
    """Return a meaning with what points at it."""
    group = known.pointing
    return {
        **meaning_json(known.meaning),
        "pending": known.pending,
        **(
            _pointing_json(group.spans, group.logs, group.services)
            if group
            else _pointing_json(Tally(), None, ())
        ),
        "examples": [item_json(item) for item in group.examples] if group else [],
    }


def trace_json(trace: Trace) -> Json:
    """Return a trace: rows in the order of a waterfall, each with its depth and offset."""
    start_ns = trace.start_ns
    rows = [
        {
            **item_json(row.item),
            "depth": row.depth,
            "offset_nano": str(row.item.start_ns - start_ns),
            "orphan": row.orphan,
        }
        for row in trace.rows
    ]
    return {
        "trace_id": trace.trace_id,
        "start_time_unix_nano": str(start_ns),
        "duration_nano": str(max(0, trace.end_ns - start_ns)),
        "services": sorted({row.item.service for row in trace.rows if row.item.service}),
        "span_count": len(rows),
        "errors": sum(row.item.status == "error" for row in trace.rows),
        "spans": rows,
        "logs": [item_json(item) for item in trace.logs],
    }


def deleted_json(deleted: Deleted) -> Json:
    """Return what was deleted, or would be."""
    return {
        "spans": deleted.spans,
        "logs": deleted.logs,
        "traces": deleted.traces,
        "services": list(deleted.services),
        "dry_run": deleted.dry_run,
    }


def stats_json(stats: StatsAnswer) -> Json:
    """Return the statistics; `inbox` is null where there is none."""
    waiting = stats.waiting
    return {
        "spans": stats.size.spans,
        "logs": stats.size.logs,
        "meanings": {"total": stats.meanings.total, "pending": stats.meanings.pending},
        "inbox": waiting
        and {
            "pending": waiting.pending,
            "bytes": waiting.bytes,
            "oldest_s": round(waiting.oldest_s, 3),
            "dead": waiting.dead,
        },
        "rejected": dict(stats.rejected),
        "disk_bytes": stats.size.disk_bytes,
        "blocks": stats.size.blocks,
        "shards": stats.size.shards,
        "sealed_shards": stats.size.sealed,
        "tombstones": stats.size.tombstones,
        "retention": stats.retained and asdict(stats.retained),
        "embedding": {"model": stats.model, "dimension": stats.dimension},
    }


def service_json(row: ServiceRow) -> Json:
    """Return a service and its counts."""
    return {"service": row.name, "spans": row.spans, "operations": row.operations}


def operation_json(row: Operation) -> Json:
    """Return an operation and its count."""
    shown = meaning_json(row.meaning)
    named = {name: shown[name] for name in ("service", "name", "kind")}
    return {**named, "spans": row.spans, "meaning": shown["id"]}


def keys_json(answer: AttributeKeys) -> Json:
    """Return attribute keys and how many items were looked at."""
    rows = [
        {"key": row.key, "scope": row.scope, "types": list(row.types), "items": row.items}
        for row in answer.keys
    ]
    return {"attributes": rows, "looked_at": answer.looked_at}


def values_json(key: str, answer: AttributeValues) -> Json:
    """Return the values of a key and how many items were looked at."""
    return {
        "key": key,
        "names": list(answer.names),
        "values": [
            {"value": row.value[:_TEXT_CHARS], "type": row.type, "items": row.items}
            for row in answer.values
        ],
        "distinct": answer.distinct,
        "having": answer.having,
        "looked_at": answer.looked_at,
    }


def record_json(record: Record) -> Json:
    """Return one version of a record."""
    return {
        "collection": record.collection,
        "key": record.key,
        "version": record.version,
        "active": record.active,
        "created_unix_nano": str(record.created_ns),
        "body": record.body,
        "meanings": [meaning_hex(meaning) for meaning in record.meanings],
    }


def shown_record_json(shown: ShownRecord) -> Json:
    """Return one version of a record with its texts."""
    return {**record_json(shown.record), "texts": [meaning_json(m) for m in shown.texts]}


def _group_json(group: MeaningGroup) -> Json:
    return {
        "score": group.score and round(group.score, 6),
        "why": _why_json(group.why),
        "meaning": meaning_json(group.meaning),
        **_pointing_json(group.spans, group.logs, group.services),
        "examples": [item_json(item) for item in group.examples],
    }


def _found_json(found: Found) -> Json:
    return {
        **item_json(found.item),
        "score": found.score and round(found.score, 6),
        "why": found.why and _why_json(found.why),
    }


def _hit_json(hit: RecordHit) -> Json:
    """Return a record that answers; its body is asked for by its key."""
    meaning = hit.meaning
    return {
        "collection": hit.record.collection,
        "key": hit.record.key,
        "version": hit.record.version,
        "score": hit.score and round(hit.score, 6),
        "why": hit.why and _why_json(hit.why),
        "meaning": meaning and meaning_json(meaning),
        "text": meaning.text if meaning else "",
    }


def _why_json(why: Why) -> Json:
    shown: Json = {
        "facet": why.facet,
        "dense_rank": why.dense_rank,
        "bm25_rank": why.bm25_rank,
        "cosine": why.cosine and round(why.cosine, 4),
        "exact": why.exact,
    }
    if why.like is not None:
        shown["like"] = meaning_hex(why.like)
    return shown


def _pointing_json(spans: Tally, logs: Tally | None, services: tuple[str, ...]) -> Json:
    """Return the spans, and the log records if they were asked for, behind a meaning."""
    shown = {"spans": {**_tally_json(spans), "services": list(services)}}
    if logs is not None:
        shown["logs"] = {
            "count": logs.count,
            "first_seen_unix_nano": str(logs.first_ns),
            "last_seen_unix_nano": str(logs.last_ns),
        }
    return shown


def _tally_json(tally: Tally) -> Json:
    return {
        "count": tally.count,
        "errors": tally.errors,
        "p50_ns": str(percentile_ns(tally.histogram, 0.5)),
        "p95_ns": str(percentile_ns(tally.histogram, 0.95)),
        "p99_ns": str(percentile_ns(tally.histogram, 0.99)),
        "first_seen_unix_nano": str(tally.first_ns),
        "last_seen_unix_nano": str(tally.last_ns),
    }


def _numbers_json(tally: Tally) -> Json:
    return {
        "p50_ms": percentile_ns(tally.histogram, 0.5) / 1e6,
        "p95_ms": percentile_ns(tally.histogram, 0.95) / 1e6,
        "p99_ms": percentile_ns(tally.histogram, 0.99) / 1e6,
        "last_seen_unix_ms": tally.last_ns // 10**6,
    }


def _span_json(item: Item) -> Json:
    return {
        "id": item.id,
        "trace_id": item.trace_hex,
        "span_id": item.span_hex,
        "parent_span_id": item.parent_hex,
        "service": item.service,
        "name": item.name,
        "kind": item.kind,
        "status": item.status,
        "start_time_unix_nano": str(item.start_ns),
        "duration_nano": str(item.duration_ns),
        "run_kind": item.run,
    }


def _log_json(item: Item) -> Json:
    """Return a log record; `signal` tells it from a span."""
    record = item.message
    assert isinstance(record, LogRecord)
    return {
        "signal": item.signal,
        "id": item.id,
        "trace_id": item.trace_hex,
        "span_id": item.span_hex,
        "service": item.service,
        "name": item.name,
        "severity": record.severity_text or _severity(record.severity_number),
        "severity_number": int(record.severity_number),
        "time_unix_nano": str(item.start_ns),
        "body": text_form(record.body)[:_TEXT_CHARS],
    }


def _severity(number: int) -> str:
    """Return the name of a severity number: four numbers to each name; empty for none."""
    return _SEVERITIES[(number - 1) // 4] if 1 <= number <= 4 * len(_SEVERITIES) else ""
