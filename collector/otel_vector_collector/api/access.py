"""Whom a request speaks for, and whether it may do what it asks.

Every route takes its tenant from one of these and from nowhere else; which one says what the
route demands of the caller. Who asks at all was settled before (`authentication`).
"""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import Header, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.datastructures import Headers

from otel_vector.errors import AccessError, NotFoundError, UnauthenticatedError
from otel_vector.keys.contract import Key, Role
from otel_vector.spans.ids import Tenant
from otel_vector_collector.api.authentication import HOLDER
from otel_vector_collector.api.engine import Serving
from otel_vector_collector.api.threads import answered
from otel_vector_collector.receive.addresses import is_loopback
from otel_vector_collector.receive.gate import require
from otel_vector_collector.receive.tenant import DEFAULT_TENANT, tenant_of

__all__ = ["administrator", "caller", "contributor", "holder", "overseer", "sees_all"]

# For the OpenAPI schema: a key goes into one of two headers.
_BEARER: Final = HTTPBearer(
    scheme_name="bearer", bearerFormat="ov_<id>_<secret>", auto_error=False
)
_HEADER: Final = APIKeyHeader(name="x-api-key", scheme_name="key", auto_error=False)

_Bearer = Annotated[object, Security(_BEARER)]
_Plain = Annotated[object, Security(_HEADER)]
_Chosen = Annotated[
    str | None,
    Header(alias="x-tenant", description="one of the key's tenants, needed if it has several"),
]


async def caller(request: Request, _b: _Bearer, _k: _Plain, _t: _Chosen = None) -> Tenant:
    """Return the tenant of a request that reads.

    Raises:
        AccessError: the key may not read, or not for that tenant.
        InvalidInputError: it has several tenants and the request names none.
        NotFoundError: it is for all tenants, and nothing was ever stored for that one.
    """
    return await _existing(request, _granted(request, Role.READ))


async def contributor(request: Request, _b: _Bearer, _k: _Plain, _t: _Chosen = None) -> Tenant:
    """Return the tenant of a request that stores something.

    Raises:
        AccessError: the key may not store, or not for that tenant.
        InvalidInputError: it has several tenants and the request names none.
    """
    return _granted(request, Role.INGEST)


async def administrator(request: Request, _b: _Bearer, _k: _Plain, _t: _Chosen = None) -> Tenant:
    """Return the tenant of a request that deletes, or starts or ends work.

    Raises:
        AccessError: the key is no administrator's, or not for that tenant.
        InvalidInputError: it has several tenants and the request names none.
    """
    return _granted(request, Role.ADMIN)


async def overseer(request: Request, _b: _Bearer, _k: _Plain) -> None:
    """Let a request see what is counted of all tenants together.

    Raises:
        AccessError: the key is not for all tenants, or may not read.
        UnauthenticatedError: there is no key, and this machine itself may not do without.
    """
    if sees_all(request):
        return
    if HOLDER not in request.scope:
        raise UnauthenticatedError(
            "this takes a key with the role read for all tenants ('*'), or the setting "
            "serve.metrics_without_key to read it from this machine itself"
        )
    raise AccessError(
        "what is counted of all tenants takes a key for all of them ('*') that reads"
    )


def holder(request: Request) -> Key | None:
    """Return the key of a request that was let in; None where none is needed."""
    return cast("Key | None", request.scope[HOLDER])


def sees_all(request: Request) -> bool:
    """Return whether a request may see what is counted of all tenants together."""
    if HOLDER not in request.scope:
        settings = cast("Serving", request.app.state.engine).settings
        asks_here = request.client is not None and is_loopback(request.client.host)
        return settings.serve.metrics_without_key and asks_here
    key = holder(request)
    return key is None or (key.is_universal and key.may(Role.READ))


async def _existing(request: Request, tenant: Tenant) -> Tenant:
    """Refuse a tenant of which nothing was ever stored, if the key is for whichever there are.

    A tenant's folder is made when it is first asked for; names that a reader makes up make none.
    """
    key = holder(request)
    if key is None or not key.is_universal or tenant == DEFAULT_TENANT:
        return tenant
    store = cast("Serving", request.app.state.engine).store
    if tenant not in await answered(store.tenants):
        raise NotFoundError(f"nothing was stored for tenant {tenant!r} yet")
    return tenant


def _granted(request: Request, role: Role) -> Tenant:
    key = holder(request)
    require(key, role)
    return tenant_of(Headers(scope=request.scope).items(), key)
