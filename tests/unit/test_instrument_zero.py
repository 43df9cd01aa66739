"""Functions that settings name are traced without a decorator, and classes of all kinds go on working."""

import abc
import enum
import importlib
import inspect
import json
import logging
import pickle
import subprocess
import sys

import pytest
from support.zero_code import load, shop_in, tracing, write

from otel_vector.exporter.announcements import pending
from otel_vector.instrument.zero import VectorInstrumentor


@pytest.fixture
def shop(tmp_path, monkeypatch):
    with shop_in(tmp_path, monkeypatch) as folder:
        yield folder


@pytest.fixture
def traced(shop):
    with tracing() as found:
        yield found


def test_all_functions_and_methods_that_a_module_defines_are_traced(traced):
    traced.instrument("shop.cart:*")
    cart = load("shop.cart")
    assert cart.total([1, 2]) == 6
    assert cart.Cart.of(1).add(2).size == 2
    assert cart.Cart.currency() == "EUR"
    assert cart.Cart()(5).prices == [5]
    assert cart.Cart.Line().show() == "line"
    expected = ["total", "Cart.of", "Cart.add", "Cart.currency", "Cart.add", "Cart.__call__"]
    assert traced.names() == [*expected, "Cart.Line.show"]


def test_what_is_imported_inherited_special_nameless_or_decorated_is_left_alone(traced):
    traced.instrument("shop.cart:*")
    cart = load("shop.cart")
    assert (cart.taxed(1), cart.double(1), cart.checked(1)) == (2, 2, 1)
    assert cart.Cart().describe() == "Cart"
    assert traced.names() == []


def test_a_method_is_traced_where_it_is_defined(traced):
    traced.instrument("shop.base:Base.describe")
    assert load("shop.cart").Cart().describe() == "Cart"
    assert traced.names() == ["Base.describe"]


def test_all_modules_of_a_package_are_meant_by_two_stars(traced, shop):
    write(shop, {"shop/deep/__init__.py": "def f(): pass", "shop/deep/er.py": "def g(): pass"})
    write(shop, {"shop/__init__.py": "def top(): pass", "shopping.py": "def no(): pass"})
    traced.instrument("shop.**:*")
    load("shop").top()
    load("shop.deep").f()
    load("shop.deep.er").g()
    load("shopping").no()
    assert traced.names() == ["top", "f", "g"]
    del sys.modules["shopping"]


def test_one_star_is_one_part_of_a_modules_name(traced, shop):
    write(shop, {"shop/deep/__init__.py": "def f(): pass", "shop/deep/er.py": "def g(): pass"})
    traced.instrument("shop.*:[fg]")
    load("shop.deep").f()
    load("shop.deep.er").g()
    assert traced.names() == ["f"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("shop.cart:Cart.*", ["Cart.of", "Cart.add"]),
        ("shop.cart:Cart.a*", ["Cart.add"]),
        ("shop.cart:*.add", ["Cart.add"]),
        ("shop.cart:tot?l", ["total"]),
        ("shop.cart:Cart.__init__", ["Cart.__init__"]),
        ("shop.cart:checked", ["checked"]),
    ],
)
def test_names_may_be_globs_and_what_is_named_itself_is_traced_whatever_it_is(
    traced, pattern, expected
):
    traced.instrument(pattern)
    cart = load("shop.cart")
    cart.Cart.of(1).add(2)
    cart.total([])
    cart.checked(1)
    assert traced.names() == expected


def test_functions_keep_their_names_signatures_and_pickles(traced):
    traced.instrument("shop.cart:*")
    cart = load("shop.cart")
    assert pickle.loads(pickle.dumps(cart.total)) is cart.total
    assert pickle.loads(pickle.dumps(cart.Cart.of(3))).prices == [3]
    assert str(inspect.signature(cart.Cart.add)) == "(self, price)"
    assert inspect.iscoroutinefunction(cart.order)
    assert "def total" in inspect.getsource(cart.total)
    assert isinstance(vars(cart.Cart)["currency"], staticmethod)


KINDS = """
    import abc
    import enum
    from dataclasses import dataclass
    from typing import NamedTuple, Protocol, runtime_checkable

    from pydantic import BaseModel, computed_field, field_validator

    class Slotted:
        __slots__ = ("price",)
        def set(self, price):
            self.price = price
            return self

    @dataclass(frozen=True, slots=True)
    class Value:
        price: int
        def twice(self):
            return 2 * self.price

    class Model(BaseModel):
        price: int
        @field_validator("price")
        @classmethod
        def positive(cls, price):
            if price < 0:
                raise ValueError("below zero")
            return price
        @computed_field
        @property
        def cents(self) -> int:
            return self.price * 100
        def twice(self):
            return 2 * self.price

    class Color(enum.Enum):
        RED = "r"
        def upper(self):
            return self.value.upper()
        @classmethod
        def _missing_(cls, value):
            return cls.RED

    class Point(NamedTuple):
        x: int
        def twice(self):
            return 2 * self.x

    @runtime_checkable
    class Priced(Protocol):
        def twice(self): ...

    class Plan(abc.ABC):
        @abc.abstractmethod
        def run(self): ...
        def start(self):
            return self.run()

    class Done(Plan):
        def run(self):
            return super().run()
"""


def test_classes_of_every_kind_keep_working(traced, shop):
    write(shop, {"shop/kinds.py": KINDS})
    traced.instrument("shop.kinds:*")
    kinds = load("shop.kinds")
    assert kinds.Slotted().set(3).price == 3
    assert kinds.Value(2).twice() == 4 and kinds.Value(2) == kinds.Value(2)
    model = kinds.Model(price=2)
    assert model.model_dump() == {"price": 2, "cents": 200} and model.twice() == 4
    with pytest.raises(ValueError, match="below zero"):
        kinds.Model(price=-1)
    assert kinds.Color("r").upper() == "R" and kinds.Color("x") is kinds.Color.RED
    assert isinstance(kinds.Color, enum.EnumMeta) and list(kinds.Color) == [kinds.Color.RED]
    assert kinds.Point(2)._replace(x=4).twice() == 8
    assert isinstance(kinds.Value(1), kinds.Priced) and not isinstance(1, kinds.Priced)
    with pytest.raises(TypeError, match="abstract"):
        kinds.Plan()
    assert issubclass(kinds.Done, abc.ABC) and kinds.Done().start() is None
    expected = ["Slotted.set", "Value.twice", "Model.twice", "Color.upper", "Point.twice"]
    assert traced.names() == [*expected, "Done.run", "Plan.start"]


def test_arguments_and_results_are_captured_where_settings_say_so(traced, monkeypatch):
    monkeypatch.setenv("OTEL_VECTOR_INSTRUMENT", "shop.cart:total")
    monkeypatch.setenv("OTEL_VECTOR_INSTRUMENT_CAPTURE_INPUTS", "true")
    monkeypatch.setenv("OTEL_VECTOR_INSTRUMENT_CAPTURE_RETURN_VALUE", "true")
    traced.instrument()
    load("shop.cart").total([1, 2])
    (span,) = traced.spans()
    assert span.attributes["code.function.name"] == "shop.cart.total"
    assert json.loads(span.attributes["input.value"]) == {"prices": [1, 2]}
    assert span.attributes["output.value"] == "6"


def test_what_is_traced_is_announced_with_its_source(traced):
    traced.instrument("shop.cart:total")
    load("shop.cart").total([])
    (span,) = traced.spans()
    announced = {f"{record.module}.{record.qualname}": record for record in pending(0)[0]}
    record = announced["shop.cart.total"]
    assert "return taxed(sum(prices))" in record.source
    assert span.attributes["otel_vector.source.hash"] == record.source_hash


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("shop.cart", "names no functions: write module:function"),
        ("shop cart:*", "begin with the name of a package"),
        ("**:*", "begin with the name of a package"),
        (":*", "begin with the name of a package"),
        ("shop..cart:*", "is no module"),
        ("shop.cart:", "is no function"),
        ("shop.cart:Cart add", "is no function"),
    ],
)
def test_a_malformed_pattern_is_told_and_the_others_hold(traced, caplog, pattern, told):
    traced.instrument(pattern, "shop.cart:total")
    assert told in error_in(caplog)
    load("shop.cart").total([])
    assert traced.names() == ["total"]


def test_a_wrong_setting_is_told_and_the_application_runs_on(traced, caplog, monkeypatch):
    monkeypatch.setenv("OTEL_VECTOR_INSTRUMENT_CAPTURE_INPUTS", "perhaps")
    traced.instrument("shop.cart:total")
    assert "no functions are wrapped: instrument.capture_inputs" in error_in(caplog)
    load("shop.cart").total([])
    assert traced.names() == []


@pytest.mark.parametrize(
    "pattern", ["shop.cart:Cart.ad", "shop.cart:Cart.describe", "shop.cart:taxed"]
)
def test_a_function_that_its_module_does_not_define_is_told_once_at_import(
    traced, caplog, pattern
):
    traced.instrument(pattern)
    importlib.reload(load("shop.cart"))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"nothing is traced for {pattern}" in record.message


@pytest.mark.parametrize(
    ("imported", "pattern", "is_told"),
    [
        ("shop", "shop.crat:*", True),
        ("shop.cart", "shop.**:charge_*", True),
        ("shop.cart", "shop.**:total", False),
        ("shop", "nowhere_at_all.x:*", True),
        ("json", "shop.cart:*", False),
    ],
)
def test_a_pattern_that_matched_nothing_is_told_when_the_program_ends(
    shop, imported, pattern, is_told
):
    code = (
        "from otel_vector.instrument.zero import VectorInstrumentor\n"
        f"VectorInstrumentor().instrument(functions=[{pattern!r}])\nimport {imported}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shop, capture_output=True, text=True, check=True
    )
    assert done.stderr.count(f"nothing is traced for {pattern}") == int(is_told)


def test_a_program_may_name_functions_after_the_agent_found_none_named(traced):
    traced.instrument()
    traced.instrument("shop.cart:total")
    load("shop.cart").total([])
    assert traced.names() == ["total"]


def test_it_depends_on_no_library():
    assert list(VectorInstrumentor().instrumentation_dependencies()) == []


def error_in(caplog):
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    return record.message
