"""Backends of other packages: found by entry point, chosen by a setting.

A package registers a factory under a name of its own::

    [project.entry-points."otel_vector.store"]
    shelf = "my_package:Shelf"

and `store.backend = "shelf"` has it called with what the built-in factory is called with. No
package but the one that is named is imported.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from otel_vector.errors import ConfigError, OtelVectorError

__all__ = ["GROUPS", "installed", "plugin"]

GROUPS: Final = {
    "store": "otel_vector.store",
    "embed": "otel_vector.embed",
    "inbox": "otel_vector.inbox",
}
"""The setting's part → the group of its entry points."""


def installed(part: str) -> list[str]:
    """Return the names that installed packages give for a part, in order."""
    return sorted({entry.name for entry in entry_points(group=GROUPS[part])})


def plugin(part: str, name: str) -> Any:
    """Return the factory that an installed package registered.

    Args:
        part: `store`, `embed` or `inbox`.
        name: as the setting `<part>.backend` names it.

    Raises:
        ConfigError: no package or several register that name, or it cannot be imported.
    """
    entry = _entry(part, name)
    try:
        factory = entry.load()
    except OtelVectorError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{part}.backend {name!r} of package {_package(entry)} cannot be imported"
            f" ({type(error).__name__}: {error}); repair or remove that package, or choose another"
        ) from error
    if not callable(factory):
        raise ConfigError(
            f"{part}.backend {name!r} of package {_package(entry)} is no factory; {entry.value}"
            " has to be a class or a function"
        )
    return factory


def _entry(part: str, name: str) -> EntryPoint:
    found = list({e.value: e for e in entry_points(group=GROUPS[part], name=name)}.values())
    if len(found) == 1:
        return found[0]
    if found:
        packages = ", ".join(sorted(map(_package, found)))
        raise ConfigError(
            f"{part}.backend {name!r} is registered by {packages}; remove all but one"
        )
    names = ", ".join(installed(part)) or "none"
    raise ConfigError(
        f"{part}.backend {name!r} is registered by no installed package; installed: {names};"
        " leave it empty for the built-in one"
    )


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
