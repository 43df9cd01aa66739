"""What an inbox tells about itself as metrics: what waits in it, and what the doors counted."""

from __future__ import annotations

from otel_vector.settings.config import InboxConfig
from otel_vector.telemetry import Telemetry
from otel_vector.wiring.backends import EngineInbox

__all__ = ["observe_inbox"]

_Counted = dict[tuple[str, ...], float]
_LIMITED = "limited."


def observe_inbox(telemetry: Telemetry, inbox: EngineInbox, config: InboxConfig) -> None:
    """Have the metrics of an inbox read whenever somebody asks.

    Args:
        telemetry: what they are added to.
        inbox: what they tell of.
        config: its limits, which what waits is held against.
    """
    gauge, state = telemetry.gauge, inbox.state
    gauge("otel_vector_inbox_requests", "requests that wait", lambda: state().pending)
    gauge("otel_vector_inbox_bytes", "bytes of requests that wait", lambda: state().bytes)
    gauge("otel_vector_inbox_oldest_seconds", "age of the oldest", lambda: state().oldest_s)
    gauge("otel_vector_inbox_dead", "dead letters", lambda: state().dead)
    gauge(
        "otel_vector_inbox_limit_bytes",
        "bytes that wait from which on the doors answer busy",
        lambda: config.max_bytes,
    )
    gauge(
        "otel_vector_disk_reserve_bytes",
        "free disk below which the doors answer busy",
        lambda: config.min_free_bytes,
    )
    telemetry.observed_counter(
        "otel_vector_doors_total", "what the doors counted", lambda: _doors(inbox), ("what",)
    )
    telemetry.observed_counter(
        "otel_vector_limited_total",
        "requests refused because a rate or quota is used up",
        lambda: _limited(inbox, telemetry),
        ("what", "tenant"),
    )


def _doors(inbox: EngineInbox) -> _Counted:
    counted = inbox.counters().items()
    return {(name,): float(n) for name, n in counted if not name.startswith(_LIMITED)}


def _limited(inbox: EngineInbox, telemetry: Telemetry) -> _Counted:
    asked = telemetry.totals("otel_vector_api_limited_total")
    refused: _Counted = {("questions", tenant): n for (tenant,), n in asked.items()}
    for name, n in inbox.counters().items():
        if name.startswith(_LIMITED):
            what, _, tenant = name.removeprefix(_LIMITED).partition(".")
            refused[what, tenant] = float(n)
    return refused
