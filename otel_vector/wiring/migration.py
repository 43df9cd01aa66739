"""Moves an opened data folder's store into another one."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from otel_vector.errors import ConfigError
from otel_vector.maintain.describing import describers
from otel_vector.maintain.migrate import Migrated, migrate
from otel_vector.progress import Progress
from otel_vector.spans.keys import attribute_field
from otel_vector.state.folder import make_folder
from otel_vector.store.contract import Store
from otel_vector.wiring.backends import NO_MODEL, Backends

if TYPE_CHECKING:
    from otel_vector.wiring.engine import Engine

__all__ = ["migrated", "require_another"]


def migrated(
    engine: Engine, folder: Path, progress: Progress, backends: Backends | None = None
) -> Migrated:
    """Copy the engine's store into the store of another data folder, and compare the two.

    Args:
        engine: opened on the source; it may be in use.
        folder: the other data folder; no process has it open.
        progress: told of items, twice as many as there are.
        backends: makes the other store.

    Raises:
        ConfigError: it is the same folder.
        StoreLockedError: another process has the other folder open.
    """
    require_another(engine.settings.data, folder)
    with closing(_opened(engine, folder, backends or Backends())) as target:
        done = migrate(
            engine.store,
            target,
            describers(engine.settings.describe),
            engine.state,
            str(folder.resolve()),
            progress,
        )
        if not target.recipe:
            target.described(engine.store.recipe)
        return done


def require_another(data: Path, folder: Path) -> None:
    """Refuse to copy a data folder into itself.

    Raises:
        ConfigError: it is the same folder.
    """
    if folder.resolve() == data.resolve():
        raise ConfigError(f"{folder} is the data folder itself; name another one to copy to")


def _opened(engine: Engine, folder: Path, backends: Backends) -> Store:
    make_folder(folder)
    make_folder(folder / "store")
    settings, model = engine.settings, engine.store.models.default
    indexed = tuple(map(attribute_field, settings.describe.index_attributes))
    return backends.store(
        folder / "store",
        settings.store,
        model.name if model else NO_MODEL,
        model.dimension if model else 0,
        indexed,
    )
