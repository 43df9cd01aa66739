"""Files into the inbox: parsed, checked, cut, put; resumable.

What is put is durable, and progress is written after it: a killed import puts at most one
request again, which changes nothing since ids are hashes of content.
"""

from __future__ import annotations

import io
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import orjson
import zstandard

from otel_vector.decode.validate import validate_logs, validate_traces
from otel_vector.errors import InvalidInputError, RetryableError
from otel_vector.inbox.contract import Envelope, Inbox
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.state.contract import State
from otel_vector_collector.cli.transfer.reading import PROTOBUF, Unit, units
from otel_vector_collector.cli.transfer.signals import messages_of, pieces
from otel_vector_collector.cli.transfer.streams import STDIN, content_hash, opened, plain

__all__ = ["Importer", "Report"]

_NAMESPACE: Final = "import"
_REQUEST_BYTES: Final = 2 << 20
_BAD_SHOWN: Final = 20
_VALIDATORS: Final[dict[Signal, Callable[[Any], Any]]] = {
    Signal.SPANS: validate_traces,
    Signal.LOGS: validate_logs,
}


@dataclass(slots=True)
class Report:
    """What became of one file so far.

    Attributes:
        unit: the last unit that was put: line, record or message, from 1.
        spans, logs: accepted.
        rejected: items with bad ids, by reason.
        bad: units that could not be read.
        faults: the first of these, as (number, why).
        done: the file's end was reached.
        resumed_at: the unit after which this run went on; 0 from the start.
    """

    unit: int = 0
    spans: int = 0
    logs: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    bad: int = 0
    faults: list[tuple[int, str]] = field(default_factory=list)
    done: bool = False
    resumed_at: int = 0

    @property
    def flawed(self) -> bool:
        """Whether anything in the file was left out."""
        return bool(self.bad or self.rejected)


@dataclass(slots=True)
class Importer:
    """Puts files into one inbox.

    Attributes:
        inbox: where requests go.
        state: remembers how far each file came.
        tenant: whose spans they become.
        max_request_bytes: bound of one request.
        progress: told the report and the compressed bytes read so far, often.
        waiting: told, with the reason, when the inbox has no room.
        report: what became of the file at hand.
    """

    inbox: Inbox
    state: State
    tenant: Tenant
    max_request_bytes: int
    progress: Callable[[Report, int], None]
    waiting: Callable[[str], None]
    report: Report = field(default_factory=Report)
    _held: dict[Signal, list[bytes]] = field(default_factory=dict)

    def run(self, name: str, *, restart: bool) -> Report:
        """Import one file, or stdin for `-`, from where an earlier run ended.

        Raises:
            ConfigError: it cannot be opened.
            MalformedError: it is no OTLP file, or is cut off; what came before is imported.
        """
        key = None if name == STDIN else content_hash(name)
        self.report = self._known(key, restart=restart)
        if not self.report.done:
            with opened(name) as raw:
                self._all(raw, self.report, key)
        return self.report

    def _all(self, raw: io.BufferedReader, report: Report, key: str | None) -> None:
        tell = raw.tell if raw.seekable() else lambda: 0
        try:
            for unit in units(plain(raw)):
                if unit.number <= report.resumed_at:
                    continue
                self._take(unit, report)
                if self._held_bytes() >= self._bound:
                    self._flush(report, key)
                self.progress(report, tell())
            report.done = True
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as error:
            raise InvalidInputError(f"the file is cut off or damaged: {error}") from error
        finally:
            self._flush(report, key)

    def _take(self, unit: Unit, report: Report) -> None:
        try:
            held = messages_of(unit)
        except InvalidInputError as error:
            report.bad += 1
            if len(report.faults) < _BAD_SHOWN:
                report.faults.append((unit.number, str(error)))
            held = []
        for signal, data in held:
            rejections = _VALIDATORS[signal](data)
            report.rejected = dict(Counter(report.rejected) + Counter(rejections.reasons))
            if rejections.accepted:
                self._held.setdefault(signal, []).extend(pieces(signal, data, self._bound))
            if signal is Signal.SPANS:
                report.spans += rejections.accepted
            else:
                report.logs += rejections.accepted
        report.unit = unit.number

    @property
    def _bound(self) -> int:
        return min(_REQUEST_BYTES, self.max_request_bytes)

    def _held_bytes(self) -> int:
        return sum(len(body) for bodies in self._held.values() for body in bodies)

    def _flush(self, report: Report, key: str | None) -> None:
        """Put what is held, joined to requests of the bound, then write down how far we are."""
        for signal, bodies in self._held.items():
            request, size = list[bytes](), 0
            for body in bodies:
                if request and size + len(body) > self._bound:
                    self._put(signal, b"".join(request))
                    request, size = [], 0
                request.append(body)
                size += len(body)
            if request:
                self._put(signal, b"".join(request))
        self._held.clear()
        if key is not None:
            self.state.set(_NAMESPACE, key, orjson.dumps(asdict(report)).decode())

    def _put(self, signal: Signal, body: bytes) -> None:
        """Put one request, waiting for room as long as it takes."""
        while True:
            envelope = Envelope(self.tenant, signal, PROTOBUF, "identity", time.time_ns(), body)
            try:
                self.inbox.put(envelope)
            except RetryableError as error:
                self.waiting(str(error))
                time.sleep(error.retry_after_s)
            else:
                return

    def _known(self, key: str | None, *, restart: bool) -> Report:
        text = None if key is None or restart else self.state.get(_NAMESPACE, key)
        if text is None:
            return Report()
        report = Report(**orjson.loads(text))
        report.faults = [(number, why) for number, why in report.faults]
        report.resumed_at = report.unit
        return report
