"""Which tenant a request belongs to; decided once, at the door."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from otel_vector.errors import InvalidInputError
from otel_vector.spans.ids import Tenant

__all__ = ["DEFAULT_TENANT", "tenant_of"]

DEFAULT_TENANT = Tenant("default")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.ASCII)
_HEADERS = ("x-tenant", "x-scope-orgid")


def tenant_of(headers: Mapping[str, str], granted: AbstractSet[Tenant] | None = None) -> Tenant:
    """Return the tenant of a request.

    Args:
        headers: the request's, with lower-case names.
        granted: the tenants of the request's key; None where no keys are configured, and then
            the tenant is `default`, whatever a header says.

    Raises:
        InvalidInputError: the header names no tenant, or one that the key does not have.
    """
    if granted is None:
        return DEFAULT_TENANT
    asked = next((headers[name] for name in _HEADERS if name in headers), None)
    if asked is None:
        return _only(granted)
    if not _NAME.fullmatch(asked):
        raise InvalidInputError(
            f"{asked[:80]!r} is not a tenant: a-z, 0-9, '_', '.', '-', at most 63 characters"
        )
    if asked not in granted:
        raise InvalidInputError(f"the key has no tenant {asked!r}")
    return Tenant(asked)


def _only(granted: AbstractSet[Tenant]) -> Tenant:
    if len(granted) != 1:
        raise InvalidInputError("the key has several tenants; choose one by the header x-tenant")
    return next(iter(granted))
