"""Modules are handed over right after they were executed, before whoever imports them sees them.

::

    import shop.cart ─▶ ModuleFinder ─▶ the other finders ─▶ spec
                        └─ its loader, for one call, within a WatchedLoader
    exec_module ─▶ the loader is put back ─▶ the module runs ─▶ loaded(module)

Before the module runs, its spec and itself have the loader that they would have without us, so
reloading, resources, pickling and whatever asks for a loader find what they expect. A namespace
package has no loader and stays as it is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["ModuleFinder", "WatchedLoader"]


class WatchedLoader:
    """A loader that tells when it has executed a module; in all else it is the one it holds.

    Args:
        inner: the loader.
        loaded: called with each module that it has executed; must not raise.
    """

    def __init__(self, inner: Any, loaded: Callable[[ModuleType], None]) -> None:
        self._inner = inner
        self._loaded = loaded

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class of the loader it holds."""
        return type(self._inner)

    def __getattr__(self, name: str) -> Any:
        """Return what the loader has."""
        return getattr(self._inner, name)

    def exec_module(self, module: ModuleType) -> None:
        """Execute a module as the loader would."""
        self._give_back(module)
        self._inner.exec_module(module)
        self._loaded(module)

    def _give_back(self, module: ModuleType) -> None:
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.loader is self:
            spec.loader = self._inner
        if getattr(module, "__loader__", None) is self:
            module.__loader__ = self._inner


class ModuleFinder:
    """A finder at the head of `sys.meta_path`; finds nothing itself.

    Args:
        concerns: whether a module of that name is to be handed over.
        loaded: takes the modules; must not raise.
    """

    def __init__(
        self, concerns: Callable[[str], bool], loaded: Callable[[ModuleType], None]
    ) -> None:
        self._concerns = concerns
        self._loaded = loaded
        self._asked = threading.local()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec that the other finders have, with a watched loader."""
        asked: set[str] = self._asked.__dict__.setdefault("names", set())
        # A finder among the others may ask all of them again, as ours does.
        if fullname in asked or not self._concerns(fullname):
            return None
        asked.add(fullname)
        try:
            spec = self._found(fullname, path, target)
        finally:
            asked.discard(fullname)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            watched: Any = WatchedLoader(spec.loader, self._loaded)
            spec.loader = watched
        return spec

    def _found(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(fullname, path, target)
            if spec is not None:
                return spec
        return None
