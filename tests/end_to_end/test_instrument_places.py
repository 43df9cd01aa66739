"""A process writes to one place at a time: where the last call that set it up says."""

import textwrap

import pytest
from setting_up import place_of, programs_in

PLACES = """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(message)s")

def processors():
    return len(trace.get_tracer_provider()._active_span_processor._span_processors)

def found():
    return [row["a"] for row in search_executions()]
"""


@pytest.fixture
def run_places(tmp_path):
    run = programs_in(tmp_path)
    return lambda text, **settings: run(PLACES + textwrap.dedent(text), **settings)


def test_another_store_takes_the_place_of_the_one_before(run_places):
    said = run_places(
        """
        first = initialize_database(path="a")
        add(1, 2)
        initialize_database(path="b")
        add(3, 4)
        print(first, found(), processors())
        initialize_database(path="a")
        print(found(), processors())
        initialize_database(path="./a", queue_items=5000)
        add(5, 6)
        print(found(), processors())
        try:
            first.client
        except OtelVectorError as error:
            print(error)
        """
    )
    assert said[:3] == ["Database(path='a', closed) [3] 1", "[1] 1", "[5, 1] 1"]
    assert "call initialize_database" in said[3]
    assert len(said) == 4


def test_the_store_before_stays_where_another_cannot_be_opened(run_places, tmp_path):
    (tmp_path / "file").write_text("")
    said = run_places(
        """
        first = initialize_database(path="a")
        try:
            initialize_database(path="file")
        except OtelVectorError as error:
            print(type(error).__name__)
        add(1, 2)
        print(first, found(), processors())
        """
    )
    assert said == ["ConfigError", "Database(path='a') [1] 1"]


def test_a_processor_that_the_application_added_stays(run_places):
    assert run_places(
        """
        provider = TracerProvider()
        own = VectorSpanProcessor(path="a")
        provider.add_span_processor(own)
        trace.set_tracer_provider(provider)
        initialize_database(path="a")
        second = initialize_database(path="b")
        add(1, 2)
        print(found(), processors(), own.force_flush())
        print(own.outlet.engine.services.stats.answer("default").size.spans)
        """
    ) == ["[1] 2 True", "1"]


@pytest.mark.parametrize("kind", ["embedded", "collector"])
def test_a_search_before_the_set_up_does_not_keep_spans_away(run_places, tmp_path, kind):
    with place_of(kind, tmp_path) as settings:
        assert run_places(
            """
            print(found())
            initialize_database()
            add(1, 2)
            print(found(), processors())
            """,
            **settings,
        ) == ["[]", "[1] 1"]
