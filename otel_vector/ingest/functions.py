"""Functions that applications announce: taken out of the log records, kept as records.

They come as log records, whose way through door, inbox and redaction they share; they are stored
as records, since they have no time and outlive retention. One that cannot be a record is counted
and stays the log record that it came as.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData, ResourceLogs, ScopeLogs

from otel_vector.describe.functions import function_body, function_key, function_meanings
from otel_vector.errors import InvalidInputError
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.function_logs import SCOPE, function_of, is_function
from otel_vector.spans.functions import COLLECTION
from otel_vector.spans.ids import MeaningId, Tenant
from otel_vector.spans.meanings import Meaning
from otel_vector.store.drafts import checked
from otel_vector.store.records import Draft, RecordStore

__all__ = ["Functions", "keep", "taken_out"]


@dataclass(slots=True)
class Functions:
    """What one batch announces.

    Attributes:
        received_ns: when the first of it was accepted, nanoseconds since the epoch.
        drafts: a record for each function, in the order in which they came.
        texts: what they are found by.
        refused: announcements that were left among the log records.
    """

    received_ns: int = 0
    drafts: list[Draft] = field(default_factory=list)
    texts: dict[MeaningId, Meaning] = field(default_factory=dict)
    refused: int = 0


def taken_out(
    data: LogsData, tenant: Tenant, config: DescribeConfig, received_ns: int
) -> Functions:
    """Take the functions out of a redacted message; what is left are log records.

    Args:
        data: changed in place.
        tenant: whose.
        config: how texts are cut.
        received_ns: when the first of it was accepted.
    """
    found = Functions(received_ns)
    for resource in data.resource_logs:
        for scope in resource.scope_logs:
            if scope.scope.name == SCOPE:
                _take_out(found, resource, scope, _Reader(tenant, config))
    return found


def keep(records: RecordStore, functions: Functions) -> None:
    """Store functions as records.

    What comes a second time since its delivery was not acked in time changes nothing: neither does
    an older version, which came before the active one was stored.

    Raises:
        StorageFullError: the disk is full; nothing was stored.
    """
    drafts = [d for d in functions.drafts if not _is_past(records, d, functions.received_ns)]
    if drafts:
        records.put(COLLECTION, drafts, functions.texts)


def _is_past(records: RecordStore, draft: Draft, received_ns: int) -> bool:
    """Return whether a draft is a version of a time before the active one."""
    active = records.get(COLLECTION, draft.key)
    if active is None or active.created_ns <= received_ns or _is_body(active.body, draft):
        return False
    return any(_is_body(old.body, draft) for old in records.versions(COLLECTION, draft.key))


def _is_body(body: Mapping[str, object], draft: Draft) -> bool:
    return dict(body) == dict(draft.body)


@dataclass(frozen=True, slots=True)
class _Reader:
    tenant: Tenant
    config: DescribeConfig

    def read(self, service: str, record: LogRecord) -> tuple[Draft, dict[MeaningId, Meaning]]:
        """Return the record that an announcement makes.

        Raises:
            InvalidInputError: it makes none.
        """
        function = function_of(record)
        meant = function_meanings(self.tenant, function, self.config)
        draft = Draft(
            function_key(service, function), function_body(service, function), tuple(meant)
        )
        checked(COLLECTION, [draft])
        return draft, meant


def _take_out(found: Functions, resource: ResourceLogs, scope: ScopeLogs, reader: _Reader) -> None:
    service, left = _service(resource), list[LogRecord]()
    for record in scope.log_records:
        if not is_function(scope, record):
            left.append(record)
            continue
        try:
            draft, meant = reader.read(service, record)
        except InvalidInputError:
            found.refused += 1
            left.append(record)
            continue
        found.drafts.append(draft)
        found.texts |= meant
    if len(left) < len(scope.log_records):
        scope.ClearField("log_records")
        scope.log_records.extend(left)


def _service(resource: ResourceLogs) -> str:
    values = (a.value for a in resource.resource.attributes if a.key == "service.name")
    return next((str(value.string_value) for value in values), "")
