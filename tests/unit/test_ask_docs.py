"""The page in docs names what `/ask` takes, the command it shows sets what it says."""

import re
import shlex
from dataclasses import fields

from support.sources import ROOT

from otel_vector.settings.load import load
from otel_vector_collector.page.asked import Asked
from otel_vector_collector.page.groups import EXAMPLES
from otel_vector_collector.page.waterfall import PAGE_ROWS

TEXT = (ROOT / "docs" / "ask.md").read_text()


def test_every_parameter_is_told_and_none_that_there_is_not():
    shown = set(re.findall(r"/ask\?(\w+)=", TEXT))
    rows = "".join(re.findall(r"^\| (`[a-z`, ]+) \|", TEXT, re.MULTILINE))
    told = shown | set(re.findall(r"`(\w+)`", rows))
    assert told == {part.name for part in fields(Asked)} - {"cursor"}


def test_its_numbers_are_those_of_the_page():
    assert f"{PAGE_ROWS} spans at once" in " ".join(TEXT.split())
    assert (EXAMPLES, "up to three example traces" in TEXT) == (3, True)


def test_its_command_sets_where_traces_are_shown(tmp_path):
    (line,) = re.findall(r"^otel-vector serve .*$", TEXT, re.MULTILINE)
    path, _, value = shlex.split(line)[-1].partition("=")
    loaded = load({path: value}, environ={}, folder=tmp_path)
    assert loaded.settings.serve.trace_link == value
