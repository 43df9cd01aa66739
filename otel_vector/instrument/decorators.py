"""`@vectorize` and `@trace_span`: the spans of a function, by one line above it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partialmethod
from typing import Any, Final, TypeAlias, TypeVar, overload

from otel_vector.instrument.parameters import plan_of
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.wrapping import wrapped
from otel_vector.spans.functions import Scalar

__all__ = ["trace_span", "vectorize"]

Decorated: TypeAlias = (
    "Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any] | property"
    " | cached_property[Any] | partialmethod[Any]"
)
F = TypeVar("F", bound="Decorated")

_NO_DESCRIPTION: Final = {"search_description": None}


@overload
def vectorize(search_description: F, /) -> F: ...
@overload
def vectorize(
    search_description: str | None = None,
    sequence_narrative: str | None = None,
    *,
    capture_inputs: bool = False,
    capture_return_value: bool = False,
    attributes_to_capture: Sequence[str] | None = None,
    semantic_cache: bool = False,
    cache_threshold: float = 0.9,
    semantic_cache_filters: Mapping[str, Any] | None = None,
    semantic_cache_scope: Sequence[str] | None = None,
    replay: bool = False,
    enable_alert: bool = True,
    error_code: str | None = None,
    auto: bool = False,
    **tags: Scalar | Sequence[Scalar],
) -> Callable[[F], F]: ...
def vectorize(  # noqa: PLR0913 - the parameters that users of VectorWave know
    search_description: Any = None,
    sequence_narrative: str | None = None,
    *,
    capture_inputs: bool = False,
    capture_return_value: bool = False,
    attributes_to_capture: Sequence[str] | None = None,
    semantic_cache: bool = False,
    cache_threshold: float = 0.9,
    semantic_cache_filters: Mapping[str, Any] | None = None,
    semantic_cache_scope: Sequence[str] | None = None,
    replay: bool = False,
    enable_alert: bool = True,
    error_code: str | None = None,
    auto: bool = False,
    **tags: Scalar | Sequence[Scalar],
) -> Any:
    """Make a function findable, and each of its calls a span.

    Use it bare or with parameters. What the function does is not changed; nothing that goes wrong
    with tracing is raised by it.

    Args:
        search_description: what the function is found by, in your words; `...` for nothing yet.
        sequence_narrative: what comes before and after it, in your words.
        capture_inputs: record the arguments of each call.
        capture_return_value: record what each call returns, or a stream gives.
        attributes_to_capture: names of arguments that get an attribute of their own.
        semantic_cache: record all that a cache needs: arguments and results, whole.
        cache_threshold: from 0 to 1, how alike two inputs must be to share a result.
        semantic_cache_filters: names and values that an earlier call must have.
        semantic_cache_scope: names of arguments that must be equal.
        replay: record all that a replay needs: arguments and results, whole.
        enable_alert: whether a failure of this function may alert somebody.
        error_code: of exceptions that name none themselves.
        auto: have description and narrative written for you.
        tags: names and values that each span carries.

    Raises:
        TypeError: a parameter is of the wrong type, or there is no function to be decorated.
        ValueError: the threshold is not between 0 and 1.
    """
    given = dict(locals())
    del given["tags"]
    if search_description is ...:
        return _decorator(plan_of("vectorize", given | _NO_DESCRIPTION, tags))
    if search_description is None or isinstance(search_description, str):
        return _decorator(plan_of("vectorize", given, tags))
    return wrapped(search_description, plan_of("vectorize", given | _NO_DESCRIPTION, tags))


@overload
def trace_span(function: F, /) -> F: ...
@overload
def trace_span(
    function: None = None,
    /,
    *,
    attributes_to_capture: Sequence[str] | None = None,
    capture_return_value: bool = False,
    capture_inputs: bool = False,
    force_sync: bool = False,
    enable_alert: bool = True,
    error_code: str | None = None,
    **tags: Scalar | Sequence[Scalar],
) -> Callable[[F], F]: ...
def trace_span(  # noqa: PLR0913 - the parameters that users of VectorWave know
    function: Any = None,
    /,
    *,
    attributes_to_capture: Sequence[str] | None = None,
    capture_return_value: bool = False,
    capture_inputs: bool = False,
    force_sync: bool = False,
    enable_alert: bool = True,
    error_code: str | None = None,
    **tags: Scalar | Sequence[Scalar],
) -> Any:
    """Make each call of a function a span: a child of the current one, else one of its own.

    Use it bare or with parameters.

    Args:
        function: what is decorated, without parameters.
        attributes_to_capture: names of arguments that get an attribute of their own.
        capture_return_value: record what each call returns, or a stream gives.
        capture_inputs: record the arguments of each call.
        force_sync: accepted; spans leave the process beside the call in any case.
        enable_alert: whether a failure of this function may alert somebody.
        error_code: of exceptions that name none themselves.
        tags: names and values that each span carries.

    Raises:
        TypeError: a parameter is of the wrong type, or there is no function to be decorated.
    """
    given = dict(locals())
    del given["function"], given["tags"]
    plan = plan_of("trace_span", given, tags)
    return _decorator(plan) if function is None else wrapped(function, plan)


def _decorator(plan: Plan) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        return wrapped(function, plan)

    return decorate
