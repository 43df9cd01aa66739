"""The exception that ended a call, as its span tells it.

An `Exception` makes the span's status ERROR and is an event of it, with its traceback. What is no
`Exception`, like a cancelled task or an interrupted program, is no failure of the function and is
named in `error.type` alone.
"""

from __future__ import annotations

from opentelemetry.trace import Span, StatusCode

from otel_vector.instrument.faults import faults
from otel_vector.instrument.plan import Plan

__all__ = ["Failures", "type_name"]


def type_name(error: BaseException) -> str:
    """Return an exception's qualified class name; that of a built-in one without its module."""
    kind = type(error)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


class Failures:
    """Records the exceptions of one function.

    Args:
        name: the function's, for what is logged.
        plan: what its decorator says.
    """

    def __init__(self, name: str, plan: Plan) -> None:
        self._name = name
        self._code = plan.error_code

    def record(self, span: Span, error: BaseException, at_ns: int) -> None:
        """Tell a span of the exception that ended it.

        Args:
            span: not ended yet.
            error: what was raised.
            at_ns: when, in nanoseconds since 1970.
        """
        try:
            if span.is_recording():
                self._record(span, error, at_ns)
        except Exception as fault:  # noqa: BLE001 - the text of an exception is made by its class
            faults.note(f"an exception of {self._name} is recorded in part", fault)

    def _record(self, span: Span, error: BaseException, at_ns: int) -> None:
        if not isinstance(error, Exception):
            span.set_attribute("error.type", type_name(error))
            return
        code = self._code or type(error).__name__
        span.set_attributes({"error.type": type_name(error), "otel_vector.error.code": code})
        span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {_message(error)}")
        span.record_exception(error, timestamp=at_ns)


def _message(error: Exception) -> str:
    """Return what an exception says, or that it cannot say it."""
    try:
        return str(error)
    except Exception as fault:  # noqa: BLE001 - `__str__` is the application's
        return f"<its text cannot be made: {type(fault).__name__}>"
