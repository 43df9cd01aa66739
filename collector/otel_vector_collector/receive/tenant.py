"""Which tenant a request belongs to; decided once, at the door."""

from __future__ import annotations

from otel_vector.errors import AccessError, InvalidInputError
from otel_vector.keys.contract import Key
from otel_vector.spans.ids import Tenant, is_tenant
from otel_vector_collector.receive.gate import OWNER, Headers

__all__ = ["DEFAULT_TENANT", "tenant_of"]

DEFAULT_TENANT = Tenant("default")
_HEADERS = frozenset({"x-tenant", "x-scope-orgid"})


def tenant_of(headers: Headers, key: Key | None = None) -> Tenant:
    """Return the tenant of a request.

    Args:
        headers: the request's.
        key: the request's; None where no keys are needed, and then the tenant is `default`,
            whatever a header says.

    The folder's owner, who may choose any, has tenant `default` without choosing.

    Raises:
        AccessError: the header names a tenant that the key is not for.
        InvalidInputError: the headers name no tenant, or several, and the key is not for one.
    """
    if key is None:
        return DEFAULT_TENANT
    asked = {value for name, value in headers if name in _HEADERS}
    if not asked:
        return _only(key)
    if len(asked) > 1:
        raise InvalidInputError("the request names several tenants; choose one by x-tenant")
    name = asked.pop()
    if not is_tenant(name):
        raise InvalidInputError(
            f"{name[:80]!r} is not a tenant: a-z, 0-9, '_', '.', '-', at most 63 characters"
        )
    if not key.reaches(Tenant(name)):
        raise AccessError(f"key {key.id} is not for tenant {name!r}; use one that is")
    return Tenant(name)


def _only(key: Key) -> Tenant:
    if key is OWNER:
        return DEFAULT_TENANT
    if key.is_universal or len(key.tenants) != 1:
        raise InvalidInputError("the key has several tenants; choose one by the header x-tenant")
    return next(iter(key.tenants))
