"""What holds for any input: the gate misses nothing, twice is once, JSON stays JSON."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from otel_vector.redact.contexts import contexts
from otel_vector.redact.keys import KeyRules
from otel_vector.redact.patterns import TOKENS
from otel_vector.redact.personal import PERSONAL
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

KEY = b"a digest key for tests"
PII = ("card", "email", "iban", "ip", "phone", "ssn")
UNGATED = r"\bzq-nowhere-\b"
"""A pattern that looks at its surroundings switches the gate off and finds nothing itself."""

ROWS = (*TOKENS, *PERSONAL, *contexts(KeyRules(RedactConfig())))
MARKED = "[redacted:password:0123456789abcdef]"
NAMES = (
    "password", "db_pass", "tokenValue", "access-tokens", "x-api-key", "clientSecret", "authorization",
    "cookie", "otp", "cvv", "credentials", "private_key", "jwt", "PWD", "next_page_token", "max_tokens",
    "token ", "pass ", "--token ", "<token ", "pass", "_auth", "sessid", "token", "secrets", "name", "value", "properties", "note",
)  # fmt: skip
SIGNS = (
    '"', "'", "\\", '\\"', "{", "}", "[", "]", ":", ": ", "=", ",", ", ", "://", "@", "/", "\\/", "?", "&", ";",
    "\n", "\r\n", "\t", " ", "<", ">", "</", "--", "-u ", "$", "\\u0070", "\\u00e9", "\\ud800", "é", "\x00",
    "12345678", "0", "true", "null", "***", "a", "Basic ", "Bearer ", "AKIA", "-----", MARKED, "[redacted:", ":a]",
)  # fmt: skip

fragments = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(SIGNS),
    st.sampled_from([row.example for row in ROWS]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
texts = st.lists(fragments, max_size=14).map("".join)
keys = st.one_of(st.sampled_from(NAMES), texts)
trees = st.recursive(
    st.one_of(texts, st.integers(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
documents = st.builds(
    lambda tree, is_ascii, times: _dumped(tree, times, is_ascii=is_ascii),
    trees,
    st.booleans(),
    st.integers(1, 3),
)
values = st.one_of(texts, documents)
many = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def _dumped(tree: object, times: int, *, is_ascii: bool) -> str:
    for _ in range(times):
        tree = json.dumps(tree, ensure_ascii=is_ascii)
    return str(tree)


def _span(key: str, value: str) -> TracesData:
    """A text as value, as bytes and as name of a span."""
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(name=value)
    span.attributes.add(key=key).value.string_value = value
    span.attributes.add(key="blob").value.bytes_value = value.encode()
    data.resource_spans[0].scope_spans[0].spans.add(name="good sibling")
    return data


def _redacted(redactor: Redactor, data: TracesData) -> tuple[TracesData, int]:
    copy = TracesData.FromString(data.SerializeToString())
    return copy, redactor.traces(copy, data.SerializeToString())


gated = Redactor(RedactConfig(pii=PII), KEY)
ungated = Redactor(RedactConfig(pii=PII, patterns=(UNGATED,)), KEY)
plain = Redactor(RedactConfig(), KEY)


@many
@given(key=keys, value=values)
@example(key="tokenValue", value="4f9a8b7c")
@example(key="a", value='{"p\\u0061ssword": "x1"}')
@example(key="a", value="https:\\/\\/ada:pw@shop")
def test_the_gate_lets_nothing_through_that_the_slow_way_finds(key: str, value: str) -> None:
    data = _span(key, value)
    assert _redacted(gated, data) == _redacted(ungated, data)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.kind}: {row.example[:30]}")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_gate_hits_whatever_a_pattern_can_match(row, data: st.DataObject) -> None:
    pattern = re.compile(row.regex.replace(rb"\z", rb"\Z"))
    found = data.draw(st.from_regex(pattern)).decode("latin-1")
    span = _span(
        "a",
        data.draw(
            st.sampled_from((found, json.dumps([found]), json.dumps({"a": json.dumps(found)})))
        ),
    )
    assert _redacted(gated, span) == _redacted(ungated, span)


@many
@given(key=keys, value=values)
@example(key="a", value=f"password=abc{MARKED}xyz")
@example(key="password", value=f"Bearer {MARKED}")
def test_redacting_again_changes_nothing(key: str, value: str) -> None:
    once, _ = _redacted(gated, _span(key, value))
    assert _redacted(gated, once) == (once, 0)


@many
@given(document=documents)
def test_valid_json_stays_valid_json_of_the_same_shape(document: str) -> None:
    redacted, _ = _redacted(plain, _span("a", document))
    span = redacted.resource_spans[0].scope_spans[0].spans[0]
    assert _shape(json.loads(span.name)) == _shape(json.loads(document))
    assert json.loads(span.attributes[0].value.string_value) == json.loads(span.name)


def _shape(tree: object) -> object:
    """Return a tree without its scalars and keys."""
    if isinstance(tree, dict):
        return [_shape(value) for value in tree.values()]
    if isinstance(tree, list):
        return tuple(_shape(value) for value in tree)
    return None


@many
@given(key=keys, value=values)
def test_good_siblings_are_untouched(key: str, value: str) -> None:
    redacted, _ = _redacted(plain, _span(key, value))
    assert redacted.resource_spans[0].scope_spans[0].spans[1].name == "good sibling"


@many
@given(value=st.one_of(st.binary(max_size=80), values.map(str.encode)), tail=st.binary(max_size=5))
def test_any_bytes_are_taken(value: bytes, tail: bytes) -> None:
    data = _span("a", "")
    data.resource_spans[0].scope_spans[0].spans[0].attributes[1].value.bytes_value = value + tail
    once, _ = _redacted(plain, data)
    assert _redacted(plain, once) == (once, 0)
    assert _redacted(gated, data) == _redacted(ungated, data)


@many
@given(prefix=texts, suffix=texts)
def test_a_token_is_found_in_any_surroundings(prefix: str, suffix: str) -> None:
    token = "glpat-abcdefghij0123456789"
    redacted, count = _redacted(plain, _span("a", f"{prefix} {token} {suffix}"))
    assert count
    assert token.encode() not in redacted.SerializeToString()
