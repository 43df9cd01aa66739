"""The application: routes over the services of one engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline

from otel_vector.keys.quotas import Quotas
from otel_vector.telemetry import PartHealth
from otel_vector_collector.api import (
    audit,
    catalog,
    deletion,
    events,
    export,
    health,
    jobs,
    meanings,
    metrics,
    problems,
    records,
    search,
    stats,
    traces,
)
from otel_vector_collector.api.authentication import Authentication
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.forms import Forms
from otel_vector_collector.api.guards import BodyLimit, Faults, LoopbackHosts, Timing
from otel_vector_collector.api.limits import QuestionLimits
from otel_vector_collector.api.responses import Problem
from otel_vector_collector.api.streams import Streams
from otel_vector_collector.receive.addresses import Address, is_loopback
from otel_vector_collector.receive.gate import Gate

__all__ = ["create_app", "routed"]

_ROUTERS: tuple[APIRouter, ...] = (
    search.router,
    records.router,
    traces.router,
    deletion.router,
    meanings.router,
    catalog.router,
    events.router,
    export.router,
    stats.router,
    jobs.router,
    audit.router,
    health.router,
    metrics.router,
)
_DESCRIPTION = (
    "Spans by meaning. Ids are lower-case hex, nanoseconds decimal strings, errors problem "
    "documents (RFC 9457)."
)


def create_app(
    engine: Serving,
    checks: Sequence[Callable[[], PartHealth]] = (),
    gate: Gate | None = None,
    quotas: Quotas | None = None,
    more: Sequence[APIRouter] = (),
) -> FastAPI:
    """Return the application that answers for one engine.

    Whoever stops the web server calls `app.state.streams.close()` first.

    Args:
        engine: what is served.
        checks: parts besides the engine's own that have to work for `/ready`, as the doors.
        gate: lets requests in; without one whoever can ask is the folder's owner.
        quotas: of tenants, for what is stored by requests; without them there are none.
        more: routes of other tools' APIs, on the same port and behind the same guards.
    """
    app = routed()
    for router in more:
        app.include_router(router)
    app.state.engine = engine
    app.state.checks = tuple(checks)
    app.state.streams = Streams()
    app.state.sizes = metrics.sizes_of(engine.store)
    app.state.quotas = quotas
    app.add_middleware(Faults)
    app.add_middleware(BodyLimit)
    limits = engine.settings.limits
    app.add_middleware(QuestionLimits, config=limits, telemetry=engine.telemetry)
    app.add_middleware(Authentication, gate=gate or Gate(None))
    app.add_middleware(Timing, telemetry=engine.telemetry)
    host = Address.parse(engine.settings.serve.api, "serve.api").host
    if is_loopback(host):
        app.add_middleware(LoopbackHosts)
    elif not host.replace(".", "").isdecimal() and ":" not in host:  # a name of this machine
        app.add_middleware(LoopbackHosts, also=host)
    app.add_middleware(Forms, routers=more)
    return app


def routed() -> FastAPI:
    """Return the application with its routes and no engine behind it."""
    problem = {"model": Problem, "description": "a problem document (RFC 9457)"}
    app = FastAPIOffline(
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the request's Host
        title="otel-vector",
        version=version("otel-vector"),
        description=_DESCRIPTION,
        responses={"4XX": problem, "5XX": problem},
    )
    for router in _ROUTERS:
        app.include_router(router)
    problems.register(app)
    return app
