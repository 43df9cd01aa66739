"""Any value of a known type comes back equal and of its type, and has one text."""

import json
import string
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, timedelta, timezone
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from pydantic import BaseModel
from support.shapes import (
    Bag,
    Closed,
    Colour,
    Ident,
    Level,
    Loose,
    Masks,
    Model,
    Open,
    Pair,
    Point,
    Rights,
    Row,
    Text,
    Word,
)

from otel_vector.canonical.decode import value_of
from otel_vector.canonical.digest import digest_of
from otel_vector.canonical.encode import is_exact, text_of
from otel_vector.canonical.rebuild import REBUILDERS
from otel_vector.canonical.restore import RESTORERS
from otel_vector.errors import InvalidInputError

BROADLY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def power_of_two(bits):
    """Return a number of so many bits, below zero for bits below zero."""
    return (1 if bits > 0 else -1) << abs(bits)


ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=20)
ZONES = st.one_of(
    st.none(),
    st.just(UTC),
    st.sampled_from(["Europe/Berlin", "America/New_York", "UTC"]).map(zoneinfo.ZoneInfo),
    st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone),
    st.builds(timezone, st.just(timedelta(hours=3)), st.text(max_size=5)),
)
HASHABLE_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5000, 5000).map(power_of_two),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    ANY_TEXT,
    st.binary(max_size=20),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.times(timezones=st.one_of(st.none(), st.just(UTC))),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.builds(range, st.integers(), st.integers(), st.integers(min_value=1)),
    st.sampled_from([*Colour, *Level, *Word, *Rights, Rights.READ | Rights.WRITE, Rights(0)]),
    st.integers(0, 1000).map(Masks),
    st.text(string.ascii_letters + "/. \ud800é", max_size=9).map(PurePosixPath),
    st.text(string.ascii_letters + "\\/. :", max_size=9).map(PureWindowsPath),
    st.integers().map(Ident),
    ANY_TEXT.map(Text),
    st.integers(-5, 5).map(np.int8),
    st.floats(width=32, allow_nan=False).map(np.float32),
)
LEAVES = st.one_of(HASHABLE_LEAVES, st.binary(max_size=20).map(bytearray))
HASHABLE = st.recursive(
    HASHABLE_LEAVES,
    lambda part: st.one_of(
        st.lists(part, max_size=3).map(tuple),
        st.frozensets(part, max_size=3),
        st.builds(Point, part, part),
        st.builds(Pair, part, part),
        st.builds(Closed, part, part),
    ),
    max_leaves=5,
)
KEYS = st.one_of(ANY_TEXT, st.just("$ov"), HASHABLE)
VALUES = st.recursive(
    st.one_of(LEAVES, HASHABLE),
    lambda part: st.one_of(
        st.lists(part, max_size=4),
        st.lists(part, max_size=4).map(tuple),
        st.lists(part, max_size=4).map(Row),
        st.lists(part, max_size=4).map(deque),
        st.sets(HASHABLE, max_size=4),
        st.dictionaries(ANY_TEXT, part, max_size=4),
        st.dictionaries(KEYS, part, max_size=4),
        st.dictionaries(KEYS, part, max_size=4).map(Bag),
        st.dictionaries(KEYS, part, max_size=4).map(OrderedDict),
        st.dictionaries(KEYS, st.integers(), max_size=4).map(Counter),
        st.dictionaries(KEYS, part, max_size=4).map(lambda d: defaultdict(list, d)),
        st.builds(Open, part, part),
        st.builds(Point, part, part),
        st.builds(Model, a=part, b=part),
        st.builds(Model, a=part),
        st.builds(Loose, a=part, extra=part),
        st.lists(part, max_size=3).map(lambda args: OddError(*args)),
    ),
    max_leaves=12,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.one_of(
        st.lists(part), st.dictionaries(st.sampled_from(["$ov", "v", "type", "a"]), part)
    ),
)
TAGS = sorted({*RESTORERS, *REBUILDERS})


class OddError(Exception):
    """An exception that comes back."""


def alike(left, right):  # noqa: PLR0911 -- one per kind
    """Return whether two values are the same and of the same types, through and through."""
    if type(left) is not type(right):
        return False
    if isinstance(left, int):
        return left == right
    if isinstance(left, list | tuple | deque):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, set | frozenset):
        return len(left) == len(right) and all(any(alike(a, b) for b in right) for a in left)
    if isinstance(left, OrderedDict):
        return alike(list(left.items()), list(right.items()))
    if isinstance(left, dict):
        return len(left) == len(right) and all(
            any(alike(pair, other) for other in right.items()) for pair in left.items()
        )
    if isinstance(left, BaseException):
        return alike(left.args, right.args)
    if isinstance(left, Open | Closed):
        return all(alike(getattr(left, f), getattr(right, f)) for f in type(left).__match_args__)
    if isinstance(left, BaseModel):
        return left.model_fields_set == right.model_fields_set and all(
            alike(getattr(left, kept), getattr(right, kept))
            for kept in ("__dict__", "__pydantic_extra__", "__pydantic_private__")
        )
    return left == right and repr(left) == repr(right)


@BROADLY
@given(VALUES)
def test_a_value_comes_back_equal_and_of_its_type(value):
    text = text_of(value)
    assert alike(value_of(text), value)
    assert is_exact(text)


@BROADLY
@given(VALUES)
def test_a_text_is_json_in_utf_8_and_the_text_of_what_it_decodes_to(value):
    text = text_of(value)
    json.loads(text.encode("utf-8"))
    assert text_of(value_of(text)) == text


@BROADLY
@given(st.dictionaries(KEYS, VALUES, max_size=6), st.sets(HASHABLE, max_size=6), st.randoms())
def test_order_makes_no_difference_to_text_and_digest(values, members, random):
    pairs, listed = list(values.items()), list(members)
    random.shuffle(pairs)
    random.shuffle(listed)
    before, after = [values, members], [dict(pairs), set(listed)]
    assert text_of(after) == text_of(before)
    assert digest_of(text_of(after)) == digest_of(text_of(before))


@BROADLY
@given(VALUES, VALUES)
def test_values_that_are_not_alike_have_different_texts(left, right):
    assert (text_of(left) == text_of(right)) is alike(left, right)


@BROADLY
@given(JSON)
def test_plain_json_is_written_as_the_same_json(value):
    text = text_of(value)
    if '"$ov"' not in text:
        assert json.loads(text) == value


@BROADLY
@given(VALUES)
def test_a_part_is_written_the_same_alone_and_beside_what_json_does_not_have(value):
    assert text_of([value, b""]) == f"[{text_of(value)},{text_of(b'')}]"


@BROADLY
@given(npst.arrays(npst.scalar_dtypes(), npst.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_arrays_come_back_with_their_numbers_types_and_shapes(array):
    back = value_of(text_of(array))
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()


@BROADLY
@given(npst.scalar_dtypes().flatmap(npst.from_dtype))
def test_scalars_of_numpy_come_back(scalar):
    back = value_of(text_of(scalar))
    assert type(back) is type(scalar)
    assert back.dtype == scalar.dtype
    assert np.array_equal(back, scalar, equal_nan=scalar.dtype.kind in "fcmM")


@BROADLY
@given(st.one_of(ANY_TEXT, JSON.map(json.dumps), JSON.map(text_of)))
def test_any_text_decodes_or_is_refused(text):
    decoded_or_refused(text)


@BROADLY
@given(
    st.fixed_dictionaries(
        {"$ov": st.sampled_from(TAGS)},
        optional={
            "v": JSON,
            "type": st.sampled_from(["support.shapes.Open", "builtins.OSError", "x", 1, None])
            | JSON,
            "zone": JSON,
            "name": JSON,
            "dtype": st.sampled_from(["<i8", "|O", "<U2147483647", "<M8[as]"]) | JSON,
            "shape": st.lists(st.integers(-2, 1 << 40), max_size=3),
            "factory": JSON,
            "maxlen": JSON,
            "state": JSON,
            "extra": JSON,
            "given": JSON,
        },
    )
)
def test_any_tagged_object_decodes_or_is_refused(tree):
    decoded_or_refused(json.dumps(tree))


def decoded_or_refused(text):
    try:
        value_of(text)
    except InvalidInputError as error:
        assert "\n" not in str(error)[:40]
