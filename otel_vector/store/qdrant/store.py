"""The store on a Qdrant server; see the package."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Final

from qdrant_client import grpc as pb

from otel_vector.errors import UnsupportedError
from otel_vector.progress import Progress
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Capabilities
from otel_vector.store.models import Coming, Model, Models
from otel_vector.store.qdrant.bound import Bound
from otel_vector.store.qdrant.connection import Connection
from otel_vector.store.qdrant.header import Header, HeaderPoint
from otel_vector.store.qdrant.names import KINDS, Names
from otel_vector.store.qdrant.schema import Schema
from otel_vector.store.qdrant.tenant import QdrantTenant

__all__ = ["QdrantStore", "stored_models"]

_TENANTS: Final = 1_000_000


class QdrantStore:
    """Implements `Store`."""

    def __init__(self, config: StoreConfig, models: Models, indexed: tuple[str, ...] = ()) -> None:
        """Connect, and make what is not there yet.

        Args:
            config: where the server is, and everything else that can be set of a store.
            models: models that are asked for; `default` is None for none.
            indexed: key fields that every point is given (see `spans.keys.attribute_field`).

        Raises:
            ConfigError: the URL, the key or TLS is wrong.
            ModelMismatchError: the store holds vectors of another model.
            StoreUnavailableError: the server does not answer.
            StoreVersionError: the server is too old, or a newer version wrote the store.
        """
        self._config = config
        self._names = Names(config.prefix, config.day_shards)
        self._connection = Connection(config)
        self._schema = Schema(self._connection, config)
        self._header = HeaderPoint(self._connection, self._names)
        self._answers = models.default is not None
        self._lock = Lock()
        self._tenants: dict[Tenant, QdrantTenant] = {}
        try:
            self._schema.complete()
            header = self._header.bind(models, indexed)
            self._indexed = frozenset(header.indexed)
            for model in header.models.current():
                self._schema.add_space(model)
            self._connection.opened = True
        except BaseException:  # whatever it is, nobody else can close the connection
            self._connection.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """See `Store`."""
        return Capabilities(durable=True, shared=True)

    @property
    def models(self) -> Models:
        """See `Store`."""
        return self._read().models if self._answers else Models()

    @property
    def recipe(self) -> int:
        """See `Store`."""
        return self._read().recipe

    def _read(self) -> Header:
        return self._header.read() or Header()

    def described(self, recipe: int) -> None:
        """See `Store`."""
        self._header.write(replace(self._read(), recipe=recipe))

    def prepare(self, model: Model, facet: Facet | None = None) -> None:
        """See `Store`."""
        if not self._answers:
            raise UnsupportedError("the store was opened without a model; set embed.model")
        header = self._read()
        coming = Coming(model, facet)
        models = header.models
        has = models.default if facet is None else models.of(facet)
        if has == model:
            self._change(header, models.with_coming(None))
        elif models.coming != coming:
            self._schema.add_space(model)
            self._change(header, models.with_coming(coming))

    def switch(self) -> None:
        """See `Store`."""
        header = self._read()
        if header.models.coming is not None:
            self._change(header, header.models.switched())

    def _change(self, header: Header, models: Models) -> None:
        """Note other models; the vectors of those that are none of them any more go."""
        if models == header.models:
            return
        self._header.write(replace(header, models=models))
        for model in set(_all(header.models)) - set(_all(models)):
            self._schema.remove_space(model)

    def tenant(self, tenant: Tenant) -> QdrantTenant:
        """See `Store`."""
        with self._lock:
            known = self._tenants.get(tenant)
            if known is None:
                bound = Bound(self._connection, self._names, tenant)
                known = self._tenants[tenant] = QdrantTenant(
                    bound, self._schema, self._config, lambda: self.models, self._indexed
                )
            return known

    def tenants(self) -> list[Tenant]:
        """See `Store`."""
        calls = [
            (
                "Points/Facet",
                pb.FacetCounts(
                    collection_name=self._names.of(kind), key="tenant", limit=_TENANTS, exact=True
                ),
            )
            for kind in KINDS
        ]
        answers = self._connection.gather(calls)
        names = {hit.value.string_value for answer in answers for hit in answer.hits}
        return sorted(Tenant(name) for name in names if name.strip())

    def checkpoint(self) -> None:
        """Do nothing: what a write returned is in the server's log already."""

    def snapshot(self, folder: Path, progress: Progress) -> None:
        """See `Store`."""
        del progress
        raise UnsupportedError(
            f"a store on a server is not copied into {folder}; make snapshots of its collections "
            "with the server's own tools"
        )

    def health(self) -> str:
        """Return what the server says it is.

        Raises:
            OtelVectorError: it does not answer; says why.
        """
        return f"Qdrant {self._schema.version()} at {self._connection.target}"

    def close(self) -> None:
        """See `Store`."""
        self._connection.close()


def stored_models(config: StoreConfig) -> Models:
    """Return the models of the store on a server; none if there is no such store."""
    names = Names(config.prefix)
    with closing(Connection(config)) as connection:
        request = pb.ListCollectionsRequest()
        there = {c.name for c in connection.call("Collections/List", request).collections}
        header = HeaderPoint(connection, names).read() if names.of("records") in there else None
    return header.models if header is not None else Models()


def _all(models: Models) -> tuple[Model, ...]:
    coming = (models.coming.model,) if models.coming else ()
    return (*models.current(), *coming)
