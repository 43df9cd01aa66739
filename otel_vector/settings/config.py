"""What a user can set: one frozen value per part, defaults in it.

A setting's name is its path: `inbox.max_bytes` in the TOML file is `[inbox] max_bytes`, in the
environment `OTEL_VECTOR_INBOX_MAX_BYTES`. The metadata of each field is its line in the docs and
what `check` holds it to.
"""

from __future__ import annotations

from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

__all__ = [
    "ClientConfig",
    "DescribeConfig",
    "EmbedConfig",
    "ExporterConfig",
    "InboxConfig",
    "IngestConfig",
    "InstrumentConfig",
    "JobsConfig",
    "LimitsConfig",
    "LogConfig",
    "RedactConfig",
    "RetentionConfig",
    "SearchConfig",
    "ServeConfig",
    "Settings",
    "StoreConfig",
    "TlsConfig",
    "help_of",
]

_DATA = Path("otel-vector-data")


def _set(default: Any, text: str, **limits: Any) -> Any:
    """A field with a default and its facts."""
    facts = _facts(text, **limits)
    return field(default=default, repr=not facts["secret"], metadata=facts)


def _facts(
    text: str,
    *,
    secret: bool = False,
    low: float | None = None,
    high: float | None = None,
    among: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What is known of a setting.

    Args:
        text: its line in the docs.
        secret: never shown.
        low: least number allowed.
        high: greatest number allowed.
        among: the only texts allowed.
    """
    return {"help": text, "secret": secret, "low": low, "high": high, "among": among}


def help_of(entry: Field[Any]) -> str:
    """Return a setting's line in the docs."""
    return str(entry.metadata["help"])


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Where `otel-vector serve` listens and how it stops."""

    otlp_grpc: str = _set("127.0.0.1:4317", "host:port of the OTLP gRPC door; `off` closes it")
    otlp_http: str = _set("127.0.0.1:4318", "host:port of the OTLP HTTP door; `off` closes it")
    jaeger_grpc: str = _set(
        "127.0.0.1:17271", "host:port of Jaeger's remote storage; `off` closes it"
    )
    jaeger_any_service: str = _set(
        "", "entry for all services in the list that Jaeger shows; none by default"
    )
    api: str = _set("127.0.0.1:8317", "host:port of the HTTP API")
    doors: int = _set(
        1, "receiving processes; they share the ports by SO_REUSEPORT", low=1, high=64
    )
    drain_s: float = _set(20.0, "seconds a stop may take to store what was accepted", low=0)
    allow_purge: bool = _set(
        False, "let test suites empty the store by `POST /jaeger/purge`, on loopback only"
    )
    trace_link: str = _set(
        "",
        "where links on the page `/ask` show a trace, `{trace_id}` in its place, like"
        " `http://127.0.0.1:16686/trace/{trace_id}` for Jaeger; empty for our own page of it",
    )
    metrics_without_key: bool = _set(
        False, "let this machine itself read `/metrics` and the parts of `/ready` without a key"
    )


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """TLS on all doors and the API; changed files are taken up without a restart."""

    cert: str = _set("", "PEM file of the certificate and those between it and its root")
    key: str = _set("", "PEM file of the certificate's key, without passphrase")
    client_ca: str = _set(
        "", "PEM file of the authorities whose client certificates are demanded (mTLS)"
    )


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Who asks a collector, and who sends to it: the commands, and applications."""

    url: str = _set(
        "",
        "base URL of an API to ask; without it the commands ask the data folder's own, and"
        " applications http://127.0.0.1:8317",
    )
    api_key: str = _set("", "key that is sent", secret=True)
    tenant: str = _set("", "tenant that is asked and sent for, among the key's")
    ca: str = _set("", "PEM file of the authorities that the certificate is held to")
    cert: str = _set("", "PEM file of the certificate that is shown (mTLS)")
    key: str = _set("", "PEM file of that certificate's key")


@dataclass(frozen=True, slots=True)
class ExporterConfig:
    """How spans leave an application: to a collector, or into a store in its own process."""

    endpoint: str = _set(
        "",
        "a collector's OTLP door, http(s)://host:port; empty for http://127.0.0.1:4317, with"
        " `http/protobuf` http://127.0.0.1:4318",
    )
    protocol: str = _set("grpc", "how to speak to it", among=("grpc", "http/protobuf"))
    compression: str = _set("none", "how requests are compressed", among=("none", "gzip"))
    timeout_s: float = _set(10.0, "seconds the collector may take for one request", low=0.1)
    path: str = _set(
        "", "data folder of a store in this process; then nothing is sent to a collector"
    )
    spool: str = _set(
        "",
        "folder in which requests wait for the collector; empty for one per destination in the"
        " user's state folder",
    )
    spool_max_bytes: int = _set(
        1 << 30, "bytes that may wait there; what comes on top is dropped and counted", low=1
    )
    queue_items: int = _set(
        65_536,
        "spans, and log records, that may wait in memory for the spool; what comes on top is"
        " dropped and counted",
        low=512,
    )
    shutdown_s: float = _set(5.0, "seconds the end of the process may wait for delivery", low=0)


@dataclass(frozen=True, slots=True)
class InstrumentConfig:
    """What decorators, and functions wrapped at import, record."""

    functions: tuple[str, ...] = _set(
        (),
        "functions to wrap at import without a decorator: `shop.payments:*`, `shop.cart:Cart.add`,"
        " `shop.**:*`",
    )
    capture_inputs: bool = _set(False, "record their arguments")
    capture_return_value: bool = _set(False, "record what they return")
    max_chars: int = _set(
        16_384,
        "characters of a captured value; the rest is cut off, unless the function is to be"
        " replayed or cached",
        low=64,
    )
    error_codes: str = _set(
        ".otel_vector_errors.json",
        "JSON file of error codes by exception: class name, or pattern of the message",
    )
    ignored_codes: tuple[str, ...] = _set(
        (), "error codes that are expected: recorded, but not as a failed span"
    )
    tags: str = _set(
        ".otel_vector_tags.json", "JSON file of the tags that spans may have, with their types"
    )


@dataclass(frozen=True, slots=True)
class InboxConfig:
    """What lies between an accepted request and the store."""

    max_bytes: int = _set(
        2 << 30, "bytes of requests that may wait; over it the answer is busy", low=1
    )
    max_request_bytes: int = _set(
        64 << 20, "size limit of a request, also after decompression", low=1, high=1 << 30
    )
    dead_letter_ttl_s: float = _set(7 * 86400.0, "seconds a dead letter is kept", low=0)
    retry_s: float = _set(
        1.8, "delay that a busy answer asks for, in seconds; 2 at most", low=0.001, high=2
    )
    min_free_bytes: int = _set(256 << 20, "free disk below which the answer is busy", low=0)
    backend: str = _set("", "an inbox that an installed package gives; empty for the built-in one")


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """How much a key may do, unless it has limits of its own, and a tenant store; 0 for any."""

    requests_per_s: int = _set(0, "requests a key may send to the OTLP doors, per second", low=0)
    spans_per_s: int = _set(0, "spans and log records a key may store, per second", low=0)
    bytes_per_s: int = _set(
        0, "bytes a key may send, after decompression, per second; 8MiB and the like", low=0
    )
    questions_per_s: int = _set(0, "requests a key may send to the API, per second", low=0)
    burst_s: float = _set(
        5.0, "seconds for which an unused rate is saved up, to be used at once", low=1, high=3600
    )
    spans_per_day: int = _set(0, "spans and log records a tenant may store in a day (UTC)", low=0)
    bytes_per_day: int = _set(0, "bytes a tenant may send in a day, after decompression", low=0)
    disk_bytes: int = _set(0, "bytes on disk from which on a tenant may store no more", low=0)
    tenants: tuple[str, ...] = _set(
        (), "quotas of single tenants instead of these: `acme:spans_per_day=5M`"
    )


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """The worker between inbox and store."""

    checkpoint_s: float = _set(
        1.0, "seconds between checkpoints; acks follow them", low=0.01, high=3600
    )
    take_bytes: int = _set(8 << 20, "bytes of requests taken from the inbox at once", low=1)
    max_attempts: int = _set(5, "tries after which a delivery becomes a dead letter", low=1)


@dataclass(frozen=True, slots=True)
class RedactConfig:
    """What never reaches the store."""

    enabled: bool = _set(True, "redact credentials by key and by pattern")
    keys: tuple[str, ...] = _set((), "more attribute keys whose values are redacted")
    patterns: tuple[str, ...] = _set((), "more regular expressions (RE2) that are redacted")
    pii: tuple[str, ...] = _set(
        (),
        "kinds of personal data that are redacted",
        among=("email", "phone", "card", "iban", "ip", "ssn"),
    )
    allow_keys: tuple[str, ...] = _set((), "attribute keys that are never redacted")


@dataclass(frozen=True, slots=True)
class DescribeConfig:
    """How spans become texts and keys."""

    index_attributes: tuple[str, ...] = _set(
        (), "attributes whose equality the engine answers without a scan of blocks"
    )
    passage_chars: int = _set(800, "characters of one passage of a long text", low=100, high=2000)
    max_passages: int = _set(
        8, "passages of one facet of one span; the rest stays in its block", low=1, high=1000
    )
    max_texts_per_operation: int = _set(
        0, "distinct texts per operation and facet that get a meaning; 0 for all", low=0
    )


@dataclass(frozen=True, slots=True)
class EmbedConfig:
    """Which model gives texts their vectors."""

    model: str = _set(
        "",
        "the bundled model (`all-MiniLM-L6-v2-int8`), the name of a fastembed model, `none`, or"
        " with a url the model there; empty for the store's own, in a new store the bundled one",
    )
    facets: tuple[str, ...] = _set(
        (), "facets with a model of their own, as `facet=model`: `code=name-of-a-model`"
    )
    url: str = _set("", "base URL of an OpenAI-compatible endpoint, up to and including /v1")
    api_key: str = _set("", "key for that endpoint", secret=True)
    dimension: int = _set(0, "length of the endpoint's vectors; 0 to ask it", low=0, high=65536)
    timeout_s: float = _set(30.0, "seconds to wait for the endpoint", low=0.1)
    threads: int = _set(1, "threads of the local model", low=1, high=256)
    path: str = _set("", "folder of a local ONNX model, for a fastembed model without download")
    backend: str = _set(
        "", "an embedder that an installed package gives; empty for the built-in ones"
    )


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The store: in the data folder, or on a Qdrant server."""

    span_shard_points: int = _set(
        250_000, "points after which a shard is full and rolled", low=100
    )
    max_open_shards: int = _set(
        64,
        "shards kept open over all tenants, and as many with texts; the least recently used is"
        " closed",
        low=2,
        high=512,
    )
    max_partitions: int = _set(200, "days and months with shards of their own", low=1, high=10_000)
    seal_idle_s: float = _set(
        3600.0, "seconds without a write after which a shard that is not full is sealed", low=0
    )
    seal_every_s: float = _set(
        10.0, "seconds between looks for shards to seal; 0 never seals", low=0
    )
    query_timeout_s: float = _set(
        30.0, "seconds one question may read blocks and points; then it is refused", low=0.1
    )
    max_waiting_joins: int = _set(
        200_000, "spans that log records wait for; above it the oldest are given up", low=1
    )
    block_cache_bytes: int = _set(64 << 20, "decompressed blocks kept in memory", low=0)
    compression_level: int = _set(3, "zstd level of blocks", low=1, high=19)
    backend: str = _set("", "a store that an installed package gives; empty for the built-in ones")
    url: str = _set(
        "", "a Qdrant server's gRPC port, http(s)://host:6334; empty for the embedded store"
    )
    api_key: str = _set("", "key of the Qdrant server", secret=True)
    ca: str = _set("", "PEM file of the authorities that the server's certificate is held to")
    prefix: str = _set("otel_vector_", "what the names of the server's collections begin with")
    replication: int = _set(1, "copies of each shard on the server's nodes", low=1, high=100)
    shards: int = _set(
        0, "shards of each collection; 0 for the server's default", low=0, high=1000
    )
    day_shards: bool = _set(False, "on a cluster: give each day shards of its own")
    on_disk: bool = _set(True, "keep payloads on the server's disk rather than in its memory")
    timeout_s: float = _set(30.0, "seconds one call to the server may take", low=0.1)
    patience_s: float = _set(
        10.0, "seconds for which a failed call to the server is tried again", low=0
    )
    in_flight: int = _set(4, "calls to the server at once", low=1, high=64)


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """What the embedded store keeps; all of it unless told otherwise."""

    max_age_s: float = _set(
        0.0, "seconds after their start for which items are kept; 0 for ever", low=0
    )
    max_bytes: int = _set(
        0, "bytes on disk above which the oldest partitions are dropped; 0 for any", low=0
    )
    every_s: float = _set(600.0, "seconds between two looks at what is to be dropped", low=1)


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How questions are answered."""

    record: bool = _set(False, "record each search as a span of run kind `self`")
    max_limit: int = _set(1000, "largest page", low=1, high=100_000)


@dataclass(frozen=True, slots=True)
class JobsConfig:
    """What jobs may be told over HTTP."""

    allowed_paths: tuple[str, ...] = _set(
        (), "folders that jobs started over HTTP may read and write, as targets of backups"
    )


@dataclass(frozen=True, slots=True)
class LogConfig:
    """The process's own log."""

    level: str = _set("info", "how much is logged", among=("debug", "info", "warning", "error"))
    json: bool = _set(False, "one JSON object per line, with trace ids")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can set."""

    data: Path = field(default=_DATA, metadata=_facts("the data folder"))
    serve: ServeConfig = field(default_factory=ServeConfig)
    tls: TlsConfig = field(default_factory=TlsConfig)
    client: ClientConfig = field(default_factory=ClientConfig)
    exporter: ExporterConfig = field(default_factory=ExporterConfig)
    instrument: InstrumentConfig = field(default_factory=InstrumentConfig)
    inbox: InboxConfig = field(default_factory=InboxConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    ingest: IngestConfig = field(default_factory=IngestConfig)
    redact: RedactConfig = field(default_factory=RedactConfig)
    describe: DescribeConfig = field(default_factory=DescribeConfig)
    embed: EmbedConfig = field(default_factory=EmbedConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    search: SearchConfig = field(default_factory=SearchConfig)
    jobs: JobsConfig = field(default_factory=JobsConfig)
    log: LogConfig = field(default_factory=LogConfig)
