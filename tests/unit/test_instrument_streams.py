"""Generators are traced until their stream ends, and are the generators they were."""

import asyncio
import gc
import inspect

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from support.tracing import recorded

from otel_vector import trace_span

COMPLETE = "otel_vector.stream.complete"


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


@pytest.fixture
def own_context():
    """Contexts that a test makes current by hand are its own."""
    before = trace.get_current_span()
    yield before
    assert trace.get_current_span() is before


@trace_span(capture_inputs=True, capture_return_value=True)
def letters(word):
    yield from word
    return len(word)


@trace_span(capture_inputs=True, capture_return_value=True)
async def letters_later(word):
    for letter in word:
        await asyncio.sleep(0)
        yield letter


@trace_span
def fragile():
    yield 1
    raise ValueError("worn out")


@trace_span
async def fragile_later():
    yield 1
    raise ValueError("worn out")


def everything(stream):
    async def collect():
        return [item async for item in stream]

    return asyncio.run(collect())


def test_a_generator_is_a_span_with_all_that_it_gave(spans):
    assert list(letters("abc")) == ["a", "b", "c"]
    assert spans.only.attributes["input.value"] == '{"word":"abc"}'
    assert spans.only.attributes["output.value"] == '"abc"'
    assert spans.only.attributes[COMPLETE] is True
    assert spans.only.status.status_code is StatusCode.UNSET


def test_an_async_generator_is_a_span_with_all_that_it_gave(spans):
    assert everything(letters_later("abc")) == ["a", "b", "c"]
    assert spans.only.attributes["output.value"] == '"abc"'
    assert spans.only.attributes[COMPLETE] is True


def test_the_span_lasts_until_the_stream_ends(spans):
    stream = letters("ab")
    assert not spans.all
    next(stream)
    next(stream)
    assert not spans.all
    assert next(stream, None) is None
    assert spans.only.name == "letters"


def test_a_generator_that_is_never_asked_is_no_span(spans):
    letters("abc").close()
    stream = letters("abc")
    del stream
    gc.collect()
    assert not spans.all


def test_the_span_is_current_in_the_body_and_not_in_the_consumer(spans):
    @trace_span
    def body():
        yield trace.get_current_span()
        yield trace.get_current_span()

    outside = trace.get_current_span()
    for inside in body():
        assert inside.name.endswith("body")
        assert trace.get_current_span() is outside


def test_the_span_is_current_in_the_async_body_and_not_in_the_consumer(spans):
    @trace_span
    async def body():
        yield trace.get_current_span()
        await asyncio.sleep(0)
        yield trace.get_current_span()

    async def consume():
        outside = trace.get_current_span()
        async for inside in body():
            assert inside.name.endswith("body")
            assert trace.get_current_span() is outside

    asyncio.run(consume())
    assert spans.only.attributes[COMPLETE] is True


def test_what_the_body_made_current_stays_so_in_the_body_alone(spans, own_context, caplog):
    @trace_span
    def body():
        with trace.get_tracer("t").start_as_current_span("part"):
            yield 1
            yield trace.get_current_span().name
        yield trace.get_current_span().name

    seen = []
    for item in body():
        assert trace.get_current_span() is own_context
        seen.append(item)
    assert seen[1] == "part"
    assert seen[2].endswith("body")
    assert not caplog.records


def test_streams_at_once_do_not_mix(spans, own_context):
    for pair in zip(letters("ab"), letters("cd"), strict=True):
        assert len(pair) == 2
    first, second = spans.all
    assert first.parent is second.parent is None
    assert first.context.trace_id != second.context.trace_id


def test_values_can_be_sent_and_one_returned(spans):
    @trace_span
    def total():
        result = 0
        while (given := (yield result)) is not None:
            result += given
        return result

    stream = total()
    assert next(stream) == 0
    assert stream.send(2) == 2
    assert stream.send(3) == 5
    with pytest.raises(StopIteration) as stop:
        stream.send(None)
    assert stop.value.value == 5
    assert spans.only.attributes[COMPLETE] is True


def test_yield_from_a_traced_generator_gets_what_it_returns(spans):
    def outer():
        return (yield from letters("ab"))

    stream = outer()
    assert next(stream) + next(stream) == "ab"
    with pytest.raises(StopIteration) as stop:
        next(stream)
    assert stop.value.value == 2


def test_exceptions_can_be_thrown_into_a_body_that_goes_on(spans):
    @trace_span
    def stubborn():
        while True:
            try:
                yield "ready"
            except KeyError as error:
                yield f"caught {error}"

    stream = stubborn()
    next(stream)
    assert stream.throw(KeyError("k")) == "caught 'k'"
    assert next(stream) == "ready"
    with pytest.raises(LookupError):
        stream.throw(LookupError("l"))
    assert spans.only.status.status_code is StatusCode.ERROR
    assert spans.only.attributes["error.type"] == "LookupError"


def test_values_and_exceptions_go_into_an_async_body(spans):
    @trace_span
    async def body():
        got = yield 1
        try:
            yield got
        except KeyError:
            yield "caught"

    async def consume():
        stream = body()
        assert await anext(stream) == 1
        assert await stream.asend("sent") == "sent"
        assert await stream.athrow(KeyError) == "caught"
        with pytest.raises(StopAsyncIteration):
            await anext(stream)

    asyncio.run(consume())
    assert spans.only.attributes[COMPLETE] is True
    assert spans.only.status.status_code is StatusCode.UNSET


def test_an_exception_of_the_body_is_the_spans(spans):
    with pytest.raises(ValueError, match="worn out") as caught:
        list(fragile())
    assert [entry.name for entry in caught.traceback][1:] == ["traced", "fragile"]
    assert spans.only.status.description == "ValueError: worn out"
    assert spans.only.attributes[COMPLETE] is False
    assert spans.only.events[0].name == "exception"


def test_an_exception_of_the_async_body_is_the_spans(spans):
    with pytest.raises(ValueError, match="worn out"):
        everything(fragile_later())
    assert spans.only.status.status_code is StatusCode.ERROR
    assert spans.only.attributes[COMPLETE] is False


def test_a_consumer_that_stops_early_ends_the_span_without_an_error(spans):
    closed = []

    @trace_span(capture_return_value=True)
    def endless():
        try:
            while True:
                yield "tick"
        finally:
            closed.append(trace.get_current_span().name)

    stream = endless()
    next(stream)
    next(stream)
    stream.close()
    assert closed[0].endswith("endless")
    assert spans.only.attributes[COMPLETE] is False
    assert spans.only.attributes["output.value"] == '"ticktick"'
    assert spans.only.status.status_code is StatusCode.UNSET
    assert "error.type" not in spans.only.attributes
    with pytest.raises(StopIteration):
        next(stream)


def test_an_async_consumer_that_stops_early_ends_the_span_without_an_error(spans):
    async def consume():
        stream = letters_later("abc")
        assert await anext(stream) == "a"
        await stream.aclose()

    asyncio.run(consume())
    assert spans.only.attributes[COMPLETE] is False
    assert spans.only.status.status_code is StatusCode.UNSET


def test_a_stream_that_nobody_holds_any_more_is_ended(spans):
    stream = letters("abc")
    next(stream)
    del stream
    gc.collect()
    assert spans.only.attributes[COMPLETE] is False


def test_an_async_stream_that_nobody_holds_any_more_is_ended(spans):
    async def consume():
        async for _ in letters_later("abc"):
            break

    asyncio.run(consume())
    assert spans.only.attributes[COMPLETE] is False
    assert spans.only.status.status_code is StatusCode.UNSET


def test_a_cancelled_async_stream_is_ended_without_an_error(spans):
    @trace_span
    async def waiting():
        yield 1
        await asyncio.Event().wait()

    async def main():
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def consume():
        async for _ in waiting():
            pass

    asyncio.run(main())
    assert spans.only.status.status_code is StatusCode.UNSET
    assert spans.only.attributes["error.type"].endswith("CancelledError")
    assert spans.only.attributes[COMPLETE] is False


def test_a_body_that_fails_while_it_is_closed_is_a_failure(spans):
    @trace_span
    def clumsy():
        try:
            yield 1
        finally:
            raise OSError("broken")

    stream = clumsy()
    next(stream)
    with pytest.raises(OSError, match="broken"):
        stream.close()
    assert spans.only.attributes["error.type"] == "OSError"


def test_a_body_that_yields_while_it_is_closed_is_refused_as_ever(spans):
    @trace_span
    def deaf():
        while True:
            try:
                yield 1
            except GeneratorExit:
                yield 2

    stream = deaf()
    next(stream)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        stream.close()
    assert spans.only.attributes["error.type"] == "RuntimeError"


def test_they_are_the_kinds_of_functions_they_were():
    assert inspect.isgeneratorfunction(letters)
    assert inspect.isasyncgenfunction(letters_later)
    assert not inspect.iscoroutinefunction(letters_later)
    assert inspect.isgenerator(letters("a"))


def test_an_exception_that_was_thrown_in_is_not_kept(spans):
    class BrokenError(Exception):
        pass

    stream = letters("abc")
    next(stream)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(BrokenError):
            stream.throw(BrokenError())
        del stream
        assert not [o for o in gc.get_objects() if type(o) is BrokenError]
    finally:
        gc.enable()
