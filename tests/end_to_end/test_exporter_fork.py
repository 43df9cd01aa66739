"""Whatever forks, and in whichever way: each span of each process arrives, once."""

from collections import Counter
from pathlib import Path

import pytest
from support.applications import Application, collecting, names

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
