"""The stand-in as a process: `python -m standin --port 0 --data DIR`. Prints its address."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from standin.server import StandIn


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="standin")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--api-key", default="")
    parser.add_argument("--version", default="1.18.3")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with StandIn(given.data, port=given.port, api_key=given.api_key, version=given.version) as on:
        sys.stdout.write(f"{on.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
