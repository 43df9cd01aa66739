"""What a user can set: one frozen value per part, defaults in it.

A setting's name is its path: `inbox.max_bytes` in the TOML file is `[inbox] max_bytes`, in the
environment `OTEL_VECTOR_INBOX_MAX_BYTES`. The metadata of each field is its line in the docs.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

__all__ = [
    "DescribeConfig",
    "EmbedConfig",
    "InboxConfig",
    "IngestConfig",
    "LogConfig",
    "RedactConfig",
    "SearchConfig",
    "ServeConfig",
    "Settings",
    "StoreConfig",
    "help_of",
]


def _set(default: Any, text: str, *, secret: bool = False) -> Any:
    """A field with a default, its line in the docs, and whether it is never shown."""
    return field(default=default, metadata={"help": text, "secret": secret})


def help_of(entry: Field[Any]) -> str:
    """Return a setting's line in the docs."""
    return str(entry.metadata["help"])


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Where `otel-vector serve` listens and how it stops."""

    otlp_grpc: str = _set("127.0.0.1:4317", "host:port of the OTLP gRPC door; empty to close it")
    otlp_http: str = _set("127.0.0.1:4318", "host:port of the OTLP HTTP door; empty to close it")
    api: str = _set("127.0.0.1:8317", "host:port of the HTTP API")
    doors: int = _set(1, "receiving processes; they share the ports by SO_REUSEPORT")
    drain_s: float = _set(20.0, "seconds a stop may take to store what was accepted")


@dataclass(frozen=True, slots=True)
class InboxConfig:
    """What lies between an accepted request and the store."""

    max_bytes: int = _set(2 << 30, "bytes of requests that may wait; over it the answer is busy")
    max_request_bytes: int = _set(64 << 20, "size limit of a request, also after decompression")
    dead_letter_ttl_s: float = _set(7 * 86400.0, "seconds a dead letter is kept")
    retry_s: float = _set(1.0, "delay that a busy answer asks for, in seconds; 2 at most")
    min_free_bytes: int = _set(256 << 20, "free disk below which the answer is busy")


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """The worker between inbox and store."""

    checkpoint_s: float = _set(1.0, "seconds between checkpoints; acks follow them")
    take_bytes: int = _set(8 << 20, "bytes of requests taken from the inbox at once")
    max_attempts: int = _set(5, "tries after which a delivery becomes a dead letter")


@dataclass(frozen=True, slots=True)
class RedactConfig:
    """What never reaches the store."""

    enabled: bool = _set(True, "redact credentials by key and by pattern")
    keys: tuple[str, ...] = _set((), "more attribute keys whose values are redacted")
    patterns: tuple[str, ...] = _set((), "more regular expressions (RE2) that are redacted")
    pii: tuple[str, ...] = _set((), "kinds of personal data: email, phone, card, iban, ip, ssn")
    allow_keys: tuple[str, ...] = _set((), "attribute keys that are never redacted")


@dataclass(frozen=True, slots=True)
class DescribeConfig:
    """How spans become texts and keys."""

    index_attributes: tuple[str, ...] = _set(
        (), "attributes whose equality the engine answers without a scan of blocks"
    )
    passage_chars: int = _set(1200, "characters of one passage of a long text")
    max_passages: int = _set(8, "passages of one facet of one span; the rest stays in its block")
    max_texts_per_operation: int = _set(
        0, "distinct texts per operation and facet that get a meaning; 0 for all"
    )


@dataclass(frozen=True, slots=True)
class EmbedConfig:
    """Which model gives texts their vectors."""

    model: str = _set(
        "all-MiniLM-L6-v2-int8",
        "the bundled model, the name of a fastembed model, `none`, or with a url the model there",
    )
    url: str = _set("", "base URL of an OpenAI-compatible endpoint, up to and including /v1")
    api_key: str = _set("", "key for that endpoint", secret=True)
    dimension: int = _set(0, "length of the endpoint's vectors; 0 to ask it")
    timeout_s: float = _set(30.0, "seconds to wait for the endpoint")
    threads: int = _set(1, "threads of the local model")
    path: str = _set("", "folder of a local ONNX model, for a fastembed model without download")


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The embedded store."""

    span_shard_points: int = _set(250_000, "points after which a shard is full and rolled")
    max_open_shards: int = _set(64, "shards kept open; the least recently used is closed")
    max_partitions: int = _set(200, "days and months with shards of their own")
    block_cache_bytes: int = _set(64 << 20, "decompressed blocks kept in memory")
    compression_level: int = _set(3, "zstd level of blocks")


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How questions are answered."""

    record: bool = _set(False, "record each search as a span of run kind `self`")
    max_limit: int = _set(1000, "largest page")


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The process's own log."""

    level: str = _set("info", "debug, info, warning or error")
    json: bool = _set(False, "one JSON object per line, with trace ids")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can set."""

    data: Path = field(
        default=Path("otel-vector-data"), metadata={"help": "the data folder", "secret": False}
    )
    serve: ServeConfig = field(default_factory=ServeConfig)
    inbox: InboxConfig = field(default_factory=InboxConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    redact: RedactConfig = field(default_factory=RedactConfig)
    describe: DescribeConfig = field(default_factory=DescribeConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    log: LogConfig = field(default_factory=LogConfig)

    def sections(self) -> dict[str, Any]:
        """Return the parts by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "data"}
