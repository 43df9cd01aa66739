"""The command line on folders that nobody serves, and on a served one: the same answers."""

import gzip
import json
import subprocess
import time
from pathlib import Path

import pytest
import zstandard
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from serving import COMMAND, Served, cli, environment, eventually

SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces"
# Traces that are too large for this repository; examples/ has slices of them.
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
NASTY = "\x1b]0;owned\x07\x1b[2J[bold]name[/]"


@pytest.fixture
def folder(tmp_path):
    served = Served(tmp_path)
    yield served
    served.end()


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder with the sample in it, for commands that only read."""
    served = Served(tmp_path_factory.mktemp("filled"))
    cli(served, "import", put(served), put(served, "logs.pb", sample_logs()))
    return served


def sample():
    """Two services, one failing span, one log record of it, and every field a span has."""
    data = TracesData()
    for service in ("checkout", "payment"):
        resource = data.resource_spans.add(schema_url="https://schema/1")
        resource.resource.attributes.add(key="service.name").value.string_value = service
        resource.resource.dropped_attributes_count = 3
        scope = resource.scope_spans.add(schema_url="https://schema/2")
        scope.scope.name, scope.scope.version = "lib", "1"
        span = scope.spans.add(
            trace_id=bytes([7] * 16),
            span_id=bytes([service == "payment"] * 7 + [9]),
            parent_span_id=b"" if service == "checkout" else bytes(7) + b"\x09",
            trace_state="a=b",
            name=f"{service} {NASTY}",
            kind=2,
            start_time_unix_nano=1_700_000_000_000_000_000,
            end_time_unix_nano=1_700_000_000_250_000_000,
            flags=257,
            dropped_attributes_count=1,
            dropped_events_count=2,
            dropped_links_count=3,
        )
        span.attributes.add(key="order.id").value.string_value = "order-8837"
        span.attributes.add(key="n").value.int_value = -5
        span.attributes.add(key="raw").value.bytes_value = b"\x00\xff"
        span.attributes.add(key="list").value.array_value.values.add().double_value = 0.5
        span.attributes.add(key="empty")
        event = span.events.add(name="exception", time_unix_nano=5, dropped_attributes_count=1)
        event.attributes.add(key="exception.type").value.string_value = "CardDeclined"
        span.links.add(
            trace_id=bytes([8] * 16), span_id=bytes([8] * 8), trace_state="x=y", flags=1
        )
        span.status.code, span.status.message = 2, "card declined"
        span.MergeFromString(b"\x9a\x06\x03abc")  # a field of tomorrow
    return data


def sample_logs():
    data = LogsData()
    resource = data.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "payment"
    record = resource.scope_logs.add().log_records.add(
        time_unix_nano=1_700_000_000_100_000_000,
        severity_number=17,
        severity_text="ERROR",
        trace_id=bytes([7] * 16),
        span_id=bytes([1] * 7 + [9]),
    )
    record.body.string_value = "the bank said no"
    return data


def put(folder, name="in.pb", data=None):
    path = folder.folder / name
    path.write_bytes((data or sample()).SerializeToString())
    return path


def spans_of(content):
    """Return every span with its headers, from length-prefixed protobuf."""
    found = set()
    while content:
        length = int.from_bytes(content[:4], "big")
        data, content = TracesData.FromString(content[4 : 4 + length]), content[4 + length :]
        found |= spans_in(data)
    return found


def spans_in(data):
    return {
        (
            resource.resource.SerializeToString(deterministic=True),
            resource.schema_url,
            scope.scope.SerializeToString(deterministic=True),
            scope.schema_url,
            span.SerializeToString(deterministic=True),
        )
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }


def test_a_folder_that_nobody_serves_answers_every_command(filled):
    folder = filled
    assert cli(folder, "stats", "--json").json["spans"] == 2
    assert cli(folder, "stats", "--json").json["logs"] == 1

    group = cli(folder, "search", "the card was refused", "--json").json["groups"][0]
    assert group["spans"]["count"] >= 1
    flat = cli(folder, "search", '"order-8837"', "--flat", "--json").json
    assert len(flat["spans"]) == 2
    identity, trace_id = flat["spans"][0]["id"], flat["spans"][0]["trace_id"]

    drawn = cli(folder, "trace", trace_id).out
    assert "└ payment" in drawn
    assert "2 failed" in drawn
    detail = cli(folder, "span", identity).out
    assert "order.id: order-8837" in detail
    assert cli(folder, "span", f"{trace_id}/{'00' * 7}09").out
    assert cli(folder, "similar", identity, "--json").json["groups"]
    assert "checkout" in cli(folder, "services").out
    assert "payment" in cli(folder, "operations", "--service", "payment").out
    listed = cli(folder, "meanings", "--facet", "error", "--sort", "errors")
    assert "CardDeclined" in listed.out
    narrow = ("meanings", "--service", "payment", "--filter", "status:error", "--json")
    (one,) = cli(folder, *narrow).json["groups"]
    assert (one["meaning"]["service"], one["spans"]["errors"]) == ("payment", 1)
    assert cli(folder, "meanings", "--sort", "size", check=False).code == 1
    assert cli(folder, "deadletter", "list", "--json").json == []
    assert cli(folder, "doctor", "--json", check=False).json["findings"]


def test_no_command_lets_stored_text_act_on_the_terminal(filled):
    trace_id = "07" * 16
    for arguments in (
        ("search", "card"),
        ("search", "--flat"),
        ("trace", trace_id),
        ("span", f"{trace_id}/{'00' * 7}09"),
        ("operations",),
        ("meanings",),
        ("search", "card", "--json"),
    ):
        result = cli(filled, *arguments)
        assert "\x1b" not in result.out + result.err
        assert "\x07" not in result.out + result.err
        assert "[bold]" in result.out


def test_a_served_folder_gives_the_same_answers(filled):
    alone = cli(filled, "search", "card declined", "--json").json
    filled.start()
    try:
        beside = cli(filled, "search", "card declined", "--json").json
    finally:
        filled.stop()
    assert [g["meaning"] for g in alone["groups"]] == [g["meaning"] for g in beside["groups"]]


def test_an_import_beside_a_collector_is_stored_by_it(folder):
    folder.start()
    result = cli(folder, "import", put(folder), "--json")
    assert result.json[0]["spans"] == 2
    assert cli(folder, "stats", "--json").json["spans"] == 2
    assert folder.process.poll() is None


def test_what_is_exported_and_imported_elsewhere_is_protobuf_equal(filled, tmp_path):
    folder = filled
    out = tmp_path / "out.pb.zst"
    cli(folder, "export", out, "--format", "protobuf", "--compress", "zstd")
    exported = zstandard.ZstdDecompressor().decompressobj().decompress(out.read_bytes())
    assert spans_of(exported) == spans_in(sample())

    (tmp_path / "other").mkdir()
    other = Served(tmp_path / "other")
    cli(other, "import", out)
    again = tmp_path / "again.pb"
    cli(other, "export", again, "--format", "protobuf")
    assert spans_of(again.read_bytes()) == spans_in(sample())

    logs = cli(folder, "export", "--signal", "logs").out
    assert "the bank said no" in logs
    assert cli(folder, "export", "--filter", "service:nobody").out == ""
    (line,) = cli(folder, "export", "--filter", "service:payment").out.splitlines()
    assert len(json.loads(line)["resourceSpans"]) == 1


@needs_shared
def test_recorded_traces_imported_twice_are_stored_once(folder, tmp_path):
    source = gzip.decompress((SHARED / "online-boutique.otlp.jsonl.gz").read_bytes())
    lines = source.splitlines(keepends=True)[:3]
    piece = tmp_path / "slice.jsonl.gz"
    piece.write_bytes(gzip.compress(b"".join(lines)))
    first = cli(folder, "import", piece, "--json").json[0]
    count = cli(folder, "stats", "--json").json["spans"]
    again = cli(folder, "import", piece, "--json").json[0]
    restarted = cli(folder, "import", piece, "--restart", "--json").json[0]
    assert (again["resumed_at"], restarted["resumed_at"]) == (3, 0)
    assert first["spans"] == restarted["spans"] == count > 1000
    assert cli(folder, "stats", "--json").json["spans"] == count


@needs_shared
def test_an_import_that_was_killed_goes_on(folder):
    source = SHARED / "online-boutique.otlp.jsonl.gz"
    with subprocess.Popen(
        [*COMMAND, "import", "--data", str(folder.data), str(source)],
        stderr=subprocess.DEVNULL,
        cwd=folder.folder,
        env=environment(),
    ) as process:
        inbox = folder.data / "inbox"
        eventually(lambda: inbox.is_dir() and any(f.stat().st_size for f in inbox.iterdir()))
        time.sleep(1.0)  # let some of the file go through: any moment will do
        process.kill()
    lines = b"".join(gzip.decompress(source.read_bytes()).splitlines(keepends=True)[:8])
    rest = cli(folder, "import", "-", "--json", stdin=lines)
    assert rest.json[0]["spans"] > 1000


def test_bad_lines_are_named_and_the_rest_is_imported(folder, tmp_path):
    good = (
        b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"n"}]}]}]}'
        % (b"01" * 16, b"02" * 8)
    )
    file = tmp_path / "x.jsonl"
    file.write_bytes(good + b"\n{broken\n" + good.replace(b"02" * 8, b"00" * 8) + b"\n")
    result = cli(folder, "import", file)
    assert "line 2: not JSON" in result.err
    assert "1 left out: span id zero" in result.err
    assert cli(folder, "import", file, "--strict", check=False).code == 1
    assert cli(folder, "stats", "--json").json["spans"] == 1


def test_a_file_that_is_cut_off_ends_with_code_1_and_keeps_what_came_before(folder, tmp_path):
    file = tmp_path / "x.pb"
    file.write_bytes(sample().SerializeToString()[:-3])
    result = cli(folder, "import", file, check=False)
    assert result.code == 1
    assert "record 2 is cut off" in result.err
    assert cli(folder, "stats", "--json").json["spans"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stats",), "there is no data folder"),
        (("tail",), "start `otel-vector serve`"),
        (("deadletter", "list"), "there is no data folder"),
        (("import", "absent.jsonl"), "there is no file absent.jsonl"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_code_1(folder, arguments, says):
    result = cli(folder, *arguments, check=False)
    assert result.code == 1
    assert says in result.err
    assert result.err.count("\n") == 1
    assert not folder.data.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trace", "xyz"), "32 hex digits"),
        (("trace", "ab" * 16), "there is no trace"),
        (("span", "ab" * 16), "there is no span"),
        (("search", "x", "--filter", "{bad"), "--filter is not JSON"),
        (("search", "x", "--since", "yesterday-ish"), "is not a time"),
        (("search", "x", "--facet", "nonsense"), "facets"),
        (("export", "/nowhere/x"), "cannot be written"),
        (("deadletter", "show", "1"), "1"),
    ],
)
def test_a_wrong_question_is_one_sentence_and_code_1(filled, arguments, says):
    result = cli(filled, *arguments, check=False)
    assert result.code == 1
    assert says in result.err
    assert "Traceback" not in result.err


def test_wrong_arguments_are_code_2(folder):
    assert cli(folder, "stats", "--nonsense", check=False).code == 2
    assert cli(folder, "deadletter", "drop", check=False).code == 2


def test_a_wrong_setting_is_named_before_anything_starts(folder):
    (folder.folder / "otel-vector.toml").write_text("[serve]\napii = 'x'\n")
    result = cli(folder, "stats", check=False)
    assert result.code == 1
    assert "did you mean serve.api" in result.err


def test_config_tells_what_is_in_force_and_hides_secrets(folder):
    (folder.folder / "otel-vector.toml").write_text("[embed]\napi_key = 'hunter2'\n")
    result = cli(folder, "config", "--json")
    assert "hunter2" not in result.out
    assert result.json["embed.api_key"]["origin"].endswith("otel-vector.toml")
    assert result.json["data"] == {"value": str(folder.data), "origin": "flag --data"}
    assert "hunter2" not in cli(folder, "config").out


def test_help_is_quick():
    def took_s():
        started = time.monotonic()
        subprocess.run([*COMMAND, "--help"], check=True, capture_output=True, env=environment())
        return time.monotonic() - started

    assert any(took_s() < 2.0 for _ in range(5))  # a busy machine may delay some


def test_help_imports_nothing_heavy():
    heavy = {"grpc", "fastapi", "uvicorn", "qdrant_edge", "fastembed", "httpx", "psutil", "numpy"}
    code = "import sys; import otel_vector_collector.cli.main; print(*sys.modules)"
    done = subprocess.run([COMMAND[0], "-c", code], check=True, capture_output=True, text=True)
    assert not heavy & set(done.stdout.split())
