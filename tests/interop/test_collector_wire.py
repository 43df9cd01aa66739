"""Through a real Collector, by every protocol, encoding and compression it can send to us with."""

import pytest
from collecting import both, expected, landed, post, recorded, stored
from real_collector import generate

TRACES = 1_000
LOGS = 2_000
SLICE = 3  # messages of each file, by the ways that are not the shipped one
OVER_GRPC = """
exporters:
  otlp_grpc: {compression: COMPRESSION}
"""
OVER_HTTP = """
exporters:
  otlp_http:
    endpoint: http://${env:OTLP_HTTP}
    encoding: ENCODING
    compression: COMPRESSION
    retry_on_failure: {max_elapsed_time: 0s}
    sending_queue: {storage: file_storage}
service:
  pipelines:
    traces: {exporters: [otlp_http]}
    logs: {exporters: [otlp_http]}
"""
WAYS = [
    *(("grpc", compression) for compression in ("none", "gzip")),
    *((encoding, compression) for encoding in ("proto", "json")
      for compression in ("none", "gzip", "zstd")),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "compression"), WAYS)
def test_all_that_goes_in_comes_out_equal(tmp_path, encoding, compression):
    """Fails if a field of recorded traffic or an item of generated load is lost or changed."""
    way = (OVER_GRPC if encoding == "grpc" else OVER_HTTP).replace("COMPRESSION", compression)
    most = None if (encoding, compression) == ("grpc", "gzip") else SLICE
    with both(tmp_path, way.replace("ENCODING", encoding)) as (store, collector):
        for signal in ("traces", "logs"):
            for body in recorded(signal, most):
                post(collector.http, signal, body)
        generate("traces", collector.grpc, TRACES)
        generate("logs", collector.grpc, LOGS)
        spans = len(expected("traces", most)) + 2 * TRACES
        landed(store, spans=spans, logs=len(expected("logs", most)) + LOGS)
        for signal in ("traces", "logs"):
            assert not expected(signal, most) - stored(store, signal)
        exporter = "otlp_grpc" if encoding == "grpc" else "otlp_http"
        assert collector.metric("otelcol_exporter_sent_spans", exporter=exporter) >= spans
