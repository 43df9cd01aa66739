"""Whatever forks, and in whichever way: each span of each process arrives, once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc
import pytest
from support.applications import Application, collecting, free_port, names

PROGRAM = Path(__file__).parent / "exporting" / "forks.py"
THREE = {"before": 3, "after": 3}


@pytest.fixture(scope="module")
def collector(tmp_path_factory):
    with collecting(tmp_path_factory.mktemp("collector")) as found:
        yield found


@pytest.fixture(params=["grpc", "http/protobuf"])
def application(request, tmp_path, collector):
    return made(request, tmp_path, collector, request.param)


@pytest.fixture
def one_application(request, tmp_path, collector):
    return made(request, tmp_path, collector, "grpc")


def made(request, folder, collector, protocol):
    endpoint = collector.grpc if protocol == "grpc" else collector.http
    return Application(
        PROGRAM, folder, endpoint, request.node.name, OTEL_VECTOR_EXPORTER_PROTOCOL=protocol
    )


def ran(application, *arguments, **settings):
    ended = application.run(*arguments, **settings)
    assert ended.code == 0, ended.err
    assert "dropped" not in ended.err, ended.err
    return ended


def holds(collector, application, expected):
    collector.holds(application.service, expected)


METHODS = pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])


@METHODS
def test_spans_of_processes_and_of_their_parent_arrive(collector, one_application, method):
    ran(one_application, "processes", METHOD=method)
    children = {f"child{i}": 3 for i in range(3)}
    holds(collector, one_application, names(**THREE, during=3, **children))


@METHODS
def test_spans_of_the_workers_of_a_pool_arrive(collector, one_application, method):
    ran(one_application, "pool", METHOD=method)
    tasks = {f"task{i}": 3 for i in range(8)}
    holds(collector, one_application, names(**THREE, during=3, **tasks))


@METHODS
def test_spans_of_the_workers_of_an_executor_arrive(collector, one_application, method):
    ran(one_application, "executor", METHOD=method)
    holds(collector, one_application, names(**THREE, **{f"task{i}": 3 for i in range(8)}))


@METHODS
def test_spans_of_children_whose_parent_exports_nothing_arrive(collector, one_application, method):
    ran(one_application, "only_children", METHOD=method)
    holds(collector, one_application, names(**{f"child{i}": 3 for i in range(3)}))


def test_spans_of_children_of_a_parent_that_never_made_one_arrive(collector, application):
    ran(application, "silent_parent")
    holds(collector, application, names(**{f"child{i}": 3 for i in range(3)}))


def test_spans_of_children_arrive_however_they_end(collector, one_application):
    ran(one_application, "ends")
    holds(collector, one_application, names(returns=3, exits=3, fails=3, dies=3))


def test_spans_of_a_fork_made_by_hand_arrive(collector, application):
    ran(application, "raw")
    holds(collector, application, names(**THREE, during=3, child=3))


def test_spans_of_forks_of_forks_arrive(collector, application):
    ran(application, "nested")
    holds(collector, application, names(parent=3, child=3, grandchild=3, great=3, later=3))


def test_spans_of_a_fork_made_in_a_thread_arrive(collector, application):
    ran(application, "from_thread")
    holds(collector, application, names(parent=3, child=3, thread=3))


def test_a_busy_exporter_is_forked_fifty_times_without_a_hang_or_a_loss(collector, application):
    ended = ran(application, "busy")
    expected = names(**{f"child{i}": 3 for i in range(50)})
    for index, rounds in enumerate(map(int, ended.out.split())):
        expected += names(**{f"stream{index}-{turn}": 10 for turn in range(rounds)})
    holds(collector, application, expected)


def test_started_programs_inherit_nothing_of_the_exporter(collector, application):
    ended = ran(application, "programs")
    assert Counter(ended.out.split()) == Counter({"[]": 5})
    holds(collector, application, names(**THREE))


def test_a_child_sends_once_the_parent_that_sent_is_killed(collector, application):
    with application.start("orphan") as process:
        assert process.stdout.readline() == "done\n"
        assert process.wait(30) == -9
    holds(collector, application, names(parent=3, child=3))


def test_a_child_that_lives_on_holds_no_lock_of_a_parent_that_was_killed(
    request, tmp_path, collector
):
    application = made(request, tmp_path, collector, "grpc")
    application.point_to(f"127.0.0.1:{free_port()}")
    with application.start("silent_orphan") as process:
        assert process.stdout.readline() == "done\n"
        process.kill()
        assert process.wait(30) == -9
        application.point_to(collector.grpc)
        ran(application, "next_one")
        holds(collector, application, names(parent=3, next=3))
        process.stdin.close()


def test_of_several_processes_another_sends_when_the_one_that_did_is_killed(
    request, tmp_path, collector
):
    application = made(request, tmp_path, collector, "grpc")
    with ExitStack() as running:
        processes = [running.enter_context(application.start("steps", f"p{i}")) for i in range(4)]
        expected = Counter()
        for _ in range(4):
            for process in processes:
                process.stdin.write("on\n")
                process.stdin.flush()
                expected += names(**{process.stdout.readline().strip(): 3})
            processes.pop(0).kill()  # the first one that was started has the lock
        holds(collector, application, expected)


def test_children_of_a_program_with_a_store_of_its_own_put_into_it(tmp_path):
    application = Application(PROGRAM, tmp_path, "127.0.0.1:1", "embedded")
    assert ran(application, "embedded").out.split() == ["24"]


@contextmanager
def hanging_collector():
    """A gRPC server that takes requests and never answers."""
    released = threading.Event()

    class Handler(grpc.GenericRpcHandler):
        def service(self, _):
            return grpc.unary_unary_rpc_method_handler(lambda *_: released.wait(60) and b"")

    server = grpc.server(ThreadPoolExecutor(32), handlers=(Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        released.set()
        server.stop(0).wait()


def test_a_fork_does_not_wait_for_a_request_that_hangs(request, tmp_path, collector):
    application = made(request, tmp_path, collector, "grpc")
    with hanging_collector() as address:
        application.point_to(address)
        ended = ran(application, "hanging", OTEL_VECTOR_EXPORTER_SHUTDOWN_S="1")
    assert float(ended.out) < 1.0
    assert "fork" not in ended.err, ended.err  # gRPC would say so if a thread were within it
    application.point_to(collector.grpc)
    ran(application, "next_one")
    children = {f"child{i}": 3 for i in range(5)}
    holds(collector, application, names(parent=3, after=3, next=3, **children))


@pytest.mark.parametrize("support", [{}, {"GRPC_ENABLE_FORK_SUPPORT": "1"}], ids=["", "grpc"])
def test_any_number_of_forks_go_on_while_requests_hang(request, tmp_path, collector, support):
    application = made(request, tmp_path, collector, "grpc")
    with hanging_collector() as address:
        application.point_to(address)
        ended = ran(application, "hanging_on", **support)
    parent, child = map(float, ended.out.split())
    assert parent < 1.0
    assert child < 1.0
    application.point_to(collector.grpc)
    ran(application, "next_one")
    holds(collector, application, names(parent=3, child=3, next=3))


def test_a_child_of_a_disk_that_does_not_answer_goes_on_without_its_spans(
    collector, one_application
):
    ended = one_application.run("stalled")
    assert ended.code == 0, ended.err
    assert "forked while the disk did not answer" in ended.err
    assert "3 items were dropped: 3 for disk" in ended.err
    holds(collector, one_application, names(parent=3, after=3))
