"""Whatever a text says, nothing of an application runs and one error is raised."""

import collections
import json
import subprocess
import sys
from dataclasses import dataclass

import pytest
from support import shapes

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.encode import text_of
from otel_vector.canonical.values import Unresolved
from otel_vector.errors import InvalidInputError


@dataclass
class Sly:
    """Has a property where a field is."""

    a: int

    @property
    def a(self):
        raise RuntimeError("a property ran")

    @a.setter
    def a(self, value):
        shapes.CALLED.append("Sly.a")


@pytest.mark.parametrize(
    "value",
    [
        shapes.Recorder(1),
        shapes.RecordingModel(a=1),
        shapes.RecordingText("x"),
        shapes.RecordingBag({"a": 1}),
        shapes.ShopError("E1", "no money"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_of_a_class_runs_when_its_values_are_written_and_read(value):
    shapes.CALLED.clear()
    back = value_of(text_of(value))
    assert shapes.CALLED == []
    assert type(back) is type(value)
    if isinstance(value, BaseException):
        assert (back.args, str(back)) == (value.args, str(value))
    else:
        assert back == value


def test_a_field_is_set_past_a_property_of_its_name():
    shapes.CALLED.clear()
    made = object.__new__(Sly)
    made.__dict__["a"] = 3
    back = value_of(text_of(made))
    assert shapes.CALLED == []
    assert back.__dict__ == {"a": 3}


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (lambda cls: cls(1), {"a": 1}),
        (lambda cls: collections.namedtuple("Gone", "a")(1), {"a": 1}),  # noqa: PYI024
    ],
)
def test_what_has_no_class_here_is_unresolved(value, fields):
    @dataclass
    class Gone:
        a: int

    back = value_of(text_of(value(Gone)))
    assert type(back) is Unresolved
    assert back.type.endswith("Gone")
    assert back.fields == fields
    assert {back} == {value_of(text_of(value(Gone)))}


@pytest.mark.parametrize(
    "tree",
    [
        {"$ov": "dataclass", "type": "support.shapes.Open", "v": {"a": 1, "gone": 2}},
        {"$ov": "dataclass", "type": "support.shapes.Closed", "v": {"a": 1}},
        {"$ov": "dataclass", "type": "threading.Thread", "v": {}},
        {"$ov": "dataclass", "type": "support.shapes.Model", "v": {"a": 1, "b": 2}},
        {"$ov": "pydantic", "type": "support.shapes.Open", "v": {"a": 1}},
        {"$ov": "exception", "type": "support.shapes.Open", "v": []},
        {"$ov": "exception", "type": "builtins.UnicodeDecodeError", "v": [1]},
        {"$ov": "subclass", "type": "support.shapes.Open", "v": 1},
        {"$ov": "subclass", "type": "support.shapes.Bag", "v": [1]},
        {"$ov": "enum", "type": "support.shapes.Colour", "v": "BLUE"},
        {"$ov": "enum", "type": "support.shapes.Open", "v": "a"},
        {"$ov": "flag", "type": "support.shapes.Rights", "v": 1 << 40},
        {"$ov": "namedtuple", "type": "support.shapes.Point", "v": {"x": 1}},
        {"$ov": "zone", "v": "Nowhere/Town"},
        {"$ov": "datetime", "v": "2026-01-01T00:00:00", "zone": "../../etc/passwd"},
    ],
    ids=lambda tree: f"{tree['$ov']} {tree.get('type', '')}",
)
def test_what_does_not_fit_its_class_is_unresolved(tree):
    assert type(value_of(json.dumps(tree))) is Unresolved


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "NaN",
        "\ud800",
        None,
        7,
        "[" * 100_000,
        "[" * 300 + "]" * 300,
        '{"$ov": "spell"}',
        '{"$ov": null}',
        '{"$ov": []}',
        '{"$ov": "tuple"}',
        '{"$ov": "tuple", "v": "ab"}',
        '{"$ov": "int", "v": 1.5}',
        '{"$ov": "bytes", "v": "*"}',
        '{"$ov": "set", "v": [[]]}',
        '{"$ov": "datetime", "v": "yesterday"}',
        '{"$ov": "timedelta", "v": [9999999999, 0, 0]}',
        '{"$ov": "Fraction", "v": [1, 0]}',
        '{"$ov": "Decimal", "v": "one"}',
        '{"$ov": "path", "type": "os", "v": "x"}',
        '{"$ov": "ndarray", "dtype": "|O", "shape": [1], "v": "AAAAAAAAAAA="}',
        '{"$ov": "ndarray", "dtype": "<i8", "shape": [1099511627776, 0], "v": 1}',
        '{"$ov": "ndarray", "dtype": "<i8", "shape": [2], "v": "AAAAAAAAAAA="}',
        '{"$ov": "ndarray", "dtype": "<U999999999", "shape": [], "v": ""}',
        '{"$ov": "exception", "type": 1, "v": []}',
        '{"$ov": "dataclass", "type": "a.b", "v": []}',
        '{"$ov": "opaque", "type": 1, "v": []}',
    ],
)
def test_a_text_that_is_not_canonical_is_refused(text):
    with pytest.raises(InvalidInputError):
        value_of(text)


def test_decoding_imports_no_module_of_a_class():
    code = """
import sys
from otel_vector.canonical.decode import value_of
for tag in ("dataclass", "pydantic", "enum", "namedtuple"):
    value_of('{"$ov":"%s","type":"wsgiref.util.FileWrapper","v":%s}'
             % (tag, '"A"' if tag == "enum" else "{}"))
value_of('{"$ov":"exception","type":"wsgiref.util.X","v":[]}')
value_of('{"$ov":"ndarray","dtype":"<i8","shape":[1],"v":"AAAAAAAAAAA="}')
assert not {"wsgiref", "pydantic", "numpy"} & set(sys.modules), set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
