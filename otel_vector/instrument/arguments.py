"""The arguments of a call by parameter name, however the call spells them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Binder"]


class Binder:
    """Binds the calls of one function; made once, when it is decorated."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._signature = inspect.signature(function)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, object]:
        """Return the arguments by name, defaults applied, without `self` or `cls`."""
        bound = self._signature.bind_partial(*args, **kwargs)
        bound.apply_defaults()
        return {k: v for k, v in bound.arguments.items() if k not in {"self", "cls"}}
