"""What is printed: stored text is harmless, numbers read well, trees are drawn whole."""

import json

import pytest

from otel_vector_collector.cli.commands.tail import _show_json
from otel_vector_collector.cli.console import Progress, print_json, printable, show, table
from otel_vector_collector.cli.details import lines
from otel_vector_collector.units import ago, bytes_text, duration, moment

CLEAR_SCREEN = "\x1b[2J\x1b]0;title\x07"


def test_no_control_character_of_stored_text_reaches_the_terminal():
    text = printable(f"a{CLEAR_SCREEN}b\x9b31m\u202ec\ud800d\r\x00")
    assert text.isprintable()
    assert "\\x1b[2J" in text
    assert text.startswith("a")


def test_an_event_as_json_is_one_line_that_no_terminal_acts_on(capsys):
    event = {"spans": [{"name": f"{CLEAR_SCREEN}\x9b31m\u202e"}]}
    _show_json(event)
    text = capsys.readouterr().out
    assert text.rstrip("\n").isprintable()
    assert json.loads(text) == event


def test_lines_and_tabs_stay_only_where_they_are_wanted():
    assert printable("a\n\tb") == "a b"
    assert printable("a\n\tb", lines=True) == "a\n\tb"
    assert "\r" not in printable("a\rb", lines=True)


def test_json_output_keeps_its_value_and_loses_what_terminals_act_on(capsys):
    value = {"name": f"{CLEAR_SCREEN}\x9b\u202e", "plain": "é"}
    print_json(value)
    text = capsys.readouterr().out
    assert json.loads(text) == value
    assert text.replace("\n", "").isprintable()
    assert "é" in text


def test_markup_in_stored_text_is_text(capsys):
    show(table((("name", "left"),), [("[bold red]x[/] :smile:",)]))
    assert "[bold red]x[/] :smile:" in capsys.readouterr().out


def test_ids_are_never_cut(capsys):
    identity = "0123456789abcdef" * 2
    columns = (("text", "full"), ("id", "whole"))
    show(table(columns, [("word " * 200, identity)]))
    assert identity in capsys.readouterr().out


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_500, "1.5 µs"),
        (1_234_000, "1.23 ms"),
        (2_750_000_000, "2.75 s"),
        (90 * 10**9, "1.5 min"),
        (2**64, "5124 h"),
    ],
)
def test_durations_have_three_digits_and_a_unit(nanoseconds, text):
    if nanoseconds == 2**64:
        assert duration(nanoseconds).endswith(" h")
    else:
        assert duration(nanoseconds) == text


def test_times_of_any_64_bits_can_be_printed():
    assert moment(0) == ""
    assert moment(1_661_145_496_123_456_789) == "2022-08-22 05:18:16.123Z"
    assert moment(2**64 - 1)
    assert ago(1_000 * 10**9, now_s=1_180) == "3 min ago"
    assert ago(2_000 * 10**9, now_s=1_000).startswith("1970-01-01")


def test_bytes_are_counted_in_powers_of_1024():
    assert bytes_text(0) == "0 B"
    assert bytes_text(1536) == "1.5 KiB"


def test_details_show_attributes_as_names_and_values_and_keep_lines():
    value = {
        "name": "x",
        "empty": [],
        "duration_nano": "1500000",
        "attributes": [
            {"key": "http.status", "value": {"intValue": "500"}},
            {"key": "body", "value": {"stringValue": f"one\ntwo{CLEAR_SCREEN}"}},
            {"key": "many", "value": {"arrayValue": {"values": [{"stringValue": "a"}]}}},
        ],
    }
    text = "\n".join(lines(value))
    assert "empty" not in text
    assert "duration_nano: 1.5 ms (1500000)" in text
    assert "  http.status: 500" in text
    assert "  body:\n    one\n    two\\x1b[2J" in text
    assert "  many:\n    - a" in text


def test_progress_prints_plain_lines_where_there_is_no_terminal(capsys, monkeypatch):
    times = iter([0.0, 1.0, 2.5, 2.6])
    monkeypatch.setattr("otel_vector_collector.cli.console.time.monotonic", lambda: next(times))
    progress = Progress("importing a\x1bb")
    for _ in range(3):
        progress.update({"spans": 3}, 0.5)
    progress.end()
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.startswith("importing a\\x1bb: [##########..........] 50 % spans 3")
