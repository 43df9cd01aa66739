"""An application that makes spans until it is killed, and says up to which they are on disk."""

import itertools
import os
import signal
import sys

from opentelemetry.sdk.trace import TracerProvider

from otel_vector import VectorSpanProcessor

provider = TracerProvider()
provider.add_span_processor(VectorSpanProcessor())
tracer = provider.get_tracer("crash")


def make(who, numbers):
    for number in numbers:
        tracer.start_span(f"{who}-{number}").end()


def stream(who, size):
    """Flush after every few spans: whether it arrives or not, it is on disk then."""
    for first in itertools.count(step=size):
        make(who, range(first, first + size))
        provider.force_flush(20_000)
        print(first + size, flush=True)


def fork(who, size):
    """The same in a forked child, which dies together with its parent, or before it."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        stream(f"{who}-child", size)
    os.close(writing)
    os.read(reading, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def drain(who, size):
    """Make one span and see that it, and all that waits, arrives."""
    make(who, range(size))
    print(provider.force_flush(20_000), flush=True)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
