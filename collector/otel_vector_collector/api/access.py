"""Whom a request speaks for, and whether it may do what it asks.

Every route takes its tenant from one of these and from nowhere else; which one says what the
route demands of the caller.
"""

from __future__ import annotations

from otel_vector.spans.ids import Tenant

__all__ = ["administrator", "caller", "contributor"]


async def caller() -> Tenant:
    """Return the tenant of a request that reads: the one there is as long as there are no keys."""
    return Tenant("default")


async def contributor() -> Tenant:
    """Return the tenant of a request that stores something."""
    return Tenant("default")


async def administrator() -> Tenant:
    """Return the tenant of a request that deletes, or starts or ends work."""
    return Tenant("default")
