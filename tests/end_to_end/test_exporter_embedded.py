"""The exporter with a store in the application's own process."""

import subprocess
import sys

import pytest
from serving import COMMAND, environment
from support.exporting import closing, ended_spans, provider_with

from otel_vector import VectorLogExporter, VectorSpanExporter, VectorSpanProcessor
from otel_vector.errors import StoreLockedError
from otel_vector.spans.ids import Tenant

SECRET = "hunter2-is-a-planted-secret"
QUIET = {"embed_model": "none"}


def stored(user):
    """Return how many spans the store of this process has."""
    return user.outlet.engine.services.stats.answer(Tenant("default")).size.spans


def test_spans_are_found_in_this_process_after_a_flush(tmp_path):
    with closing(VectorSpanProcessor(path=tmp_path / "data", **QUIET)) as processor:
        tracer = provider_with(processor).get_tracer("t")
        for i in range(7):
            tracer.start_span(f"call {i}").end()
        assert processor.force_flush()
        assert stored(processor) == 7
    assert processor.outlet.engine is None


def test_what_is_flagged_is_flagged_here_too_and_no_secret_is_on_disk(tmp_path):
    with closing(VectorSpanExporter(path=tmp_path / "data", **QUIET)) as exporter:
        exporter.export(ended_spans(3, **{"db.password": SECRET}))
        assert exporter.force_flush()
        files = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
        assert not any(SECRET.encode() in file.read_bytes() for file in files)
        assert stored(exporter) == 3


def test_what_was_stored_is_there_when_the_folder_is_opened_again(tmp_path):
    for times in (1, 2):
        with closing(VectorSpanExporter(path=tmp_path / "data", **QUIET)) as exporter:
            exporter.export(ended_spans(5))
            assert exporter.force_flush()
            assert stored(exporter) == 5 * times


def test_all_three_share_one_engine(tmp_path):
    keywords = {"path": tmp_path / "data", **QUIET}
    kinds = (VectorSpanExporter, VectorLogExporter, VectorSpanProcessor)
    with closing(*(kind(**keywords) for kind in kinds)) as (one, two, three):
        assert one.outlet.engine is two.outlet.engine is three.outlet.engine


def test_a_second_process_is_told_who_has_the_folder(tmp_path):
    code = (
        f"from otel_vector import VectorSpanExporter; VectorSpanExporter(path={str(tmp_path)!r})"
    )
    with closing(VectorSpanExporter(path=tmp_path, **QUIET)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=False,
            env=environment(),
            timeout=60,
        )
        assert b"StoreLockedError" in done.stderr
        assert b"the exporter of" in done.stderr
        assert b"choose another folder" in done.stderr


def test_a_collector_is_turned_away_while_the_application_has_the_folder(tmp_path):
    serve = [*COMMAND, "serve", "--data", str(tmp_path), "--api", "127.0.0.1:0"]
    with closing(VectorSpanExporter(path=tmp_path, **QUIET)):
        done = subprocess.run(
            serve, capture_output=True, check=False, env=environment(), timeout=60
        )
        assert done.returncode
        assert b"the exporter of" in done.stderr
        assert b"--data" in done.stderr


def test_the_folder_is_free_once_the_last_user_has_left(tmp_path):
    VectorSpanExporter(path=tmp_path, **QUIET).shutdown()
    VectorSpanExporter(path=tmp_path, **QUIET, search_max_limit=7).shutdown()


def test_other_settings_for_a_folder_in_use_are_refused(tmp_path):
    with (
        closing(VectorSpanExporter(path=tmp_path, **QUIET)),
        pytest.raises(StoreLockedError, match="the exporter of"),
    ):
        VectorSpanExporter(path=tmp_path, **QUIET, search_max_limit=7)


@pytest.mark.parametrize("late", [False, True], ids=["imported first", "imported late"])
def test_an_application_that_just_ends_has_its_spans_stored(late, tmp_path):
    lines = [
        "from opentelemetry.sdk.trace import TracerProvider",
        "from opentelemetry.sdk.trace.export import BatchSpanProcessor",
        "provider = TracerProvider()",
        f"exporter = VectorSpanExporter(path={str(tmp_path / 'data')!r}, embed_model='none')",
        "provider.add_span_processor(BatchSpanProcessor(exporter))",
        "for i in range(7): provider.get_tracer('t').start_span(f'call {i}').end()",
    ]
    lines.insert(3 if late else 0, "from otel_vector import VectorSpanExporter")
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            capture_output=True,
            check=False,
            env=environment(),
            timeout=60,
        )
        assert not done.stderr, done.stderr.decode()
    with closing(VectorSpanExporter(path=tmp_path / "data", **QUIET)) as exporter:
        assert exporter.force_flush()
        assert stored(exporter) == 14
