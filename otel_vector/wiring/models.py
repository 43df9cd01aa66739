"""The embedders of a store's models: made from settings and from what the store holds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from otel_vector.embed.contract import Embedder
from otel_vector.embed.several import Embedders
from otel_vector.errors import ConfigError, ModelMismatchError
from otel_vector.settings.config import EmbedConfig, StoreConfig
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Store
from otel_vector.store.models import Model, Models
from otel_vector.wiring.backends import Backends, require_qdrant

__all__ = ["facet_models", "stored_models", "use_models"]

_SEPARATOR: Final = "="


def stored_models(folder: Path, config: StoreConfig) -> Models:
    """Return the models of the store in a folder or on a server; none if there is none."""
    if config.url:
        require_qdrant()
        from otel_vector.store.qdrant import stored_models as on_server

        return on_server(config)
    from otel_vector.store.edge.header import read_header

    header = read_header(folder / "store.json")
    return header.models if header is not None else Models()


def facet_models(config: EmbedConfig) -> dict[Facet, str]:
    """Return the models that settings name for single facets.

    Raises:
        ConfigError: an entry is not `facet=model`.
    """
    found: dict[Facet, str] = {}
    for entry in config.facets:
        facet, separator, model = entry.partition(_SEPARATOR)
        if not separator or facet not in set(Facet) or not model:
            raise ConfigError(
                f"embed.facets: {entry!r} is not facet=model; the facets are {', '.join(Facet)}"
            )
        found[Facet(facet)] = model
    return found


def use_models(
    store: Store, default: Embedder | None, config: EmbedConfig, backends: Backends,
    opened: ExitStack,
) -> Embedders | None:  # fmt: skip
    """Return the embedders of everything a store holds vectors of, as settings name them.

    A store without data takes the models of facets that settings name; otherwise they have to
    agree with its own.

    Raises:
        ModelMismatchError: settings name another model for a facet than the store has.
    """
    if default is None:
        return None
    made = {default.model: default}
    for facet, name in facet_models(config).items():
        embedder = made.get(name) or _made(config, name, backends, opened)
        made[embedder.model] = embedder
        _agree(store, facet, Model(embedder.model, embedder.dimension))
    return Embedders(_current(store.models, made, config, backends, opened))


def _agree(store: Store, facet: Facet, model: Model) -> None:
    has = store.models.of(facet)
    if has == model:
        return
    if store.tenants():
        raise ModelMismatchError(
            f"the store holds vectors of {has.name if has else 'no model'} for {facet}, not of "
            f"{model.name}; take {facet} out of embed.facets, or change the model: "
            f"otel-vector reembed --model {model.name} --facet {facet}"
        )
    store.prepare(model, facet)
    store.switch()


def _current(
    models: Models, made: Mapping[str, Embedder], config: EmbedConfig, backends: Backends,
    opened: ExitStack,
) -> list[Embedder]:  # fmt: skip
    return [
        made.get(model.name) or _made(config, model.name, backends, opened)
        for model in models.current()
    ]


def _made(config: EmbedConfig, name: str, backends: Backends, opened: ExitStack) -> Embedder:
    embedder = backends.embedder(replace(config, model=name, dimension=0, facets=()))
    if embedder is None:
        raise ConfigError(f"embed.facets: {name!r} gives no vectors; name a model")
    close = getattr(embedder, "close", None)
    if close is not None:
        opened.callback(close)
    return embedder
