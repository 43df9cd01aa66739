"""Which tenant a request belongs to; decided once, at the door.

`x-tenant` or `X-Scope-OrgID` names it. Wherever requests come in the same holds: the key says
which tenants there are to choose from, and without keys there is `default` alone.
"""

from __future__ import annotations

import re
from typing import Final

from otel_vector.errors import AccessError, InvalidInputError
from otel_vector.keys.contract import Key
from otel_vector.spans.ids import Tenant, is_tenant
from otel_vector_collector.receive.gate import OWNER, Headers

__all__ = ["DEFAULT_TENANT", "tenant_of"]

DEFAULT_TENANT = Tenant("default")
_HEADERS: Final = frozenset({"x-tenant", "x-scope-orgid"})
_SEVERAL: Final = re.compile(r"[|,]")
"""What stands between tenants where others ask several at once, or a proxy joins two headers."""


def tenant_of(headers: Headers, key: Key | None = None) -> Tenant:
    """Return the tenant of a request. A header without a value names none.

    Args:
        headers: the request's.
        key: the request's; None where no keys are needed, and then there is `default` alone.

    The folder's owner, who may choose any, has tenant `default` without choosing.

    Raises:
        AccessError: the header names a tenant that the key is not for, or without keys another
            one than `default`: nothing is stored or told under a name that was not meant.
        InvalidInputError: the headers name what is no tenant, or several, or none, and the key
            is not for one.
    """
    asked = {value for name, value in headers if name in _HEADERS and value.strip()}
    if not asked:
        return DEFAULT_TENANT if key is None else _only(key)
    name = _named(asked)
    if key is None and name != DEFAULT_TENANT:
        raise AccessError(
            f"without API keys there is no tenant but {DEFAULT_TENANT!r}; leave the header out, "
            f"or make a key with `otel-vector keys create NAME --tenant {name}`"
        )
    if key is not None and not key.reaches(name):
        raise AccessError(f"key {key.id} is not for tenant {name!r}; use one that is")
    return name


def _named(asked: set[str]) -> Tenant:
    """Return the one tenant that is named."""
    name = next(iter(asked))
    if len(asked) > 1 or _SEVERAL.search(name):
        raise InvalidInputError(
            "the request names several tenants, and each is asked alone; choose one by x-tenant"
        )
    if not is_tenant(name):
        raise InvalidInputError(
            f"{name[:80]!r} is not a tenant: a-z, 0-9, '_', '.', '-', at most 63 characters"
        )
    return Tenant(name)


def _only(key: Key) -> Tenant:
    if key is OWNER:
        return DEFAULT_TENANT
    if key.is_universal or len(key.tenants) != 1:
        raise InvalidInputError("the key has several tenants; choose one by the header x-tenant")
    return next(iter(key.tenants))
