"""Run the shop under `opentelemetry-instrument` and send customers to it.

    python examples/shop/run.py --seconds 30

Spans and logs go to OTEL_EXPORTER_OTLP_ENDPOINT (default http://127.0.0.1:4317).
"""

import argparse
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx

HERE = Path(__file__).parent
START_S = 30
SERVICES = ("inventory", "payments", "storefront")

# Customers: article, number, card, currency. Cards ending in 0002 and 0119 are declined, 0341
# meets a slow bank; the grinder sells out; nobody taught payments to convert Swiss francs.
CUSTOMERS = [
    ("kettle", 1, "4242424242424242", "EUR"),
    ("mug", 4, "4242424242424242", "USD"),
    ("teapot", 1, "4000000000000002", "EUR"),
    ("mug", 2, "4242424242424242", "GBP"),
    ("grinder", 1, "4242424242424242", "EUR"),
    ("gift-card", 1, "4242424242424242", "EUR"),
    ("kettle", 2, "4242424242424242", "CHF"),
    ("teapot", 1, "4242424242424242", "EUR"),
    ("mug", 1, "4000000000000341", "EUR"),
    ("gift-card", 3, "4000000000000119", "EUR"),
]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=30, help="how long customers come")
    with shop() as url:
        print(f"shop is open at {url}")
        for outcome, number in visit(url, options.parse_args().seconds).most_common():
            print(f"{number:6} orders answered {outcome}")


def nothing(_fact):
    """What is called when nobody wants to know."""


@contextlib.contextmanager
def shop(endpoint=None, each=nothing):
    """Yield the storefront's address; the services run meanwhile, and stop in good order.

    Args:
        endpoint: where spans and logs go (OTLP gRPC), else what the environment says.
        each: called again and again while the services start.
    """
    ports = {name: free_port() for name in SERVICES}
    urls = {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    running = [start(name, port, urls, endpoint) for name, port in ports.items()]
    try:
        for name, port, process in zip(ports, ports.values(), running, strict=True):
            wait_until_open(name, port, process, each)
        yield urls["STOREFRONT_URL"]
    finally:
        for process in running:
            process.send_signal(signal.SIGINT)  # SIGTERM would not let the SDK send its last batch
        for process in running:
            process.wait(timeout=START_S)


def start(name, port, urls, endpoint):
    """Start one service the way one would start it by hand."""
    command = [
        beside_python("opentelemetry-instrument"), beside_python("uvicorn"), f"{name}:app",
        "--app-dir", str(HERE), "--port", str(port), "--log-level", "warning",
    ]  # fmt: skip
    environment = {
        **os.environ,
        **urls,
        "OTEL_SERVICE_NAME": name,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint or where_spans_go(),
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
    with (Path(os.devnull)).open("w") as nowhere:
        return subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)


def where_spans_go():
    return os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")


def beside_python(command):
    return str(Path(sys.executable).parent / command)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_open(name, port, process, each):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        each("")
        time.sleep(0.05)
    raise SystemExit(f"the service {name} did not start: run it by hand to see why")


def visit(url, seconds, each=nothing):
    """Send customers for some seconds; return how many orders got which status.

    Args:
        url: the storefront.
        seconds: how long.
        each: called after each order with how many there were.
    """
    outcomes = Counter()
    until = time.monotonic() + seconds
    customers = enumerate(itertools.cycle(CUSTOMERS), start=8801)
    # Each request on a connection of its own: a server closes one on which it failed.
    alone = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=url, timeout=10, limits=alone) as browser:
        while time.monotonic() < until:
            number, customer = next(customers)
            outcomes[order(browser, number, *customer)] += 1
            each(f"{outcomes.total()} orders")
    return outcomes


def order(browser, number, sku, quantity, card, currency):
    browser.get(f"/products/{sku}")
    answer = browser.post(
        "/checkout",
        json={
            "order_id": f"order-{number}", "sku": sku, "quantity": quantity, "card": card,
            "currency": currency,
        },
    )  # fmt: skip
    return answer.status_code


if __name__ == "__main__":
    main()
