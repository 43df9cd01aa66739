"""What `doctor` looks at. Each look gives findings in words; none changes anything stored."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from otel_vector.client import Client
from otel_vector.errors import ConfigError, NotFoundError, OtelVectorError
from otel_vector.settings.config import ServeConfig, Settings
from otel_vector.wiring import open_inbox, open_keyring
from otel_vector_collector.cli.certificates import days_left
from otel_vector_collector.cli.connect import client_of, engine_opened, served_here
from otel_vector_collector.cli.options import loaded
from otel_vector_collector.receive.addresses import require_free
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.tls import certificates_of
from otel_vector_collector.serve.endpoints import Endpoints, read_endpoints
from otel_vector_collector.serve.layout import inbox_folder, state_file
from otel_vector_collector.serve.lock import Holder, holder_of
from otel_vector_collector.serve.ports import addresses
from otel_vector_collector.units import ago, bytes_text, count, duration

__all__ = ["Finding", "examine"]

_AHEAD_NS: Final = 60 * 10**9
_OLD_S: Final = 60.0
_RENEW_DAYS: Final = 7
_PROBE_BYTES: Final = 64 << 10
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_EXTRAS: Final = ("grpc", "fastapi", "uvicorn", "uvloop", "httptools", "prometheus_client")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: its name, whether it is well, and a sentence."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True)
class _Patient:
    """What the looks need to know.

    Attributes:
        holder: the process that has the folder open, if any.
        served: where that process serves it, if it does.
    """

    settings: Settings
    holder: Holder | None
    served: Endpoints | None


def examine(data: Path | None, config: Path | None) -> list[Finding]:
    """Look at everything that can be looked at; what cannot is a finding too."""
    try:
        found = loaded(data, config)
    except ConfigError as error:
        return [Finding("settings", ok=False, detail=str(error))]
    folder = found.settings.data
    holder, endpoints = holder_of(folder), read_endpoints(folder)
    served = endpoints if holder and endpoints and endpoints.pid == holder.pid else None
    patient = _Patient(found.settings, holder, served)
    findings = [Finding("settings", ok=True, detail=f"from {found.file or 'defaults'}")]
    for look in _LOOKS:
        findings += look(patient)
    return findings


def _look_at_extras(patient: _Patient) -> Iterator[Finding]:  # noqa: ARG001 -- one signature
    missing = [name for name in _EXTRAS if find_spec(name) is None]
    detail = f"active: {', '.join(name for name in _EXTRAS if name not in missing)}"
    if missing:
        detail += f"; not installed: {', '.join(missing)} (pip install 'otel-vector[all]')"
    yield Finding("extras", ok=True, detail=detail)


def _look_at_folder(patient: _Patient) -> Iterator[Finding]:
    folder = patient.settings.data
    if not folder.is_dir():
        yield Finding("folder", ok=True, detail=f"{folder} does not exist; serve creates it")
        return
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        advice = "make room" if error.errno in _NO_ROOM else "change its owner or mode"
        yield Finding(
            "folder",
            ok=False,
            detail=f"{folder} cannot be written by user id {os.getuid()}: {error.strerror}; "
            f"{advice}",
        )
    else:
        yield Finding("folder", ok=True, detail=f"{folder} can be written")


def _look_at_process(patient: _Patient) -> Iterator[Finding]:
    holder, folder = patient.holder, patient.settings.data
    if patient.served is not None:
        since, url = ago(patient.served.started_unix_nano), patient.served.url(patient.served.api)
        yield Finding(
            "process",
            ok=True,
            detail=f"served by process {patient.served.pid} at {url}, started {since}",
        )
    elif holder is not None:
        yield Finding(
            "process",
            ok=False,
            detail=f"locked by {holder.command} (process {holder.pid}), which does not serve it: "
            "wait until it is done or stop it",
        )
    elif (stale := read_endpoints(folder)) is not None:
        yield Finding(
            "process",
            ok=False,
            detail=f"endpoints.json names process {stale.pid}, which is gone: it was killed; "
            "the next serve clears it, nothing that was accepted is lost",
        )
    else:
        yield Finding("process", ok=True, detail="no process has the folder open")


def _look_at_ports(patient: _Patient) -> Iterator[Finding]:
    if patient.served is not None:
        return
    with ExitStack() as stack:
        keys = None
        if os.access(state_file(patient.settings.data), os.R_OK | os.W_OK):
            keys = stack.enter_context(open_keyring(patient.settings))
        yield from _ports(patient.settings.serve, Gate(keys))


def _ports(serve: ServeConfig, gate: Gate) -> Iterator[Finding]:
    for address in addresses(serve):
        try:
            gate.guard(address)
            require_free(address)
        except ConfigError as error:
            detail = str(error)
            if "in use" in detail:
                detail = f"{address} is taken by {_listener(address.port)}"
            yield Finding(f"port {address.setting}", ok=False, detail=detail)
        else:
            yield Finding(f"port {address.setting}", ok=True, detail=f"{address} is free")


def _listener(port: int) -> str:
    """Return who listens on a port, as far as this user may know."""
    import psutil

    try:
        for one in psutil.net_connections("tcp"):
            listens = one.status == psutil.CONN_LISTEN and tuple(one.laddr)[1:2] == (port,)
            if listens and one.pid:
                return f"process {one.pid} ({psutil.Process(one.pid).name()})"
    except psutil.Error:
        return "a process that this user may not see"
    return "a process that this user may not see"


def _look_at_tls(patient: _Patient) -> Iterator[Finding]:
    try:
        certificates = certificates_of(patient.settings.tls)
        if certificates is None:
            return
        days = days_left(certificates)
    except ConfigError as error:
        yield Finding("tls", ok=False, detail=str(error))
        return
    soon = f"; renew {patient.settings.tls.cert} soon" if days < _RENEW_DAYS else ""
    yield Finding("tls", ok=not soon, detail=f"the certificate holds for {days} days{soon}")


def _look_at_disk(patient: _Patient) -> Iterator[Finding]:
    if patient.served is not None:
        return
    folder, floor = patient.settings.data, patient.settings.inbox.min_free_bytes
    existing = next(p for p in (folder.absolute(), *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < floor:
        yield Finding(
            "disk",
            ok=False,
            detail=f"{bytes_text(free)} are free and {bytes_text(floor)} "
            "(inbox.min_free_bytes) must be: nothing is accepted until there is more",
        )
        return
    low = " (getting low)" if free < 4 * floor else ""
    yield Finding("disk", ok=True, detail=f"{bytes_text(free)} are free{low}")


def _look_at_inbox(patient: _Patient) -> Iterator[Finding]:
    folder = inbox_folder(patient.settings.data)
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return
    inbox = open_inbox(patient.settings)
    try:
        state = inbox.state()
    finally:
        inbox.close()
    if state.dead:
        yield Finding(
            "dead letters",
            ok=False,
            detail=f"{count(state.dead)} deliveries could not be stored: "
            "`otel-vector deadletter list` says why, `retry --all` tries again",
        )
    if state.oldest_s < -1:
        yield Finding(
            "clock",
            ok=False,
            detail=f"a request was received {duration(-state.oldest_s * 1e9)} in the future: "
            "this machine's clock was set back",
        )
    if patient.served is not None:
        return
    late = bool(state.pending) and state.oldest_s > _OLD_S
    detail = f"{count(state.pending)} requests wait ({bytes_text(state.bytes)})"
    if late:
        detail += f", the oldest for {duration(state.oldest_s * 1e9)}"
        detail += "; nothing stores them: start `otel-vector serve`"
    yield Finding("inbox", ok=not late, detail=detail)


def _look_at_store(patient: _Patient) -> Iterator[Finding]:
    """Ask the serving process about its parts; open an unserved folder to see that it opens."""
    try:
        if patient.served is not None:
            with client_of(patient.settings, patient.served) as client:
                yield from _parts(client)
                yield from _newest(client)
        elif patient.holder is None and inbox_folder(patient.settings.data).is_dir():
            with (
                engine_opened(patient.settings, "otel-vector doctor") as engine,
                served_here(patient.settings, engine) as client,
            ):
                store = next(part for part in engine.health() if part.name == "store")
                detail = "opens" if store.detail == "whole" else store.detail
                yield Finding("store", ok=store.ok, detail=detail)
                yield from _newest(client)
    except OtelVectorError as error:
        yield Finding("store", ok=False, detail=str(error))


def _parts(client: Client) -> Iterator[Finding]:
    for part in client.ready()["parts"]:
        yield Finding(str(part["name"]), ok=bool(part["ok"]), detail=str(part["detail"]))


def _newest(client: Client) -> Iterator[Finding]:
    """Compare the newest stored span with the clock."""
    try:
        found = client.search(group=False, limit=1)["spans"]
    except NotFoundError:
        return
    spans = [span for span in found if "signal" not in span]
    ahead = max((int(s["start_time_unix_nano"]) for s in spans), default=0) - time.time_ns()
    if ahead > _AHEAD_NS:
        yield Finding(
            "clock",
            ok=False,
            detail=f"the newest span, of {spans[0]['service']!r}, starts {duration(ahead)} in the "
            "future: the clock of its sender or of this machine is wrong",
        )
    elif spans:
        yield Finding("clock", ok=True, detail="no span lies in the future")


_LOOKS: Final[tuple[Callable[[_Patient], Iterator[Finding]], ...]] = (
    _look_at_extras,
    _look_at_folder,
    _look_at_process,
    _look_at_ports,
    _look_at_tls,
    _look_at_disk,
    _look_at_inbox,
    _look_at_store,
)
