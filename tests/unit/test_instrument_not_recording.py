"""Where nothing is recorded, nothing is captured and the function is simply called."""

import asyncio
import json
import subprocess
import sys
import textwrap

import pytest
from opentelemetry import context, trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, TraceIdRatioBased
from support.tracing import recorded

from otel_vector import trace_span
from otel_vector.instrument.plan import Plan
from otel_vector.instrument.wrapping import wrapped

EVERYTHING = Plan(capture_inputs=True, capture_return_value=True)


class Watched(dict):
    """A value that says whether it was looked at."""

    looked_at = False

    def __iter__(self):
        self.looked_at = True
        return super().__iter__()

    def items(self):
        self.looked_at = True
        return super().items()


def same(value):
    return value


def provider(sampler):
    made = TracerProvider(sampler, shutdown_on_exit=False)
    exporter = InMemorySpanExporter()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made, exporter


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, ParentBased(ALWAYS_OFF), TraceIdRatioBased(0.0)])
def test_what_is_not_sampled_is_not_captured(sampler):
    source, exporter = provider(sampler)
    value = Watched(a=1)
    assert wrapped(same, EVERYTHING, source)(value) is value
    assert not value.looked_at
    assert not exporter.get_finished_spans()


def test_what_is_below_a_span_that_is_not_sampled_is_not_sampled_either():
    source, exporter = provider(ParentBased(TraceIdRatioBased(0.0)))
    seen = []
    inner = wrapped(
        lambda: seen.append(trace.get_current_span().get_span_context()), Plan(), source
    )
    wrapped(inner, Plan(), source)()
    assert seen[0].is_valid
    assert not seen[0].trace_flags.sampled
    assert not exporter.get_finished_spans()


def test_a_sampler_sees_what_is_known_of_a_call_without_capturing_it():
    class Curious(Sampler):
        def should_sample(
            self,
            parent_context,
            trace_id,
            name,
            kind=None,
            attributes=None,
            links=None,
            trace_state=None,
        ):
            self.saw = (
                attributes.get("code.function.name"),
                attributes.get("http.route"),
                len(attributes) > 0,
            )
            return ALWAYS_OFF.should_sample(parent_context, trace_id, name)

        def get_description(self):
            return "Curious"

    sampler = Curious()
    value = Watched(a=1)
    wrapped(same, EVERYTHING, provider(sampler)[0])(value)
    assert sampler.saw == (f"{__name__}.same", None, True)
    assert not value.looked_at


def test_a_sampler_that_copies_attributes_loses_none():
    class Copying(Sampler):
        def should_sample(
            self,
            parent_context,
            trace_id,
            name,
            kind=None,
            attributes=None,
            links=None,
            trace_state=None,
        ):
            return ParentBased(TraceIdRatioBased(1.0)).should_sample(
                parent_context, trace_id, name, kind, {**attributes, "copied": True}
            )

        def get_description(self):
            return "Copying"

    source, exporter = provider(Copying())
    wrapped(same, EVERYTHING, source)(1)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["input.value"] == '{"value":1}'
    assert span.attributes["copied"] is True


@pytest.mark.parametrize(
    "key",
    ["suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY],
    ids=["plain", "sdk"],
)
def test_nothing_is_traced_while_instrumentation_is_suppressed(key):
    @trace_span
    def quiet():
        return 1

    @trace_span
    def quiet_stream():
        yield 1

    with recorded() as spans:
        token = context.attach(context.set_value(key, True))
        try:
            assert quiet() == 1
            assert list(quiet_stream()) == [1]
        finally:
            context.detach(token)
        assert not spans.all


def test_an_exporter_may_call_decorated_functions_without_end():
    class Exporter(InMemorySpanExporter):
        def export(self, spans):
            helper()
            return super().export(spans)

    source = TracerProvider(shutdown_on_exit=False)
    exporter = Exporter()
    helper = wrapped(lambda: None, Plan(), source)
    source.add_span_processor(SimpleSpanProcessor(exporter))
    wrapped(same, Plan(), source)(1)
    assert [span.name for span in exporter.get_finished_spans()] == ["same"]


def test_functions_of_all_kinds_work_without_an_sdk():
    program = """
        import asyncio
        from otel_vector import trace_span, vectorize

        @vectorize("x", capture_inputs=True)
        def plain(a): return a

        @trace_span
        async def later(a): return a

        @trace_span
        def items(n):
            got = yield from range(n)
            return got

        @trace_span
        async def items_later(n):
            for i in range(n):
                yield i

        async def main():
            return [await later(1), [i async for i in items_later(2)]]

        import sys
        print(plain(1), list(items(2)), asyncio.run(main()), "opentelemetry.sdk" in sys.modules)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout.split("\n")[0].strip() == "1 [0, 1] [1, [0, 1]] False"


def test_a_provider_that_is_set_later_is_used():
    program = """
        import json
        from otel_vector import trace_span

        @trace_span
        def early(): return 1

        early()
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
        exporter = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        early()
        print(json.dumps([s.name for s in exporter.get_finished_spans()]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout) == ["early"]


class Broken(SimpleSpanProcessor):
    """A processor that raises wherever it can."""

    def __init__(self):
        super().__init__(InMemorySpanExporter())

    def on_start(self, span, parent_context=None):
        if "start" in span.name:
            raise RuntimeError("at the start")

    def on_end(self, span):
        raise RuntimeError("at the end")


def test_what_a_processor_raises_does_not_reach_the_function(caplog):
    source = TracerProvider(shutdown_on_exit=False)
    source.add_span_processor(Broken())

    def start_and_return():
        return 1

    def fail():
        raise KeyError("its own")

    async def later():
        return 2

    def items():
        yield 3

    before = trace.get_current_span()
    assert wrapped(start_and_return, Plan(), source)() == 1
    with pytest.raises(KeyError, match="its own"):
        wrapped(fail, Plan(), source)()
    assert asyncio.run(wrapped(later, Plan(), source)()) == 2
    assert list(wrapped(items, Plan(), source)()) == [3]
    assert trace.get_current_span() is before


class Hostile:
    """A value on which every look fails."""

    def __getattribute__(self, name):
        raise RuntimeError("do not look")

    def __repr__(self):
        raise RuntimeError("do not look")

    __str__ = __iter__ = __len__ = __eq__ = __bool__ = __repr__
    __hash__ = None


class Liar(dict):
    """A dict that cannot be gone through."""

    def items(self):
        raise MemoryError

    __iter__ = __len__ = items


ODD = {
    "hostile": Hostile,
    "liar": lambda: Liar(a=1),
    "lone surrogate": lambda: "\ud800",
    "no number": lambda: float("nan"),
    "large": lambda: 10**400,
    "bytes": lambda: b"\xff",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_values_pass_through_untouched(kind):
    value = ODD[kind]()
    source, exporter = provider(TraceIdRatioBased(1.0))
    plan = Plan(capture_inputs=True, capture_return_value=True, attributes_to_capture=("value",))
    assert wrapped(same, plan, source)(value) is value
    assert len(exporter.get_finished_spans()) == 1


def test_values_that_hold_themselves_pass_through():
    source, exporter = provider(TraceIdRatioBased(1.0))
    value = []
    value.append(value)
    assert wrapped(same, EVERYTHING, source)(value) is value
    assert len(exporter.get_finished_spans()) == 1


def test_a_call_that_does_not_fit_raises_what_it_did():
    source, exporter = provider(TraceIdRatioBased(1.0))
    with pytest.raises(TypeError, match="unexpected keyword argument 'other'"):
        wrapped(same, EVERYTHING, source)(other=1)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "TypeError"
