"""Functions are registered with what they say of themselves, whatever kind of callable they are."""

import functools
import importlib.util
import itertools
import subprocess
import sys
import textwrap

import pytest

from otel_vector.exporter.announcements import pending
from otel_vector.instrument.functions import About, register

NUMBERS = itertools.count()


@pytest.fixture
def registered():
    """Register a function; return its record."""

    def call(function, **about):
        _, since = pending(0)
        digest = register(function, About(**about))
        (record,) = pending(since)[0]
        assert record.source_hash == digest
        assert len(digest) == 16
        return record

    return call


@pytest.fixture
def module(tmp_path):
    """Load a module from a text in a project folder; return it."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "shop").mkdir()

    def load(text):
        name = f"shop_{next(NUMBERS)}"
        file = tmp_path / "shop" / "till.py"
        file.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, file)
        made = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(made)
        return made

    return load


PAY = '''
    import functools

    class Till:
        @functools.cache
        def pay(self, amount: "int" = 3, *, card=object()) -> "bool":
            """Charge the card.

            Asks the bank.
            """
            return amount > 0
'''


def test_a_function_is_registered_with_its_source_and_its_place(module, registered):
    record = registered(module(PAY).Till.pay, description="charges a card", narrative="then mail")
    assert record.qualname == "Till.pay"
    assert record.module.startswith("shop_")
    assert record.docstring == "Charge the card.\n\nAsks the bank."
    assert record.signature == "(self, amount: int = 3, *, card=<object object>) -> bool"
    assert record.source.startswith("@functools.cache\ndef pay(self")
    assert record.source.endswith("return amount > 0\n")
    assert (record.file, record.line) == ("shop/till.py", 5)
    assert (record.description, record.narrative) == ("charges a card", "then mail")


def test_tags_and_switches_are_kept_with_their_types_and_by_name(module, registered):
    tags = {
        "team": "billing",
        "priority": 1,
        "ratio": 0.5,
        "vip": True,
        "odd": [1],
        "big": 1 << 70,
    }
    record = registered(module(PAY).Till.pay, tags=tags, switches={"semantic_cache": True})
    assert record.tags == (
        ("big", str(1 << 70)),
        ("odd", "[1]"),
        ("priority", 1),
        ("ratio", 0.5),
        ("team", "billing"),
        ("vip", True),
    )
    assert record.switches == (("semantic_cache", True),)


def test_the_hash_is_of_the_text_wherever_it_stands(module, registered):
    at_top = registered(module("def pay():\n    return 1\n").pay)
    inside = registered(module("if True:\n    def pay():\n        return 1\n").pay)
    other = registered(module("def pay():\n    return 2\n").pay)
    assert at_top.source_hash == inside.source_hash != other.source_hash


def test_the_hash_is_the_same_for_ever(module, registered):
    assert registered(module("def pay():\n    return 1\n").pay).source_hash == HASH


HASH = "b62e6652df8fd8b7"


def test_functions_of_one_text_are_two(module, registered):
    made = module(
        "def make():\n    def pay(): return 1\n    return pay\nclass A:\n    pay = make()\n"
    )
    assert registered(made.make()).qualname == "make.pay"
    text = "class A:\n    def pay(self): ...\nclass B:\n    def pay(self): ...\n"
    both = module(text)
    first, second = registered(both.A.pay), registered(both.B.pay)
    assert first.source_hash == second.source_hash
    assert (first.name, second.name) == (f"{both.__name__}.A.pay", f"{both.__name__}.B.pay")


def test_a_wrapped_function_is_registered_as_the_one_inside(module, registered):
    inner = module(PAY).Till.pay

    @functools.wraps(inner)
    def outer(*args):
        return inner(*args)

    record = registered(outer)
    assert record.qualname == "Till.pay"
    assert "return amount > 0" in record.source
    assert record.file == "shop/till.py"


@pytest.mark.parametrize(
    "function", [len, functools.partial(print, "x"), "".join], ids=["c", "partial", "method"]
)
def test_functions_without_a_source_are_registered_without_it(registered, function):
    record = registered(function)
    assert record.source == ""
    assert record.qualname
    assert record.docstring


def test_a_function_made_by_exec_is_told_from_another_by_its_code(registered):
    def made(text):
        space = {"__name__": "made"}
        exec(text, space)  # what is tested
        return registered(space["pay"])

    one = made("def pay(x): return x in {'a', 'b', 'c'} and (lambda: 1)()")
    other = made("def pay(x): return x in {'a', 'b', 'd'} and (lambda: 1)()")
    assert one.source == other.source == one.file == ""
    assert one.source_hash != other.source_hash


def test_code_without_a_source_has_the_same_hash_in_every_process():
    code = (
        "from otel_vector.instrument.functions import About, register\n"
        "space = {'__name__': 'made'}\n"
        "exec(\"def pay(x): return x in {'a', 'b', 'c', 'd'} or (lambda: {'e', 'f', 'g'})()\", space)\n"
        "print(register(space['pay'], About()))"
    )
    found = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
        for _ in range(3)
    }
    assert len(found) == 1


def test_a_file_that_is_another_one_by_now_gives_no_source(module, registered, tmp_path):
    pay = module(PAY).Till.pay
    (tmp_path / "shop" / "till.py").write_text("x = 1\n" * 50)
    assert registered(pay).source == ""


def test_a_callable_object_is_registered_by_its_class(module, registered):
    made = module("class Till:\n    def __call__(self):\n        return 'paid'\n")
    record = registered(made.Till())
    assert record.qualname == "Till"
    assert "return 'paid'" in record.source


class Broken:
    """A default value that cannot be shown."""

    def __repr__(self):
        raise RuntimeError("no")


def test_what_cannot_be_shown_is_left_out_and_nothing_is_raised(registered):
    def pay(card=Broken()):  # noqa: B008
        return card

    record = registered(pay)
    assert record.signature == ""
    assert record.qualname.endswith("pay")


def test_a_callable_that_breaks_when_looked_at_is_not_registered():
    class Odd:
        @property
        def __wrapped__(self):
            raise RuntimeError("no")

        def __call__(self):
            return 1

    Odd.__qualname__ = "Odd"
    assert (
        register(type("Odder", (), {"__call__": property(lambda _: 1 / 0)})(), About()) is not None
    )
    assert isinstance(register(Odd(), About()), str)


def test_texts_that_utf8_cannot_hold_are_made_ones_that_it_can(registered):
    def pay():
        """x"""

    pay.__doc__ = "lone \ud800 half"
    assert registered(pay).docstring == "lone ? half"
