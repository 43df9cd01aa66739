"""What the API needs of the engine it serves, and how a route gets at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

from fastapi import Request

from otel_vector.jobs.runner import Runner
from otel_vector.services.container import Services
from otel_vector.settings.config import Settings
from otel_vector.store.contract import Store
from otel_vector.telemetry import PartHealth, Telemetry

__all__ = ["Serving", "services"]


class Serving(Protocol):
    """An open engine."""

    @property
    def settings(self) -> Settings:
        """What is in force."""
        ...

    @property
    def store(self) -> Store:
        """What is stored, of all tenants; read for gauges and for their names only."""
        ...

    @property
    def services(self) -> Services:
        """What can be asked."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """What the process counts about itself."""
        ...

    @property
    def jobs(self) -> Runner:
        """Long work on what is served."""
        ...

    def health(self) -> Sequence[PartHealth]:
        """Return whether each part works."""
        ...


async def services(request: Request) -> Services:
    """Return the services of the engine that is served."""
    return cast("Serving", request.app.state.engine).services
