"""Going back to the context that was current before a call."""

from __future__ import annotations

from contextvars import Token

from opentelemetry.context import Context, detach, get_current

__all__ = ["go_back"]


def go_back(token: Token[Context], context: Context, error: BaseException) -> None:
    """Make current again what was so before a call that raised.

    A coroutine that is closed from elsewhere, by the collector of garbage say, unwinds within
    another task's context, where there is nothing to go back to.

    Args:
        token: of making the call's context current.
        context: the call's.
        error: what it raised.
    """
    if not isinstance(error, GeneratorExit) or get_current() is context:
        detach(token)
