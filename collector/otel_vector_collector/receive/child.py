"""The parent's side of a door process: start it, learn its endpoints, stop it."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace
from typing import IO

import orjson

from otel_vector import errors
from otel_vector.errors import ConfigError, OtelVectorError
from otel_vector_collector.receive.doors import Endpoints
from otel_vector_collector.receive.process import DoorSettings

__all__ = ["DoorProcess", "start_doors"]

_START_S = 30.0


class DoorProcess:
    """A running child; it ends with this process, however this process ends.

    Attributes:
        endpoints: where it listens.
    """

    def __init__(self, settings: DoorSettings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "otel_vector_collector.receive.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _write(self._process.stdin, settings.to_json())
            self.endpoints = self._first_answer()
        except BaseException:  # also when interrupted: nobody else knows of the child yet
            self.stop(0.0)
            raise

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def returncode(self) -> int | None:
        """Return how the child ended, None while it runs."""
        return self._process.poll()

    def stop(self, timeout_s: float) -> int:
        """Ask the child to finish what it took and end; kill it after `timeout_s` seconds."""
        self._process.terminate()
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
        return code

    def _first_answer(self) -> Endpoints:
        killer = threading.Timer(_START_S, self._process.kill)
        killer.start()
        try:
            line = b"" if self._process.stdout is None else self._process.stdout.readline()
        finally:
            killer.cancel()
        if not line:
            raise ConfigError(
                "the receiving process ended before it listened, with code "
                f"{self._process.wait()}; its log says why"
            )
        answer: dict[str, str] = orjson.loads(line)
        if "error" in answer:
            kind: type[OtelVectorError] = getattr(errors, answer["kind"])
            raise kind(answer["error"])
        return Endpoints(**answer)


def start_doors(settings: DoorSettings) -> list[DoorProcess]:
    """Start `serve.doors` children on the same ports; all of them listen when this returns.

    Raises:
        ConfigError: an address cannot be served.
        StorageFullError: the inbox cannot be written.
    """
    first = DoorProcess(settings)
    serve = replace(
        settings.serve,
        otlp_grpc=first.endpoints.otlp_grpc,
        otlp_http=first.endpoints.otlp_http,
    )
    started = [first]
    try:
        while len(started) < settings.serve.doors:
            started += [DoorProcess(replace(settings, serve=serve, join=True))]
    except BaseException:  # also when interrupted: no door may outlive a failed start
        for door in started:
            door.stop(0.0)
        raise
    return started


def _write(stream: IO[bytes] | None, line: bytes) -> None:
    if stream is not None:
        stream.write(line)
        stream.flush()
