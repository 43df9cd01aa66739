"""A sampler that writes the run kind of baggage into tracestate, where every span shows it.

Baggage goes along with requests but is on no span; a service that knows nothing of run kinds hands
on tracestate, and its spans have it. The member is `ov=test`, of W3C Trace Context.

As `OTEL_TRACES_SAMPLER=otel_vector` it is chosen without a line of code; `OTEL_TRACES_SAMPLER_ARG`
is then the share of new traces that are sampled, all of them unless it is set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from otel_vector.instrument.run_kinds import kind_in
from otel_vector.spans.runs import RunKind

__all__ = ["RunKindSampler", "sampler_of"]

_MEMBER: Final = "ov"
_MOST_MEMBERS: Final = 32  # of a tracestate; the last ones give way


class RunKindSampler(Sampler):
    """Decides as another sampler does, and keeps the run kind in tracestate.

    A run kind in baggage counts, else the one that the parent's tracestate has already.

    Args:
        inner: decides which spans are sampled: all whose parent is, and all without a parent,
            unless told otherwise.
    """

    def __init__(self, inner: Sampler | None = None) -> None:
        self._inner = inner or ParentBased(ALWAYS_ON)

    def should_sample(  # noqa: PLR0913 - as Sampler has it
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the inner sampler's decision, with the run kind."""
        result = self._inner.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        run = kind_in(get_current() if parent_context is None else parent_context)
        if run is None:
            return result
        state = _with(result.trace_state, run)
        if state is result.trace_state:
            return result
        return SamplingResult(result.decision, result.attributes, state)

    def get_description(self) -> str:
        """Return what this is and what it asks."""
        return f"RunKindSampler{{{self._inner.get_description()}}}"


def sampler_of(share: str | float | None = None) -> RunKindSampler:
    """Return the sampler for the value of `OTEL_TRACES_SAMPLER_ARG`.

    Args:
        share: of the traces begun here, from 0 to 1; all without one.

    Raises:
        ValueError: it is no such number.
    """
    if share is None or share == "":
        return RunKindSampler()
    try:
        ratio = TraceIdRatioBased(float(share))
    except ValueError as error:
        raise ValueError(
            f"OTEL_TRACES_SAMPLER_ARG is {share!r}: set it to a number from 0 to 1"
        ) from error
    return RunKindSampler(ParentBased(ratio))


def _with(state: TraceState | None, run: RunKind) -> TraceState | None:
    """Return a tracestate that says a run kind; live ones say nothing unless they have to."""
    said = state.get(_MEMBER) if state else None
    if said == run.value or (said is None and run is RunKind.LIVE):
        return state
    others = [pair for pair in (state or {}).items() if pair[0] != _MEMBER]
    return TraceState([(_MEMBER, run.value), *others[: _MOST_MEMBERS - 1]])
