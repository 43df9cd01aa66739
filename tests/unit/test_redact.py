"""What redaction does to a request, beyond finding secrets."""

from __future__ import annotations

import json
import time

import pytest
from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from otel_vector.errors import ConfigError
from otel_vector.redact.keys import KeyRules
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig
from otel_vector.spans.batch import varint
from otel_vector.spans.markers import MARKER, marker, without_digests

KEY = b"a digest key for tests"
TOKEN = "glpat-abcdefghij0123456789"


def redact(value: str, key: str = "note", **settings) -> str:
    """Return what becomes of an attribute's text."""
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add()
    span.attributes.add(key=key).value.string_value = value
    Redactor(RedactConfig(**settings), KEY).traces(data, data.SerializeToString())
    return span.attributes[0].value.string_value


def redact_value(key: str, value: AnyValue, **settings) -> AnyValue:
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add()
    span.attributes.add(key=key, value=value)
    Redactor(RedactConfig(**settings), KEY).traces(data, data.SerializeToString())
    return span.attributes[0].value


def test_only_the_secret_part_of_a_text_goes() -> None:
    url = without_digests(
        redact("GET https://ada:lovelace@shop.example/cart?item=7&token=4f9a8b7c&p=2")
    )
    assert url == (
        "GET https://ada:[redacted:url]@shop.example/cart?item=7&token=[redacted:token]&p=2"
    )


def test_the_whole_value_goes_where_the_key_says_so() -> None:
    assert without_digests(redact("a b c", "db.password")) == "[redacted:password]"


def test_equal_secrets_have_equal_markers_and_other_keys_make_other_ones() -> None:
    here = redact(f"a {TOKEN} b {TOKEN}")
    first, second = MARKER.findall(here)
    assert first == second
    other = Redactor(RedactConfig(), b"the key of another store")
    data = TracesData()
    data.resource_spans.add().scope_spans.add().spans.add(name=TOKEN)
    other.traces(data, b"")
    assert data.resource_spans[0].scope_spans[0].spans[0].name not in here


def test_a_marker_shows_nothing_but_kind_and_digest() -> None:
    text = marker("github", b"secret", b"key")
    assert MARKER.fullmatch(text)
    assert without_digests(f"x {text} y {text}") == "x [redacted:github] y [redacted:github]"
    assert without_digests("nothing here") == "nothing here"
    for end in range(len("[redacted:github:"), len(text)):
        assert without_digests(text[:end]) == "[redacted:github]"


def test_json_text_keeps_every_byte_that_is_no_secret() -> None:
    text = '{ "n":1.50, "n":2,"user" : "\\u00e9", "pass\\u0077ord":"x\\"y", "big":12345678901234567890 }'
    found = redact(text)
    assert without_digests(found) == text.replace('x\\"y', "[redacted:password]")


def test_json_in_json_in_json_is_opened() -> None:
    inner = json.dumps({"client_secret": "s3cr3t", "ok": 1})
    found = json.loads(json.loads(redact(json.dumps({"a": json.dumps({"b": inner})})))["a"])
    assert without_digests(found["b"]) == '{"client_secret": "[redacted:secret]", "ok": 1}'


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"credentials": {"user": "ada", "n": [7, True, None]}},
         {"credentials": {"user": "[redacted:credential]", "n": ["[redacted:credential]", True, None]}}),
        ({"headers": [{"name": "Authorization", "value": "opaque"}, {"name": "Accept", "value": "*/*"}]},
         {"headers": [{"name": "Authorization", "value": "[redacted:authorization]"},
                      {"name": "Accept", "value": "*/*"}]}),
        (["mysql", "--password", "hunter2", "shop"], ["mysql", "--password", "[redacted:password]", "shop"]),
        ({"pin": 1, "password": 1234}, {"pin": 1, "password": "[redacted:password]"}),
        ({"properties": {"password": {"type": "string", "description": "at least 8"}}},
         {"properties": {"password": {"type": "string", "description": "at least 8"}}}),
        ({"logprobs": [{"token": " the", "logprob": -0.1}]}, {"logprobs": [{"token": " the", "logprob": -0.1}]}),
        ({"usage": {"total_tokens": 9}, "max_token": "9", "token": 5}, {"usage": {"total_tokens": 9}, "max_token": "9", "token": 5}),
        ({"password": "", "secret": None, "token": "***", "api_key": "${API_KEY}"},
         {"password": "", "secret": None, "token": "***", "api_key": "${API_KEY}"}),
    ],
)  # fmt: skip
def test_names_in_json_decide(document: object, expected: object) -> None:
    found = redact(json.dumps(document, indent=1))
    assert json.loads(without_digests(found)) == expected


def test_names_in_nested_attribute_values_decide() -> None:
    value = AnyValue()
    header = value.kvlist_value.values.add(key="header").value.kvlist_value.values
    header.add(key="name").value.string_value = "authorization"
    header.add(key="value").value.string_value = "opaque"
    command = value.kvlist_value.values.add(key="argv").value.array_value.values
    command.add().string_value = "--api-key"
    command.add().string_value = "opaque"
    found = without_digests(str(json_format.MessageToDict(redact_value("a", value))))
    assert found.count("[redacted:authorization]") == 1
    assert found.count("[redacted:key]") == 1


def test_numbers_go_by_name_and_booleans_and_token_counts_stay() -> None:
    assert MARKER.fullmatch(redact_value("user.password", AnyValue(int_value=1234)).string_value)
    assert redact_value("has.password", AnyValue(bool_value=True)).bool_value
    assert redact_value("first.token", AnyValue(int_value=12)).int_value == 12
    assert redact_value("token", AnyValue(int_value=12)).int_value == 12


def test_bytes_stay_bytes() -> None:
    assert MARKER.fullmatch(
        redact_value("a", AnyValue(bytes_value=TOKEN.encode())).bytes_value.decode()
    )
    assert MARKER.fullmatch(
        redact_value("cookie", AnyValue(bytes_value=b"\xff\x00")).bytes_value.decode()
    )


def test_more_keys_patterns_and_allowed_keys_are_settings() -> None:
    assert MARKER.fullmatch(redact("ada", "customer.nickname", keys=("Nickname",)))
    assert MARKER.fullmatch(redact("ada", "Nickname", keys=("Nickname",)))
    assert redact("order-1234 of ada", patterns=(r"order-(\d+)",)).startswith(
        "order-[redacted:custom:"
    )
    assert MARKER.fullmatch(redact("order-1234", patterns=(r"^order-\d+$",)))
    assert redact("no order-1234", patterns=(r"^order-\d+$",)) == "no order-1234"
    assert redact(TOKEN, "build.password", allow_keys=("build.password",)) == TOKEN
    assert '"nickname": "[redacted:custom' in redact('{"nickname": "ada"}', keys=("nickname",))
    assert redact("nickname=ada", keys=("nickname",)).startswith("nickname=[redacted:custom")


def test_a_users_pattern_sees_the_text_behind_json_escapes() -> None:
    found = redact(json.dumps({"a": 'say "friend" and enter'}), patterns=('say "friend"',))
    assert without_digests(found) == '{"a": "[redacted:custom] and enter"}'
    assert "ü" not in redact("grüße", patterns=("gr[üu]ße",))


@pytest.mark.parametrize("settings", [{"patterns": ("ok", "(")}, {"patterns": ("(?=a)",)}])
def test_a_pattern_that_cannot_be_read_is_named(settings) -> None:
    with pytest.raises(ConfigError, match=r"redact\.patterns"):
        Redactor(RedactConfig(**settings), KEY)


def test_an_unknown_kind_of_personal_data_is_named() -> None:
    with pytest.raises(ConfigError, match=r"redact\.pii.*shoe"):
        Redactor(RedactConfig(pii=("email", "shoe")), KEY)


def test_a_short_digest_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        Redactor(RedactConfig(), b"short")


@pytest.mark.parametrize(
    ("kind", "text", "left"),
    [
        ("email", "ask ada.l+x@mail.example.org.", "ask [redacted:email]."),
        ("card", "paid with 4111 1111 1111 1111", "paid with [redacted:card]"),
        ("card", "not one: 4111 1111 1111 1112", None),
        ("iban", "to DE89370400440532013000", "to [redacted:iban]"),
        ("iban", "not one: DE88370400440532013000", None),
        ("phone", "call +49 (30) 123-4567 now", "call [redacted:phone] now"),
        ("phone", "call 212-555-0134", "call [redacted:phone]"),
        ("ip", "from 192.0.2.17 and 2001:db8::17 at 12:30:45", "from [redacted:ip] and [redacted:ip] at 12:30:45"),
        ("ip", "version 1.2.3.456", None),
        ("ssn", "ssn 123-45-6789", "ssn [redacted:ssn]"),
        ("ssn", "not one: 000-45-6789", None),
    ],
)  # fmt: skip
def test_personal_data_goes_only_when_its_kind_is_set(
    kind: str, text: str, left: str | None
) -> None:
    assert redact(text) == text
    assert without_digests(redact(text, pii=(kind,))) == (left or text)


def test_json_requests_are_looked_at_as_messages() -> None:
    data = TracesData()
    data.resource_spans.add().scope_spans.add().spans.add(name=TOKEN)
    raw = json_format.MessageToJson(data).replace("glpat", "\\u0067lpat").encode()
    assert TOKEN.encode() not in raw
    for body in (raw, b"\n" + raw, b" " * 99 + raw, b""):
        copy = TracesData.FromString(data.SerializeToString())
        assert Redactor(RedactConfig(), KEY).traces(copy, body) == 1


def _unknown(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def test_unknown_fields_are_kept_unless_they_may_hold_a_secret() -> None:
    harmless, harmful = _unknown(777, b"anything else"), _unknown(777, b"\n\x06cookie\x12\x03abc")
    data = TracesData()
    spans = data.resource_spans.add().scope_spans.add().spans
    for body in (harmless, harmful, _unknown(11, _unknown(700, TOKEN.encode()))):
        spans.add(name="kept").MergeFromString(body)
    before = spans[0].SerializeToString()
    data.resource_spans[0].MergeFromString(_unknown(99, TOKEN.encode()))

    assert Redactor(RedactConfig(), KEY).traces(data, data.SerializeToString()) == 3

    spans = data.resource_spans[0].scope_spans[0].spans
    assert spans[1] == Span(name="kept")
    assert spans[2] == Span(name="kept", events=[Span.Event()])
    assert spans[0].SerializeToString() == before
    assert TOKEN.encode() not in data.SerializeToString()


def test_a_clean_request_is_not_touched() -> None:
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(name="GET /cart")
    span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 7
    before = data.SerializeToString()
    assert Redactor(RedactConfig(), KEY).traces(data, before) == 0
    assert data.SerializeToString() == before


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000 + '"password"',
        '{"password":' * 5_000,
        '"' + '\\"password\\":' * 5_000,
        "password: " * 5_000,
        "redis://a:" * 5_000,
        "-----BEGIN PRIVATE KEY-----" * 4_000,
        "token=" + "a" * 1_000_000,
        "[redacted:a:0123456789abcdef]password=" * 5_000,
        "eyJhbGciOi." * 5_000,
        "--password " * 5_000,
        "<password>" * 5_000,
    ],
    ids=lambda text: text[:20],
)
def test_hostile_text_is_taken_in_time_that_grows_with_its_length(text: str) -> None:
    start = time.process_time()
    once = redact(text)
    assert redact(once) == once
    assert time.process_time() - start < 10


def test_deeply_nested_values_are_taken() -> None:
    value = AnyValue(string_value=TOKEN)
    for _ in range(45):
        value = AnyValue(array_value={"values": [value]})
    assert TOKEN not in str(redact_value("a", value))


def test_a_huge_name_is_judged_and_not_remembered():
    rules = KeyRules(RedactConfig())
    name = "x" * 100_000 + ".password"
    assert rules.kind(name) == "password"
    assert rules.kind("password") == "password"
    assert list(rules._cache) == ["password"]
