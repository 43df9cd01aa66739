"""What is recorded of one function, as its decorator says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from otel_vector.instrument.functions import About
from otel_vector.spans.functions import Scalar

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the spans of one function carry.

    Attributes:
        capture_inputs: all arguments, as `input.value`.
        capture_return_value: what is returned, as `output.value`.
        attributes_to_capture: names of arguments that get an attribute of their own.
        whole: captured values are never cut off.
        error_code: of exceptions that name none themselves; empty for what the mapping says.
        attributes: what else each span carries.
        tags: names and values from the decorator.
        about: what is announced of the function itself, beside its source.
    """

    capture_inputs: bool = False
    capture_return_value: bool = False
    attributes_to_capture: tuple[str, ...] = ()
    whole: bool = False
    error_code: str = ""
    attributes: Mapping[str, Scalar] = field(default_factory=lambda: MappingProxyType({}))
    tags: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    about: About = field(default_factory=About)
