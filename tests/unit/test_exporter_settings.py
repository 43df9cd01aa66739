"""What the exporter's classes take in: by keyword, by environment, by file."""

import subprocess
import sys

import pytest
from support.exporting import NOBODY, closing

from otel_vector import VectorLogExporter, VectorSpanExporter, VectorSpanProcessor
from otel_vector.errors import ConfigError
from otel_vector.exporter.keywords import names, settings_of
from otel_vector.settings.schema import entries, value_at

CHANGED = {
    "client.ca": "",
    "client.cert": "",
    "client.key": "",
    "exporter.endpoint": NOBODY,
    "exporter.path": "",
    "redact.patterns": "x[0-9]+y",
    "serve.trace_link": "http://127.0.0.1:16686/trace/{trace_id}",
}
"""Texts for settings of which not every text will do."""


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def text_of(path):
    """Return a text that says something else than the default."""
    entry = entries()[path]
    if path in CHANGED:
        return CHANGED[path]
    if entry.among:
        return entry.among[-1]
    if entry.type is bool:
        return str(not entry.default).lower()
    if entry.type in {int, float}:
        fits = entry.high is None or entry.default + 1 <= entry.high
        return str(entry.type(entry.default + 1 if fits else entry.default - 1))
    return "127.0.0.1:1" if str(entry.default).startswith("127.0.0.1:") else "some-text"


@pytest.mark.parametrize(("name", "path"), names().items(), ids=list(names()))
def test_each_setting_is_taken_by_keyword_and_by_environment(name, path, monkeypatch, tmp_path):
    text = text_of(path)
    keywords = {"protocol": "grpc", "endpoint": NOBODY, "spool": str(tmp_path / "a"), name: text}
    with closing(VectorSpanExporter(**keywords)) as by_keyword:
        monkeypatch.setenv("OTEL_VECTOR_EXPORTER_SPOOL", str(tmp_path / "a"))
        monkeypatch.setenv("OTEL_VECTOR_EXPORTER_ENDPOINT", NOBODY)
        monkeypatch.setenv(entries()[path].variable, text)
        with closing(VectorSpanExporter()) as by_environment:
            assert by_keyword.settings == by_environment.settings
            value = value_at(by_keyword.settings, path)
            assert value != entries()[path].default or not text
            assert by_keyword.outlet is by_environment.outlet


@pytest.mark.parametrize("kind", [VectorSpanExporter, VectorLogExporter, VectorSpanProcessor])
def test_all_three_take_the_same_keywords_and_share_an_outlet(kind, tmp_path):
    keywords = {"endpoint": NOBODY, "spool": tmp_path / "spool", "redact_keys": ["shoe-size"]}
    with closing(kind(**keywords), VectorSpanExporter(**keywords)) as (one, other):
        assert one.outlet is other.outlet
        assert one.settings.redact.keys == ("shoe-size",)


def test_an_exporter_without_arguments_goes_to_this_machines_collector(tmp_path):
    with closing(VectorSpanExporter()) as exporter:
        assert exporter.settings.exporter.endpoint == ""
        assert list((tmp_path / "state" / "otel-vector" / "spool").iterdir())


def test_a_dotenv_file_is_read(tmp_path):
    (tmp_path / ".env").write_text(f"OTEL_VECTOR_EXPORTER_SPOOL={tmp_path / 'from-dotenv'}\n")
    with closing(VectorSpanExporter(endpoint=NOBODY)) as exporter:
        assert exporter.settings.exporter.spool == str(tmp_path / "from-dotenv")
    assert (tmp_path / "from-dotenv" / "inbox").is_dir()


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"endpiont": NOBODY}, "no setting 'endpiont', did you mean endpoint"),
        ({"zzz": 1}, "docs/configuration.md"),
        ({"queue_items": 1}, "exporter.queue_items .keyword.: 1 is less than 512"),
        ({"endpoint": "ftp://x"}, "not http"),
        ({"endpoint": "http://h:port"}, "no address"),
        ({"endpoint": "http://user:pass@h:1"}, "api_key"),
        ({"endpoint": "http://h:1/path"}, "which gRPC has not"),
        ({"client_ca": "/no/such/file"}, "client.ca"),
        ({"client_cert": __file__}, "belong together"),
        ({"api_key": "a\nb", "endpoint": NOBODY}, "no header may"),
    ],
)
def test_what_cannot_be_is_refused_at_construction(keywords, said):
    with pytest.raises(ConfigError, match=said):
        VectorSpanExporter(**keywords)


def test_what_is_refused_never_shows_the_key():
    with pytest.raises(ConfigError) as refused:
        VectorSpanExporter(api_key="se\ncret", endpoint=NOBODY)
    assert "se" not in str(refused.value).split()


def test_keywords_are_over_the_environment(monkeypatch):
    monkeypatch.setenv("OTEL_VECTOR_EXPORTER_PROTOCOL", "http/protobuf")
    assert settings_of({"protocol": "grpc"}).exporter.protocol == "grpc"
    assert settings_of({"protocol": None}).exporter.protocol == "http/protobuf"


DECLARED = """
import sys
from opentelemetry import configuration, trace
configuration.configure_sdk(configuration.load_config_file(sys.argv[1]))
provider = trace.get_tracer_provider()
settings = provider._active_span_processor._span_processors[0].span_exporter.settings
print(settings.exporter.queue_items, *settings.redact.keys)
provider.shutdown()
"""


def test_the_declarative_configuration_file_gives_keywords(tmp_path):
    """In a process of its own, since it sets what is the whole process's."""
    pytest.importorskip(
        "opentelemetry.configuration", reason="opentelemetry-configuration is not installed"
    )
    file = tmp_path / "otel.yaml"
    file.write_text(
        "file_format: '1.0'\ntracer_provider:\n  processors:\n    - batch:\n        exporter:\n"
        f"          vector: {{endpoint: '{NOBODY}', spool: {tmp_path / 'spool'},"
        " queue_items: 1000, redact_keys: [shoe]}\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", DECLARED, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1000", "shoe"]
