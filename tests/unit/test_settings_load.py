"""Settings come in layers, are typed, and are refused all at once."""

from pathlib import Path

import pytest

from otel_vector.errors import ConfigError
from otel_vector.settings.load import load, variables
from otel_vector.settings.schema import entries, value_at


def test_without_anything_every_setting_has_its_default_and_says_so(tmp_path: Path):
    loaded = load(environ={}, folder=tmp_path)
    assert set(loaded.origins) == set(entries())
    assert set(loaded.origins.values()) == {"default"}
    for path, entry in entries().items():
        assert value_at(loaded.settings, path) == entry.default


def test_each_layer_wins_over_the_one_before(tmp_path: Path):
    (tmp_path / "otel-vector.toml").write_text(
        "[store]\ncompression_level = 4\nmax_open_shards = 4\n"
        "[ingest]\nmax_attempts = 4\n[search]\nmax_limit = 4\n"
    )
    (tmp_path / ".env").write_text(
        "OTEL_VECTOR_STORE_MAX_OPEN_SHARDS=5\nOTEL_VECTOR_INGEST_MAX_ATTEMPTS=5\n"
        "OTEL_VECTOR_SEARCH_MAX_LIMIT=5\nUNRELATED=1\n"
    )
    environ = {"OTEL_VECTOR_INGEST_MAX_ATTEMPTS": "6", "OTEL_VECTOR_SEARCH_MAX_LIMIT": "6"}
    flags = {"search.max_limit": 7, "data": None}

    loaded = load(flags, environ=environ, folder=tmp_path)

    assert loaded.settings.store.compression_level == 4
    assert loaded.settings.store.max_open_shards == 5
    assert loaded.settings.ingest.max_attempts == 6
    assert loaded.settings.search.max_limit == 7
    assert loaded.origins["store.compression_level"].endswith("otel-vector.toml")
    assert loaded.origins["store.max_open_shards"] == ".env OTEL_VECTOR_STORE_MAX_OPEN_SHARDS"
    assert loaded.origins["ingest.max_attempts"].startswith("environment ")
    assert loaded.origins["search.max_limit"] == "flag --set search.max_limit"
    assert loaded.origins["data"] == "default"


def test_the_file_is_the_flag_else_the_variable_else_the_folder_s(tmp_path: Path):
    for name, level in (("otel-vector.toml", 2), ("a.toml", 3), ("b.toml", 4)):
        (tmp_path / name).write_text(f"[store]\ncompression_level = {level}\n")
    environ = {"OTEL_VECTOR_CONFIG": "a.toml"}
    found = [
        load(environ={}, folder=tmp_path),
        load(environ=environ, folder=tmp_path),
        load(environ=environ, config=Path("b.toml"), folder=tmp_path),
    ]
    assert [loaded.settings.store.compression_level for loaded in found] == [2, 3, 4]
    assert found[2].file == tmp_path / "b.toml"


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("INBOX_MAX_BYTES", "64MiB", "inbox.max_bytes", 64 << 20),
        ("INBOX_MAX_BYTES", "2 GB", "inbox.max_bytes", 2 * 10**9),
        ("INBOX_MAX_BYTES", "1_000", "inbox.max_bytes", 1000),
        ("INBOX_MAX_BYTES", "1.5KiB", "inbox.max_bytes", 1536),
        ("SERVE_DRAIN_S", "500ms", "serve.drain_s", 0.5),
        ("SERVE_DRAIN_S", "2min", "serve.drain_s", 120.0),
        ("SERVE_DRAIN_S", "3", "serve.drain_s", 3.0),
        ("REDACT_KEYS", "a, b,,c", "redact.keys", ("a", "b", "c")),
        ("REDACT_KEYS", '["a,b", "c"]', "redact.keys", ("a,b", "c")),
        ("REDACT_PII", "email,ip", "redact.pii", ("email", "ip")),
        ("REDACT_ENABLED", "False", "redact.enabled", False),
        ("LOG_JSON", "true", "log.json", True),
        ("SERVE_OTLP_HTTP", "off", "serve.otlp_http", ""),
        ("SERVE_API", "[::1]:0", "serve.api", "[::1]:0"),
        ("DATA", "/x/y", "data", Path("/x/y")),
    ],
)
def test_text_is_read_by_the_setting_s_type(tmp_path: Path, variable, text, path, value):
    loaded = load(environ={f"OTEL_VECTOR_{variable}": text}, folder=tmp_path)
    assert value_at(loaded.settings, path) == value


@pytest.mark.parametrize(
    ("variable", "text", "says"),
    [
        ("INBOX_MAX_BYTES", "64 parsecs", "not a whole number"),
        ("INBOX_MAX_BYTES", "1.5", "not a whole number"),
        ("SERVE_DRAIN_S", "soon", "not a number of seconds"),
        ("SERVE_DRAIN_S", "-1", "less than 0"),
        ("INBOX_RETRY_S", "3", "more than 2"),
        ("LOG_JSON", "yes", "neither true nor false"),
        ("LOG_LEVEL", "loud", "none of debug, info, warning, error"),
        ("REDACT_PII", "email,shoe", "'shoe' is none of"),
        ("REDACT_KEYS", "[1]", "not a list of texts"),
        ("REDACT_KEYS", "[", "not a JSON array"),
        ("SERVE_API", "8317", "not host:port, like 127.0.0.1:8317"),
        ("SERVE_API", "off", "not host:port"),
        ("SERVE_OTLP_GRPC", "localhost:99999", "not host:port"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_would_do(
    tmp_path: Path, variable, text, says
):
    with pytest.raises(ConfigError) as caught:
        load(environ={f"OTEL_VECTOR_{variable}": text}, folder=tmp_path)
    assert says in str(caught.value)
    assert f"OTEL_VECTOR_{variable}" in str(caught.value)


def test_everything_wrong_is_told_at_once_with_the_nearest_names(tmp_path: Path):
    (tmp_path / "otel-vector.toml").write_text(
        "datta = 'x'\n[inbox]\nmax_byte = 3\n[serve]\napi=1\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(environ={"OTEL_VECTOR_STORE_COMPRESION_LEVEL": "3"}, folder=tmp_path)
    message = str(caught.value)
    assert message.startswith("4 settings are wrong: ")
    assert "did you mean data" in message
    assert "did you mean inbox.max_bytes" in message
    assert "did you mean OTEL_VECTOR_STORE_COMPRESSION_LEVEL" in message
    assert "serve.api" in message


def test_an_unknown_flag_is_refused_with_the_nearest_name(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"did you mean inbox\.max_bytes"):
        load({"inbox.max_byte": "3"}, environ={}, folder=tmp_path)


def test_a_secret_that_cannot_be_read_is_not_shown(tmp_path: Path):
    (tmp_path / "otel-vector.toml").write_text("[embed]\napi_key = 12345678\n")
    with pytest.raises(ConfigError) as caught:
        load(environ={}, folder=tmp_path)
    assert "embed.api_key" in str(caught.value)
    assert "12345678" not in str(caught.value)


def test_a_file_that_is_absent_or_no_toml_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ={}, config=Path("absent.toml"), folder=tmp_path)
    (tmp_path / "bad.toml").write_text("[serve\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        load(environ={}, config=Path("bad.toml"), folder=tmp_path)


def test_variables_of_a_kubernetes_service_are_left_alone_and_empty_ones_are_unset(tmp_path: Path):
    environ = {
        "OTEL_VECTOR_SERVICE_HOST": "10.0.0.1",
        "OTEL_VECTOR_SERVICE_PORT_OTLP_GRPC": "4317",
        "OTEL_VECTOR_PORT": "tcp://10.0.0.1:4317",
        "OTEL_VECTOR_PORT_4317_TCP_ADDR": "10.0.0.1",
        "OTEL_VECTOR_API_SERVICE_PORT": "8317",
        "OTEL_VECTOR_LOG_LEVEL": "",
    }
    assert set(load(environ=environ, folder=tmp_path).origins.values()) == {"default"}


def test_every_setting_has_a_variable_and_a_flag_of_its_own():
    assert len({e.variable for e in entries().values()}) == len(entries())
    assert len({e.flag for e in entries().values()}) == len(entries())


def test_what_is_secret_is_not_shown_by_the_settings_themselves(tmp_path: Path):
    for name, entry in entries().items():
        if entry.secret:
            settings = load(environ={entry.variable: "ov_id_hush"}, folder=tmp_path).settings
            assert value_at(settings, name) == "ov_id_hush"
            assert "hush" not in repr(settings)


def test_a_dotenv_file_copies_nothing_of_the_environment(tmp_path: Path):
    (tmp_path / ".env").write_text(
        "OTEL_VECTOR_EXPORTER_ENDPOINT=http://there/${OTEL_VECTOR_API_KEY}\n"
    )
    loaded = load(environ={"OTEL_VECTOR_API_KEY": "ov_a_b"}, folder=tmp_path)
    assert loaded.settings.exporter.endpoint == "http://there/${OTEL_VECTOR_API_KEY}"


def test_a_dotenv_file_that_is_no_text_is_refused(tmp_path: Path):
    (tmp_path / ".env").write_bytes(b"NAME=\xe9\n")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(environ={}, folder=tmp_path)


def test_a_working_directory_that_is_gone_is_said(tmp_path: Path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="working directory"):
        load(environ={})
    with pytest.raises(ConfigError, match="working directory"):
        variables({"TEAM": "team"}, environ={})
