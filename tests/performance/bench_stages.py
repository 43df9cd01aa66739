"""The worker's own Python per span: decode, redact, describe; and the store's part beside it.

    python tests/performance/bench_stages.py [SPANS]

Processor time of one thread, over requests of 512 spans from the frozen generator.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from generator import requests
from harness import table

from otel_vector.decode.messages import traces_from
from otel_vector.describe.describer import Describer
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import DescribeConfig, RedactConfig, StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.edge import EdgeStore

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
_CHECKPOINT_EVERY = 60  # requests: about a second's worth


def main() -> None:
    tenant = Tenant("default")
    redactor = Redactor(RedactConfig(), b"\x01" * 32)
    describer = Describer(DescribeConfig(), tenant)
    spent = dict.fromkeys(("decode", "redact", "describe", "store", "checkpoint"), 0.0)
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(Path(folder), StoreConfig(), "none", 0)
        writer = store.tenant(tenant).writer
        for number, request in enumerate(list(requests(SPANS))):
            marks = [time.thread_time()]
            data = traces_from(request.body, "application/x-protobuf")
            marks.append(time.thread_time())
            redactor.traces(data, request.body)
            marks.append(time.thread_time())
            batch = describer.traces(data)
            marks.append(time.thread_time())
            writer.write(batch, number.to_bytes(8, "big"))
            marks.append(time.thread_time())
            if number % _CHECKPOINT_EVERY == 0:
                store.checkpoint()
            marks.append(time.thread_time())
            for name, start, end in zip(spent, marks, marks[1:], strict=False):
                spent[name] += end - start
        store.close()
    per_span = {name: 1e6 * seconds / SPANS for name, seconds in spent.items()}
    own = per_span["decode"] + per_span["redact"] + per_span["describe"]
    table(
        f"Processor time per span, {SPANS:,} spans",
        [
            *((f"{name}, µs", f"{value:.1f}", "") for name, value in per_span.items()),
            ("the worker's own (decode, redact, describe), µs", f"{own:.1f}", "25"),
        ],
    )


if __name__ == "__main__":
    main()
