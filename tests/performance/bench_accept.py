"""Burst accept: requests of 512 spans over gRPC, durable before OK, nothing behind the inbox.

python tests/performance/bench_accept.py [SPANS]
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from generator import requests
from harness import quantile, send, serve, table

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 400_000


def main() -> None:
    bodies = [(r.body, r.spans) for r in requests(SPANS)]
    with tempfile.TemporaryDirectory() as folder:
        served = serve(Path(folder) / "data", EMBED_MODEL="none")
        # The engine process is stopped, so that only the doors and the inbox work.
        os.kill(served.process.pid, signal.SIGSTOP)
        sent = send(served.endpoints["otlp_grpc"], bodies)
        os.kill(served.process.pid, signal.SIGCONT)
        served.process.kill()
        served.process.wait()
    table(
        f"Burst accept, {SPANS:,} spans",
        [
            ("accepted, spans/s", f"{sent.rate:,.0f}", "150,000"),
            ("one call, p50 / p99, ms",
             f"{1e3 * quantile(sent.calls_s, 0.5):.0f} / {1e3 * quantile(sent.calls_s, 0.99):.0f}",
             ""),
            ("busy answers", str(sent.busy), ""),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
