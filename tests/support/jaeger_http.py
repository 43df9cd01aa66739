"""Spans that tests of Jaeger's HTTP API ask about, and how they ask."""

from __future__ import annotations

from support.world import DECLINED, World, at

from otel_vector.testing.builders import Event, Link, SpanRow, trace_bytes

US, MS = 1_000, 1_000_000
START, END = at(-10), at(100)
V3 = {"query.startTimeMin": "2023-11-14T22:13:10Z", "query.startTimeMax": "2023-11-14T22:15:00Z"}
ONE = trace_bytes(1).hex()


def shop_of_jaeger() -> World:
    """Return three live traces, and one of another run."""
    world = World()
    world.write(
        [
            SpanRow(
                trace=1, span=1, service="shop", name="GET /cart", kind=2, start_ns=at(1) + 1500,
                duration_ns=2_000_500, resource={"k8s.pod.name": "shop-1", "cores": 4},
                attributes={"user": "ann", "large": 2**60, "ratio": 0.5, "hot": True,
                            "raw": b"\\x00\\xff", "list": ["a", 1]},
                events=(Event("cache miss", {"tries": 3}), Event("", {"event": "own"})),
                trace_state="vendor=1",
            ),
            SpanRow(
                trace=1, span=2, parent=1, service="payments", name="charge", kind=3, status=2,
                status_message="no funds", start_ns=at(2), duration_ns=500_000_000,
                links=(Link(2, 1), Link(1, 1, {"opentracing.ref_type": "child_of"})),
                means=(DECLINED,),
            ),
            SpanRow(trace=2, span=1, service="shop", name="GET /cart", start_ns=at(20)),
            SpanRow(trace=3, span=1, service="odd/service", name="x", kind=0, start_ns=at(30)),
            SpanRow(trace=4, span=1, service="shop", name="GET /cart", start_ns=at(40),
                    attributes={"otel_vector.run.kind": "replay"}),
        ]
    )  # fmt: skip
    return world


def get(client, path, **parameters):
    answer = client.get(f"/jaeger/api{path}", params=parameters)
    assert answer.headers["content-type"] == "application/json"
    return answer


def ids(*traces: int) -> list[str]:
    return [trace_bytes(trace).hex() for trace in traces]
