"""What `make demo` runs: real traffic and recorded traces into one collector, then questions.

Starts `otel-vector serve` on a data folder, opens the shop, sends customers, lets the agent work,
imports the recorded slice, asks three questions by meaning, shows a failed order as a waterfall,
makes a backup, counts what a deletion would take, shows sealed shards and jobs, and stops
everything. The data folder stays, and the backup beside it.
"""

import argparse
import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from agent import agent  # noqa: E402 -- the examples are no package
from shop import run as shop_run  # noqa: E402

OTEL_VECTOR = str(Path(sys.executable).parent / "otel-vector")
START_S = 60
STORED_S = 90
SEALED_S = 30
STOP_S = 60
QUESTIONS = [
    "the bank refused to pay",
    "customer could not get their money back",
    "buying a train ticket went wrong",
]
SHOWN = 5
SEALING = ["--set", "store.seal_idle_s=5", "--set", "store.seal_every_s=1"]
"""Shards are sealed seconds after the last write, not an hour."""


class DemoError(Exception):
    """A step of the demo failed; the text says which and why."""


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=Path("demo-data"), help="the data folder")
    options.add_argument("--seconds", type=float, default=20, help="how long customers come")
    options.add_argument("--free-ports", action="store_true", help="not the default ports")
    chosen = options.parse_args()
    begun = time.monotonic()
    try:
        demonstrate(chosen.data, chosen.seconds, chosen.free_ports)
    except (DemoError, OSError, subprocess.SubprocessError, httpx.HTTPError) as error:
        sys.exit(f"demo: {error}")
    print(
        f"\nThat took {time.monotonic() - begun:.0f} s. The data stays in {chosen.data}. Go on:\n"
    )
    shown = shlex.join([relative(OTEL_VECTOR), "search", "sold out", "--data", str(chosen.data)])
    print(f"  {shown}")
    print(f"  {relative(OTEL_VECTOR)} serve --data {shlex.quote(str(chosen.data))}")


def demonstrate(data, seconds, free_ports):
    with collector(data, free_ports) as served:
        endpoint = f"http://{served['otlp_grpc']}"
        sell(endpoint, seconds)
        step("letting the agent answer its customers")
        print(f"  {len(agent.run(endpoint))} questions answered")
        import_slice(data)
        wait_until_stored(data)
        for question in QUESTIONS:
            ask("search", question, "--limit", str(SHOWN), data=data)
        show_trace_behind(QUESTIONS[0], data)
        look_after(data)
        step("stopping")


@contextlib.contextmanager
def collector(data, free_ports):
    """Yield what endpoints.json says of a collector on the folder; it is stopped at the end."""
    step(f"starting otel-vector on {data}")
    data.mkdir(parents=True, exist_ok=True)
    log = data / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [OTEL_VECTOR, "serve", "--data", str(data), *SEALING, *ports(free_ports)],
            stdout=output,
            stderr=output,
        )
    try:
        served = wait_until_ready(process, data / "endpoints.json", log)
        print(
            f"  OTLP gRPC {served['otlp_grpc']}, HTTP {served['otlp_http']}, API {served['api']}"
        )
        yield served
    finally:
        stop(process)


def ports(free_ports):
    """Return flags for the default ports, or for free ones if any of those is taken."""
    if not free_ports and all(is_free(port) for port in (4317, 4318, 17271, 8317)):
        return []
    flags = ("--otlp-grpc", "--otlp-http", "--jaeger-grpc", "--api")
    return [text for flag in flags for text in (flag, "127.0.0.1:0")]


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until_ready(process, endpoints, log):
    started = time.monotonic()
    with progress("waiting for it to be ready") as tick:
        while time.monotonic() - started < START_S:
            if process.poll() is not None:
                raise DemoError(f"otel-vector serve ended at once: {last_line(log)}")
            with contextlib.suppress(OSError, ValueError):
                served = json.loads(endpoints.read_text())
                if served["pid"] == process.pid:
                    return served
            tick()
            time.sleep(0.1)
    raise DemoError(f"otel-vector serve was not ready after {START_S} s: see {log}")


def last_line(log):
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def stop(process):
    if process.poll() is not None:
        raise DemoError("otel-vector serve ended before it was asked to")
    process.send_signal(signal.SIGTERM)
    with progress("storing what is left") as tick:
        for _ in range(STOP_S * 10):
            if process.poll() is not None:
                break
            tick()
            time.sleep(0.1)
    if process.poll() is None:
        process.kill()
        raise DemoError(f"otel-vector serve did not stop within {STOP_S} s")
    if process.returncode:
        raise DemoError(f"otel-vector serve ended with exit code {process.returncode}")


def sell(endpoint, seconds):
    step("opening a shop: three services under opentelemetry-instrument")
    with progress("") as tick, shop_run.shop(endpoint, tick) as url:
        step(f"customers order for {seconds:g} s")
        outcomes = shop_run.visit(url, seconds, tick)
    told = ", ".join(f"{number} answered {status}" for status, number in outcomes.most_common())
    print(f"  {outcomes.total()} orders: {told}")


def import_slice(data):
    step("importing recorded traces (Online Boutique, Train Ticket, LLM agents)")
    files = sorted(str(file) for file in (HERE / "traces").glob("*.otlp.jsonl.gz"))
    command([OTEL_VECTOR, "import", "--no-wait", *files, "--data", str(data)])


def wait_until_stored(data):
    step("waiting until everything is stored and every text has its vector")
    deadline = time.monotonic() + STORED_S
    with progress("") as tick:
        while time.monotonic() < deadline:
            stats = read_stats(data)
            left = stats["inbox"]["pending"], stats["meanings"]["pending"]
            tick(f"{left[0]} requests to store, {left[1]} texts to embed")
            if not any(left):
                break
        else:
            raise DemoError(f"after {STORED_S} s there is still something to store: {left}")
    meanings = stats["meanings"]["total"]
    print(
        f"  {stats['spans']} spans and {stats['logs']} log records, {meanings} distinct texts,"
        f" {stats['disk_bytes'] / 1e6:.1f} MB"
    )


def read_stats(data):
    return json.loads(command([OTEL_VECTOR, "stats", "--json", "--data", str(data)], capture=True))


def ask(*arguments, data):
    """Print the command that asks, and the answer."""
    shown = shlex.join(["otel-vector", *arguments, "--data", str(data)])
    print(f"\n$ {shown}\n", flush=True)
    command([OTEL_VECTOR, *arguments, "--data", str(data)])


def show_trace_behind(question, data):
    """Show the trace of the best answer's example."""
    search = [OTEL_VECTOR, "search", question, "--limit", "1", "--json", "--data", str(data)]
    answer = json.loads(command(search, capture=True))
    if not answer["groups"]:
        raise DemoError(f"nothing was found for {question!r}, though some cards are declined")
    ask("trace", answer["groups"][0]["examples"][0]["trace_id"], data=data)


def look_after(data):
    """Show what an operator does: a backup, a deletion that only counts, sealed shards, jobs."""
    step("looking after it")
    backups = data.with_name(data.name + "-backups")
    ask("backup", str(backups), data=data)
    ask("delete", "--filter", "service:payments status:error", "--dry-run", data=data)
    wait_until_sealed(data)
    ask("stats", data=data)
    ask("jobs", "list", data=data)


def wait_until_sealed(data):
    deadline = time.monotonic() + SEALED_S
    with progress("") as tick:
        while time.monotonic() < deadline:
            stats = read_stats(data)
            if stats["sealed_shards"] == stats["shards"]:
                return
            tick(f"{stats['sealed_shards']} of {stats['shards']} shards sealed")
            time.sleep(0.5)
    raise DemoError(f"after {SEALED_S} s not all shards are sealed: see {data}/serve.log")


def command(words, *, capture=False):
    """Run a command; return its output if captured."""
    done = subprocess.run(words, stdout=subprocess.PIPE if capture else None, check=False)
    if done.returncode:
        raise DemoError(f"`{shlex.join([relative(words[0]), *words[1:]])}` failed")
    return done.stdout


def step(text):
    print(f"\n• {text}", flush=True)


@contextlib.contextmanager
def progress(text):
    """Yield a function that shows that time passes: on one line, or a line each two seconds."""
    every = 0.2 if sys.stdout.isatty() else 2
    begun = last = time.monotonic()

    def tick(fact=""):
        nonlocal last
        now = time.monotonic()
        if now - last >= every:
            last = now
            line = " ".join(filter(None, ["  …", text, f"{now - begun:.0f} s", str(fact)]))
            ends = ("\r\x1b[2K", "") if sys.stdout.isatty() else ("", "\n")
            print(f"{ends[0]}{line}", end=ends[1], flush=True)

    yield tick
    if sys.stdout.isatty() and last != begun:
        print("\r\x1b[2K", end="", flush=True)


def relative(path):
    """Return a path as one would type it here."""
    short = os.path.relpath(path)
    return path if short.startswith("..") else short


if __name__ == "__main__":
    main()
