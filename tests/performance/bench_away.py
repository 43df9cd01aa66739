"""Does a call cost more when the collector is down, slow or has no room? Run: python bench_away.py.

Each row is a process of its own, with a decorated function called 6,000 times a quarter of a
millisecond apart; the rows take turns. Times are of the caller's thread.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from harness import table

ROUNDS = 3
PROGRAM = """
import json, sys, time
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from otel_vector import VectorSpanProcessor, vectorize

keywords = json.loads(sys.argv[1])
provider = TracerProvider()
if keywords is not None:
    provider.add_span_processor(VectorSpanProcessor(**keywords, shutdown_s=0.0))
trace.set_tracer_provider(provider)

@vectorize(search_description="pay", capture_inputs=True, capture_return_value=True)
def pay(question, user):
    return {"text": "y" * 60, "score": 0.5}

taken = []
for number in range(6000):
    begun = time.perf_counter_ns()
    pay("why was the card refused " * 4, "user-77")
    taken.append(time.perf_counter_ns() - begun)
    time.sleep(0.00025)
taken = sorted(taken[1000:])
print(json.dumps([taken[len(taken) // 2] / 1e3, taken[len(taken) * 99 // 100] / 1e3]))
"""


def measured(keywords) -> list[float]:
    """Return p50 and p99 of a call, in microseconds."""
    with tempfile.TemporaryDirectory() as folder:
        given = None if keywords is None else {**keywords, "spool": folder}
        command = [sys.executable, "-W", "ignore", "-c", PROGRAM, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Print a row for each state of the collector."""
    with ExitStack() as opened:
        silent = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        slow = f"http://127.0.0.1:{silent.getsockname()[1]}"
        down = "http://127.0.0.1:9"
        states = {
            "no exporter": None,
            "down": {"endpoint": down},
            "accepts and never answers": {"endpoint": slow},
            "down, and the spool is full": {"endpoint": down, "spool_max_bytes": 1},
            "down, and the queue is full": {"endpoint": down, "queue_items": 512},
        }
        found = {name: [] for name in states}
        for _ in range(ROUNDS):
            for name, keywords in states.items():
                found[name].append(measured(keywords))
    rows = []
    for name, runs in found.items():
        p50, p99 = (statistics.median(column) for column in zip(*runs, strict=True))
        rows.append((name, f"{p50:.1f} µs", f"p99 {p99:.1f} µs"))
    table("one captured call, p50, with a collector that is …", rows)


if __name__ == "__main__":
    main()
