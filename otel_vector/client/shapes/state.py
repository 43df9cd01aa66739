"""What `state` answers with; written by `generate.py` from the API's schema."""

from __future__ import annotations

from typing import TypedDict, final

__all__ = [
    "Act",
    "AuditAnswer",
    "EmbeddingNames",
    "HealthAnswer",
    "InboxNumbers",
    "MeaningCounts",
    "Part",
    "ReadyAnswer",
    "RetentionNumbers",
    "StatsAnswer",
]


@final
class Act(TypedDict):
    """An administrative act.

    Attributes:
        time_unix_nano: nanoseconds, a decimal string.
        who: the id of a key, or `local user`.
        what: the part and the act.
        tenants: whose; empty for an act on the whole store.
        outcome: begun, done, refused or failed.
    """

    time_unix_nano: str
    who: str
    what: str
    tenants: list[str]
    outcome: str
    counts: dict[str, int]
    detail: dict[str, str]


@final
class AuditAnswer(TypedDict):
    """Administrative acts, oldest first."""

    acts: list[Act]


@final
class EmbeddingNames(TypedDict):
    """The embedding model."""

    model: str
    dimension: int


@final
class HealthAnswer(TypedDict):
    """The process answers."""

    status: str


@final
class InboxNumbers(TypedDict):
    """What waits to be stored."""

    pending: int
    bytes: int
    oldest_s: float
    dead: int


@final
class MeaningCounts(TypedDict):
    """Meanings."""

    total: int
    pending: int


@final
class Part(TypedDict):
    """One part of the process."""

    name: str
    ok: bool
    detail: str


@final
class ReadyAnswer(TypedDict):
    """Whether every part works."""

    ready: bool
    parts: list[Part]


@final
class RetentionNumbers(TypedDict):
    """What is kept, and what is not.

    Attributes:
        max_age_s: seconds; 0 for ever.
        max_bytes: of all tenants; 0 for any.
        due: partitions that would be dropped, or cut, now.
        dropped_items: since the process started.
    """

    max_age_s: float
    max_bytes: int
    due: list[str]
    dropped_items: int


@final
class StatsAnswer(TypedDict):
    """How much there is, what waits, what was refused.

    Attributes:
        sealed_shards: of them; immutable, and not in memory.
        retention: null while it is off.
    """

    spans: int
    logs: int
    meanings: MeaningCounts
    inbox: InboxNumbers | None
    rejected: dict[str, int]
    disk_bytes: int
    blocks: int
    shards: int
    sealed_shards: int
    tombstones: int
    retention: RetentionNumbers | None
    embedding: EmbeddingNames
