"""Arguments, results and streams become attributes of a span."""

import json
import tracemalloc
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.digest import digest_of
from otel_vector.canonical.encode import text_of
from otel_vector.instrument.capture import Chunks, inputs_of, output_of, selected_of

PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["\ud800", '"', "\\", "é\U0001f600", "\x00"]),
    st.integers(),
    st.none(),
    st.lists(st.text(max_size=3), max_size=2),
    st.dates(),
)


def test_arguments_are_json_that_comes_back():
    captured = inputs_of({"user": "ü", "on": date(2026, 1, 2)}, 1000)
    assert captured["input.mime_type"] == "application/json"
    assert json.loads(captured["input.value"])["user"] == "ü"
    assert value_of(captured["input.value"]) == {"user": "ü", "on": date(2026, 1, 2)}
    assert captured.keys() == {"input.value", "input.mime_type"}


def test_a_result_is_captured_the_same_way():
    assert output_of(None, 100) == {"output.value": "null", "output.mime_type": "application/json"}


@pytest.mark.parametrize("limit", [64, None])
def test_up_to_the_limit_nothing_is_cut(limit):
    value = "x" * 62
    assert output_of(value, limit)["output.value"] == f'"{value}"'


@pytest.mark.parametrize("side", ["input", "output"])
def test_what_is_over_the_limit_is_cut_marked_and_digested(side):
    value = {"a": "x" * 120_000}
    captured = inputs_of(value, 100) if side == "input" else output_of(value, 100)
    text = captured[f"{side}.value"]
    assert text == text_of(value)[:100] + "…[cut: 119,908 characters]"
    assert captured[f"otel_vector.{side}.truncated"] is True
    assert captured[f"otel_vector.{side}.digest"] == digest_of(text_of(value))


def test_without_a_limit_all_is_kept():
    value = {"a": "x" * 120_000}
    assert value_of(inputs_of(value, None)["input.value"]) == value


def test_selected_arguments_keep_the_types_that_attributes_have():
    arguments = {
        "s": "ü", "b": True, "i": 3, "f": 0.5, "big": 1 << 70, "odd": "\ud800", "n": None, "l": [1],
        "status": "x",
    }  # fmt: skip
    captured = selected_of(
        arguments, ["s", "b", "i", "f", "big", "odd", "n", "l", "none", "status"]
    )
    assert captured == {
        "otel_vector.argument.s": "ü",
        "otel_vector.argument.b": True,
        "otel_vector.argument.i": 3,
        "otel_vector.argument.f": 0.5,
        "otel_vector.argument.big": text_of(1 << 70),
        "otel_vector.argument.odd": text_of("\ud800"),
        "otel_vector.argument.n": "null",
        "otel_vector.argument.l": "[1]",
        "otel_vector.argument.status": "x",
    }


def test_a_selected_argument_is_cut_like_any_value():
    captured = selected_of({"a": "x" * 70}, ["a"], 64)
    assert captured == {"otel_vector.argument.a": "x" * 64 + "…[cut: 6 characters]"}


@pytest.mark.parametrize(
    ("chunks", "value"),
    [
        ([], []),
        ([""], ""),
        (["a", "b", 'c"'], 'abc"'),
        ([1, 2], [1, 2]),
        (["a", "b", 1, "c", "d"], ["ab", 1, "cd"]),
        ([{"delta": "a"}, {"delta": "b"}], [{"delta": "a"}, {"delta": "b"}]),
    ],
)
def test_a_stream_is_one_value(chunks, value):
    assert collected(chunks, 1000) == {
        "output.value": text_of(value),
        "output.mime_type": "application/json",
        "otel_vector.output.chunks": len(chunks),
    }


def test_a_chunk_is_taken_as_it_was_when_it_came():
    stream, chunk = Chunks(None), {"n": 1}
    stream.add(chunk)
    chunk["n"] = 2
    stream.add(chunk)
    assert value_of(stream.attributes()["output.value"]) == [{"n": 1}, {"n": 2}]


@settings(deadline=None)
@given(st.lists(PIECES, max_size=8), st.integers(1, 40))
def test_a_cut_stream_has_the_beginning_and_digest_of_the_whole(chunks, limit):
    whole = collected(chunks, None)["output.value"]
    captured = collected(chunks, limit)
    if len(whole) <= limit:
        assert captured["output.value"] == whole
        assert "otel_vector.output.truncated" not in captured
        return
    missing = len(whole) - limit
    assert captured["output.value"] == f"{whole[:limit]}…[cut: {missing:,} characters]"
    assert captured["otel_vector.output.truncated"] is True
    assert captured["otel_vector.output.digest"] == digest_of(whole)
    assert captured["otel_vector.output.chunks"] == len(chunks)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=8))
def test_a_stream_has_the_text_of_the_value_it_makes(chunks):
    text = collected(chunks, None)["output.value"]
    assert text_of(value_of(text)) == text


def test_a_stream_can_be_looked_at_while_it_goes_on():
    stream = Chunks(10)
    for chunk in ["abc", "def", "ghi", "jkl"]:
        stream.add(chunk)
        seen = stream.attributes()
    assert seen["otel_vector.output.digest"] == digest_of('"abcdefghijkl"')


def test_a_long_stream_keeps_no_more_than_its_limit():
    stream = Chunks(1000)
    stream.add("0123456789" * 200)
    tracemalloc.start()
    for _ in range(2_000):
        stream.add("0123456789" * 200)
    grown_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown_bytes < 100_000


def collected(chunks, limit):
    stream = Chunks(limit)
    for chunk in chunks:
        stream.add(chunk)
    return stream.attributes()
