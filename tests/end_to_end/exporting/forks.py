"""Programs that fork in all the ways there are; the argument says which."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time

from emitting import emit, exporting, flush
from opentelemetry import trace

METHOD = os.environ.get("METHOD", "fork")


def child(who, n=3):
    """Work of a child: under spawn and forkserver nothing was set up before."""
    if METHOD != "fork" and not _is_exporting():
        exporting()
    emit(who, n)
    return who


def _is_exporting():
    return hasattr(trace.get_tracer_provider(), "force_flush")


def processes():
    exporting()
    context = multiprocessing.get_context(METHOD)
    emit("before", 3)
    children = [context.Process(target=child, args=(f"child{i}",)) for i in range(3)]
    for process in children:
        process.start()
    emit("during", 3)
    for process in children:
        process.join()
        assert process.exitcode == 0
    emit("after", 3)


def pool():
    exporting()
    emit("before", 3)
    with multiprocessing.get_context(METHOD).Pool(2) as workers:
        workers.map(child, [f"task{i}" for i in range(8)], chunksize=1)
        emit("during", 3)
        workers.close()
        workers.join()
    emit("after", 3)


def executor():
    from concurrent.futures import ProcessPoolExecutor

    exporting()
    emit("before", 3)
    with ProcessPoolExecutor(2, multiprocessing.get_context(METHOD)) as workers:
        assert len(list(workers.map(child, [f"task{i}" for i in range(8)]))) == 8
    emit("after", 3)


def only_children():
    """The parent has no exporter at all; each child makes its own."""
    context = multiprocessing.get_context(METHOD)
    children = [context.Process(target=alone, args=(f"child{i}",)) for i in range(3)]
    for process in children:
        process.start()
    for process in children:
        process.join()


def alone(who):
    exporting()
    emit(who, 3)


def silent_parent():
    """The parent has an exporter and never made a span."""
    exporting()
    processes = [multiprocessing.Process(target=emit, args=(f"child{i}", 3)) for i in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


def ending(how):
    emit(how, 3)
    if how == "exits":
        sys.exit(3)
    if how == "fails":
        raise SystemError("as planned")
    if how == "dies":
        flush()
        os._exit(7)


def ends():
    exporting()
    hows = {"returns": 0, "exits": 3, "fails": 1, "dies": 7}
    context = multiprocessing.get_context("fork")
    children = {how: context.Process(target=ending, args=(how,)) for how in hows}
    for process in children.values():
        process.start()
    for how, process in children.items():
        process.join()
        assert process.exitcode == hows[how], (how, process.exitcode)


def forked(work):
    """Fork by hand; the child ends as `python` would, with `atexit`."""
    pid = os.fork()
    if pid == 0:
        work()
        sys.exit()
    return pid


def waited(pid):
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def raw():
    exporting()
    emit("before", 3)
    pid = forked(lambda: emit("child", 3))
    emit("during", 3)
    waited(pid)
    emit("after", 3)


def nested():
    exporting()
    emit("parent", 3)

    def grandchild():
        emit("grandchild", 3)
        waited(forked(lambda: emit("great", 3)))

    def one_child():
        emit("child", 3)
        waited(forked(grandchild))
        emit("later", 3)

    waited(forked(one_child))


def from_thread():
    exporting()
    emit("parent", 3)

    def work():
        pid = os.fork()
        if pid == 0:
            emit("child", 3)
            flush()
            os._exit(0)
        waited(pid)
        emit("thread", 3)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def busy():
    """Fork again and again while threads of the parent make spans and its exporter works."""
    exporting()
    stopped = threading.Event()
    made = [0, 0]

    def stream(index):
        while not stopped.is_set():
            emit(f"stream{index}-{made[index]}", 10)
            made[index] += 1
            time.sleep(0.01)

    threads = [threading.Thread(target=stream, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for number in range(50):
        pid = os.fork()
        if pid == 0:
            emit(f"child{number}", 3)
            if number % 2:
                flush()
                os._exit(0)
            stopped.set()  # there is none of the threads in here
            os._exit(0 if trace.get_tracer_provider().force_flush(30_000) else 1)
        waited(pid)
    stopped.set()
    for thread in threads:
        thread.join()
    flush()
    print(*made)


def programs():
    """Start programs in all the ways, with what is spawned seeing no descriptor of ours."""
    exporting()
    emit("before", 3)
    flush()
    listing = [sys.executable, "-c", _LISTING]
    ways = [{}, {"close_fds": False}, {"preexec_fn": os.getpgrp}, {"start_new_session": True}]
    for way in ways:
        done = subprocess.run(listing, capture_output=True, text=True, check=True, **way)
        print(done.stdout)
    pid = os.posix_spawn(sys.executable, listing, os.environ)
    waited(pid)
    emit("after", 3)


_LISTING = """
import os
found = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{n}")]
print([place for place in found if "spool" in place or "lock" in place])
"""


def orphan():
    """The parent, which sends, is killed; its child lives on and sends what is left."""
    exporting()
    emit("parent", 3)
    flush()
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        os.read(reading, 1)
        emit("child", 3)
        flush()
        print("done", flush=True)
        os._exit(0)
    os.kill(os.getpid(), 9)


def silent_orphan():
    """The parent is killed with spans on disk, and its child does nothing at all."""
    provider = exporting()
    emit("parent", 3)
    assert not provider.force_flush(30_000)
    if os.fork() == 0:
        print("done", flush=True)
        sys.stdin.readline()
        os._exit(0)
    sys.stdin.readline()
    os.kill(os.getpid(), 9)


def steps():
    """Make spans for each line of the input, until killed."""
    exporting()
    for number, _ in enumerate(sys.stdin):
        who = f"{sys.argv[2]}-{number}"
        emit(who, 3)
        flush()
        print(who, flush=True)


def next_one():
    exporting()
    emit("next", 3)
    flush()


def embedded():
    """Forked children of a program with a store of its own put into its inbox."""
    provider = exporting(path="store")
    (processor,) = provider._active_span_processor._span_processors
    emit("before", 3)
    for number in range(3):
        waited(forked(lambda who=f"child{number}": emit(who, 3)))
    children = [multiprocessing.Process(target=emit, args=(f"more{i}", 3)) for i in range(3)]
    for process in children:
        process.start()
    for process in children:
        process.join()
    emit("after", 3)
    flush()
    print(processor.outlet.engine.services.stats.answer("default").size.spans)


def hanging():
    """Fork while a request hangs, and say how long a fork took at most."""
    exporting()
    emit("parent", 3)
    time.sleep(1)
    longest = 0.0
    for number in range(5):
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            emit(f"child{number}", 3)
            trace.get_tracer_provider().force_flush(1_000)
            os._exit(0)
        longest = max(longest, time.monotonic() - began)
        waited(pid)
    emit("after", 3)
    print(longest)


def hanging_on():
    """Fork again and again while requests hang, and say how long a fork took at most.

    The child of a parent that has ended does it too, with the gRPC that it inherited.
    """
    exporting()
    emit("parent", 3)
    time.sleep(0.5)
    _forking_on()
    if os.fork() == 0:
        emit("child", 3)
        time.sleep(2)  # until it is the one that sends
        _forking_on()
    os._exit(0)


def _forking_on():
    longest = 0.0
    for number in range(20):
        began = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        longest = max(longest, time.monotonic() - began)
        waited(pid)
        time.sleep((0, 0.01, 0.06, 0.1, 0.2)[number % 5])
    print(longest, flush=True)


def stalled():
    """Fork while the disk does not answer for longer than a fork may wait."""
    from otel_vector.inbox.forking import GATE

    exporting()
    emit("parent", 3)
    flush()
    inside = threading.Event()

    def work():
        with GATE:
            inside.set()
            time.sleep(5)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait()
    waited(forked(lambda: emit("child", 3)))
    thread.join()
    emit("after", 3)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
