"""One call sets a process up; what it writes is found by what it asks next."""

import subprocess

import pytest
from serving import COMMAND, Served, environment, eventually
from setting_up import place_of, programs_in


@pytest.fixture
def run(tmp_path):
    return programs_in(tmp_path)


@pytest.fixture(params=["embedded", "collector"])
def settings(request, tmp_path):
    with place_of(request.param, tmp_path) as found:
        yield found


def test_each_call_is_found_by_the_search_that_follows_it(run, settings):
    assert run(
        """
        initialize_database()
        for n in range(20):
            add(n, 1)
            (found,) = search_executions(limit=1)
            print(found["a"])
        print(len(search_executions(limit=100, filters={"function_name": "add"})))
        """,
        **settings,
    ) == [*map(str, range(20)), "20"]


def test_a_changed_function_is_found_as_it_is_now(run, settings):
    program = """
        initialize_database()
        @vectorize("{about}")
        def greet(): ...
        (found,) = search_functions("greet somebody", limit=1, filters={{"function_name": "greet"}})
        print(found["properties"]["search_description"])
        """
    assert run(program.format(about="says hello"), **settings) == ["says hello"]
    assert run(program.format(about="says good morning"), **settings) == ["says good morning"]


def test_setting_up_twice_sends_each_span_once(run, settings):
    assert run(
        """
        first = initialize_database()
        assert initialize_database() is first
        processors = trace.get_tracer_provider()._active_span_processor._span_processors
        print(len(processors))
        add(1, 2)
        print(len(search_executions()))
        """,
        **settings,
    ) == ["1", "1"]


def test_a_provider_that_is_there_is_used_and_so_is_its_processor(run, settings):
    assert run(
        """
        provider = TracerProvider()
        provider.add_span_processor(VectorSpanProcessor())
        trace.set_tracer_provider(provider)
        initialize_database()
        print(trace.get_tracer_provider() is provider)
        print(len(provider._active_span_processor._span_processors))
        add(1, 2)
        print(len(search_executions()))
        """,
        **settings,
    ) == ["True", "1", "1"]


def test_a_search_needs_no_set_up_where_spans_are_sent_already(run, settings):
    assert run(
        """
        provider = TracerProvider()
        provider.add_span_processor(VectorSpanProcessor())
        trace.set_tracer_provider(provider)
        add(1, 2)
        print(len(search_executions()), len(search_functions("adding")))
        """,
        **settings,
    ) == ["1 1"]


def test_searching_makes_no_spans_of_its_own(run, settings):
    assert run(
        """
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        HTTPXClientInstrumentor().instrument()
        initialize_database()
        add(1, 2)
        search_functions("adding")
        search_executions(query="adding")
        print([row["function_name"] for row in search_executions()])
        """,
        **settings,
    ) == ["['add']"]


def test_errors_are_found_by_what_they_say(run, settings):
    assert run(
        """
        initialize_database()
        for a, b in ((1, "2"), ([], {}), (1, 2)):
            try:
                add(a, b)
            except TypeError:
                pass
        found = search_errors_by_message("unsupported operand", limit=5)
        print(len(found), {row["error_code"] for row in found}, found[0]["error_message"])
        """,
        **settings,
    )[0].startswith("2 {'TypeError'} ")


def test_all_arguments_are_in_a_row_and_filtered_by(run, settings):
    assert run(
        """
        from otel_vector import trace_span
        initialize_database()
        @trace_span(capture_inputs=True)
        def order(number, items, status="new"): ...
        order("A-1", {"cake": 2})
        order("A-2", {"tea": 1}, status="old")
        (row,) = search_executions(filters={"number": "A-2"})
        print(row["number"], row["items"], row["status"], row["service_name"])
        (same,) = search_executions(filters={"trace_id": row["trace_id"].upper()})
        print(same == row, len(search_executions(filters={"number__like": "A-*"})))
        """,
        **settings,
    ) == ["A-2 {'tea': 1} SUCCESS shop", "True 2"]


@pytest.mark.parametrize(
    "call", ["search_functions(None)", "search_errors_by_message(3)", "search_executions(query=3)"]
)
def test_a_query_that_is_no_text_is_refused(run, tmp_path, call):
    (said,) = run(
        f"""
        try:
            {call}
        except OtelVectorError as error:
            print(type(error).__name__, error)
        """,
        exporter_spool=tmp_path / "spool",
    )
    assert said.startswith("InvalidInputError query is a text")


def test_a_database_says_where_it_is_and_no_secret(run, tmp_path):
    url = "http://me:hunter2@127.0.0.1:1/x?key=hunter3"
    assert run(
        """
        from otel_vector.instrument.setup import database
        with_store = initialize_database(path="here", api_key="hunter4")
        print(with_store)
        with_store.close()
        print(with_store)
        print(database())
        """,
        exporter_spool=tmp_path / "spool",
        client_url=url,
    ) == [
        "Database(path='here')",
        "Database(path='here', closed)",
        "Database(client_url='http://127.0.0.1:1/x')",
    ]


def test_runs_of_the_callers_own_kind_are_found(run, settings):
    assert run(
        """
        from otel_vector.instrument.run_kinds import run_kind
        initialize_database()
        with run_kind("test"):
            add(1, 2)
            print([row["exec_source"] for row in search_executions()])
        print(search_executions(), len(search_executions(filters={"exec_source": "TEST"})))
        """,
        **settings,
    ) == ["['TEST']", "[] 1"]


def test_what_is_closed_can_be_set_up_again(run, settings):
    assert run(
        """
        first = initialize_database()
        add(1, 2)
        print(first.flush())
        first.close()
        first.close()
        second = initialize_database()
        print(second is first)
        add(3, 4)
        print([row["a"] for row in search_executions()])
        """,
        **settings,
    ) == ["True", "False", "[3, 1]"]


def test_a_collector_that_is_not_there_is_told_at_once(run, tmp_path):
    (said,) = run(
        """
        try:
            initialize_database(client_url="http://127.0.0.1:9")
        except OtelVectorError as error:
            print(error)
        """,
        exporter_spool=tmp_path / "spool",
    )
    assert "http://127.0.0.1:9" in said
    assert "cannot be reached" in said


def test_a_key_that_is_none_is_told_and_one_that_only_stores_is_enough(run, tmp_path):
    served = Served(tmp_path)
    served.start()
    try:
        made = subprocess.run(
            [*COMMAND, "keys", "create", "app", "--role", "ingest", "--data", str(served.data)],
            capture_output=True, text=True, env=environment(), cwd=tmp_path, check=True,
        )  # fmt: skip
        key = made.stdout.strip()
        program = """
            try:
                print(type(initialize_database()).__name__)
            except OtelVectorError as error:
                print(type(error).__name__)
            """
        url = {"client_url": f"http://{served.endpoints['api']}", "exporter_spool": tmp_path / "s"}
        eventually(lambda: run(program, api_key="ov_wrong", **url) == ["UnauthenticatedError"])
        assert run(program, api_key=key, **url) == ["Database"]
    finally:
        served.end()


def test_a_store_that_is_open_elsewhere_names_the_other_process(run, tmp_path):
    said = run(
        """
        import os, subprocess, sys
        initialize_database()
        text = "import otel_vector\\n"
        text += "try:\\n    otel_vector.initialize_database()\\n"
        text += "except otel_vector.OtelVectorError as error:\\n    print(error)\\n"
        print(os.getpid())
        print(subprocess.run([sys.executable, "-c", text], capture_output=True, text=True).stdout)
        """,
        exporter_path=tmp_path / "store",
    )
    assert said[0] in said[1]


def test_a_forked_child_of_an_embedded_store_is_told_where_to_search(run, tmp_path):
    said = run(
        """
        import os
        initialize_database()
        add(1, 2)
        search_executions()
        child = os.fork()
        if not child:
            try:
                search_executions()
            except OtelVectorError as error:
                print(error, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        """,
        exporter_path=tmp_path / "store",
    )
    assert "is not open in this process" in said[0]


def test_a_store_whose_libraries_are_missing_leaves_no_folder(run, tmp_path):
    (said,) = run(
        """
        import importlib.machinery, sys
        class Missing(importlib.machinery.PathFinder):
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                return None if name == "qdrant_edge" else super().find_spec(name, path, target)
        sys.meta_path[:] = [Missing]
        try:
            initialize_database()
        except OtelVectorError as error:
            print(error)
        """,
        exporter_path=tmp_path / "store",
    )
    assert "install otel-vector[engine]" in said
    assert not (tmp_path / "store").exists()


def test_an_unknown_setting_is_told_with_the_nearest_known_one(run, tmp_path):
    (said,) = run(
        """
        try:
            initialize_database(endpint="x")
        except OtelVectorError as error:
            print(error)
        """,
        exporter_path=tmp_path / "store",
    )
    assert "did you mean endpoint" in said
