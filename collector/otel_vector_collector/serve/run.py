"""One serving process from start to stop.

::

    lock the folder ─ check ports ─ doors (children) ─┐
                                    open the engine ──┴─ API ─ endpoints.json ─ serve
    first signal: doors down ─ drain ─ API down ─ checkpoint and close ─ unlock, exit 0
    second signal: leave at once; what was accepted is in the inbox and is stored next time
"""

from __future__ import annotations

import logging
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType
from typing import Final

from otel_vector.errors import OtelVectorError
from otel_vector.settings.config import Settings
from otel_vector.wiring import Engine, open_keyring
from otel_vector_collector.api.app import create_app
from otel_vector_collector.logs import configure
from otel_vector_collector.page.answering import with_page
from otel_vector_collector.receive.gate import Gate
from otel_vector_collector.receive.process import DoorSettings
from otel_vector_collector.receive.tls import certificates_of
from otel_vector_collector.serve.endpoints import Endpoints, remove_endpoints, write_endpoints
from otel_vector_collector.serve.http import ApiServer
from otel_vector_collector.serve.jaeger import JaegerDoor, jaeger_door, jaeger_routes
from otel_vector_collector.serve.keeper import DoorKeeper
from otel_vector_collector.serve.layout import inbox_folder, state_file, usage_file
from otel_vector_collector.serve.limits import note_limits, shared_quotas, watch_disk
from otel_vector_collector.serve.lock import FolderLock
from otel_vector_collector.serve.notify import READY, STOPPING, tell_manager
from otel_vector_collector.serve.owners import owners_socket
from otel_vector_collector.serve.ports import addresses, api_listeners, check_ports
from otel_vector_collector.tempo import http as tempo

__all__ = ["serve"]

_LOG = logging.getLogger(__name__)
_COMMAND: Final = "otel-vector serve"
_DOORS_S: Final = 10.0
_POLL_S: Final = 0.5
_OPEN_FILES: Final = 65_536


def serve(settings: Settings) -> None:
    """Serve a data folder until a signal ends it.

    Raises:
        ConfigError: an address cannot be served.
        StoreLockedError: another process has the folder open.
        OtelVectorError: the store cannot be opened, or the API ended by itself.
    """
    configure(settings.log)
    os.umask(0o077)  # what the engine writes is for its owner only, in whatever folder
    _allow_open_files()
    stop = _stop_by_signal()
    with ExitStack() as stack:
        lock = FolderLock.acquire(settings.data, _COMMAND)
        stack.callback(lock.release)
        remove_endpoints(settings.data)
        certificates = certificates_of(settings.tls)
        gate = Gate(stack.enter_context(open_keyring(settings)))
        check_ports(settings.serve, gate)
        address, listeners = api_listeners(settings.serve)
        doors, engine = _opened(settings, stack)
        engine.start()
        note_limits(settings)
        watch_disk(settings, engine.store, stack)
        jaeger = stack.enter_context(jaeger_door(settings, engine, gate, certificates))
        path, owners = stack.enter_context(owners_socket(settings.data))
        app = create_app(
            engine,
            [doors.health],
            gate,
            shared_quotas(settings, stack),
            [*jaeger_routes(engine), tempo.router],
        )
        api = ApiServer(with_page(app), listeners, owners=owners, certificates=certificates)
        api.start()
        stack.callback(api.stop)
        endpoints = Endpoints(
            otlp_grpc=doors.endpoints.otlp_grpc,
            otlp_http=doors.endpoints.otlp_http,
            api=str(address),
            pid=os.getpid(),
            started_unix_nano=time.time_ns(),
            tls=certificates is not None,
            socket=str(path),
            jaeger_grpc=jaeger.place,
        )
        write_endpoints(settings.data, endpoints)
        stack.callback(remove_endpoints, settings.data)
        _announce(settings, endpoints)
        _warn_of_plain_keys(settings)
        _until(stop, api)
        _drain(settings, doors, jaeger, engine)


def _opened(settings: Settings, stack: ExitStack) -> tuple[DoorKeeper, Engine]:
    """Start the doors and open the engine at the same time; undo both if either fails."""
    door_settings = DoorSettings(
        inbox_path=inbox_folder(settings.data),
        serve=settings.serve,
        inbox=settings.inbox,
        log=settings.log,
        state_path=state_file(settings.data),
        tls=settings.tls,
        limits=settings.limits,
        usage_path=usage_file(settings.data),
    )
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(DoorKeeper, door_settings)
        try:
            engine = Engine.open(settings)
        except BaseException:  # also when interrupted: doors without an engine must not stay
            if starting.exception() is None:
                starting.result().stop(_DOORS_S)
            raise
        stack.callback(engine.close)
        doors = starting.result()
    stack.callback(doors.stop, _DOORS_S)
    return doors, engine


def _until(stop: threading.Event, api: ApiServer) -> None:
    while not stop.wait(_POLL_S):
        if not api.alive:
            raise OtelVectorError("the API ended by itself; the log says why")


def _drain(settings: Settings, doors: DoorKeeper, jaeger: JaegerDoor, engine: Engine) -> None:
    tell_manager(STOPPING)
    remove_endpoints(settings.data)
    _LOG.info("stopping: taking no more requests, storing what was accepted")
    doors.stop(_DOORS_S)
    jaeger.stop()
    if not engine.wait_stored(settings.serve.drain_s):
        _LOG.warning(
            "not all that was accepted could be stored in %g s; it is kept and stored next time",
            settings.serve.drain_s,
        )


def _allow_open_files() -> None:
    """Raise the soft limit, often 1,024: shards and connections share it, and so do the doors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _announce(settings: Settings, endpoints: Endpoints) -> None:
    rows = (
        (
            "OTLP gRPC",
            endpoints.url(endpoints.otlp_grpc) if endpoints.tls else endpoints.otlp_grpc,
        ),
        ("OTLP HTTP", endpoints.url(endpoints.otlp_http)),
        (
            "Jaeger",
            endpoints.url(endpoints.jaeger_grpc) if endpoints.tls else endpoints.jaeger_grpc,
        ),
        ("API", endpoints.url(endpoints.api)),
        ("data", str(settings.data)),
    )
    for name, value in rows:
        print(f"{name:10} {value or 'closed'}", flush=True)  # noqa: T201 -- the command's answer
    tell_manager(READY)
    _LOG.info("ready")


def _warn_of_plain_keys(settings: Settings) -> None:
    reachable = [str(place) for place in addresses(settings.serve) if not place.is_loopback()]
    if reachable and not settings.tls.cert:
        _LOG.warning(
            "keys and spans travel unencrypted to %s: set tls.cert and tls.key, or let a proxy "
            "on this machine speak TLS",
            ", ".join(reachable),
        )


def _stop_by_signal() -> threading.Event:
    """Return the event that the first SIGTERM or SIGINT sets; the second one ends the process."""
    stop = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 -- the signature
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    _install(handle)
    return stop


def _install(handle: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
