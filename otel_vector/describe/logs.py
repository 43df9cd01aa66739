"""Log records: a meaning of their own, and what they add to the span they belong to.

Exceptions and errors become the span's `error`; captured content that arrives as GenAI events
becomes its input, output and so on. Evaluations and annotations stay attributes of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs

from otel_vector.describe.attributes import Roles
from otel_vector.describe.content import Content
from otel_vector.describe.failures import error_text
from otel_vector.describe.families import EVENT_MESSAGES
from otel_vector.describe.masking import masked_message
from otel_vector.describe.messages import Reader
from otel_vector.describe.pieces import readable
from otel_vector.describe.rows import Headers, serialised
from otel_vector.describe.texts import Texts
from otel_vector.spans.batch import Batch, Join
from otel_vector.spans.ids import MeaningId, Tenant, trace_key
from otel_vector.spans.meanings import Facet, RunKind, Signal
from otel_vector.spans.values import plain, text_form

__all__ = ["LogDescriber"]

_ERROR_SEVERITY: Final = 17  # SEVERITY_NUMBER_ERROR
_LONGEST: Final = 2_000  # characters of a body that are read
_SEVERITIES: Final = ("", "trace", "debug", "info", "warn", "error", "fatal")
_EXCEPTION: Final = frozenset({"exception.type", "exception.message"})
_EVALUATION: Final = "gen_ai.evaluation.result"
_TAGGED: Final = re.compile(r"\b(?:trace|span|request)[_-]?id\s*[:=]\s*\S+\s*", re.IGNORECASE)
_HEAD: Final = re.compile(
    r"^\s*(?:[0-9]{4}-[0-9]{2}-[0-9]{2}[T ])?[0-9]{2}:[0-9]{2}:[0-9]{2}\S*\s+"
    r"(?:\[?(?i:trace|debug|info|warn|warning|error|fatal)\]?\s+(?:\S+[#:]\S*\s+)?)?"
)


class LogDescriber:
    """Describes the log records of one tenant."""

    def __init__(self, roles: Roles, texts: Texts, tenant: Tenant) -> None:
        self._roles = roles
        self._texts = texts
        self._tenant = tenant
        self._joined: list[int] = []  # rows whose joins do not name them yet

    def batch(self, data: LogsData) -> Batch:
        """Describe the log records of a message, which is used up."""
        batch = Batch(Signal.LOGS)
        self._joined.clear()
        headers = Headers(self._tenant, batch)
        for resource in data.resource_logs:
            self._resource(resource, batch, headers)
        return batch

    def _resource(self, resource: ResourceLogs, batch: Batch, headers: Headers) -> None:
        keys = self._roles.keys_in(resource.resource.attributes)
        scopes = list[tuple[bytes, int]]()
        for scope in resource.scope_logs:
            own = keys + self._roles.keys_in(scope.scope.attributes)
            for record in scope.log_records:
                self._record(record, own, batch)
            scope.ClearField("log_records")
            scopes.append((serialised(scope), len(batch.bodies)))
        resource.ClearField("scope_logs")
        headers.assign(serialised(resource), scopes)
        self._name_sources(batch)

    def _name_sources(self, batch: Batch) -> None:
        """Tell joins which record each comes from, now that the records have ids."""
        first = len(batch.joins) - len(self._joined)
        for at, row in enumerate(self._joined, first):
            batch.joins[at] = replace(batch.joins[at], source=batch.ids[row])
        self._joined.clear()

    def _record(self, record: LogRecord, keys: tuple[int, ...], batch: Batch) -> None:
        _columns(record, batch)
        own = keys + self._roles.keys_in(record.attributes)
        batch.keys.append(tuple(dict.fromkeys(own)))
        event = _event_name(record)
        meaning = self._texts.meaning(Facet.LOG, _log_text(record, event))
        batch.texts[meaning.id] = meaning
        batch.meanings.append((meaning.id,))
        if record.trace_id and record.span_id:
            self._join(record, event, batch)

    def _join(self, record: LogRecord, event: str, batch: Batch) -> None:
        if event == _EVALUATION:
            return
        content = self._content(record, event)
        texts = {} if content.is_empty() else content.texts()
        error = _error(record)
        if error:
            texts[Facet.ERROR] = [error]
        meanings = self._texts.meanings(MeaningId(0), texts) if texts else []
        if meanings:
            batch.texts.update((meaning.id, meaning) for meaning in meanings)
            ids = tuple(meaning.id for meaning in meanings)
            join = Join(record.trace_id, record.span_id, ids, tuple(content.keys()))
            batch.joins.append(join)
            self._joined.append(len(batch.bodies) - 1)

    def _content(self, record: LogRecord, event: str) -> Content:
        content = Content()
        for item in record.attributes:
            role = self._roles[item.key]
            if role is not None and role.source is not None:
                content.attribute(role, item)
        if event in EVENT_MESSAGES:
            content.message(event, plain(record.body) or _attributes(record))
        elif record.body.WhichOneof("value") == "kvlist_value":
            _sides(plain(record.body), content)
        return content


def _sides(body: Any, content: Content) -> None:
    """Take a body that holds both sides of a call: `{"input": …, "output": …}`."""
    for key, facet in (("input", Facet.INPUT), ("output", Facet.OUTPUT)):
        side = body.get(key)
        if isinstance(side, dict) and "messages" in side:
            content.part(facet, side)


def _columns(record: LogRecord, batch: Batch) -> None:
    """Add what a record's own fields say."""
    when = record.time_unix_nano or record.observed_time_unix_nano
    batch.bodies.append(serialised(record))
    batch.trace_ids.append(record.trace_id)
    batch.span_ids.append(record.span_id)
    batch.start_ns.append(when)
    batch.end_ns.append(when)
    batch.traces.append(trace_key(record.trace_id) if record.trace_id else 0)
    batch.buckets.append(0)
    batch.runs.append(RunKind.LIVE)


def _event_name(record: LogRecord) -> str:
    """Return the record's event name, or the attribute that older senders put it in."""
    if record.event_name:
        return str(record.event_name)
    return next((text_form(a.value) for a in record.attributes if a.key == "event.name"), "")


def _log_text(record: LogRecord, event: str) -> str:
    """Return severity, event name and the masked body."""
    severity = _SEVERITIES[max(0, min(record.severity_number + 3, 24)) // 4]
    said = masked_message(_body(record))
    thrown = _thrown(record)
    parts = (severity, event, said, "" if thrown in said else thrown)
    return " ".join(part[:_LONGEST] for part in parts if part) or "empty"


def _body(record: LogRecord) -> str:
    """Return what a record's body says, without the time, level and ids in front of it."""
    if not record.HasField("body"):
        return ""
    if record.body.WhichOneof("value") == "kvlist_value":
        reader = Reader()
        reader.read(plain(record.body), Facet.LOG)
        texts = reader.pieces.by_facet().values()
        return "\n".join(dict.fromkeys(text for part in texts for text in part))[:_LONGEST]
    body = readable(text_form(record.body)[:_LONGEST])
    return _TAGGED.sub("", _HEAD.sub("", body)).strip()


def _error(record: LogRecord) -> str:
    """Return what a record says went wrong; empty for one that says nothing did."""
    is_error = record.severity_number >= _ERROR_SEVERITY
    return _thrown(record) or (error_text("", _body(record)) if is_error else "")


def _thrown(record: LogRecord) -> str:
    """Return the exception in a record's attributes as one line; empty without one."""
    values = {a.key: text_form(a.value) for a in record.attributes if a.key in _EXCEPTION}
    kind, message = values.get("exception.type", ""), values.get("exception.message", "")
    return error_text(kind, message)


def _attributes(record: LogRecord) -> Iterable[Any]:
    return {item.key: plain(item.value) for item in record.attributes}
