"""Damaged input of every kind is refused in words or taken whole; good siblings come through."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.pipeline import TARGETS, run, seeds

SEEDS = seeds()
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
names = st.sampled_from(
    ["resourceSpans", "scopeSpans", "spans", "resourceLogs", "scopeLogs", "logRecords", "attributes", "key",
     "value", "traceId", "spanId", "name", "kind", "status", "code", "body", "stringValue", "intValue",
     "arrayValue", "kvlistValue", "values", "bytesValue", "doubleValue", "events", "links",
     "startTimeUnixNano", "droppedAttributesCount"]
)  # fmt: skip
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[int, bytes]:
    """A valid input with pieces cut out, repeated or overwritten."""
    target, body = draw(st.sampled_from(SEEDS))
    data = bytearray(body)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        piece = draw(st.binary(max_size=12) | st.just(bytes(data[start:end] * 2)))
        data[start:end] = piece
    return target, bytes(data)


@pytest.mark.parametrize(("target", "body"), SEEDS, ids=[str(n) for n in range(len(SEEDS))])
def test_a_valid_input_is_taken(target: int, body: bytes) -> None:
    TARGETS[target](body)


@many
@given(damaged())
def test_a_damaged_input_is_refused_in_words_or_taken(case: tuple[int, bytes]) -> None:
    run(*case)


@many
@given(st.integers(0, len(TARGETS) - 1), st.binary(max_size=300))
def test_any_bytes_are_refused_in_words_or_taken(target: int, body: bytes) -> None:
    run(target, body)


@many
@given(st.sampled_from((2, 3)), documents)
def test_json_of_any_shape_is_refused_in_words_or_taken(target: int, document: object) -> None:
    run(target, json.dumps(document).encode())


@pytest.mark.parametrize("target", range(len(TARGETS)))
@pytest.mark.parametrize(
    "body",
    [b"", b"\n", b"\x00" * 1000, b"[" * 5000, b'{"a":' * 2000, b"\n\xff\xff\xff\xff\x0f", b"\x0b" * 300],
    ids=["empty", "tag", "nulls", "brackets", "objects", "length", "groups"],
)  # fmt: skip
def test_hostile_bytes_are_refused_in_words_or_taken(target: int, body: bytes) -> None:
    run(target, body)
