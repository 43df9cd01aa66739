"""A decorated function is what it was, and each of its calls is a span."""

import asyncio
import contextvars
import pickle
import time
import traceback
import types

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from support.tracing import recorded

from otel_vector import trace_span, vectorize


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


class CardError(Exception):
    """Raised by what is called."""


@vectorize("Adds two numbers", capture_inputs=True, capture_return_value=True)
def add(left: int, right: int = 2) -> int:
    """Return a sum."""
    return left + right


@trace_span
async def wait_for(amount: int) -> int:
    await asyncio.sleep(0)
    return amount


@trace_span
def pay(*, card):
    raise CardError(f"no money on {card}")


def attributes(span):
    return dict(span.attributes)


def own(span):
    """Attributes of one call, without those of the function."""
    return {
        k: v
        for k, v in span.attributes.items()
        if k not in {"code.function.name", "otel_vector.source.hash"}
    }


def test_a_call_is_a_span_of_the_functions_name(spans):
    assert add(1) == 3
    assert spans.only.name == "add"
    assert spans.only.attributes["code.function.name"] == f"{__name__}.add"
    assert len(spans.only.attributes["otel_vector.source.hash"]) == 16
    assert spans.only.status.status_code is StatusCode.UNSET
    assert spans.only.instrumentation_scope.name == "otel_vector"
    assert spans.only.instrumentation_scope.version


def test_what_is_given_and_what_is_returned_are_recorded_as_json(spans):
    add(1)
    assert own(spans.only) == {
        "input.value": '{"left":1,"right":2}',
        "input.mime_type": "application/json",
        "output.value": "3",
        "output.mime_type": "application/json",
    }


def test_nothing_is_captured_unless_it_is_asked_for(spans):
    @trace_span
    def look(text):
        return text

    look("secret")
    assert own(spans.only) == {}


def test_single_arguments_are_attributes_of_their_own_type(spans):
    @trace_span(attributes_to_capture=["user", "amount", "items", "nothing_like_it"])
    def order(user, amount, items, rest):
        return rest

    order("ann", 2.5, items=[1], rest=object())
    assert own(spans.only) == {
        "otel_vector.argument.user": "ann",
        "otel_vector.argument.amount": 2.5,
        "otel_vector.argument.items": "[1]",
    }


@pytest.mark.parametrize(
    "name", ["status", "name", "trace_id", "span", "args", "kwargs", "function"]
)
def test_arguments_may_be_called_anything(spans, name):
    made = {}
    exec(f"def given({name}): return {name}", made)
    traced = trace_span(capture_inputs=True, capture_return_value=True)(made["given"])
    assert traced(**{name: "SHIPPED"}) == "SHIPPED"
    assert spans.only.name == "given"
    assert spans.only.status.status_code is StatusCode.UNSET
    assert spans.only.attributes["input.value"] == f'{{"{name}":"SHIPPED"}}'


def test_a_function_called_self_by_keyword_gets_it():
    @trace_span(capture_inputs=True)
    def look(self, other):
        return (self, other)

    assert look(self=1, other=2) == (1, 2)


def test_inputs_are_as_they_were_before_the_function_changed_them(spans):
    @trace_span(capture_inputs=True)
    def empty(items):
        items.clear()

    items = [1, 2]
    empty(items)
    assert items == []
    assert spans.only.attributes["input.value"] == '{"items":[1,2]}'


def test_the_duration_is_the_functions_own(spans):
    class Slow(dict):
        def items(self):
            time.sleep(0.2)
            return super().items()

        def __len__(self):
            time.sleep(0.2)
            return super().__len__()

        def __iter__(self):
            time.sleep(0.2)
            return super().__iter__()

    @trace_span(capture_inputs=True, capture_return_value=True)
    def same(value):
        return value

    same(Slow(a=1))
    same("x" * 5_000_000)
    first, second = spans.all
    assert first.end_time - first.start_time < 50_000_000
    assert second.end_time - second.start_time < 50_000_000


def test_an_exception_passes_unchanged_and_is_recorded(spans):
    with pytest.raises(CardError, match="no money on visa") as caught:
        pay(card="visa")
    span = spans.only
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames] == [
        "test_an_exception_passes_unchanged_and_is_recorded",
        "traced",
        "pay",
    ]
    assert caught.value.__context__ is None
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "CardError: no money on visa"
    assert span.attributes["error.type"] == f"{__name__}.CardError"
    assert span.attributes["otel_vector.error.code"] == "CardError"
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == f"{__name__}.CardError"
    assert "in pay" in event.attributes["exception.stacktrace"]
    assert span.end_time >= event.timestamp >= span.start_time


def test_the_error_code_of_a_decorator_is_for_exceptions_without_one(spans):
    @trace_span(error_code="TILL")
    def fail(error):
        raise error

    named = ValueError("a")
    named.error_code = "OWN"
    for error in (named, ValueError("b")):
        with pytest.raises(ValueError):
            fail(error)
    assert [s.attributes["otel_vector.error.code"] for s in spans.all] == ["OWN", "TILL"]


def test_an_exception_that_cannot_be_shown_is_still_an_error(spans):
    class MuteError(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    @trace_span
    def fail():
        raise MuteError

    with pytest.raises(MuteError):
        fail()
    assert spans.only.status.status_code is StatusCode.ERROR
    assert spans.only.status.description == "MuteError: <its text cannot be made: RuntimeError>"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_is_no_exception_is_no_failure(spans, kind):
    @trace_span
    def stop():
        raise kind

    with pytest.raises(kind):
        stop()
    assert spans.only.status.status_code is StatusCode.UNSET
    assert spans.only.attributes["error.type"].rpartition(".")[2] == kind.__name__
    assert not spans.only.events


def test_a_coroutine_function_is_a_span_until_it_is_done(spans):
    @trace_span
    async def outer():
        with trace.get_tracer("t").start_as_current_span("inner"):
            return await wait_for(3)

    assert asyncio.run(outer()) == 3
    inner, outermost = spans.named("inner"), spans.named("outer")
    assert spans.named("wait_for").parent.span_id == inner.context.span_id
    assert inner.parent.span_id == outermost.context.span_id


def test_a_cancelled_task_ends_its_span_without_a_failure(spans):
    @trace_span
    async def forever():
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert spans.only.status.status_code is StatusCode.UNSET
    assert spans.only.attributes["error.type"] == "asyncio.exceptions.CancelledError"


def test_tasks_at_once_each_have_their_own_span(spans):
    @trace_span
    async def parent(number):
        await asyncio.sleep(0)
        await child(number)

    @trace_span(attributes_to_capture=["number"])
    async def child(number):
        await asyncio.sleep(0)

    async def main():
        await asyncio.gather(*(parent(n) for n in range(20)))

    asyncio.run(main())
    parents = {s.context.span_id: s for s in spans.all if s.name.endswith("parent")}
    children = [s for s in spans.all if s.name.endswith("child")]
    assert len({s.parent.span_id for s in children} & set(parents)) == 20
    assert len({s.context.trace_id for s in spans.all}) == 20


def test_a_coroutine_closed_from_elsewhere_ends_its_span_and_leaves_the_context(spans, caplog):
    @types.coroutine
    def pause():
        yield

    @trace_span
    async def dropped():
        await pause()

    before = trace.get_current_span()
    coroutine = dropped()
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    assert trace.get_current_span() is before
    assert spans.only.attributes["error.type"] == "GeneratorExit"
    assert not caplog.records


def test_recursion_is_a_chain_of_spans(spans):
    @trace_span
    def down(n):
        return down(n - 1) + 1 if n else 0

    assert down(3) == 3
    ids = {s.context.span_id for s in spans.all}
    assert sum(s.parent is None for s in spans.all) == 1
    assert sum(s.parent is not None and s.parent.span_id in ids for s in spans.all) == 3


def test_a_span_that_the_function_ended_itself_is_left_alone(spans, caplog):
    @trace_span(capture_return_value=True)
    def ends():
        trace.get_current_span().end()
        return 1

    @trace_span
    def ends_and_fails():
        trace.get_current_span().end()
        raise CardError

    assert ends() == 1
    with pytest.raises(CardError):
        ends_and_fails()
    assert len(spans.all) == 2
    assert not caplog.records


def test_a_decorated_function_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(add)) is add


def test_of_too_many_attributes_the_name_of_the_function_is_kept(spans):
    many = {f"a{n}": n for n in range(200)}
    scope = {}
    exec(f"def crowded({', '.join(many)}): return 1", scope)
    traced = vectorize(
        attributes_to_capture=list(many), capture_inputs=True, capture_return_value=True
    )(scope["crowded"])
    assert traced(**many) == 1
    span = spans.only
    assert span.attributes["code.function.name"].endswith("crowded")
    assert {"otel_vector.source.hash", "input.value", "output.value"} <= set(span.attributes)


def test_an_argument_that_answers_to_nothing_costs_no_other_one(spans):
    class Mute:
        def __getattribute__(self, name):
            raise RuntimeError(name)

    @vectorize(capture_inputs=True, attributes_to_capture=["mute", "n"])
    def told(mute, n):
        return n

    assert told(Mute(), 3) == 3
    span = spans.only
    assert span.attributes["otel_vector.argument.n"] == 3
    assert "input.value" in span.attributes


def test_an_exception_that_says_too_much_is_cut(spans):
    @vectorize
    def wordy():
        raise CardError("x" * 1_000_000)

    with pytest.raises(CardError) as raised:
        wordy()
    assert len(str(raised.value)) == 1_000_000
    (event,) = spans.only.events
    texts = [spans.only.status.description, *map(str, event.attributes.values())]
    assert max(map(len, texts)) < 25_000
    assert spans.only.status.description.endswith("…[cut: 980,000 characters]")
    assert "in wordy" in event.attributes["exception.stacktrace"]
