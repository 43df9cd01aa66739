"""Of which resource functions are announced: that of the spans which follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import get_tracer_provider

__all__ = ["resource_of"]


def resource_of(spans: Sequence[Any]) -> Resource:
    """Return the resource of some spans, without spans that of the process's provider."""
    found = spans[0].resource if spans else getattr(get_tracer_provider(), "resource", None)
    return found if isinstance(found, Resource) else Resource.create()
