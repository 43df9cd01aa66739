"""Programs that end in all the ways there are; the argument says which."""

import asyncio
import atexit
import itertools
import os
import resource
import signal
import sys
import threading
import time

from emitting import emit, exporting, flush
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from otel_vector import VectorSpanExporter, VectorSpanProcessor


def returns():
    exporting()
    emit("main", 7)


def exits():
    exporting()
    emit("main", 7)
    sys.exit(3)


def fails():
    exporting()
    emit("main", 7)
    raise SystemError("as planned")


def interrupted():
    exporting()
    emit("main", 4)
    flush()
    emit("rest", 3)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)


def in_loop():
    exporting()

    async def work(who):
        await asyncio.sleep(0.01)
        emit(who, 3)

    async def all_work():
        await asyncio.gather(*(work(f"task{i}") for i in range(5)))

    asyncio.run(all_work())


def spooled():
    """Wait to be killed once everything is on disk; the collector is away."""
    provider = exporting()
    emit("main", 7)
    assert not provider.force_flush(30_000)
    print("spooled", flush=True)
    sys.stdin.readline()
    os._exit(0)


def dies():
    exporting()
    emit("main", 7)
    flush()
    os._exit(5)


def nothing():
    exporting()


def daemons():
    """Threads go on making spans for as long as the interpreter lets them."""
    exporting()
    emit("main", 7)

    def work(index):
        for i in itertools.count():
            emit(f"daemon{index}-{i}", 1)

    for index in range(4):
        threading.Thread(target=work, args=(index,), daemon=True).start()
    time.sleep(0.3)


def at_exit():
    """Handlers run last in, first out: `early` after the provider's own, `late` before it."""
    atexit.register(emit, "early", 3)
    exporting()
    atexit.register(emit, "late", 3)
    emit("main", 3)


def after_end():
    """A provider that nobody shuts down; its spans are made after everything of ours has ended."""
    provider = TracerProvider(shutdown_on_exit=False)
    atexit.unregister(_outlet()._end)
    atexit.register(emit, "last", 3)
    atexit.register(_outlet()._end)
    provider.add_span_processor(VectorSpanProcessor())
    trace.set_tracer_provider(provider)
    emit("main", 3)


def _outlet():
    from otel_vector.exporter import outlet

    return outlet


def shut_down():
    provider = exporting()
    emit("main", 3)
    provider.shutdown()
    provider.shutdown()
    emit("late", 3)


def two_providers():
    first, second = TracerProvider(), TracerProvider()
    for provider in (first, second):
        provider.add_span_processor(VectorSpanProcessor())
    for who, provider in (("first", first), ("second", second)):
        trace._TRACER_PROVIDER = provider
        emit(who, 3)
    first.shutdown()
    emit("again", 3)


def one_of_two():
    """Shut one of two exporters of a destination down, then end without any handler."""
    first, _ = VectorSpanExporter(), VectorSpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(first))
    trace.set_tracer_provider(provider)
    emit("main", 7)
    provider.shutdown()
    os.kill(os.getpid(), signal.SIGTERM)


def in_thread():
    def work():
        exporting()
        emit("thread", 7)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def batched():
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(VectorSpanExporter()))
    trace.set_tracer_provider(provider)
    emit("main", 7)


def handlers():
    """A signal handler makes spans wherever the main thread happens to be, also within ours."""
    exporting()
    tracer = trace.get_tracer("programs")
    made = itertools.count()

    def handle(*_):
        tracer.start_span(f"handler{next(made)}-0").end()
        signal.setitimer(signal.ITIMER_REAL, 0.0003)

    signal.signal(signal.SIGALRM, handle)
    handle()
    for i in range(300):
        emit(f"main{i}", 10)
        time.sleep(0.001)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    print(next(made))


def timed():
    """Say how long making spans took at most, with a collector that is in whatever state."""
    exporting()
    tracer = trace.get_tracer("programs")
    longest, began = 0.0, time.perf_counter()
    for i in range(20_000):
        at = time.perf_counter()
        tracer.start_span(f"main-{i}").end()
        longest = max(longest, time.perf_counter() - at)
    print((time.perf_counter() - began) / 20_000, longest, flush=True)


def many():
    """Offer 200,000 spans while the collector is away, and say what became of them."""
    provider = exporting()
    (processor,) = provider._active_span_processor._span_processors
    emit("first", 1)
    assert not provider.force_flush(30_000)
    before = _rss()
    tracer = trace.get_tracer("programs")
    for _ in range(200_000):
        tracer.start_span("many").end()
    grown = _rss() - before
    assert not provider.force_flush(60_000)
    dropped = processor.outlet.tally.all_dropped()
    print(grown, sum(dropped.values()), sorted({reason for reason, _ in dropped}))


def _rss():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def steps():
    """Make spans, a line of the input each, so that a test can do something in between."""
    provider = exporting()
    for step in itertools.count():
        emit(f"step{step}", 3)
        print(provider.force_flush(20_000), flush=True)
        if not sys.stdin.readline().strip():
            print(step + 1)
            return


if __name__ == "__main__":
    globals()[sys.argv[1]]()
