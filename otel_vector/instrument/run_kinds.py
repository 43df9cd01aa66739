"""What a run is for: live, replay, test, eval, shadow or self.

It travels in baggage, which the SDK sends along with each request, and each function that is
traced says it of its own span unless it is live. Spans that others make say it in their tracestate
when `RunKindSampler` is the sampler.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from opentelemetry import baggage
from opentelemetry.context import Context, attach, detach

from otel_vector.spans.runs import RunKind

__all__ = ["KEY", "kind_in", "run_kind"]

KEY: Final = "otel_vector.run.kind"
"""The member of baggage, and the attribute of spans."""

_KINDS: Final = {kind.value: kind for kind in RunKind}


@contextmanager
def run_kind(kind: RunKind | str) -> Iterator[None]:
    """Make what is called within a run of this kind, in other processes too.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in _KINDS:
        raise ValueError(f"run kind {kind!r} is unknown: use one of {', '.join(_KINDS)}")
    token = attach(baggage.set_baggage(KEY, str(kind)))
    try:
        yield
    finally:
        detach(token)


def kind_in(context: Context) -> RunKind | None:
    """Return the kind of run that a context is part of; None if it does not say one."""
    if not context:
        return None
    kind = baggage.get_baggage(KEY, context)
    return _KINDS.get(kind) if isinstance(kind, str) else None
