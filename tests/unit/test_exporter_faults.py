"""What an exporter does when the disk, a folder, an item or its own log is the trouble."""

import logging
import sqlite3
import stat

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.exporting import (
    NOBODY,
    closing,
    ended_spans,
    grpc_peer,
    http_peer,
    provider_with,
    soon,
)

from otel_vector import VectorLogExporter, VectorSpanExporter, VectorSpanProcessor
from otel_vector.errors import StoreLockedError
from otel_vector.exporter.announcements import announce
from otel_vector.spans.functions import FunctionRecord
from otel_vector.spans.meanings import Signal

SECRET = "hunter2-is-a-planted-secret"


def dropped(user):
    return {reason: n for (reason, _), n in user.outlet.tally.all_dropped().items()}


def kept(user):
    """Wait until all that was offered is on disk or dropped."""
    user.force_flush()


def test_a_full_spool_is_counted_and_told_and_nothing_is_raised(tmp_path, caplog):
    with closing(
        VectorSpanExporter(endpoint=NOBODY, spool=tmp_path / "spool", spool_max_bytes=100_000)
    ) as one:
        for _ in range(8):
            assert one.export(ended_spans(512)) is SpanExportResult.SUCCESS
            kept(one)
        lost = dropped(one)["spool_full"]
        assert 0 < lost < 8 * 512
        soon(lambda: "items were dropped" in caplog.text)
        assert "exporter.spool_max_bytes" in caplog.text
        assert caplog.text.count("items were dropped") == 1


def test_a_full_queue_is_counted(tmp_path):
    with closing(
        VectorSpanExporter(endpoint=NOBODY, spool=tmp_path / "spool", queue_items=512)
    ) as one:
        assert one.export(ended_spans(5_000)) is SpanExportResult.FAILURE
        kept(one)
        assert dropped(one)["queue_full"] >= 5_000 - 2 * 512


def test_an_item_that_has_no_encoding_is_dropped_alone(tmp_path):
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        spans = ended_spans(20)
        spans[7]._name = 7
        spans[13]._start_time = "yesterday"
        one.export(spans)
        assert one.force_flush()
        assert len(peer.spans()) == 18
        assert dropped(one) == {"encoding": 2}


def test_large_spans_go_in_requests_that_stock_receivers_take(tmp_path):
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        one.export(ended_spans(12, **{"input.value": "ä word " * 90_000}))
        assert one.force_flush()
        assert len(peer.spans()) == 12
        assert max(len(body) for _, body in peer.requests) < 4 << 20


def test_a_folder_that_cannot_be_made_is_told_and_another_is_used(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "file").write_text("not a folder")
    with (
        grpc_peer() as peer,
        closing(
            VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "file" / "spool")
        ) as one,
    ):
        one.export(ended_spans(3))
        assert one.force_flush()
        assert len(peer.spans()) == 3
        assert "exporter.spool" in caplog.text
        (temporary,) = (tmp_path / "tmp").iterdir()
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o700


def test_without_any_folder_items_are_dropped_and_counted(tmp_path, caplog, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with closing(VectorSpanExporter(endpoint=NOBODY, spool=tmp_path / "file" / "spool")) as one:
        one.export(ended_spans(3))
        assert not one.force_flush()
        assert dropped(one) == {"disk": 3}
        assert "cannot be used" in caplog.text


def test_a_spool_that_cannot_be_read_is_set_aside(tmp_path):
    inbox = tmp_path / "spool" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "inbox.db").write_bytes(b"this is no database at all" * 1_000)
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        one.export(ended_spans(3))
        assert one.force_flush()
        assert list((tmp_path / "spool").glob("inbox-damaged-*"))


def test_a_planted_secret_is_in_no_file_of_the_spool_and_leaves_redacted(tmp_path):
    spool = tmp_path / "spool"
    with closing(VectorSpanExporter(endpoint=NOBODY, spool=spool)) as one:
        one.export(ended_spans(600, **{"db.password": SECRET, "input.value": f"pwd={SECRET}"}))
        kept(one)
        files = [file for file in spool.rglob("*") if file.is_file()]
        assert any(b"span 599" in file.read_bytes() for file in files)
        assert not any(SECRET.encode() in file.read_bytes() for file in files)
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(spool.stat().st_mode) == 0o700


def test_markers_of_one_destination_are_comparable_between_processes(tmp_path):
    found = []
    for _ in range(2):
        with (
            grpc_peer() as peer,
            closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
        ):
            one.export(ended_spans(1, **{"db.password": SECRET}))
            assert one.force_flush()
            found.append(peer.spans()[0].attributes[0].value.string_value)
    assert found[0] == found[1]
    assert found[0].startswith("[redacted:")


def test_log_records_arrive_and_the_exporters_own_do_not(tmp_path):
    with grpc_peer() as peer:
        exporter = VectorLogExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")
        provider = LoggerProvider(shutdown_on_exit=False)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        provider.get_logger("shop").emit(body="paid", attributes={"db.password": SECRET})
        provider.get_logger("otel_vector.exporter").emit(body="9 items were dropped")
        provider.force_flush()
        assert exporter.force_flush()
        assert [record.body.string_value for record in peer.records()] == ["paid"]
        assert SECRET not in str(peer.records())
        provider.shutdown()


def test_functions_are_announced_before_the_first_spans_that_follow(tmp_path):
    announce(FunctionRecord("shop.payments", "pay", docstring="Pay with hunter2."))
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        one.export(ended_spans(1))
        assert one.force_flush()
        one.export(ended_spans(1))
        assert one.force_flush()
        signals = ["logs" if "Logs" in method else "spans" for method, _ in peer.requests]
        assert signals == sorted(signals)
        assert signals.count("spans") == 2
        bodies = [str(record.body) for record in peer.records()]
        assert sum("shop.payments" in body for body in bodies) == 1
        assert {record.event_name for record in peer.records()} == {"otel_vector.function"}


def test_what_is_dropped_and_sent_is_a_metric(tmp_path, monkeypatch):
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    monkeypatch.setattr("otel_vector.exporter.metrics.get_meter", provider.get_meter)
    from otel_vector.exporter.metrics import observe

    observe.cache_clear()
    with (
        grpc_peer() as peer,
        closing(VectorSpanExporter(endpoint=peer.endpoint, spool=tmp_path / "spool")) as one,
    ):
        one.export(ended_spans(3))
        assert one.force_flush()
        one.outlet.tally.dropped("refused", Signal.LOGS, 2)
        points = {
            (metric.name, tuple(sorted(point.attributes.items()))): point.value
            for resource in reader.get_metrics_data().resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        }
        assert points["otel_vector.exporter.sent", (("signal", "spans"),)] == 3
        reason = (("reason", "refused"), ("signal", "logs"))
        assert points["otel_vector.exporter.dropped", reason] == 2
        assert points["otel_vector.exporter.spool", ()] == 0
    observe.cache_clear()
    provider.shutdown()


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_the_exporters_own_work_makes_no_spans(protocol, tmp_path):
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor

    seen = InMemorySpanExporter()
    provider = provider_with(SimpleSpanProcessor(seen))
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    SQLite3Instrumentor().instrument(tracer_provider=provider)
    try:
        with (
            grpc_peer() if protocol == "grpc" else http_peer() as peer,
            closing(
                VectorSpanProcessor(
                    endpoint=peer.endpoint, spool=tmp_path / "spool", protocol=protocol
                )
            ) as processor,
        ):
            provider.add_span_processor(processor)
            provider.get_tracer("t").start_span("the application's").end()
            assert processor.force_flush()
            processor.outlet.spooled()
            with sqlite3.connect(":memory:") as own:
                own.cursor().execute("SELECT 1")
            own.close()
        names = [span.name for span in seen.get_finished_spans()]
        assert names == ["the application's", "SELECT"]
    finally:
        HTTPXClientInstrumentor().uninstrument()
        SQLite3Instrumentor().uninstrument()


def test_a_folder_that_another_has_open_names_it_and_the_way_out(tmp_path):
    from otel_vector.state.lock import FolderLock

    lock = FolderLock.acquire(tmp_path, "otel-vector serve")
    try:
        with pytest.raises(StoreLockedError, match=r"otel-vector serve .process .*choose another"):
            VectorSpanExporter(path=tmp_path)
    finally:
        lock.release()


def test_a_log_line_about_trouble_is_said_once_a_minute(tmp_path, caplog):
    with (
        caplog.at_level(logging.WARNING, "otel_vector.exporter"),
        closing(VectorSpanExporter(endpoint=NOBODY, spool=tmp_path / "spool")) as one,
    ):
        for _ in range(5):
            one.export(ended_spans(1))
            assert not one.force_flush()
        assert caplog.text.count("does not answer") == 1
