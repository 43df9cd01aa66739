"""A call's arguments are told by parameter name, however the call spells them."""

import functools
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_vector.instrument.arguments import Binder


def pay(user_id, amount=1, /, note="", *rest, dry=False, **others):
    """Have a parameter of each kind."""


def plain(a, b=2, *, c=3):
    """Have parameters of three kinds."""


class Cart:
    def add(self, item, count=1):
        """Be a method."""

    def put(this, item):  # noqa: N805
        """Be a method that does not say `self`."""

    @classmethod
    def of(cls, item):
        """Be a class method."""

    @staticmethod
    def price(item, tax=0):
        """Be a static method."""

    def __call__(self, item):
        """Be called."""


class Basket(Cart):
    """Inherits its methods."""


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 5), {}), ((1,), {"b": 5}), ((), {"a": 1, "b": 5}), ((1,), {"b": 5, "c": 3})],
)
def test_every_spelling_of_a_call_is_the_same(args, kwargs):
    assert Binder(plain).bind(args, kwargs) == {"a": 1, "b": 5, "c": 3}


def test_defaults_are_applied():
    assert Binder(plain).bind((1,), {}) == {"a": 1, "b": 2, "c": 3}


def test_the_rest_stands_under_its_names_if_there_is_any():
    binder = Binder(pay)
    assert binder.bind((1,), {}) == {"user_id": 1, "amount": 1, "note": "", "dry": False}
    assert binder.bind((1, 2, "n", 4, 5), {"dry": True, "user_id": 9, "x": 7}) == {
        "user_id": 1,
        "amount": 2,
        "note": "n",
        "rest": (4, 5),
        "dry": True,
        "others": {"user_id": 9, "x": 7},
    }


@settings(deadline=None)
@given(
    st.lists(st.integers(), max_size=5),
    st.dictionaries(st.sampled_from(["user_id", "note", "dry", "others", "x"]), st.integers()),
)
def test_a_call_is_bound_as_the_standard_library_binds_it(args, kwargs):
    try:
        expected = inspect.signature(pay).bind(*args, **kwargs)
    except TypeError:
        Binder(pay).bind(tuple(args), kwargs)
        return
    expected.apply_defaults()
    found = {"rest": (), "others": {}, **Binder(pay).bind(tuple(args), kwargs)}
    assert found == expected.arguments


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        ((), {}, {"b": 2, "c": 3}),
        ((1, 2, 3), {}, {"a": 1, "b": 2, "c": 3}),
        ((1,), {"a": 4}, {"a": 4, "b": 2, "c": 3}),
        ((1,), {"none": 4}, {"a": 1, "b": 2, "c": 3}),
    ],
)
def test_a_call_that_does_not_fit_is_told_as_far_as_it_goes(args, kwargs, told):
    assert Binder(plain).bind(args, kwargs) == told


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (Cart.__dict__["add"], (Cart(), "tea")),
        (Cart.__dict__["add"], (Basket(), "tea")),
        (Cart().add, ("tea",)),
        (functools.partial(Cart.__dict__["add"], Cart()), ("tea",)),
        (functools.partial(Cart.__dict__["add"]), (Cart(), "tea")),
    ],
)
def test_the_instance_of_a_method_is_left_out(function, args):
    assert Binder(function).bind(args, {}) == {"item": "tea", "count": 1}


@pytest.mark.parametrize("owner", [Cart(), Basket()])
def test_the_instance_is_left_out_whatever_the_method_calls_it(owner):
    binder = Binder(Cart.__dict__["put"])
    assert binder.bind((owner, "tea"), {}) == {"item": "tea"}
    assert binder.bind((owner,), {"item": "tea"}) == {"item": "tea"}


@pytest.mark.parametrize("owner", [Cart, Basket])
@pytest.mark.parametrize("function", [Cart.__dict__["of"], Cart.__dict__["of"].__func__])
def test_the_class_of_a_class_method_is_left_out(function, owner):
    assert Binder(function).bind((owner, "tea"), {}) == {"item": "tea"}


@pytest.mark.parametrize("item", ["tea", Cart(), Basket])
@pytest.mark.parametrize("function", [Cart.__dict__["price"], Cart.__dict__["price"].__func__])
def test_a_static_method_has_all_its_arguments(function, item):
    assert Binder(function).bind((item,), {}) == {"item": item, "tax": 0}


def test_a_function_within_a_function_is_no_method():
    def inner(item):
        """Have a qualified name with a dot."""

    assert Binder(inner).bind((Cart(),), {}).keys() == {"item"}


def test_a_partial_has_what_is_still_to_be_given():
    half = functools.partial(plain, 1, c=9)
    assert Binder(half).bind((5,), {}) == {"b": 5, "c": 9}


def test_a_wrapped_function_has_the_parameters_of_the_inner_one():
    @functools.wraps(plain)
    def wrapper(*args, **kwargs):
        return plain(*args, **kwargs)

    assert Binder(wrapper).bind((1,), {}) == {"a": 1, "b": 2, "c": 3}


def test_objects_and_classes_are_bound_as_they_are_called():
    assert Binder(Cart()).bind(("tea",), {}) == {"item": "tea"}
    assert Binder(ValueError).bind(("tea",), {}) == {"args": ("tea",)}


def test_what_has_no_signature_has_args_and_kwargs():
    assert Binder(dict).bind(((1, 2),), {"a": 3}) == {"args": ((1, 2),), "kwargs": {"a": 3}}
    assert Binder(dict).bind((), {}) == {}


def test_a_call_is_not_changed_by_the_next_one():
    binder = Binder(pay)
    first = binder.bind((1,), {"x": 1})
    binder.bind((2,), {"x": 2})
    assert first["others"] == {"x": 1}
    assert first["user_id"] == 1
