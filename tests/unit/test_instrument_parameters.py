"""The decorators' parameters: what each does, and what is said of wrong ones."""

import json
import subprocess
import sys
import textwrap

import pytest
from opentelemetry.trace import StatusCode
from support.tracing import recorded

from otel_vector import trace_span, vectorize
from otel_vector.exporter.announcements import pending
from otel_vector.instrument.options import options


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Run a test in a folder with files of its own, whose settings are read anew."""
    monkeypatch.chdir(tmp_path)
    options.cache_clear()
    yield tmp_path
    options.cache_clear()


def last_announced():
    return pending(0)[0][-1]


def same(value):
    return value


def test_what_users_know_is_taken_and_kept_with_the_function(spans):
    @vectorize(
        "High-cost summary",
        "Comes before the mail",
        semantic_cache=True,
        cache_threshold=0.95,
        semantic_cache_filters={"lang": "en", "b": 1},
        semantic_cache_scope=["tenant"],
        replay=True,
        enable_alert=False,
        auto=True,
        team="billing",
        priority=1,
    )
    def summarize(text):
        return text

    record = last_announced()
    assert record.name.endswith("summarize")
    assert record.description == "High-cost summary"
    assert record.narrative == "Comes before the mail"
    assert dict(record.tags) == {"team": "billing", "priority": 1}
    assert dict(record.switches) == {
        "semantic_cache": True,
        "cache_threshold": 0.95,
        "semantic_cache_filters": "b=1,lang=en",
        "semantic_cache_scope": "tenant",
        "replay": True,
        "alert": False,
        "auto": True,
    }
    assert summarize("x") == "x"
    own = {k: v for k, v in spans.only.attributes.items() if k.startswith("otel_vector.")}
    assert own.pop("otel_vector.source.hash") == record.source_hash
    assert own == {
        "otel_vector.semantic_cache": True,
        "otel_vector.replay": True,
        "otel_vector.alert": False,
        "otel_vector.tag.team": "billing",
        "otel_vector.tag.priority": 1,
    }


def test_defaults_are_written_nowhere(spans):
    vectorize()(same)(1)
    assert last_announced().switches == ()
    assert set(spans.only.attributes) == {"code.function.name", "otel_vector.source.hash"}


@pytest.mark.parametrize("switch", ["semantic_cache", "replay"])
def test_what_is_to_be_cached_or_replayed_is_captured_whole(spans, switch):
    text = "x" * 100_000
    vectorize(**{switch: True})(same)(text)
    assert json.loads(spans.only.attributes["input.value"]) == {"value": text}
    assert json.loads(spans.only.attributes["output.value"]) == text
    assert "otel_vector.input.truncated" not in spans.only.attributes


def test_what_is_longer_than_the_setting_is_cut(spans, settings):
    (settings / "otel-vector.toml").write_text("[instrument]\nmax_chars = 100\n")
    trace_span(capture_inputs=True, capture_return_value=True)(same)("x" * 1_000)
    attributes = spans.only.attributes
    assert len(attributes["input.value"]) < 200
    assert attributes["otel_vector.input.truncated"] is attributes["otel_vector.output.truncated"]
    assert len(attributes["otel_vector.input.digest"]) == 32


def test_codes_come_from_the_mapping_file_and_may_be_ignored(spans, settings):
    (settings / ".otel_vector_errors.json").write_text(
        '{"ValueError": "INVALID", "KeyError": "GONE"}'
    )
    (settings / "otel-vector.toml").write_text('[instrument]\nignored_codes = ["GONE"]\n')

    @trace_span
    def fail(error):
        raise error

    for error in (ValueError("a"), KeyError("b")):
        with pytest.raises(type(error)):
            fail(error)
    first, second = spans.all
    assert first.attributes["otel_vector.error.code"] == "INVALID"
    assert first.status.status_code is StatusCode.ERROR
    assert second.attributes["otel_vector.error.code"] == "GONE"
    assert second.attributes["otel_vector.error.ignored"] is True
    assert second.status.status_code is StatusCode.UNSET
    assert second.events


def test_tags_of_the_environment_are_on_every_span_and_the_decorators_win(
    spans, settings, monkeypatch
):
    allowed = {"run_id": {"data_type": "TEXT"}, "priority": {"data_type": "INT"}}
    (settings / ".otel_vector_tags.json").write_text(json.dumps(allowed))
    monkeypatch.setenv("RUN_ID", "global-run")
    monkeypatch.setenv("PRIORITY", "2")
    trace_span(same)(1)
    vectorize(run_id="own-run", unknown="x")(same)(1)
    tags = [
        {k: v for k, v in span.attributes.items() if k.startswith("otel_vector.tag.")}
        for span in spans.all
    ]
    assert tags == [
        {"otel_vector.tag.run_id": "global-run", "otel_vector.tag.priority": 2},
        {"otel_vector.tag.run_id": "own-run", "otel_vector.tag.priority": 2},
    ]


def test_a_tag_may_be_a_list(spans):
    trace_span(labels=["a", "b"])(same)(1)
    assert spans.only.attributes["otel_vector.tag.labels"] == ("a", "b")


def test_settings_that_cannot_be_read_stop_nothing(spans, settings, caplog):
    (settings / "otel-vector.toml").write_text("[instrument]\nmax_char = 100\n")
    assert trace_span(same)(1) == 1
    assert len(spans.all) == 1
    assert "functions are traced with the default settings" in caplog.text
    assert "max_chars" in caplog.text


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        (".otel_vector_errors.json", {"error": "ValueError", "tags": {"run_id": "monday"}}),
        (".otel_vector_tags.json", {"error": "INVALID", "tags": {"run_id": "tuesday", "x": 1}}),
    ],
)
def test_a_file_that_cannot_be_read_leaves_the_other_one_and_the_settings(
    spans, settings, caplog, monkeypatch, broken, whole
):
    (settings / ".otel_vector_errors.json").write_text('{"ValueError": "INVALID"}')
    (settings / ".otel_vector_tags.json").write_text('{"run_id": {}}')
    (settings / "otel-vector.toml").write_text(
        '[instrument]\nmax_chars = 100\nignored_codes = ["INVALID", "ValueError"]\n'
    )
    (settings / broken).write_text("{")
    monkeypatch.setenv("RUN_ID", "monday")

    @trace_span(capture_inputs=True, x=1, **({"run_id": "tuesday"} if "tags" in broken else {}))
    def fail(text):
        raise ValueError(text)

    with pytest.raises(ValueError, match="y"):
        fail("y" * 1_000)
    attributes = spans.only.attributes
    assert attributes["otel_vector.error.code"] == whole["error"]
    assert attributes["otel_vector.error.ignored"] is True
    assert attributes["otel_vector.input.truncated"] is True
    tag = "otel_vector.tag."
    tags = {k.removeprefix(tag): v for k, v in attributes.items() if k.startswith(tag)}
    assert tags == whole["tags"]
    said = [r.message for r in caplog.records if "left out" not in r.message]
    assert len(said) == 1
    assert f"{broken} is not JSON" in said[0]


def test_each_file_that_cannot_be_read_is_told(spans, settings, caplog):
    for name in (".otel_vector_errors.json", ".otel_vector_tags.json"):
        (settings / name).write_text("{")
    assert trace_span(same)(1) == 1
    assert [".otel_vector_errors.json is" in r.message for r in caplog.records] == [True, False]


def test_both_work_bare_and_with_empty_parentheses(spans):
    for decorated in (vectorize(same), vectorize()(same), trace_span(same), trace_span()(same)):
        assert decorated(1) == 1
    assert len(spans.all) == 4


def test_a_call_that_must_be_recorded_at_once_is_a_call_like_any_other(spans):
    assert trace_span(force_sync=True)(same)(1) == 1
    assert len(spans.all) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"search_description": 3}, "a value of type int cannot be traced"),
        ({"sequence_narrative": 3}, "vectorize: sequence_narrative must be text, not int"),
        ({"capture_inputs": "yes"}, "vectorize: capture_inputs must be True or False, not str"),
        ({"replay": 1}, "vectorize: replay must be True or False, not int"),
        ({"attributes_to_capture": "user"}, "must be a list of argument names, not str"),
        ({"attributes_to_capture": [1]}, "must be a list of argument names, not list"),
        ({"semantic_cache_scope": "user"}, "must be a list of argument names, not str"),
        ({"semantic_cache_filters": ["a"]}, "semantic_cache_filters must be a dict, not list"),
        ({"cache_threshold": "high"}, "cache_threshold must be a number, not str"),
        ({"cache_threshold": True}, "cache_threshold must be a number, not bool"),
        ({"error_code": 3}, "error_code must be text, not int"),
        ({"capture_input": ["a"]}, "no parameter 'capture_input', .* did you mean capture_inputs"),
        ({"zzz": None}, "no parameter 'zzz', and a tag of that name must be text"),
    ],
)
def test_what_a_parameter_cannot_be_is_said_at_once(given, said):
    with pytest.raises(TypeError, match=said):
        vectorize(**given)


def test_a_threshold_is_a_share():
    with pytest.raises(ValueError, match="cache_threshold must be between 0 and 1, not 90"):
        vectorize(cache_threshold=90)


def test_positions_are_for_the_two_texts_alone():
    with pytest.raises(TypeError, match="positional"):
        vectorize("a", "b", True)


def test_decorating_reads_no_settings():
    program = """
        from otel_vector import vectorize

        @vectorize("x", capture_inputs=True)
        def plain(a): return a

        import sys
        heavy = {"grpc", "httpx", "re2", "sqlite3", "fastembed", "qdrant_edge", "numpy", "orjson",
                 "dotenv", "tomllib", "opentelemetry.sdk", "otel_vector.settings.load", "google.protobuf"}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.strip() == "[]"
