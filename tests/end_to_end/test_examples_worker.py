"""An asyncio worker: streams, retries and failures are spans with what they are about."""

import json

import pytest
from example_programs import Workplace, asked, settled, stored, terminals
from serving import Served, cli

WORKER, QUESTIONS = terminals("worker")
LETTERS = 4


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    collector = Served(tmp_path_factory.mktemp("collector"))
    collector.start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def place(tmp_path_factory, served):
    return Workplace(tmp_path_factory.mktemp("place"), served)


@pytest.fixture(scope="module")
def spans(place, served):
    place.run(WORKER)
    settled(served, LETTERS)
    return stored(served)


def named(spans, name):
    return [span for span in spans if span.name == name]


def test_each_letter_is_a_trace_of_its_own(spans):
    letters = named(spans, "PostOffice.deliver")
    assert len({span.trace_id for span in letters}) == len(letters) == LETTERS
    readers = {span.attributes["otel_vector.argument.reader"] for span in letters}
    assert readers == {"Ada", "Grace", "Charles", "Alan"}
    assert {span.parent_id for span in letters} == {""}
    assert {span.trace_id for span in spans} == {span.trace_id for span in letters}


def test_a_stream_is_one_span_with_all_that_it_gave(spans):
    streams = named(spans, "typeset")
    given = {span.attributes["output.value"] for span in streams}
    assert any("Your loom was repaired." in text and "Please collect it" in text for text in given)
    names = {span.span_id: span.name for span in spans}
    assert {names[span.parent_id] for span in streams} == {"PostOffice.send"}


def test_each_attempt_is_a_span_with_the_code_of_its_failure(spans):
    attempts = named(spans, "PostOffice.send")
    assert len(attempts) > LETTERS
    codes = {span.attributes.get("otel_vector.error.code") for span in attempts}
    assert codes == {None, "PRINTER_BUSY", "ADDRESS_UNKNOWN"}
    (given_up,) = [span for span in named(spans, "PostOffice.deliver") if span.is_error]
    assert given_up.attributes["otel_vector.argument.reader"] == "Charles"


def test_spans_carry_their_arguments_and_the_tags_of_the_decorator_and_of_the_run(spans):
    for span in named(spans, "PostOffice.send"):
        assert set(span.inputs) == {"reader", "text"}
        assert span.attributes["otel_vector.tag.team"] == "mail-room"
        assert span.attributes["otel_vector.tag.run_id"] == "monday"


def test_the_function_is_known_by_its_description(spans, served):
    key = "post-office/__main__.PostOffice.send"
    body = asked(served, f"/v1/records/functions/{key}")
    assert "Prints a letter and sends it to its reader." in json.dumps(body)


def test_the_questions_of_the_readme_find_what_failed(spans, place, served):
    assert "no address of Charles is known" in place.run(QUESTIONS)
    found = cli(
        served, "search", "--flat", "--filter", "otel_vector.error.code:PRINTER_BUSY", "--json"
    )
    assert found.json["spans"]
