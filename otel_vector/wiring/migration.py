"""The job that copies an opened data folder's store into another one: a folder's or a server's."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from otel_vector.errors import ConfigError, InvalidInputError
from otel_vector.jobs.contract import Arguments, Kind
from otel_vector.progress import Progress
from otel_vector.settings.config import Settings, StoreConfig
from otel_vector.spans.keys import attribute_field
from otel_vector.state.folder import make_folder
from otel_vector.store.contract import Store
from otel_vector.wiring.backends import NO_MODEL, require_qdrant
from otel_vector.wiring.upkeep import Upkept

__all__ = ["MIGRATE", "migrate_kind", "target_of"]

MIGRATE: Final = "migrate"
_TO: Final = "to"
_PREFIX: Final = "prefix"
_SCHEME: Final = "://"


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to.

    Attributes:
        name: tells targets apart, durably; how far the copy has come is kept by it.
        config: opens the store there.
        folder: the other data folder; None for a server.
    """

    name: str
    config: StoreConfig
    folder: Path | None = None


def migrate_kind(engine: Upkept) -> Kind:
    """Return the kind: it copies the whole store, and compares the two.

    A job that is begun again goes on where it was; what is copied lies in the target, and how
    far that is in the engine's state.
    """
    return Kind(
        lambda _, arguments, progress: _migrate(engine, arguments, progress),
        lambda arguments: target_of(engine.settings, arguments),
        store_wide=True,
        paths=(_TO,),
    )


def target_of(settings: Settings, arguments: Arguments) -> Arguments:
    """Return the job's arguments in their normal form.

    Args:
        settings: of the data folder that is copied from.
        arguments: `to`, the URL of a server's gRPC port or an absolute path of another data
            folder, and `prefix`, what the names of the server's collections begin with.

    Raises:
        InvalidInputError: there is no such target, or it is where the store is already.
    """
    texts = {name: arguments.get(name) or "" for name in (_TO, _PREFIX)}
    if set(arguments) - set(texts) or not all(isinstance(text, str) for text in texts.values()):
        raise InvalidInputError(f"migrate takes the texts {_TO} and {_PREFIX}")
    to = texts[_TO]
    if _SCHEME not in to and not Path(to).is_absolute():
        raise InvalidInputError(
            f"{to!r} is no target; name the URL of a server, http://host:6334, or an absolute path"
        )
    given = {name: text for name, text in texts.items() if text}
    _require_another(settings, _target(settings, given))
    return given


def _migrate(engine: Upkept, arguments: Arguments, progress: Progress) -> Arguments:
    from otel_vector.maintain.describing import describers
    from otel_vector.maintain.migrate import migrate

    target = _target(engine.settings, arguments)
    describe = describers(engine.settings.describe)
    with closing(_opened(engine, target)) as store:
        done = migrate(engine.store, store, describe, engine.state, target.name, progress)
        if not store.recipe:
            store.described(engine.store.recipe)
    return asdict(done)


def _target(settings: Settings, arguments: Arguments) -> _Target:
    to, prefix = str(arguments[_TO]), str(arguments.get(_PREFIX, ""))
    if _SCHEME in to:
        config = replace(
            settings.store, url=to, backend="", prefix=prefix or settings.store.prefix
        )
        return _Target(_name_on_server(config), config)
    if prefix:
        raise InvalidInputError("a prefix is for the collections of a server, not for a folder")
    folder = Path(to).resolve()
    return _Target(str(folder), replace(settings.store, url=""), folder)


def _name_on_server(config: StoreConfig) -> str:
    """Return the address and the prefix; the store's key is in neither."""
    require_qdrant()
    from otel_vector.store.qdrant import Address

    try:
        address = Address.of(config.url)
    except ConfigError as wrong:
        raise InvalidInputError(str(wrong).removeprefix("store.url: ")) from wrong
    return f"{address.target} {config.prefix}"


def _require_another(settings: Settings, target: _Target) -> None:
    """Refuse to copy a store into itself.

    Raises:
        InvalidInputError: it is the same one.
    """
    if target.folder is not None:
        if target.folder == settings.data.resolve():
            raise InvalidInputError(
                f"{target.folder} is the data folder itself; name another one to copy to"
            )
    elif settings.store.url and target.name == _name_on_server(settings.store):
        raise InvalidInputError(
            f"the store is at {target.config.url} already; name another server or prefix"
        )


def _opened(engine: Upkept, target: _Target) -> Store:
    settings, model = engine.settings, engine.store.models.default
    path = (target.folder or settings.data) / "store"
    if target.folder is not None:
        make_folder(target.folder)
        make_folder(path)
    indexed = tuple(map(attribute_field, settings.describe.index_attributes))
    name, dimension = (model.name, model.dimension) if model else (NO_MODEL, 0)
    return engine.backends.store(path, target.config, name, dimension, indexed)
