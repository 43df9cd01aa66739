"""Secrets in captured values: in the canonical text of an application's types, cut or whole."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field

import pytest

from otel_vector.canonical.encode import text_of
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

SECRET = "hunter2-swordfish"


@dataclass
class Login:
    user: str
    password: str = field(repr=False)


class Session:
    def __repr__(self) -> str:
        return f"Session(password='{SECRET}')"


def redacted(text: str) -> str:
    return Redactor(RedactConfig(), b"a digest key for tests").text(text)


@pytest.mark.parametrize(
    "value",
    [
        {"password": SECRET},
        OrderedDict(user="u", password=SECRET),
        OrderedDict(password={"old": [SECRET]}),
        defaultdict(str, {"password": SECRET}),
        {1: "a", "password": SECRET},
        {"$ov": 1, "api_key": SECRET},
        [("Authorization", SECRET), ("Accept", "*/*")],
        [["Authorization", SECRET], ["Accept", "*/*"]],
        (("x-api-key", SECRET),),
        Login("u", SECRET),
        Session(),
        {"api_keys": {SECRET}},
        f'{{"password":"{SECRET}"}}'.encode(),
        f"user=a&password={SECRET}".encode(),
        ValueError(f"password={SECRET}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_secret_is_found_in_whatever_type_it_is_in(value: object) -> None:
    text = text_of({"given": value, "other": "stays"})
    assert SECRET in text
    assert SECRET not in redacted(text)
    assert '"other":"stays"' in redacted(text)


def test_a_secret_is_found_in_a_text_that_was_cut_off() -> None:
    text = text_of({"given": OrderedDict(password=SECRET * 3), "headers": [("token", SECRET)]})
    for chars in range(len(text)):
        cut = redacted(f"{text[:chars]}…[cut: {len(text) - chars:,} characters]")
        assert SECRET not in cut, cut


@pytest.mark.parametrize(
    "value",
    [
        ["password", "email"],
        ("token", "count"),
        [["password", "email", "name"]],
        [["email", "password"]],
        [["token", 3]],
    ],
)
def test_names_of_secrets_among_other_words_are_no_pairs(value: object) -> None:
    assert redacted(text_of(value)) == text_of(value)
