"""A door process: what runs as ``python -m otel_vector_collector.receive.process``.

The parent writes the settings as one line of JSON to standard input and keeps it open; the child
answers with one line on standard output: its endpoints, or the error that kept it from opening.
It stops at SIGTERM, or when standard input ends because the parent is gone: no new requests,
those under way are committed and answered, exit 0.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import orjson

from otel_vector.errors import OtelVectorError
from otel_vector.inbox.contract import Intake
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.keys.contract import Keyring
from otel_vector.keys.ring import StateKeyring
from otel_vector.keys.usage import Sharing, Usage
from otel_vector.settings.config import (
    InboxConfig,
    LimitsConfig,
    LogConfig,
    ServeConfig,
    TlsConfig,
)
from otel_vector.settings.plugins import plugin
from otel_vector.state.sqlite import SqliteState
from otel_vector_collector.logs import configure
from otel_vector_collector.receive.doors import Doors, Endpoints
from otel_vector_collector.receive.limits import DoorLimits
from otel_vector_collector.receive.tls import certificates_of

__all__ = ["DoorSettings", "main", "run"]

_GRACE_S = 10.0
_SWITCH_S = 0.001
"""The writer thread asks for the interpreter after each call of SQLite; it waits this long."""


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What a door process needs to know.

    Attributes:
        inbox_path: the inbox's folder.
        serve: the addresses.
        inbox: the limits.
        join: share the ports with another door process of the same inbox.
        log: of the process's own log, which goes to standard error.
        state_path: the state that holds the API keys; None where there can be none.
        tls: the certificate files.
        limits: what senders are held to.
        usage_path: where doors tell each other what was used; None for one door by itself.
    """

    inbox_path: Path
    serve: ServeConfig
    inbox: InboxConfig
    join: bool = False
    log: LogConfig = field(default_factory=LogConfig)
    state_path: Path | None = None
    tls: TlsConfig = field(default_factory=TlsConfig)
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    usage_path: Path | None = None

    def to_json(self) -> bytes:
        """Return one line."""
        return orjson.dumps(asdict(self), default=str) + b"\n"

    @classmethod
    def from_json(cls, line: bytes) -> DoorSettings:
        """Return what `to_json` wrote."""
        read: dict[str, Any] = orjson.loads(line)
        return cls(
            inbox_path=Path(read["inbox_path"]),
            serve=ServeConfig(**read["serve"]),
            inbox=InboxConfig(**read["inbox"]),
            join=read["join"],
            log=LogConfig(**read["log"]),
            state_path=Path(read["state_path"]) if read["state_path"] else None,
            tls=TlsConfig(**read["tls"]),
            limits=LimitsConfig(**{**read["limits"], "tenants": tuple(read["limits"]["tenants"])}),
            usage_path=Path(read["usage_path"]) if read["usage_path"] else None,
        )


def main() -> int:
    """Run the child: settings from standard input, endpoints to standard output."""
    settings = DoorSettings.from_json(sys.stdin.buffer.readline())
    configure(settings.log)
    try:
        run(settings)
    except OtelVectorError as error:
        _report({"error": str(error), "kind": type(error).__name__})
        return 1
    return 0


def run(settings: DoorSettings) -> None:
    """Open the doors, report them, and serve until told to stop.

    Raises:
        ConfigError: an address cannot be served, or a certificate not used.
        StorageFullError: the inbox cannot be written.
    """
    sys.setswitchinterval(_SWITCH_S)
    certificates = certificates_of(settings.tls)
    with ExitStack() as stack:
        inbox = _inbox(settings.inbox_path, settings.inbox)
        stack.callback(inbox.close)
        keys, limits = _keys(settings, stack), _limits(settings, inbox, stack)
        doors = partial(Doors, inbox, settings.inbox, keys, certificates, limits)
        asyncio.run(_serve(settings, doors))


def _inbox(path: Path, config: InboxConfig) -> Intake:
    """Open the inbox that the settings choose."""
    if config.backend:
        return cast("Intake", plugin("inbox", config.backend)(path, config))
    return SqliteInbox(path, config)


def _keys(settings: DoorSettings, stack: ExitStack) -> Keyring | None:
    if settings.state_path is None:
        return None
    state = SqliteState(settings.state_path)
    stack.callback(state.close)
    return StateKeyring(state)


def _limits(settings: DoorSettings, inbox: Intake, stack: ExitStack) -> DoorLimits:
    limits = DoorLimits(settings.limits, inbox)
    if settings.usage_path is not None:
        sharing = Sharing(Usage(settings.usage_path), limits.rates, limits.quotas)
        sharing.start()
        stack.callback(sharing.close)
    return limits


async def _serve(settings: DoorSettings, opened: Callable[[], Doors]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    doors = opened()
    endpoints: Endpoints = await doors.open(settings.serve, join=settings.join)
    # Start-up leaves objects that live as long as the process: the collector need not see them.
    gc.collect()
    gc.freeze()
    _report(asdict(endpoints))
    loop.add_reader(sys.stdin.fileno(), _read_to_end, loop, stop)
    await stop.wait()
    await doors.close(_GRACE_S)


def _read_to_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


def _report(line: dict[str, str]) -> None:
    sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
