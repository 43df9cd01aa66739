"""Texts that name an application's classes to have their code run, or that ask for too much."""

import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.encode import text_of
from otel_vector.canonical.values import Unresolved
from otel_vector.errors import InvalidInputError

CALLED: list[str] = []


@dataclass
class Closing:
    """Does something when it goes."""

    path: str = ""

    def __del__(self) -> None:
        CALLED.append("__del__")


class Listing(list):
    def __iter__(self) -> Iterator[Any]:
        CALLED.append("__iter__")
        return super().__iter__()

    def __len__(self) -> int:
        CALLED.append("__len__")
        return 1


class Whole(int):
    def __index__(self) -> int:
        CALLED.append("__index__")
        return 1


class Real(float):
    def __float__(self) -> float:
        CALLED.append("__float__")
        return 1.0


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        CALLED.append("__str__")
        return "x"


def instance(cls: type, content: Any) -> dict[str, Any]:
    return {"$ov": "subclass", "type": f"{__name__}.{cls.__name__}", "v": content}


def decoded(tree: Any) -> Any:
    CALLED.clear()
    return value_of(json.dumps(tree))


def test_a_class_that_acts_when_its_instances_go_has_no_instances_made_of_it() -> None:
    found = decoded(json.loads(text_of(Closing("/etc"))))
    gc.collect()
    assert found == Unresolved(f"{__name__}.Closing", {"path": "/etc"})
    del found
    gc.collect()
    assert CALLED == []


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("ExceptionGroup", ["m", instance(Listing, [1])]),
        ("SyntaxError", ["m", instance(Listing, ["f", 1, 1, "t"])]),
        ("BlockingIOError", [1, "x", instance(Whole, 3)]),
    ],
)
def test_built_in_exceptions_look_into_no_instance_of_an_application(name, args) -> None:
    assert type(decoded({"$ov": "exception", "type": f"builtins.{name}", "v": args})) is Unresolved
    assert CALLED == []


def test_built_in_exceptions_come_back_with_all_else() -> None:
    for error in (OSError(2, "not there", "/x"), ExceptionGroup("two", [ValueError(1)])):
        back = value_of(text_of(error))
        assert type(back) is type(error)
        assert repr(back) == repr(error)


@pytest.mark.parametrize(
    "tree",
    [
        {"$ov": "range", "v": [instance(Whole, 3)]},
        {"$ov": "complex", "v": [instance(Real, 1.0), 0.0]},
        {"$ov": "Fraction", "v": [instance(Whole, 3), 2]},
        {"$ov": "deque", "v": [1], "maxlen": instance(Whole, 3)},
        {"$ov": "path", "type": "PosixPath", "v": instance(Text, "x")},
        {"$ov": "zone", "v": instance(Text, "UTC")},
        {"$ov": "timezone", "v": [0, 60, 0], "name": instance(Text, "x")},
        {"$ov": "numpy", "dtype": "<f8", "v": instance(Real, 1.0)},
        {"$ov": "numpy", "dtype": "<f8", "v": instance(Listing, [1.0])},
    ],
    ids=lambda tree: tree["$ov"],
)
def test_built_in_values_are_made_of_built_in_parts_alone(tree) -> None:
    assert np.float64(1) == 1  # loaded: without it there is nothing to make
    with pytest.raises(InvalidInputError):
        decoded(tree)
    assert CALLED == []


@pytest.mark.parametrize(
    "tree",
    [
        {"$ov": "Fraction", "v": ["1e999999999"]},
        {"$ov": "Fraction", "v": [{"$ov": "Decimal", "v": "1e999999999"}, 1]},
        {"$ov": "ndarray", "dtype": "<U0", "shape": [1_000_000_000], "v": ""},
        {"$ov": "ndarray", "dtype": "|S0", "shape": [100_000, 20_000], "v": ""},
    ],
)
def test_a_short_text_asks_for_no_endless_number_and_no_huge_array(tree) -> None:
    with pytest.raises(InvalidInputError):
        decoded(tree)


@pytest.mark.parametrize(
    "raw", [b"", b"abc", "größer\n".encode(), b"\x00", b"\xff\xfe", bytes(99)]
)
def test_bytes_are_written_as_the_text_they_are_and_come_back(raw: bytes) -> None:
    assert value_of(text_of(raw)) == raw
    assert value_of(text_of(bytearray(raw))) == bytearray(raw)
    assert ("text" in json.loads(text_of(raw))) == (b"\xff" not in raw)
