"""Whatever can be called can be traced, and stays of the kind it was."""

import asyncio
import functools
import inspect
import sys
from dataclasses import dataclass
from typing import get_type_hints

import pytest
from support.tracing import recorded

from otel_vector import trace_span


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


@trace_span
async def wait_for(amount: int) -> int:
    await asyncio.sleep(0)
    return amount


class Till:
    """Methods of every kind."""

    rate = 2

    @trace_span(capture_inputs=True)
    def plain(self, amount):
        return amount * self.rate

    @trace_span(capture_inputs=True)
    @classmethod
    def above_class(cls, amount):
        return amount * cls.rate

    @classmethod
    @trace_span(capture_inputs=True)
    def below_class(cls, amount):
        return amount * cls.rate

    @trace_span(capture_inputs=True)
    @staticmethod
    def above_static(amount):
        return amount * 2

    @staticmethod
    @trace_span(capture_inputs=True)
    def below_static(amount):
        return amount * 2

    def _scaled(self, factor, amount):
        return factor * amount

    doubled = trace_span(capture_inputs=True)(functools.partialmethod(_scaled, 2))

    @trace_span
    @property
    def total(self):
        """What is in it."""
        return 2

    @trace_span
    @functools.cached_property
    def once(self):
        return 2


@pytest.mark.parametrize(
    "name", ["plain", "above_class", "below_class", "above_static", "below_static"]
)
def test_methods_of_every_kind_are_traced_without_self(spans, name):
    assert getattr(Till(), name)(amount=1) == 2
    assert spans.only.name == f"Till.{name}"
    assert spans.only.attributes["input.value"] == '{"amount":1}'
    assert spans.only.attributes["code.function.name"] == f"{__name__}.Till.{name}"


def test_methods_are_called_by_position_too(spans):
    assert Till.above_class(1) == Till.below_class(1) == Till.above_static(1) == 2
    assert {s.attributes["input.value"] for s in spans.all} == {'{"amount":1}'}


def test_partial_methods_and_properties_are_traced(spans):
    till = Till()
    assert till.doubled(3) == 6
    assert till.total == till.once == till.once == 2
    assert spans.names == ["Till._scaled", "Till.total", "Till.once"]
    assert Till.total.__doc__ == "What is in it."


def test_partials_are_named_after_their_function(spans):
    def scaled(factor, amount):
        return factor * amount

    twice = trace_span(capture_inputs=True)(functools.partial(scaled, 2))
    assert twice(amount=4) == 8
    assert spans.only.name.endswith("scaled")
    assert twice.__name__ == "scaled"
    assert list(inspect.signature(twice).parameters) == ["amount"]


def test_partials_of_coroutine_functions_are_coroutine_functions(spans):
    async def scaled(factor, amount):
        return factor * amount

    twice = trace_span(functools.partial(scaled, 2))
    assert inspect.iscoroutinefunction(twice)
    assert asyncio.run(twice(4)) == 8
    assert spans.only.name.endswith("scaled")


def test_objects_that_can_be_called_are_named_after_their_class(spans):
    class Scale:
        factor = 2

        def __call__(self, amount):
            return self.factor * amount

    class AsyncScale:
        async def __call__(self, amount):
            return 2 * amount

    assert trace_span(Scale())(2) == 4
    traced = trace_span(AsyncScale())
    assert inspect.iscoroutinefunction(traced)
    assert asyncio.run(traced(2)) == 4
    assert [name.rpartition(".")[2] for name in spans.names] == ["Scale", "AsyncScale"]


def test_bound_methods_and_builtin_functions_can_be_wrapped(spans):
    traced = trace_span(Till().plain.__wrapped__.__get__(Till()))
    assert traced(3) == 6
    assert trace_span(len)([1]) == 1
    assert trace_span(sys.intern)("a") == "a"
    assert spans.names == ["Till.plain", "len", "intern"]


def test_a_cached_function_keeps_what_its_cache_can_do(spans):
    @trace_span
    @functools.lru_cache
    def square(number):
        return number * number

    assert square(2) == square(2) == 4
    assert square.cache_info().hits == 1
    square.cache_clear()
    assert square.cache_info().hits == 0


def test_a_returned_iterator_is_the_callers(spans):
    @trace_span(capture_return_value=True)
    def numbers():
        return iter([1, 2])

    assert list(numbers()) == [1, 2]
    assert '"$ov":"opaque"' in spans.only.attributes["output.value"].replace(" ", "")


def test_the_wrapper_is_what_the_function_was():
    def plain(left: int, right: int = 2, *rest: str, key: bool = True) -> int:
        """Say so."""

    plain.mark = 1
    traced = trace_span(plain)
    assert traced.__name__ == "plain"
    assert traced.__qualname__ == plain.__qualname__
    assert traced.__module__ == __name__
    assert traced.__doc__ == "Say so."
    assert traced.mark == 1
    assert traced.__wrapped__ is plain
    assert inspect.signature(traced) == inspect.signature(plain)
    assert get_type_hints(traced) == get_type_hints(plain)
    assert inspect.iscoroutinefunction(wait_for)


@pytest.mark.parametrize("wrong", [Till, dataclass, 3, None, [len]])
def test_what_is_no_function_is_refused(wrong):
    if wrong is dataclass:
        wrong = dataclass(Till)
    with pytest.raises(TypeError, match="decorat"):
        trace_span()(wrong)


def test_nested_functions_are_named_without_their_locals(spans):
    def make():
        @trace_span
        def inner():
            return 1

        return inner

    make()()
    assert spans.only.name == "test_nested_functions_are_named_without_their_locals.make.inner"
