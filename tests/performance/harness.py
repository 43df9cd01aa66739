"""What the measuring scripts share: a served folder, a sender, a memory sampler, a table."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx
import psutil

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass
class Served:
    """A running `otel-vector serve` on free ports."""

    data: Path
    process: subprocess.Popen
    endpoints: dict

    @property
    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://{self.endpoints['api']}", timeout=120)

    def stats(self) -> dict:
        with self.api as client:
            return client.get("/v1/stats").json()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def serve(data: Path, **settings: str) -> Served:
    """Start a server and wait until it is ready."""
    environment = {**os.environ, **{f"OTEL_VECTOR_{k}": v for k, v in settings.items()}}
    flags = ("--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api")
    ports = [text for flag in flags for text in (flag, "127.0.0.1:0")]
    log = data.parent.joinpath(data.name + ".log").open("ab")
    process = subprocess.Popen(
        [Path(sys.executable).parent / "otel-vector", "serve", "--data", data, *ports],
        env=environment, stdout=log, stderr=log,
    )  # fmt: skip
    file = data / "endpoints.json"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            endpoints = json.loads(file.read_text())
            if endpoints["pid"] == process.pid:
                return Served(data, process, endpoints)
        time.sleep(0.05)
    raise SystemExit(f"the server did not start; see {log.name}")


@dataclass
class Sent:
    """What a sender did."""

    spans: int = 0
    busy: int = 0
    seconds: float = 0.0
    calls_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.spans / self.seconds if self.seconds else 0.0


def send(
    address: str, bodies: Iterable[tuple[bytes, int]], in_flight: int = 16,
    rate: float | None = None,
) -> Sent:  # fmt: skip
    """Send serialised requests over gRPC; a busy answer is tried again. Bounded by `bodies`."""
    return asyncio.run(_send(address, iter(bodies), in_flight, rate))


async def _send(
    address: str, bodies: Iterator[tuple[bytes, int]], in_flight: int, rate: float | None
) -> Sent:
    sent = Sent()
    start = time.perf_counter()
    async with grpc.aio.insecure_channel(
        address, options=[("grpc.max_send_message_length", -1)]
    ) as channel:
        call = channel.unary_unary(EXPORT)

        async def sender() -> None:
            for body, spans in bodies:
                if rate:
                    ahead = sent.spans / rate - (time.perf_counter() - start)
                    await asyncio.sleep(max(0.0, ahead))
                await _deliver(call, body, sent)
                sent.spans += spans

        await asyncio.gather(*(sender() for _ in range(in_flight)))
    sent.seconds = time.perf_counter() - start
    return sent


async def _deliver(call, body: bytes, sent: Sent) -> None:
    while True:
        began = time.perf_counter()
        try:
            await call(body, timeout=60)
        except grpc.aio.AioRpcError as fault:
            if fault.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            sent.busy += 1
            await asyncio.sleep(0.5)
        else:
            sent.calls_s.append(time.perf_counter() - began)
            return


class MemorySampler:
    """The anonymous memory of a process tree, or process, each second; `peak` in bytes."""

    def __init__(self, pid: int, *, tree: bool = True) -> None:
        self.peak = 0
        self._root = psutil.Process(pid)
        self._tree = tree
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(1.0):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.peak = max(self.peak, self.now())

    def now(self) -> int:
        children = self._root.children(recursive=True) if self._tree else []
        return sum(_anonymous(p.pid) for p in [self._root, *children])

    def stop(self) -> int:
        self._stop.set()
        self._thread.join()
        return self.peak


def _anonymous(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return 0
    return next(int(line.split()[1]) * 1024 for line in text.splitlines() if "Anonymous:" in line)


def quantile(values: list[float], share: float) -> float:
    """Return the value at a share of the sorted list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def table(title: str, rows: list[tuple[str, str, str]]) -> None:
    """Print what was measured, beside what it must reach, with the machine."""
    memory = psutil.virtual_memory().total >> 30
    print(f"\n{title}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {memory} GiB, Python"
          f" {platform.python_version()}, load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    width = max(len(name) for name, _, _ in rows)
    print(f"| {'what':{width}} | measured | must |\n|{'-' * (width + 2)}|---|---|")
    for name, measured, must in rows:
        print(f"| {name:{width}} | {measured} | {must} |")
    sys.stdout.flush()
