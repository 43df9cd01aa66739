"""The embedded store: the Qdrant engine in this process, and SQLite for blocks.

::

    STORE/store.json       schema version, embedding model, dimension, indexed attributes
          lock             held by the one process that has the store open; names it
          tenants/<name>/  see `data`
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

from otel_vector.errors import UnsupportedError
from otel_vector.progress import Progress
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Capabilities, TenantStore
from otel_vector.store.edge.copies import copy_file
from otel_vector.store.edge.durable import sync_folder
from otel_vector.store.edge.faults import require_free_space, translated
from otel_vector.store.edge.header import bind
from otel_vector.store.edge.lock import FolderLock
from otel_vector.store.edge.mark import leave_mark, take_mark
from otel_vector.store.edge.migrations import migrate
from otel_vector.store.edge.open_shards import Room
from otel_vector.store.edge.shared import Shared
from otel_vector.store.edge.shortage import require_room_for_a_tenant
from otel_vector.store.edge.snapshot import Reported
from otel_vector.store.edge.spaces import Spaces
from otel_vector.store.edge.tenant import EdgeTenant
from otel_vector.store.models import Coming, Model, Models

__all__ = ["EdgeStore"]


class EdgeStore:
    """Implements `Store`."""

    def __init__(
        self, path: Path, config: StoreConfig, model: str, dimension: int,
        indexed: tuple[str, ...] = (), facets: Mapping[Facet, Model] | None = None,
    ) -> None:  # fmt: skip
        """Open or create a store.

        Args:
            path: the store's folder.
            config: sizes and limits.
            model: name of the embedding model; `none` without one.
            dimension: length of its vectors; 0 without one.
            indexed: key fields that every point is given (see `spans.keys.attribute_field`).
            facets: models of single facets; a facet not named here keeps the one it has.

        Raises:
            StoreLockedError: another process has the store open.
            StoreVersionError: a newer version wrote it.
            ModelMismatchError: it holds vectors of another model.
            StoreDamagedError: a file cannot be read, or is missing; nothing was changed.
            StorageFullError: the disk is nearly full; opening may have to write.
        """
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        require_free_space(path)
        self._path = path
        self._config = config
        self._room = Room.of(config.max_open_shards)
        self._lock = FolderLock(path / "lock")
        self._opening = Lock()
        self._changing = Lock()
        self._unclean = self._opened = False
        self._tenants: dict[Tenant, EdgeTenant] = {}
        try:
            migrate(path)
            default = Model(model, dimension) if dimension else None
            header = bind(path / "store.json", Models(default, dict(facets or {})), indexed)
            self._spaces = Spaces(path / "store.json", header)
            self._unclean = not take_mark(path)
            for folder in sorted((path / "tenants").glob("*")):
                self._open(Tenant(folder.name))
            self._unclean, self._opened = False, True
            self._let_leave()
        except BaseException:  # whatever it is, the lock and open shards have no other owner
            self.close()
            raise

    @property
    def capabilities(self) -> Capabilities:
        """See `Store`."""
        return Capabilities(durable=True, shared=False, snapshots=True)

    @property
    def models(self) -> Models:
        """See `Store`."""
        return self._spaces.models

    @property
    def recipe(self) -> int:
        """See `Store`."""
        return self._spaces.header.recipe

    def described(self, recipe: int) -> None:
        """See `Store`."""
        with self._changing:
            if recipe != self.recipe:
                self._spaces.change(recipe=recipe)

    def prepare(self, model: Model, facet: Facet | None = None) -> None:
        """See `Store`."""
        with self._changing:
            models = self.models.with_coming(Coming(model, facet))
            if self.models.default is None:
                raise UnsupportedError("the store was opened without a model; set embed.model")
            if models != self.models and models.switched() != self.models.with_coming(None):
                self._reform(models)

    def switch(self) -> None:
        """See `Store`."""
        with self._changing:
            if self.models.coming is not None:
                self._reform(self.models.switched())

    def _reform(self, models: Models) -> None:
        self._spaces.change(models=models)
        for tenant in list(self._tenants.values()):
            tenant.meanings.reform()
        self._let_leave()

    def _let_leave(self) -> None:
        """Remove vectors of models that answer for nothing any more, also after a crash."""
        if self._spaces.header.leaving and self.models.default is not None:
            for tenant in list(self._tenants.values()):
                tenant.meanings.rewrite()
            self._spaces.change(leaving=())

    def tenant(self, tenant: Tenant) -> TenantStore:
        """See `Store`.

        Raises:
            UnsupportedError: it would be a new one, and the process has no room for it.
        """
        return self._open(tenant)

    def _open(self, tenant: Tenant) -> EdgeTenant:
        with self._opening:
            known = self._tenants.get(tenant)
            if known is None:
                root = self._path / "tenants" / tenant
                if not root.exists():
                    require_room_for_a_tenant()
                shared = Shared(self._config, self._spaces, self._room)
                known = EdgeTenant(root, tenant, shared, check=self._unclean)
                self._tenants[tenant] = known
            return known

    def tenants(self) -> list[Tenant]:
        """See `Store`."""
        return sorted(t for t, data in self._tenants.items() if data.written())

    def checkpoint(self) -> None:
        """See `Store`."""
        for tenant in list(self._tenants.values()):
            tenant.checkpoint()

    def snapshot(self, folder: Path, progress: Progress) -> None:
        """See `Store`."""
        with self._changing:
            tenants = {name: self._open(name) for name in self.tenants()}
            with translated(f"copying {self._path}"):
                copy_file(self._path / "store.json", folder / "store.json")
                (folder / "tenants").mkdir(mode=0o700)
            report = Reported(progress, sum(tenant.parts() for tenant in tenants.values()))
            for name, tenant in sorted(tenants.items()):
                tenant.snapshot(folder / "tenants" / name, report)
            sync_folder(folder / "tenants")
            sync_folder(folder)

    def close(self) -> None:
        """See `Store`."""
        try:
            with ExitStack() as closing:
                for tenant in self._tenants.values():
                    closing.callback(tenant.close)
                self._tenants = {}
            if self._opened:
                leave_mark(self._path)
        finally:
            self._opened = False
            self._lock.release()
