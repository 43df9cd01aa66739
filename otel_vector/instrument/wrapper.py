"""Wraps the functions that patterns name, in the modules that are there and in those to come.

::

    begin ─▶ ModuleFinder at the head of sys.meta_path ─▶ each module, once executed ─┐
      └────▶ modules that are imported already ───────────────────────────────────────┤
                                        places_of ─▶ wrapped ─▶ put in the function's place
    end ───▶ what still holds a wrapper of ours gets its function back
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from otel_vector.instrument.faults import faults
from otel_vector.instrument.finder import ModuleFinder
from otel_vector.instrument.members import Place, contents_of, places_of
from otel_vector.instrument.patterns import Pattern
from otel_vector.instrument.wrapping import is_traced

__all__ = ["FunctionWrapper", "Wrap"]

_log = logging.getLogger("otel_vector.instrument")

Wrap = Callable[[Any], Any]
"""Returns a function with spans around its calls."""


@dataclass(frozen=True, slots=True)
class _Patch:
    """A place whose function was replaced, and by what."""

    place: Place
    put: Any

    def undo(self) -> None:
        """Restore what was there, unless somebody replaced it since."""
        if contents_of(self.place.owner).get(self.place.name) is self.put:
            self.place.put(self.place.held)


@dataclass(slots=True)
class FunctionWrapper:
    """Wraps what some patterns name, from `begin` to `end`.

    Args:
        patterns: which functions.
        wrap: makes a function a traced one.
    """

    patterns: Sequence[Pattern]
    wrap: Wrap
    _patches: dict[str, list[_Patch]] = field(default_factory=dict, init=False)
    _matched: set[Pattern] = field(default_factory=set, init=False)
    _told: set[Pattern] = field(default_factory=set, init=False)
    _finder: ModuleFinder = field(init=False)

    def __post_init__(self) -> None:
        self._finder = ModuleFinder(self._concerns, self._loaded)

    def begin(self) -> None:
        """Wrap in modules that are imported, and from now on in those that will be."""
        sys.meta_path.insert(0, self._finder)
        for name, module in list(sys.modules.items()):
            if issubclass(type(module), ModuleType) and self._concerns(name):
                self._loaded(module)

    def end(self) -> None:
        """Wrap no more, and restore what was wrapped."""
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        for patches in self._patches.values():
            for patch in patches:
                patch.undo()
        self._patches.clear()

    def unmatched(self) -> list[Pattern]:
        """Return the patterns that nothing matched, each of them once."""
        found = [p for p in self.patterns if p not in self._matched and p not in self._told]
        self._told.update(found)
        return found

    def _concerns(self, module: str) -> bool:
        return any(pattern.concerns(module) for pattern in self.patterns)

    def _loaded(self, module: ModuleType) -> None:
        """Wrap in a module that was executed, perhaps again."""
        name = contents_of(module).get("__name__", "")
        patterns = [p for p in self.patterns if p.concerns(name)]
        # One wrapper for a function that is held in several places.
        wrappers: dict[int, Any] = {}
        patches = [self._wrapped(place, patterns, wrappers) for place in list(places_of(module))]
        self._patches[name] = [patch for patch in patches if patch is not None]
        if not _is_being_executed(module):
            self._tell_of_missing(name, patterns)

    def _wrapped(
        self, place: Place, patterns: Sequence[Pattern], wrappers: dict[int, Any]
    ) -> _Patch | None:
        """Wrap the function of a place if a pattern says so."""
        try:
            wanted = [p for p in patterns if p.wants(place.function.__qualname__)]
            self._matched.update(wanted)
            if not any(_may_wrap(pattern, place) for pattern in wanted):
                return None
            key = id(place.function)
            if key not in wrappers:
                wrappers[key] = self.wrap(place.function)
            put = place.holding(wrappers[key])
            place.put(put)
        except Exception as error:  # noqa: BLE001 - the import of the module must not fail for it
            faults.note(f"{place.function.__qualname__} is not traced", error)
            return None
        return _Patch(place, put)

    def _tell_of_missing(self, module: str, patterns: Sequence[Pattern]) -> None:
        for pattern in patterns:
            if pattern.module and pattern not in self._matched | self._told:
                self._told.add(pattern)
                _log.warning(
                    "nothing is traced for %s: %s defines no such function; a method is named"
                    " where it is defined, and what a decorator returned is not a plain function",
                    pattern.text,
                    module,
                )


def _is_being_executed(module: ModuleType) -> bool:
    """Return whether a module is among `sys.modules` and not yet whole."""
    spec = contents_of(module).get("__spec__")
    return getattr(spec, "_initializing", False) is True


def _may_wrap(pattern: Pattern, place: Place) -> bool:
    """Return whether a pattern is enough to wrap a function that it names.

    By a glob only functions as they were written are wrapped; a function that is named itself
    may be decorated, but not by ours.
    """
    if pattern.is_glob:
        return place.is_plain
    return not is_traced(place.function)
