"""Streams: live spans, spans of other runs, log records; a question is about some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from otel_vector.spans.filters import Where
from otel_vector.spans.items import Item
from otel_vector.spans.matching import compile_where
from otel_vector.spans.meanings import RunKind, Signal

__all__ = ["LIVE", "LOGS", "OTHER", "streams_of", "test_of"]

LIVE: Final = "live"
OTHER: Final = "other"
LOGS: Final = "logs"


def streams_of(signal: Signal, where: Where) -> tuple[list[str], bool]:
    """Return the streams a question is about, and whether they answer its runs exactly."""
    if signal is Signal.LOGS:
        return [LOGS], not where.runs or RunKind.LIVE in where.runs
    if not where.runs:
        return [LIVE, OTHER], True
    if set(where.runs) == {RunKind.LIVE}:
        return [LIVE], True
    live = [LIVE] if RunKind.LIVE in where.runs else []
    return [*live, OTHER], set(where.runs) == set(RunKind)


def test_of(signal: Signal, where: Where) -> Callable[[Item], bool]:
    """Return the test that confirms an item of the streams a question is about.

    Where the streams answer its runs exactly, no item is asked for its run.
    """
    _, runs_exact = streams_of(signal, where)
    return compile_where(replace(where, runs=()) if runs_exact else where)
