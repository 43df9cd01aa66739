"""What a function is given and what it gives, as attributes of its span.

Arguments are captured when the SDK has decided to record a span and asks for its attributes, which
it does before it takes the time the span starts at: a call that is not recorded costs no capture,
one that is has its capture not in its duration, and arguments are as they were before the function
could change them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from opentelemetry.util.types import AttributeValue

from otel_vector.instrument.arguments import Binder
from otel_vector.instrument.capture import Chunks, inputs_of, output_of, selected_of
from otel_vector.instrument.faults import faults
from otel_vector.instrument.options import options
from otel_vector.instrument.plan import Plan

__all__ = ["Content", "LateAttributes"]

Attributes = dict[str, AttributeValue]


class Content:
    """Captures what one function is given and gives; what cannot be captured is left out.

    Args:
        function: the function itself.
        name: its name, for what is logged.
        plan: what to capture.
    """

    def __init__(self, function: Callable[..., Any], name: str, plan: Plan) -> None:
        self.captures_arguments = plan.capture_inputs or bool(plan.attributes_to_capture)
        self.captures_output = plan.capture_return_value
        self._binder = Binder(function) if self.captures_arguments else None
        self._name = name
        self._plan = plan

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Attributes:
        """Return the arguments of a call as attributes."""
        if self._binder is None:
            return {}
        try:
            bound = self._binder.bind(args, kwargs)
            found = selected_of(bound, self._plan.attributes_to_capture, self._limit)
            return found | (inputs_of(bound, self._limit) if self._plan.capture_inputs else {})
        except Exception as error:  # noqa: BLE001 - arguments are the application's
            faults.note(f"the arguments of a call of {self._name} are not recorded", error)
            return {}

    def output(self, result: object) -> Attributes:
        """Return what a call returned as attributes."""
        try:
            return output_of(result, self._limit)
        except Exception as error:  # noqa: BLE001 - results are the application's
            faults.note(f"the result of a call of {self._name} is not recorded", error)
            return {}

    def chunks(self) -> Chunks | None:
        """Return what collects the items of one stream; None if they are not captured."""
        return Chunks(self._limit) if self.captures_output else None

    @property
    def _limit(self) -> int | None:
        return None if self._plan.whole else options().max_chars


class LateAttributes(Mapping[str, AttributeValue]):
    """The attributes a span starts with, whose captured part is made when all are asked for.

    A sampler that looks for one that is known anyway, or for one that is never captured, causes no
    capture.
    """

    __slots__ = ("_all", "_args", "_content", "_known", "_kwargs")

    def __init__(
        self,
        known: Mapping[str, AttributeValue],
        content: Content,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._known = known
        self._content = content
        self._args = args
        self._kwargs = kwargs
        self._all: Attributes | None = None

    def __getitem__(self, key: str) -> AttributeValue:
        if key in self._known or not key.startswith(("input.", "otel_vector.")):
            return self._known[key]
        return self._made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made())

    def __len__(self) -> int:
        return len(self._known if self._all is None else self._all)

    def items(self) -> Any:
        """Return all attributes, captured ones included."""
        return self._made().items()

    def _made(self) -> Attributes:
        if self._all is None:
            # Of too many attributes the SDK drops the first: what names the function comes last.
            self._all = {**self._content.arguments(self._args, self._kwargs), **self._known}
        return self._all
