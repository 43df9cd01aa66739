"""A number looked for in a block's bytes: never overlooked, whatever form it has there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from otel_vector.spans.filters import Attribute, Compare, Op
from otel_vector.store.reading.needles import bytes_test

KEY = "http.response.status_code"
NUMBERS = (0, 1, -1, 500, 500.5, 1e300, 2**53 - 1, 2**53, 2**53 + 1, -(2**63), 2**63 - 1)
VALUES = st.one_of(
    st.sampled_from([AnyValue(int_value=n) for n in NUMBERS if isinstance(n, int)]),
    st.sampled_from([AnyValue(double_value=float(n)) for n in (*NUMBERS, -0.0)]),
    st.sampled_from(
        [AnyValue(string_value=t) for t in ("500", "500.0", "5e2", "x", "", "0" * 200)]
    ),
    st.builds(AnyValue, bool_value=st.booleans()),
    st.builds(AnyValue, int_value=st.integers(-(2**63), 2**63 - 1)),
    st.builds(AnyValue, bytes_value=st.binary(max_size=200)),
    st.just(AnyValue()),
)
NESTED = st.one_of(
    VALUES,
    st.lists(VALUES, max_size=3).map(lambda v: AnyValue(array_value=ArrayValue(values=v))),
)


def pairs(values):
    return b"".join(
        b"\x0a" + bytes([len(body)]) + body if len(body) < 128 else body
        for body in (KeyValue(key=KEY, value=v).SerializeToString() for v in values)
    )


def is_equal(value, number):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return any(is_equal(inner, number) for inner in value.array_value.values)
    if kind in {"int_value", "double_value"}:
        return getattr(value, kind) == number
    texts = {"500", "500.0", "5e2"}
    return kind == "string_value" and value.string_value in texts and number == 500


@given(st.lists(NESTED, max_size=5), st.sampled_from(NUMBERS))
def test_a_number_that_is_there_is_never_overlooked(values, number):
    test = bytes_test(Compare(Attribute(KEY), Op.EQ, (repr(number),)))
    if any(is_equal(value, number) for value in values):
        assert test(pairs(values))


@pytest.mark.parametrize("number", [n for n in NUMBERS if abs(n) < 2**53])
def test_plain_values_that_are_others_rule_a_block_out(number):
    others = [AnyValue(int_value=7), AnyValue(double_value=7.5), AnyValue(bool_value=True),
              AnyValue(string_value="none")]  # fmt: skip
    test = bytes_test(Compare(Attribute(KEY), Op.EQ, (repr(number),)))
    assert not test(pairs(others))
    assert test(pairs([*others, AnyValue(double_value=float(number))]))


def test_both_zeros_are_one_number():
    for asked in ("0", "0.0", "-0"):
        test = bytes_test(Compare(Attribute(KEY), Op.EQ, (asked,)))
        for value in (
            AnyValue(int_value=0),
            AnyValue(double_value=0.0),
            AnyValue(double_value=-0.0),
        ):
            assert test(pairs([value]))
