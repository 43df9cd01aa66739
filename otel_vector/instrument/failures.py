"""The exception that ended a call, as its span tells it.

An `Exception` makes the span's status ERROR and is an event of it, with its traceback. What is no
`Exception`, like a cancelled task or an interrupted program, is no failure of the function and is
named in `error.type` alone. Codes that are ignored are recorded without the status.
"""

from __future__ import annotations

from traceback import format_tb
from typing import Final

from opentelemetry.trace import Span, StatusCode

from otel_vector.instrument.faults import faults
from otel_vector.instrument.options import options
from otel_vector.instrument.plan import Plan

__all__ = ["Failures", "type_name"]

_MOST_CHARS: Final = 20_000  # of what an exception says


def type_name(error: BaseException) -> str:
    """Return an exception's qualified class name; that of a built-in one without its module."""
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


class Failures:
    """Ends the spans of one function that raised.

    Args:
        name: the function's, for what is logged.
        plan: what its decorator says.
    """

    def __init__(self, name: str, plan: Plan) -> None:
        self._name = name
        self._code = plan.error_code

    def note(self, fault: BaseException) -> None:
        """Count a fault of tracing itself."""
        faults.note(f"a span of {self._name} is missing or lacks a part", fault)

    def end(self, span: Span, error: BaseException, at_ns: int) -> None:
        """Tell a span of the exception that ended it, and end it.

        Args:
            span: may have been ended by the function itself; then nothing is done.
            error: what was raised.
            at_ns: when, in nanoseconds since 1970.
        """
        try:
            if not span.is_recording():
                return
            try:
                self._record(span, error, at_ns)
            finally:
                span.end(at_ns)
        except Exception as fault:  # noqa: BLE001 - the text of an exception is its class's
            self.note(fault)

    def _record(self, span: Span, error: BaseException, at_ns: int) -> None:
        if not isinstance(error, Exception):
            span.set_attribute("error.type", type_name(error))
            return
        codes = options().codes
        code = self._code_of(error)
        span.set_attributes({"error.type": type_name(error), "otel_vector.error.code": code})
        message, event = _message(error), {}
        if len(message) > _MOST_CHARS:
            message = f"{message[:_MOST_CHARS]}…[cut: {len(message) - _MOST_CHARS:,} characters]"
            event = _short_event(error, message)
        if codes.is_ignored(code):
            span.set_attribute("otel_vector.error.ignored", True)
        else:
            span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {message}")
        span.record_exception(error, event, at_ns)

    def _code_of(self, error: Exception) -> str:
        if self._code and not _names_code(error):
            return self._code
        return options().codes.code_of(error)


def _names_code(error: Exception) -> bool:
    """Return whether an exception has a code of its own."""
    try:
        return getattr(error, "error_code", None) is not None
    except Exception as fault:  # noqa: BLE001 - the attribute may be computed
        faults.note("the code of an exception cannot be read", fault)
        return False


def _message(error: Exception) -> str:
    """Return what an exception says, or that it cannot say it."""
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - `__str__` is the application's
        return f"<its text cannot be made: {type(fault).__name__}>"


def _short_event(error: Exception, message: str) -> dict[str, str]:
    """Return what stands in the event of an exception in place of all that it says."""
    trace = "".join(format_tb(error.__traceback__))
    return {
        "exception.message": message,
        "exception.stacktrace": f"{trace}{type_name(error)}: {message}",
    }
