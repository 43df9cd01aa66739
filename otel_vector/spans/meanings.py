"""A meaning: one distinct text of one facet, which any number of spans point at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from otel_vector.spans.ids import MeaningId
from otel_vector.spans.runs import RunKind

__all__ = ["Facet", "Meaning", "RunKind", "Signal"]


class Facet(StrEnum):
    """Which side of a span a text tells about."""

    OPERATION = "operation"
    """What this kind of span does: service, name, kind, route, statement; ids masked."""
    ERROR = "error"
    """What went wrong: exception type and masked message, status text."""
    INPUT = "input"
    """What went in: captured content, unmasked, redacted."""
    OUTPUT = "output"
    """What came out."""
    SYSTEM = "system"
    """The system instructions of a model call."""
    REASONING = "reasoning"
    """What a model thought before it answered."""
    TOOL = "tool"
    """A tool's name, description and arguments."""
    RETRIEVAL = "retrieval"
    """Documents that were retrieved."""
    LOG = "log"
    """The masked body of a log record; log records point at it, spans do not."""
    CODE = "code"
    """A function definition."""


class Signal(StrEnum):
    """What kind of OTLP item a block or point holds."""

    SPANS = "spans"
    LOGS = "logs"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One distinct text of one facet.

    Attributes:
        id: pure function of tenant, facet and identity text.
        facet: the facet.
        text: what is embedded and shown. At most some 2,000 characters; longer content is
            several meanings (passages).
        service: for `operation`: the exact service name, else empty.
        name: for `operation`: the span name with ids masked, else empty.
        kind: for `operation`: the OTLP span kind number, else 0.
        name_masked: for `operation`: whether `name` differs from the spans' own names, so that
            an exact match on a name must be confirmed in the block.
        recipe: version of the description recipe that made the text.
    """

    id: MeaningId
    facet: Facet
    text: str
    service: str = ""
    name: str = ""
    kind: int = 0
    name_masked: bool = False
    recipe: int = 1
