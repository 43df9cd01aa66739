"""Which part of the encoder makes the trees of a class."""

from __future__ import annotations

import sys
from typing import Any, Final

from otel_vector.canonical import containers, scalars
from otel_vector.canonical.arrays import array_of
from otel_vector.canonical.names import bare_name, class_named, type_name
from otel_vector.canonical.opaque import opaque_tree
from otel_vector.canonical.shapes import shape_of
from otel_vector.canonical.tags import TAG, Handler, Tree, Walker
from otel_vector.canonical.values import Opaque

__all__ = ["KEPT", "handler_of"]

_MOST_KEPT: Final = 4_096
_LOADED: Final = {**containers.LOADED, **scalars.LOADED}


def handler_of(cls: type) -> Handler:
    """Return what makes the trees of a class's instances."""
    handler = KEPT.get(cls)
    if handler is not None:
        return handler
    handler = _loaded(cls) or array_of(cls) or shape_of(cls) or _opaque
    if len(KEPT) < _MOST_KEPT and class_named(type_name(cls)) is cls:
        KEPT[cls] = handler
    return handler


def _loaded(cls: type) -> Handler | None:
    """Return the handler of a class of the standard library, found in its module."""
    module_name, handler = _LOADED.get(bare_name(cls), ("", _opaque))
    module = sys.modules.get(module_name)
    is_that = module is not None and vars(module).get(bare_name(cls)) is cls
    return handler if is_that else None


def _again(_: Walker, value: Opaque) -> Tree:
    """What was opaque when it was decoded is the same text again."""
    return {TAG: "opaque", "type": value.type, "v": value.text}


def _opaque(_: Walker, value: Any) -> Tree:
    return opaque_tree(value)


# Only classes that their module holds anyway are kept: one made for the moment can still go.
KEPT: Final[dict[type, Handler]] = {**containers.BUILT_IN, **scalars.BUILT_IN, Opaque: _again}
