"""The current trace goes along to threads, pools, tasks and processes."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextvars import ContextVar

import pytest
from opentelemetry import baggage, context, trace
from support.tracing import recorded

from otel_vector import trace_span
from otel_vector.instrument.context import (
    child_environment,
    context_executor,
    parent_context,
    with_carrier,
    with_context,
)
from otel_vector.instrument.run_kinds import run_kind

DEADLINE_S = 60
USER = ContextVar("USER", default="nobody")


@pytest.fixture
def spans():
    with recorded() as found:
        yield found


@trace_span
def work(number=0):
    return number, USER.get()


def seen(_item=None):
    """Return what is current, as text; runs in other processes too."""
    current = trace.get_current_span().get_span_context()
    return f"{current.trace_id:032x}", f"{current.span_id:016x}", dict(baggage.get_all())


def send_seen(pipe):
    pipe.send(seen())
    pipe.close()


def here():
    return seen()[:2]


def children(spans):
    parent = spans.named("outer")
    return [s for s in spans.all if s.parent and s.parent.span_id == parent.context.span_id]


def test_a_thread_without_help_has_no_parent(spans):
    @trace_span
    def outer():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(DEADLINE_S)

    outer()
    assert spans.named("work").parent is None


def test_a_thread_can_go_on_with_the_trace(spans):
    @trace_span
    def outer():
        thread = threading.Thread(target=with_context(work), args=(1,))
        thread.start()
        thread.join(DEADLINE_S)

    outer()
    assert len(children(spans)) == 1


def test_one_function_may_run_on_many_threads_at_once(spans):
    barrier = threading.Barrier(4)

    @trace_span
    def meet(_number):
        barrier.wait(DEADLINE_S)

    @trace_span
    def outer():
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(with_context(meet), range(4)))

    outer()
    assert len(children(spans)) == 4


def test_a_thread_pool_can_go_on_with_the_trace(spans):
    @trace_span
    def outer():
        with context_executor(ThreadPoolExecutor(2)) as pool:
            USER.set("ann")
            submitted = pool.submit(work, 7)
            return [submitted.result(DEADLINE_S), *pool.map(work, range(3), timeout=DEADLINE_S)]

    copied = __import__("contextvars").copy_context()
    assert copied.run(outer) == [(7, "ann"), (0, "ann"), (1, "ann"), (2, "ann")]
    assert len(children(spans)) == 4


def test_an_event_loop_can_use_such_a_pool(spans):
    @trace_span
    async def outer():
        with context_executor(ThreadPoolExecutor(1)) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, work)

    asyncio.run(outer())
    assert len(children(spans)) == 1


def test_tasks_and_their_threads_need_no_help(spans):
    @trace_span
    async def outer():
        await asyncio.gather(asyncio.to_thread(work), asyncio.create_task(later()))

    @trace_span
    async def later():
        pass

    asyncio.run(outer())
    assert len(children(spans)) == 2


def test_coroutine_functions_are_refused():
    async def later():
        pass

    with pytest.raises(TypeError, match="without with_context"):
        with_context(later)


def test_the_context_of_the_thread_itself_comes_back(spans):
    before = trace.get_current_span()

    @trace_span
    def outer():
        return with_context(work)

    outer()()
    assert trace.get_current_span() is before
    assert len(children(spans)) == 1


def test_a_process_pool_can_go_on_with_the_trace(spans):
    @trace_span
    def outer():
        spawning = multiprocessing.get_context("spawn")
        inner = ProcessPoolExecutor(1, mp_context=spawning)
        with run_kind("test"), context_executor(inner) as pool:
            submitted = pool.submit(seen).result(DEADLINE_S)
            return (
                here(),
                submitted,
                list(pool.map(seen, range(2), timeout=DEADLINE_S, chunksize=2)),
            )

    parent, submitted, mapped = outer()
    assert submitted == (*parent, {"otel_vector.run.kind": "test"})
    assert mapped == [submitted, submitted]


def test_a_spawned_process_can_go_on_with_the_trace(spans):
    @trace_span
    def outer():
        spawning = multiprocessing.get_context("spawn")
        receiver, sender = spawning.Pipe(duplex=False)
        process = spawning.Process(target=with_carrier(send_seen), args=(sender,))
        process.start()
        assert receiver.poll(DEADLINE_S)
        found = receiver.recv()
        process.join(DEADLINE_S)
        return here(), found

    parent, found = outer()
    assert found == (*parent, {})


def test_any_program_can_go_on_with_the_trace(spans):
    program = """
        import os
        from opentelemetry import baggage, trace
        from otel_vector.instrument.context import parent_context
        with parent_context(os.environ):
            current = trace.get_current_span().get_span_context()
            print(f"{current.trace_id:032x}", f"{current.span_id:016x}", *baggage.get_all().values())
        print(trace.get_current_span().get_span_context().is_valid)
    """

    @trace_span
    def outer():
        with run_kind("eval"):
            environ = child_environment(os.environ)
        command = [sys.executable, "-c", textwrap.dedent(program)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        return here(), done.stdout.split()

    parent, printed = outer()
    assert printed == [*parent, "eval", "False"]


def test_an_environment_without_a_trace_changes_nothing():
    before = context.get_current()
    with parent_context({"PATH": "/bin"}):
        assert not trace.get_current_span().get_span_context().is_valid
    assert context.get_current() is before


def test_the_environment_of_a_child_keeps_what_else_is_in_it():
    assert child_environment({"PATH": "/bin"}) == {"PATH": "/bin"}
