"""docs/instrument/capture.md is true: its tables, programs and files are tried."""

import contextlib
import io
import re
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from pathlib import PurePosixPath
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from support.documents import blocks
from support.sources import ROOT

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.encode import text_of
from otel_vector.instrument.error_codes import ErrorCodes
from otel_vector.instrument.tags import Tags

PAGE = ROOT / "docs" / "instrument" / "capture.md"
ROW = re.compile(r"^\| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)
NAMES = {
    each.__name__: each
    for each in (
        Counter, OrderedDict, defaultdict, deque, date, datetime, time, timedelta, Decimal, Fraction,
        HTTPStatus, PurePosixPath, UUID, ZoneInfo,
    )
} | {"UTC": UTC, "re": re, "numpy": np}  # fmt: skip


def rows():
    types = (
        PAGE.read_text("utf-8").partition("## Types")[2].partition("classes of an application")[0]
    )
    return [
        (value.replace("\\|", "|"), text.replace("\\|", "|")) for value, text in ROW.findall(types)
    ]


@pytest.mark.parametrize(("value", "text"), rows())
def test_each_type_has_the_text_it_is_said_to_have(value, text):
    made = eval(value, NAMES)
    assert text_of(made) == text
    assert type(value_of(text)) is type(made)


def test_the_table_has_its_rows():
    assert len(rows()) > 30


def test_the_program_prints_what_stands_beside_it():
    (program,) = [block for block in blocks(PAGE) if block.language == "python"]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program.text, {})
    assert printed.getvalue().splitlines() == re.findall(r"\)  # (.+)", program.text)


def test_the_files_are_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes, tags = [block for block in blocks(PAGE) if block.language == "json"]
    (tmp_path / "codes.json").write_text(codes.text)
    (tmp_path / "tags.json").write_text(tags.text)
    known = ErrorCodes.load("codes.json")
    assert known.code_of(OSError("No space left")) == "DISK_FULL"
    assert Tags.load("tags.json").declared()["priority"] == "Execution priority level"
