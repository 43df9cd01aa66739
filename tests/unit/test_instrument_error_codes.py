"""The code of an exception: its own, else the mapping file's, else its class name."""

import enum
import json
import time

import pytest

from otel_vector.errors import ConfigError
from otel_vector.instrument.error_codes import ErrorCodes


class Reason(enum.Enum):
    EXPIRED = "CARD_EXPIRED"
    ODD = (1, 2)


class PaymentError(ValueError):
    error_code = None


class CardError(PaymentError):
    pass


class Silent(Exception):  # noqa: N818
    @property
    def error_code(self):
        raise RuntimeError("no code")

    def __str__(self):
        raise RuntimeError("no message")


def codes(tmp_path, mapping, **options):
    file = tmp_path / "errors.json"
    file.write_text(json.dumps(mapping))
    return ErrorCodes.load(file, **options)


def failed(code, kind=PaymentError, message=""):
    error = kind(message)
    error.error_code = code
    return error


@pytest.mark.parametrize(
    ("own", "code"),
    [
        ("INSUFFICIENT_FUNDS", "INSUFFICIENT_FUNDS"),
        (402, "402"),
        (Reason.EXPIRED, "CARD_EXPIRED"),
        (Reason.ODD, "ODD"),
        ("x" * 1000, "x" * 256),
        (None, "INVALID_INPUT"),
        ("", "INVALID_INPUT"),
        (True, "INVALID_INPUT"),
        (["list"], "INVALID_INPUT"),
    ],
)
def test_an_exception_s_own_code_comes_first(tmp_path, own, code):
    assert codes(tmp_path, {"ValueError": "INVALID_INPUT"}).code_of(failed(own)) == code


def test_the_file_that_users_of_other_tools_have_works_as_it_is(tmp_path):
    known = codes(tmp_path, {"ValueError": "INVALID_INPUT", "KeyError": "CONFIG_MISSING"})
    assert known.code_of(ValueError("x")) == "INVALID_INPUT"
    assert known.code_of(KeyError("x")) == "CONFIG_MISSING"
    assert known.code_of(OSError("x")) == "OSError"


def test_of_what_an_exception_inherits_from_the_nearest_counts(tmp_path):
    known = codes(tmp_path, {"Exception": "ANY", "ValueError": "VALUE", "PaymentError": "PAYMENT"})
    assert known.code_of(CardError("x")) == "PAYMENT"
    assert known.code_of(UnicodeError("x")) == "VALUE"
    assert known.code_of(OSError("x")) == "ANY"
    assert known.code_of(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_a_qualified_name_goes_before_a_bare_one(tmp_path):
    qualified = f"{CardError.__module__}.CardError"
    known = codes(tmp_path, {"CardError": "BARE", qualified: "QUALIFIED"})
    assert known.code_of(CardError()) == "QUALIFIED"


def test_a_pattern_has_to_be_in_the_message(tmp_path):
    known = codes(
        tmp_path,
        {
            "PaymentError": [
                {"code": "EXPIRED", "pattern": "(?i)card .* expired"},
                {"code": "LIMIT", "pattern": "limit"},
            ],
            "ValueError": {"code": "VALUE"},
            "OSError": {"code": "FULL", "pattern": "No space"},
        },
    )
    assert known.code_of(CardError("Card 12 EXPIRED")) == "EXPIRED"
    assert known.code_of(CardError("over the limit")) == "LIMIT"
    assert known.code_of(CardError("no")) == "VALUE"
    assert known.code_of(OSError(28, "No space left")) == "FULL"
    assert known.code_of(OSError("none")) == "OSError"


def test_a_pattern_of_any_kind_takes_no_time_worth_telling(tmp_path):
    known = codes(tmp_path, {"ValueError": {"code": "ODD", "pattern": "(a+)+b"}})
    begun_s = time.process_time()
    assert known.code_of(ValueError("a" * 1_000_000)) == "ValueError"
    assert time.process_time() - begun_s < 5


def test_a_message_is_searched_up_to_its_4096th_character(tmp_path):
    known = codes(tmp_path, {"ValueError": {"code": "ODD", "pattern": "x"}})
    assert known.code_of(ValueError("a" * 4095 + "x")) == "ODD"
    assert known.code_of(ValueError("a" * 4096 + "x")) == "ValueError"
    assert known.code_of(ValueError("\ud800x")) == "ODD"


def test_an_exception_that_can_say_nothing_has_the_code_of_its_class(tmp_path):
    known = codes(tmp_path, {"Exception": {"code": "ANY", "pattern": "."}})
    assert known.code_of(Silent()) == "Silent"


def test_ignored_codes_are_known(tmp_path):
    known = codes(tmp_path, {"KeyError": "NOT_FOUND"}, ignored=("NOT_FOUND", "StopIteration"))
    assert known.is_ignored(known.code_of(KeyError()))
    assert known.is_ignored(known.code_of(StopIteration()))
    assert not known.is_ignored(known.code_of(ValueError()))


def test_a_default_file_may_be_missing(tmp_path):
    known = ErrorCodes.load(tmp_path / "none.json", required=False)
    assert known.code_of(ValueError()) == "ValueError"
    assert ErrorCodes.load("").code_of(ValueError()) == "ValueError"


def test_a_named_file_has_to_be_there(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.json is not there; make it"):
        ErrorCodes.load(tmp_path / "none.json")


@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no JSON object"),
        ('{"A": 1.5}', "A: 1.5 is no code"),
        ('{"A": [true]}', "A: True is no code"),
        ('{"A": {"pattern": "x"}}', "is no code"),
        ('{"A": {"code": "x", "patern": "x"}}', "no such entry as patern"),
        ('{"A": {"code": "x", "pattern": "("}}', "cannot be read"),
        ('{"A": {"code": "x", "pattern": 1}}', "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, text, told, required):
    file = tmp_path / "errors.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told):
        ErrorCodes.load(file, required=required)


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        ErrorCodes.load(tmp_path, required=False)
