"""One stream that is being traced: its span, what is current in its body, what it gave."""

from __future__ import annotations

from contextvars import Token
from time import time_ns
from types import TracebackType

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Span

from otel_vector.instrument.capture import Chunks
from otel_vector.instrument.failures import Failures
from otel_vector.instrument.unwinding import go_back

__all__ = ["TracedStream", "UntracedStream"]

_COMPLETE = "otel_vector.stream.complete"


class UntracedStream:
    """Stands in for a stream that is not traced."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def gave(self, item: object) -> None:
        """Do nothing."""

    def stopped(self) -> None:
        """Do nothing."""


class TracedStream(UntracedStream):
    """The span of one generator. Each step into its body is a `with` block.

    Args:
        span: begun.
        context: what is current when the body begins, the span included.
        last: what the body raises at its end.
        chunks: what collects the items; None if they are not captured.
        failures: ends the span of a body that raises.
    """

    __slots__ = ("_chunks", "_context", "_failures", "_last", "_span", "_token")

    def __init__(
        self,
        span: Span,
        context: Context,
        last: type[Exception],
        chunks: Chunks | None,
        failures: Failures,
    ) -> None:
        self._span = span
        self._context = context
        self._last = last
        self._chunks = chunks
        self._failures = failures
        self._token: Token[Context] | None = None

    def __enter__(self) -> None:
        self._token = attach(self._context)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        end_ns = time_ns()
        self._leave(error)
        if error is None:
            return
        if isinstance(error, self._last):
            self._end(end_ns, complete=True)
        else:
            self._tell(complete=False)
            self._failures.end(self._span, error, end_ns)

    def gave(self, item: object) -> None:
        """Take an item that goes to the consumer."""
        if self._chunks is not None:
            try:
                self._chunks.add(item)
            except Exception as error:  # noqa: BLE001 - items are the application's
                self._failures.note(error)

    def stopped(self) -> None:
        """End the span of a body whose consumer wants no more."""
        self._end(time_ns(), complete=False)

    def _leave(self, error: BaseException | None) -> None:
        """Keep what is current in the body for the next step, and go back to the consumer's."""
        token, self._token = self._token, None
        if token is None:
            return
        if error is None:
            self._context = get_current()
            detach(token)
        else:
            go_back(token, self._context, error)

    def _end(self, end_ns: int, *, complete: bool) -> None:
        self._tell(complete=complete)
        try:
            if self._span.is_recording():
                self._span.end(end_ns)
        except Exception as error:  # noqa: BLE001 - a processor may raise anything
            self._failures.note(error)

    def _tell(self, *, complete: bool) -> None:
        """Tell the span how the stream ended and what it gave."""
        try:
            if self._span.is_recording():
                captured = self._chunks.attributes() if self._chunks is not None else {}
                self._span.set_attributes({_COMPLETE: complete, **captured})
        except Exception as error:  # noqa: BLE001 - items are the application's
            self._failures.note(error)
