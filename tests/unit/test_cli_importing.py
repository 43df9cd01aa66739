"""An import puts every good item once, says what was bad, and goes on where it ended."""

import gzip
import io

import pytest
import zstandard
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.errors import InvalidInputError
from otel_vector.settings.config import InboxConfig, Settings
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.wiring import open_inbox, open_state
from otel_vector_collector.cli.transfer import importing
from otel_vector_collector.cli.transfer.importing import Importer


def line(number):
    span = f'{{"traceId":"{"01" * 16}","spanId":"{number:016x}","name":"n{number}"}}'
    return f'{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}]}}]}}]}}\n'.encode()


@pytest.fixture
def settings(tmp_path):
    return Settings(data=tmp_path / "data")


@pytest.fixture
def parts(settings):
    inbox, state = open_inbox(settings), open_state(settings)
    yield inbox, state
    inbox.close()
    state.close()


def importer(parts, progress=lambda report, read: None, waiting=lambda why: None):
    return Importer(*parts, Tenant("default"), 64 << 20, progress, waiting)


def names(inbox):
    taken = inbox.take(1000, 1 << 30, 0)
    return [
        span.name
        for delivery in taken
        if delivery.envelope.signal is Signal.SPANS
        for resource in TracesData.FromString(delivery.envelope.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def test_lines_become_few_requests(parts, tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_bytes(b"".join(line(n) for n in range(1, 1001)))
    report = importer(parts).run(str(file), restart=False)
    assert (report.spans, report.done, report.flawed) == (1000, True, False)
    assert parts[0].state().pending == 1
    assert names(parts[0]) == [f"n{n}" for n in range(1, 1001)]


def test_bad_lines_and_bad_ids_are_reported_and_the_rest_is_put(parts, tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_bytes(line(1) + b"{bad\n" + line(0) + line(2))
    report = importer(parts).run(str(file), restart=False)
    assert report.faults[0][0] == 2
    assert report.bad == 1
    assert report.rejected == {"span_id_zero": 1}
    assert names(parts[0]) == ["n1", "n2"]


def test_the_same_content_is_not_put_twice_unless_asked(parts, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(line(1))
    first = importer(parts).run(str(tmp_path / "a"), restart=False)
    again = importer(parts).run(str(tmp_path / "b"), restart=False)
    assert (first.resumed_at, again.resumed_at, again.spans) == (0, 1, 1)
    assert names(parts[0]) == ["n1"]
    importer(parts).run(str(tmp_path / "a"), restart=True)
    assert names(parts[0]) == ["n1"]


def test_an_interrupted_import_goes_on_where_it_was(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "_REQUEST_BYTES", 1)
    file = tmp_path / "x.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(line(n) for n in range(1, 11))))

    def interrupt(report, read):
        if report.unit == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importer(parts, progress=interrupt).run(str(file), restart=False)
    report = importer(parts).run(str(file), restart=False)

    assert (report.resumed_at, report.spans, report.done) == (4, 10, True)
    assert names(parts[0]) == [f"n{n}" for n in range(1, 11)]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_what_came_before_a_cut_is_kept(parts, tmp_path, pack):
    file = tmp_path / "x"
    packed = pack(b"".join(line(n) for n in range(1, 20_000)))
    file.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InvalidInputError, match="the file is cut off or damaged"):
        importer(parts).run(str(file), restart=False)
    assert names(parts[0])[:1] == ["n1"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_damaged_file_is_a_sentence(parts, tmp_path, pack):
    file = tmp_path / "x"
    packed = bytearray(pack(b"".join(line(n) for n in range(1, 100))))
    packed[40:60] = bytes(20)
    file.write_bytes(packed)
    try:
        report = importer(parts).run(str(file), restart=False)
    except InvalidInputError as error:
        assert "the file is cut off or damaged" in str(error)
    else:
        assert report.bad


def test_a_full_inbox_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "_REQUEST_BYTES", 1)
    settings = Settings(data=tmp_path / "data", inbox=InboxConfig(max_bytes=100, retry_s=0.01))
    inbox, state = open_inbox(settings), open_state(settings)
    taken = []

    def make_room(why):
        deliveries = inbox.take(1000, 1 << 30, 0)
        taken.extend(deliveries)
        inbox.ack([delivery.id for delivery in deliveries])

    file = tmp_path / "x.jsonl"
    file.write_bytes(b"".join(line(n) for n in range(1, 21)))
    report = importer((inbox, state), waiting=make_room).run(str(file), restart=False)
    left = inbox.state().pending
    inbox.close()
    state.close()
    assert (report.spans, report.done) == (20, True)
    assert taken
    assert len(taken) + left == 20


def test_stdin_is_read_and_not_remembered(parts, monkeypatch):
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(line(1)))

    monkeypatch.setattr("sys.stdin", Stdin)
    assert importer(parts).run("-", restart=False).spans == 1
    assert parts[1].items("import") == {}
