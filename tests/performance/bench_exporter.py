"""What the exporter costs an application: its threads, its encoding thread, its memory.

    python tests/performance/bench_exporter.py

The collector is down for the first three, as it is when it matters most; for memory it is a gRPC
server in a process of its own that takes everything. Times are medians over rounds of 1,000 spans
with an attribute of 200 characters.
"""

from __future__ import annotations

import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness import table
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider

from otel_vector import VectorSpanExporter, VectorSpanProcessor
from otel_vector.exporter.encoding import Encoder
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig
from otel_vector.spans.meanings import Signal

NOBODY = "http://127.0.0.1:9"
ROUNDS = 20
CHILD = """
import sys
mode, port = sys.argv[1:]
endpoint = f"http://127.0.0.1:{port}"
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
if mode == "stock":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True))
elif mode != "sdk":
    import tempfile
    from otel_vector import VectorSpanExporter, VectorSpanProcessor
    keywords = {"endpoint": endpoint, "spool": tempfile.mkdtemp()}
    processor = (
        VectorSpanProcessor(**keywords)
        if mode == "processor"
        else BatchSpanProcessor(VectorSpanExporter(**keywords))
    )
if mode != "sdk":
    provider.add_span_processor(processor)
import time
tracer = provider.get_tracer("bench")
for i in range(20_000):
    with tracer.start_as_current_span("a", attributes={"input.value": "x" * 200, "i": i}):
        pass
    if i % 100 == 99:
        time.sleep(0.02)
provider.force_flush()
text = open("/proc/self/smaps_rollup").read()
print(next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")))
provider.shutdown()
"""
SINK = """
import grpc
from concurrent.futures import ThreadPoolExecutor
class All(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda body, context: b"")
server = grpc.server(ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((All(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


def ended(count: int, **attributes: str) -> list[ReadableSpan]:
    """Return spans that have ended."""
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("bench")
    spans = [tracer.start_span("a", attributes=attributes) for _ in range(count)]
    for span in spans:
        span.end()
    return [span._readable_span() for span in spans]


def median_us(work: Callable[[], object], each: int, pause_s: float = 0.0) -> float:
    """Return the median microseconds per item of some rounds of work."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) / each * 1e6)
        time.sleep(pause_s)
    return statistics.median(times)


def on_callers_thread(spans: list[ReadableSpan], folder: Path) -> list[tuple[str, str, str]]:
    """Measure `on_end` and `export` with a collector that is down."""
    processor = VectorSpanProcessor(endpoint=NOBODY, spool=folder / "a")
    exporter = VectorSpanExporter(endpoint=NOBODY, spool=folder / "b")

    def end_all() -> None:
        on_end = processor.on_end
        for span in spans:
            on_end(span)

    per_end = median_us(end_all, len(spans), 0.3)
    per_export = median_us(lambda: exporter.export(spans[:512]), 1, 0.05)
    for user in (processor, exporter):
        user.shutdown(timeout_millis=0)
    return [
        ("on_end of one span", f"{per_end:.2f} µs", "1 µs"),
        ("export of 512 spans", f"{per_export / 1e3:.3f} ms", "2 ms"),
    ]


def on_own_thread(spans: list[ReadableSpan]) -> list[tuple[str, str, str]]:
    """Measure encoding, alone, redacted, and with a secret in each span."""
    encoder = Encoder(Redactor(RedactConfig(), b"k" * 32), print)
    secrets = ended(512, **{"input.value": '{"password": "hunter2hunter2", "q": "x"}'})
    cases = {
        "stock encoder": lambda: encode_spans(spans[:512]).SerializeToString(),
        "encoded, redacted": lambda: list(encoder.requests(Signal.SPANS, spans[:512])),
        "a secret in each": lambda: list(encoder.requests(Signal.SPANS, secrets)),
    }
    return [(name, f"{median_us(work, 512):.1f} µs a span", "-") for name, work in cases.items()]


def memory() -> list[tuple[str, str, str]]:
    """Measure proportional memory after 20,000 spans, beside the stock exporter."""
    with subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        port = sink.stdout.readline().strip()
        found = {
            mode: float(
                subprocess.run(
                    [sys.executable, "-c", CHILD, mode, port],
                    capture_output=True,
                    check=True,
                    text=True,
                ).stdout
            )
            for mode in ("sdk", "stock", "batch", "processor")
        }
        sink.kill()
    must = dict.fromkeys(("batch", "processor"), f"{found['stock'] + 5:.1f} MiB")
    return [(f"PSS, {m}", f"{mib:.1f} MiB", must.get(m, "-")) for m, mib in found.items()]


def main() -> None:
    logging.disable()
    spans = ended(1_000, **{"input.value": "x" * 200})
    with tempfile.TemporaryDirectory() as folder:
        rows = on_callers_thread(spans, Path(folder))
    rows += on_own_thread(spans)
    rows += memory()
    table("exporter", rows)


if __name__ == "__main__":
    main()
