"""Which functions are to be wrapped, as one writes it: `shop.payments:*`, `shop.cart:Cart.add`.

Before the colon stands a module: dotted, its parts after the first may be globs (`shop.*`), and
`**` is any number of parts, none included, so that `shop.**` is `shop` and all below it. After the
colon stands a qualified name, or a glob over qualified names (`Cart.*`, `charge_*`, `*`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from otel_vector.errors import ConfigError

__all__ = ["Pattern", "is_special", "parse_pattern"]

_GLOB: Final = re.compile(r"[*?\[]")
_PART: Final = re.compile(r"(\w|[*?]|\[!?[\w-]+\])+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """One entry of the setting `instrument.functions`.

    Attributes:
        text: as it was written.
        modules: the parts of the module's name.
        names: a qualified name, or a glob over them.
    """

    text: str
    modules: tuple[str, ...]
    names: str

    @property
    def module(self) -> str:
        """The one module it is about, or empty if it may be about several."""
        name = ".".join(self.modules)
        return "" if _GLOB.search(name) else name

    @property
    def is_glob(self) -> bool:
        """Whether it names functions by a glob, and not one function."""
        return _GLOB.search(self.names) is not None

    def concerns(self, module: str) -> bool:
        """Return whether it is about a module."""
        parts = module.split(".")
        return parts[0] == self.modules[0] and _fits(parts, self.modules)

    def wants(self, qualname: str) -> bool:
        """Return whether it names a function; one like `__init__` only by that very name."""
        name = qualname.rpartition(".")[2]
        if is_special(name) and self.names.rpartition(".")[2] != name:
            return False
        return fnmatchcase(qualname, self.names)


def parse_pattern(text: str) -> Pattern:
    """Return the pattern that a text is.

    Raises:
        ConfigError: it is none; the message says how one is written.
    """
    module, colon, names = text.partition(":")
    if not colon:
        raise ConfigError(f"{text!r} names no functions: write module:function, as in {text}:*")
    modules = tuple(module.split("."))
    if not modules[0].isidentifier():
        raise ConfigError(f"{text!r}: begin with the name of a package, as in shop.**:*")
    if not all(map(_PART.fullmatch, modules)):
        raise ConfigError(f"{text!r}: {module!r} is no module: write shop.cart, shop.* or shop.**")
    if not all(map(_PART.fullmatch, names.split("."))):
        raise ConfigError(f"{text!r}: {names!r} is no function: write f, Class.f, Class.* or *")
    return Pattern(text, modules, names)


def is_special(name: str) -> bool:
    """Return whether Python or the class's maker calls a function of that name by itself."""
    return name.startswith("_") and name.endswith("_") and name != "__call__"


def _fits(parts: list[str], globs: tuple[str, ...]) -> bool:
    if not globs:
        return not parts
    first, rest = globs[0], globs[1:]
    if first == "**":
        return any(_fits(parts[skipped:], rest) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], first) and _fits(parts[1:], rest)
