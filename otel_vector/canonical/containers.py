"""Trees of containers of the standard library, in one order whatever theirs is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from orjson import OPT_SORT_KEYS, dumps

from otel_vector.canonical.names import type_name
from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.tags import TAG, Handler, Tree, Walker, check_length

__all__ = ["BUILT_IN", "LOADED", "sorted_trees", "text_of_tree"]

_FACTORIES: Final = frozenset({"dict", "float", "int", "list", "set", "str", "tuple"})


def text_of_tree(tree: Tree) -> str:
    """Return the text of a tree."""
    return dumps(tree, option=OPT_SORT_KEYS).decode()


def sorted_trees(trees: Iterable[Tree]) -> list[Tree]:
    """Return trees in the order of their texts."""
    return sorted(trees, key=text_of_tree)


def _list(walker: Walker, value: list[Any]) -> Tree:
    check_length(value)
    tree = walker.tree
    return [tree(part) for part in value]


def _tuple(walker: Walker, value: tuple[Any, ...]) -> Tree:
    check_length(value)
    return {TAG: "tuple", "v": [walker.tree(part) for part in value]}


def _set(walker: Walker, value: set[Any] | frozenset[Any]) -> Tree:
    check_length(value)
    return {TAG: type(value).__name__, "v": sorted_trees(walker.tree(part) for part in value)}


def _dict(walker: Walker, value: dict[Any, Any]) -> Tree:
    check_length(value)
    if not _has_plain_keys(value):
        return {TAG: "dict", "v": _sorted_pairs(walker, value)}
    tree = walker.tree
    return {key: tree(part) for key, part in value.items()}


def _has_plain_keys(value: dict[Any, Any]) -> bool:
    for key in value:
        if type(key) is not str:
            return False
    keys = "".join(value)
    return TAG not in value and (keys.isascii() or _is_utf8(keys))


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sorted_pairs(walker: Walker, value: dict[Any, Any]) -> list[Tree]:
    return sorted_trees(_pairs(walker, value))


def _pairs(walker: Walker, value: dict[Any, Any]) -> list[Tree]:
    return [[walker.tree(key), walker.tree(part)] for key, part in value.items()]


def _ordered(walker: Walker, value: dict[Any, Any]) -> Tree:
    check_length(value)
    return {TAG: "OrderedDict", "v": _pairs(walker, value)}


def _counter(walker: Walker, value: dict[Any, Any]) -> Tree:
    check_length(value)
    return {TAG: "Counter", "v": _sorted_pairs(walker, value)}


def _defaulting(walker: Walker, value: Any) -> Tree:
    check_length(value)
    made_by = value.default_factory
    known = type(made_by) is type and type_name(made_by).removeprefix("builtins.") in _FACTORIES
    factory = made_by.__name__ if known else made_by and opaque_tree(made_by)
    return {TAG: "defaultdict", "factory": factory, "v": _sorted_pairs(walker, value)}


def _deque(walker: Walker, value: Any) -> Tree:
    check_length(value)
    parts = [walker.tree(part) for part in value]
    return {TAG: "deque", "maxlen": walker.tree(value.maxlen), "v": parts}


BUILT_IN: Final[Mapping[type, Handler]] = MappingProxyType(
    {list: _list, tuple: _tuple, set: _set, frozenset: _set, dict: _dict}
)
"""Types that are there whatever is imported."""

LOADED: Final[Mapping[str, tuple[str, Handler]]] = MappingProxyType(
    {
        "OrderedDict": ("collections", _ordered),
        "Counter": ("collections", _counter),
        "defaultdict": ("collections", _defaulting),
        "deque": ("collections", _deque),
    }
)
"""Types by name, and the module to find them in if it is loaded."""
