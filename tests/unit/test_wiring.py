"""An engine is built from settings, and what it opens it gives back."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support import ingest as parts

from otel_vector.embed.contract import Role
from otel_vector.errors import (
    ConfigError,
    EmbedderUnavailableError,
    ModelMismatchError,
    StoreLockedError,
)
from otel_vector.services.search import SearchQuestion
from otel_vector.settings.config import (
    EmbedConfig,
    InboxConfig,
    IngestConfig,
    SearchConfig,
    Settings,
)
from otel_vector.spans.filters import Where
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import RunKind, Signal
from otel_vector.store.contract import Nearest
from otel_vector.testing.builders import TENANT, SpanRow, trace_bytes
from otel_vector.testing.hashing import HashingEmbedder
from otel_vector.wiring import Backends, Engine, open_inbox, open_state

HASHING = Backends(embedder=lambda config: HashingEmbedder(32))


def settings_of(path, **changes):
    values = {
        "inbox": InboxConfig(min_free_bytes=0),
        "ingest": IngestConfig(checkpoint_s=0.05),
        "embed": EmbedConfig(model="none"),
    }
    return Settings(data=path / "data", **(values | changes))


@pytest.fixture
def engine(tmp_path):
    opened = Engine.open(settings_of(tmp_path), HASHING)
    yield opened
    opened.close()


def put(inbox, *numbers, **row):
    for number in numbers:
        inbox.put(parts.envelope([SpanRow(trace=number, span=number, **row)]))


def test_spans_put_into_the_inbox_are_found_by_meaning(tmp_path):
    engine = Engine.open(settings_of(tmp_path, embed=EmbedConfig()))
    put(engine.inbox, 1, service="payment", name="ChargeCard")
    put(engine.inbox, 2, service="catalog", name="ListProducts")
    engine.start()
    assert engine.drain(60)
    (vector,) = engine.embedder.embed(["pay with a credit card"], Role.QUESTION)
    hits = engine.store.tenant(TENANT).meanings.nearest(Nearest(vector, None))
    assert hits[0].meaning.service == "payment"
    (item,) = engine.store.tenant(TENANT).reader.trace(trace_bytes(1))
    assert item.name == "ChargeCard"
    engine.close()


def test_what_was_stored_is_there_after_a_reopening(tmp_path, engine):
    put(engine.inbox, *range(1, 6))
    engine.start()
    assert engine.drain(parts.DEADLINE_S)
    engine.close()
    again = Engine.open(settings_of(tmp_path), HASHING)
    assert parts.traces_of(again.store) == [1, 2, 3, 4, 5]
    assert again.backlog().texts == 0
    again.close()


def test_a_process_that_is_killed_before_its_ack_loses_and_doubles_nothing(tmp_path):
    here = str(Path(__file__).parent)
    script = textwrap.dedent(
        f"""
        import sys, time
        sys.path[:0] = [{here!r}, {str(Path(here).parent)!r}]
        from pathlib import Path
        import test_wiring as t
        engine = t.Engine.open(
            t.settings_of(Path({str(tmp_path)!r}), ingest=t.IngestConfig(checkpoint_s=1000.0)),
            t.HASHING,
        )
        t.put(engine.inbox, *range(1, 31))
        engine.start()
        reader = engine.store.tenant(t.TENANT).reader
        while len(reader.find(t.Signal.SPANS, t.Where(), 100).items) < 30:
            time.sleep(0.01)
        print("stored", flush=True)
        time.sleep(600)
        """
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"stored\n"
        os.kill(process.pid, signal.SIGKILL)
    engine = Engine.open(settings_of(tmp_path), HASHING)
    assert engine.backlog().requests == 30
    put(engine.inbox, 31)
    engine.start()
    assert engine.drain(parts.DEADLINE_S)
    assert parts.traces_of(engine.store) == list(range(1, 32))
    assert engine.store.tenant(TENANT).size().spans == 31
    engine.close()


def test_waiting_is_given_up_at_the_deadline_under_load(engine):
    put(engine.inbox, 1)
    started = time.monotonic()
    assert not engine.drain(0.3)
    assert time.monotonic() - started < parts.DEADLINE_S
    engine.start()
    assert engine.wait_stored(parts.DEADLINE_S)


def test_closing_without_starting_leaves_the_inbox_for_the_next(tmp_path, engine):
    put(engine.inbox, 1)
    engine.close()
    again = Engine.open(settings_of(tmp_path), HASHING)
    assert again.backlog().requests == 1
    again.close()


def test_closing_twice_is_harmless(engine):
    engine.start()
    engine.close()
    engine.close()


def test_health_has_every_part_and_says_what_is_wrong(tmp_path, engine):
    before = {part.name: part for part in engine.health()}
    assert not before["ingest"].ok
    engine.start()
    parts.eventually(lambda: all(part.ok for part in engine.health()))
    assert [part.name for part in engine.health()] == [
        "inbox",
        "ingest",
        "store",
        "embedding",
        "disk",
    ]
    engine.close()
    hungry = settings_of(tmp_path, inbox=InboxConfig(min_free_bytes=1 << 60))
    second = Engine.open(hungry, HASHING)
    disk = {part.name: part for part in second.health()}["disk"]
    assert (disk.ok, "inbox.min_free_bytes" in disk.detail) == (False, True)
    second.close()


def test_without_a_model_spans_are_found_by_words(tmp_path):
    engine = Engine.open(settings_of(tmp_path))
    put(engine.inbox, 1, service="payment", name="ChargeCard")
    engine.start()
    assert engine.drain(parts.DEADLINE_S)
    assert engine.embedder is None
    hits = engine.store.tenant(TENANT).meanings.nearest(Nearest(None, "charge card"))
    assert hits[0].meaning.service == "payment"
    assert {part.name: part.ok for part in engine.health()}["embedding"]
    engine.close()


def test_another_model_is_refused_and_nothing_is_left_open(tmp_path, engine):
    engine.close()
    other = Backends(embedder=lambda config: HashingEmbedder(16))
    with pytest.raises(ModelMismatchError):
        Engine.open(settings_of(tmp_path), other)
    Engine.open(settings_of(tmp_path), HASHING).close()


def test_a_second_engine_on_the_folder_is_refused(tmp_path, engine):
    with pytest.raises(StoreLockedError):
        Engine.open(settings_of(tmp_path), HASHING)
    assert engine.store.tenants() == []


def test_the_inbox_and_the_state_open_beside_a_running_engine(tmp_path, engine):
    engine.start()
    inbox, state = open_inbox(settings_of(tmp_path)), open_state(settings_of(tmp_path))
    put(inbox, 1)
    state.set("import", "file", "1")
    assert engine.state.get("import", "file") == "1"
    assert engine.wait_stored(parts.DEADLINE_S)
    assert parts.traces_of(engine.store) == [1]
    inbox.close()
    state.close()


def test_the_folder_and_its_key_are_their_owners_only(tmp_path, engine):
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "redact.key").stat().st_mode) == 0o600
    assert len((data / "redact.key").read_bytes()) == 32
    assert sorted(path.name for path in data.iterdir() if not path.name.startswith("state.")) == [
        "inbox",
        "redact.key",
        "store",
    ]


def test_the_key_is_made_once(tmp_path, engine):
    key = (tmp_path / "data" / "redact.key").read_bytes()
    engine.close()
    Engine.open(settings_of(tmp_path), HASHING).close()
    assert (tmp_path / "data" / "redact.key").read_bytes() == key


def test_a_key_that_was_cut_is_refused(tmp_path, engine):
    engine.close()
    (tmp_path / "data" / "redact.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match=r"redact\.key"):
        Engine.open(settings_of(tmp_path), HASHING)


def test_a_data_folder_that_is_a_file_is_a_setting_error(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(ConfigError, match=r"data: .*--data"):
        Engine.open(settings_of(tmp_path), HASHING)


def test_an_endpoint_that_does_not_answer_is_told_at_the_start(tmp_path):
    embed = EmbedConfig(model="small", url="http://127.0.0.1:9/v1", timeout_s=1.0)
    with pytest.raises(EmbedderUnavailableError, match=r"embed\.dimension"):
        Engine.open(settings_of(tmp_path, embed=embed))


def test_an_endpoint_that_is_down_delays_vectors_and_nothing_else(tmp_path):
    embed = EmbedConfig(model="small", url="http://127.0.0.1:9/v1", dimension=8, timeout_s=0.2)
    engine = Engine.open(settings_of(tmp_path, embed=embed))
    put(engine.inbox, 1)
    engine.start()
    assert engine.wait_stored(parts.DEADLINE_S)
    parts.eventually(lambda: not {p.name: p.ok for p in engine.health()}["embedding"])
    assert engine.backlog().texts == 1
    engine.close()


def test_a_recorded_search_becomes_a_span_of_its_own(tmp_path):
    settings = settings_of(tmp_path, search=SearchConfig(record=True))
    engine = Engine.open(settings, HASHING)
    engine.services.search.answer(TENANT, SearchQuestion(text="card declined"))
    engine.start()
    reader = engine.store.tenant(TENANT).reader
    parts.eventually(lambda: reader.find(Signal.SPANS, Where(runs=()), 10).items)
    (span,) = reader.find(Signal.SPANS, Where(runs=()), 10).items
    assert (span.name, span.run) == ("search", RunKind.SELF)
    engine.close()


def test_telemetry_tells_of_every_part(engine):
    put(engine.inbox, 1)
    engine.inbox.count("rejected.zero_id", 3)
    engine.start()
    assert engine.drain(parts.DEADLINE_S)
    families = {family.name: family for family in engine.telemetry.collect()}
    assert families["otel_vector_ingest_spans_total"].samples[0].value == 1
    assert families["otel_vector_inbox_requests"].samples[0].value == 0
    assert families["otel_vector_disk_free_bytes"].samples[0].value > 0
    stats = engine.services.stats
    parts.eventually(lambda: stats.answer(TENANT).rejected == {"zero_id": 3})


def test_another_backend_is_another_factory(tmp_path):
    store = parts.MemoryStore(32, "hashing-32")
    backends = replace(HASHING, store=lambda *_: store)
    engine = Engine.open(settings_of(tmp_path), backends)
    put(engine.inbox, 1)
    engine.start()
    assert engine.drain(parts.DEADLINE_S)
    assert parts.traces_of(store) == [1]
    assert Tenant("default") in engine.store.tenants()
    engine.close()


def test_putting_needs_no_engine_library():
    script = (
        "import sys, otel_vector.wiring\n"
        "heavy = ('qdrant_edge', 'fastembed', 'onnxruntime', 'grpc', 'fastapi', 'httpx', 're2')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


def test_find_counts_what_the_worker_stored(engine):
    put(engine.inbox, *range(1, 11))
    engine.start()
    assert engine.wait_stored(parts.DEADLINE_S)
    page = engine.store.tenant(TENANT).reader.find(Signal.SPANS, Where(), 4)
    assert (len(page.items), page.next is None) == (4, False)
