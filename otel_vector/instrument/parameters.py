"""The parameters of the decorators: checked when a function is decorated, made a plan.

Whoever mistypes a parameter hears of it there and then; afterwards nothing is raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from otel_vector.instrument.functions import About
from otel_vector.instrument.plan import Plan
from otel_vector.spans.functions import Scalar

__all__ = ["plan_of"]

Parameters = Mapping[str, Any]

_TEXTS: Final = ("search_description", "sequence_narrative", "error_code")
_SWITCHES: Final = (
    "capture_inputs",
    "capture_return_value",
    "semantic_cache",
    "replay",
    "enable_alert",
    "force_sync",
    "auto",
)
_NAMES: Final = ("attributes_to_capture", "semantic_cache_scope")
_KEPT: Final = {  # what stands on the function's record if it differs from this
    "semantic_cache": False,
    "replay": False,
    "enable_alert": True,
    "auto": False,
    "cache_threshold": 0.9,
}
_SCALAR: Final = (str, bool, int, float)
_ON_SPANS: Final = {
    "semantic_cache": "otel_vector.semantic_cache",
    "replay": "otel_vector.replay",
    "enable_alert": "otel_vector.alert",
}


def plan_of(decorator: str, given: Parameters, tags: Parameters) -> Plan:
    """Return what a decorator's parameters mean.

    Args:
        decorator: its name, for what is raised.
        given: the parameters it has, by name.
        tags: all others.

    Raises:
        TypeError: a value is of another type than its parameter.
        ValueError: a threshold is no share.
    """
    for name, value in given.items():
        _check(decorator, name, value)
    _check_tags(decorator, given, tags)
    whole = bool(given.get("semantic_cache") or given.get("replay"))
    return Plan(
        capture_inputs=given["capture_inputs"] or whole,
        capture_return_value=given["capture_return_value"] or whole,
        attributes_to_capture=tuple(given["attributes_to_capture"] or ()),
        whole=whole,
        error_code=given["error_code"] or "",
        attributes={_ON_SPANS[n]: given[n] for n in _ON_SPANS if _differs(given, n)},
        tags=dict(tags),
        about=About(
            description=given.get("search_description") or "",
            narrative=given.get("sequence_narrative") or "",
            tags=dict(tags),
            switches=_switches(given),
        ),
    )


def _differs(given: Parameters, name: str) -> bool:
    return bool(given.get(name, _KEPT[name]) != _KEPT[name])


def _switches(given: Parameters) -> dict[str, Scalar]:
    """Return what is kept with the function: switches, threshold, filters and scope of a cache."""
    kept = {_named(name): given[name] for name in _KEPT if _differs(given, name)}
    filters = given.get("semantic_cache_filters") or {}
    scope = given.get("semantic_cache_scope") or ()
    if filters:
        kept["semantic_cache_filters"] = ",".join(f"{k}={v}" for k, v in sorted(filters.items()))
    if scope:
        kept["semantic_cache_scope"] = ",".join(scope)
    return kept


def _named(switch: str) -> str:
    """Return what a switch is called on records: as on spans."""
    return _ON_SPANS.get(switch, switch).removeprefix("otel_vector.")


def _check(decorator: str, name: str, value: Any) -> None:
    wanted = _wanted(name, value)
    if wanted:
        raise TypeError(f"{decorator}: {name} must be {wanted}, not {type(value).__name__}")
    if name == "cache_threshold" and not 0 <= value <= 1:
        raise ValueError(f"{decorator}: cache_threshold must be between 0 and 1, not {value}")


def _wanted(name: str, value: Any) -> str:
    """Return what a parameter must be; empty if its value is so."""
    if name in _TEXTS:
        return "" if value is None or isinstance(value, str) else "text"
    if name in _SWITCHES:
        return "" if isinstance(value, bool) else "True or False"
    if name in _NAMES:
        return "" if value is None or _is_names(value) else "a list of argument names"
    if name == "cache_threshold":
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return "" if is_number else "a number"
    return "" if value is None or isinstance(value, Mapping) else "a dict"


def _is_names(value: Any) -> bool:
    is_list = isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes)
    return is_list and all(isinstance(name, str) for name in value)


def _check_tags(decorator: str, given: Parameters, tags: Parameters) -> None:
    """Refuse what can be no tag, and a list that is meant for a parameter."""
    for name, value in tags.items():
        if isinstance(value, _SCALAR):
            continue
        meant = _meant(name, given)
        if meant or not _is_list(value):
            raise TypeError(
                f"{decorator} has no parameter {name!r}, and a tag of that name must be text,"
                f" a number, True or False, or a list of such, not {type(value).__name__}{meant}"
            )


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(part, _SCALAR) for part in value)


def _meant(name: str, given: Parameters) -> str:
    """Return a question for a name that is nearly that of a parameter; empty for any other."""
    from difflib import get_close_matches

    near = get_close_matches(name, given, n=1, cutoff=0.8)
    return f": did you mean {near[0]}?" if near else ""
