"""Stands behind authentication: a key may ask so often, and is told where it stands.

What is stored by requests uses up the quotas of tenants, as what comes in by the doors does.

The headers are those of draft-ietf-httpapi-ratelimit-headers. Plain ASGI; nothing is buffered.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from otel_vector.keys.contract import ALL_TENANTS, Key
from otel_vector.keys.limits import Amounts, QuestionRates, Standing
from otel_vector.keys.quotas import Quotas
from otel_vector.settings.config import LimitsConfig
from otel_vector.spans.ids import Tenant
from otel_vector.telemetry import Telemetry
from otel_vector_collector.api.authentication import HOLDER
from otel_vector_collector.api.problems import refusal
from otel_vector_collector.receive.gate import OWNER
from otel_vector_collector.receive.limits import counted_as

__all__ = ["QuestionLimits", "charge", "require_room"]

_POLICY: Final = '"questions"'


def require_room(request: Request, tenant: Tenant) -> None:
    """Refuse to store what a tenant's quotas leave no room for.

    Raises:
        QuotaError: one is used up.
    """
    quotas: Quotas | None = request.app.state.quotas
    if quotas is not None:
        quotas.admit(tenant)


def charge(request: Request, tenant: Tenant, size: int) -> None:
    """Take the bytes that a tenant stores out of its quota."""
    quotas: Quotas | None = request.app.state.quotas
    if quotas is not None:
        quotas.charge(tenant, Amounts(1, 0, size))


class QuestionLimits:
    """Refuses a key that asks too often; the folder's owner may ask as often as he likes."""

    def __init__(self, app: ASGIApp, config: LimitsConfig, telemetry: Telemetry) -> None:
        self._app = app
        self._rates = QuestionRates(config)
        self._named: set[str] = set()
        self._limited = telemetry.counter(
            "otel_vector_api_limited_total",
            "questions refused because a rate was used up",
            ("tenant",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        key: Key | None = scope.get(HOLDER)
        if scope["type"] != "http" or HOLDER not in scope or key is OWNER:
            await self._app(scope, receive, send)
            return
        standing, limited = self._rates.ask(key)
        if standing is not None:
            send = _Telling(send, standing).send
        if limited is None:
            await self._app(scope, receive, send)
            return
        self._limited.add(1, counted_as(_tenant(key), self._named))
        await refusal(limited)(scope, receive, send)


class _Telling:
    """Adds to an answer where its key stands."""

    def __init__(self, send: Send, standing: Standing) -> None:
        self._send = send
        self._standing = standing

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            at = self._standing
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"] = f"{_POLICY};q={at.limit};w={at.window_s}"
            headers["RateLimit"] = f"{_POLICY};r={at.remaining};t={at.reset_s}"
        await self._send(message)


def _tenant(key: Key | None) -> str:
    """Return the tenant of a key that has one; a request's own is settled only by its route."""
    if key is None:
        return "default"
    only = next(iter(key.tenants)) if len(key.tenants) == 1 else ALL_TENANTS
    return "several" if only == ALL_TENANTS else only
