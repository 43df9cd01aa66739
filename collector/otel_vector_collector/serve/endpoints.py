"""`DATA/endpoints.json`: where a served folder answers, for those who look for it.

Written at once (rename) when every door is open, mode 0600, removed at a stop. After a kill
it stays behind, which the lock beside it tells: nobody holds it.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

__all__ = ["Endpoints", "read_endpoints", "remove_endpoints", "write_endpoints"]

_NAME = "endpoints.json"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a folder is served.

    Attributes:
        otlp_grpc: host:port; empty if that door is closed.
        otlp_http: host:port; empty if that door is closed.
        api: host:port.
        pid: the serving process.
        started_unix_nano: when it was ready, nanoseconds since the epoch.
        tls: whether all of them speak TLS.
        socket: path of the API's unix socket, which only the folder's owner can open.
        jaeger_grpc: host:port of Jaeger's remote storage; empty if it is closed.
    """

    otlp_grpc: str
    otlp_http: str
    api: str
    pid: int
    started_unix_nano: int
    tls: bool = False
    socket: str = ""
    jaeger_grpc: str = ""

    def url(self, place: str) -> str:
        """Return the URL of an HTTP endpoint."""
        return f"http{'s' if self.tls else ''}://{place}" if place else ""


def write_endpoints(data: Path, endpoints: Endpoints) -> None:
    """Publish where the folder is served."""
    part = data / f"{_NAME}.{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(asdict(endpoints), option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    part.replace(data / _NAME)


def read_endpoints(data: Path) -> Endpoints | None:
    """Return what was published last, whether or not that process still lives."""
    try:
        return Endpoints(**orjson.loads((data / _NAME).read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError):
        return None


def remove_endpoints(data: Path) -> None:
    """Take back what this process published."""
    (data / _NAME).unlink(missing_ok=True)
