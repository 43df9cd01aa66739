"""Spans of functions that nobody decorated, under `opentelemetry-instrument` or by one call.

`OTEL_VECTOR_INSTRUMENT=shop.payments:*,shop.cart:Cart.add` names them. Needs the extra
`instrument`, which brings `opentelemetry-instrumentation`.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Collection, Iterable
from importlib.util import find_spec
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import (  # type: ignore[attr-defined]
    BaseInstrumentor,
)

from otel_vector.errors import ConfigError
from otel_vector.instrument.patterns import Pattern, parse_pattern
from otel_vector.settings.config import InstrumentConfig
from otel_vector.settings.load import load

__all__ = ["VectorInstrumentor"]

_log = logging.getLogger("otel_vector.instrument")

_PATIENCE_S: Final = 60.0
"""How long nothing is said of a pattern that nothing matches yet."""


class VectorInstrumentor(BaseInstrumentor):  # type: ignore[misc]
    """Wraps functions at import, and those that are imported already.

    `instrument` takes, beside what every instrumentor takes (`tracer_provider`), `functions`,
    `capture_inputs` and `capture_return_value` in place of the settings of these names. It raises
    nothing: what is wrong with a setting is logged, and the application runs without these spans.
    """

    _wrapper: Any = None
    _reminder: threading.Timer | None = None

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: what is wrapped is the application's own."""
        return ()

    def instrument(self, **kwargs: Any) -> None:
        """Wrap what is named; where nothing is, a later call may still name something."""
        super().instrument(**kwargs)
        self._is_instrumented_by_opentelemetry = self._wrapper is not None

    def _instrument(self, **kwargs: Any) -> None:
        config = _config()
        if config is None:
            return
        patterns = _patterns(kwargs.get("functions", config.functions))
        if patterns:
            self._begin(patterns, config, kwargs)

    def _begin(
        self, patterns: list[Pattern], config: InstrumentConfig, given: dict[str, Any]
    ) -> None:
        # Loaded where there is something to wrap: every program under the agent comes by here.
        from otel_vector.instrument.plan import Plan
        from otel_vector.instrument.wrapper import FunctionWrapper
        from otel_vector.instrument.wrapping import wrapped

        plan = Plan(
            capture_inputs=given.get("capture_inputs", config.capture_inputs),
            capture_return_value=given.get("capture_return_value", config.capture_return_value),
        )
        provider = given.get("tracer_provider")
        self._wrapper = FunctionWrapper(patterns, lambda found: wrapped(found, plan, provider))
        self._wrapper.begin()
        self._remind()

    def _uninstrument(self, **_kwargs: Any) -> None:
        if self._wrapper is None:
            return
        self._wrapper.end()
        self._wrapper = None
        atexit.unregister(self._tell_unmatched)
        if self._reminder is not None:
            self._reminder.cancel()

    def _remind(self) -> None:
        atexit.register(self._tell_unmatched)
        self._reminder = threading.Timer(_PATIENCE_S, self._tell_unmatched)
        self._reminder.daemon = True
        self._reminder.name = "otel_vector.instrument"
        self._reminder.start()

    def _tell_unmatched(self) -> None:
        wrapper = self._wrapper
        for pattern in wrapper.unmatched() if wrapper is not None else ():
            _log.log(
                _level(pattern),
                "nothing is traced for %s: no module that it is about has such a function, or"
                " none was imported",
                pattern.text,
            )


def _config() -> InstrumentConfig | None:
    try:
        return load().settings.instrument
    except ConfigError as error:
        _log.error("no functions are wrapped: %s", error)
        return None


def _patterns(texts: Iterable[str]) -> list[Pattern]:
    patterns = []
    for text in texts:
        try:
            patterns.append(parse_pattern(text.strip()))
        except ConfigError as error:
            _log.error("instrument.functions: %s", error)
    return patterns


def _level(pattern: Pattern) -> int:
    """Return how loud to tell of a pattern that nothing matched.

    The processes around an application (a server's parent, a helper) inherit its settings and
    import nothing of it: they say it only to who wants to know.
    """
    package = pattern.modules[0]
    if package in sys.modules or find_spec(package) is None:
        return logging.WARNING
    return logging.INFO
