"""Two web services that know nothing of us: their spans, logs and own functions are stored."""

import json

import pytest
from example_programs import CLIENT, SERVER, STORED_S, Workplace, asked, settled, stored, terminals
from serving import Served, cli, eventually

CATALOG, LOANS, CUSTOMERS, QUESTION = terminals("web")
SPANS = 43
FUNCTIONS = {
    "loans/lending.desk.Desk.lend",
    "loans/lending.desk.Desk.check_limit",
    "loans/lending.desk.Desk.bring_back",
    "loans/lending.desk.Desk.days_of",
    "loans/lending.fees.fee_cents",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    collector = Served(tmp_path_factory.mktemp("collector"))
    collector.start()
    yield collector
    collector.end()


@pytest.fixture(scope="module")
def place(tmp_path_factory, served):
    return Workplace(tmp_path_factory.mktemp("place"), served)


def visited(place, by="vector", **settings):
    """Run both services, sending by these exporters, and their customers; return their answers."""
    ports = place.own_port(8001), place.own_port(8002)
    catalog, loans = (
        command.replace("OTEL_TRACES_EXPORTER=vector", f"OTEL_TRACES_EXPORTER={by}")
        for command in (CATALOG, LOANS)
    )
    with (
        place.running(catalog, ports[0], **settings),
        place.running(loans, ports[1], **settings),
    ):
        return place.run(CUSTOMERS)


@pytest.fixture(scope="module")
def answers(place, served):
    said = visited(place)
    settled(served, SPANS)
    return said


@pytest.fixture(scope="module")
def spans(answers, served):
    return stored(served)


def test_customers_are_served_as_without_us(answers):
    assert answers.count('"due_in_days":28') == 2
    assert "has 2 books already" in answers
    assert "no copy of b-3 is on the shelf" in answers
    assert '"cents":180' in answers


def test_a_request_is_one_trace_across_both_processes(spans):
    assert len(spans) == SPANS
    by_id = {span.span_id: span for span in spans}
    updates = [span for span in spans if span.name == "UPDATE"]
    assert len(updates) == 3
    for update in updates:
        chain = []
        span = update
        while span is not None:
            chain.append((span.service, span.kind))
            span = by_id.get(span.parent_id)
        expected = [("catalog", CLIENT), ("catalog", SERVER), ("loans", CLIENT), ("loans", SERVER)]
        assert chain == expected


def test_their_own_functions_have_spans_with_what_they_were_given(spans):
    lent = [s for s in spans if s.scope == "otel_vector" and s.name == "Desk.lend"]
    assert [(s.inputs["reader"], s.inputs["book"]) for s in lent] == [
        ("ada", "b-1"), ("ada", "b-2"), ("ada", "b-1"), ("grace", "b-3"),
    ]  # fmt: skip
    assert lent[0].attributes["code.function.name"] == "lending.desk.Desk.lend"
    (refused,) = [s for s in lent if s.is_error]
    assert refused.attributes["otel_vector.error.code"] == "NotLentError"


def test_the_definitions_of_these_functions_are_found_by_what_they_do(answers, served):
    listed = asked(served, "/v1/records/functions")
    assert {record["key"] for record in listed["records"]} == FUNCTIONS
    found = cli(served, "search", "what does being late cost", "--over", "records", "--json").json
    assert found["records"][0]["key"] == "loans/lending.fees.fee_cents"


def test_their_log_records_are_stored_with_the_trace_that_they_belong_to(spans, served):
    found = cli(
        served, "search", "--flat", "--over", "logs", "--filter", "severity>=warn", "--json"
    )
    (record,) = found.json["spans"]
    assert record["body"].startswith("b-1 was not lent to ada")
    assert record["trace_id"] in {span.trace_id for span in spans}


def test_the_question_of_the_readme_finds_the_refused_reader_first(answers, place):
    eventually(lambda: not found_by(QUESTION, place)["pending"], within_s=STORED_S)
    first, *_ = found_by(QUESTION, place)["groups"]
    assert "must bring one back" in first["meaning"]["text"]
    assert "must bring one back" in place.run(QUESTION)


def found_by(question, place):
    return json.loads(place.run(f"{question.strip()} --json"))


def test_another_otlp_receiver_gets_the_same_spans_beside_ours(tmp_path_factory):
    first, other = (Served(tmp_path_factory.mktemp(name)) for name in ("first", "other"))
    try:
        first.start()
        other.start()
        place = Workplace(tmp_path_factory.mktemp("beside"), first)
        visited(
            place,
            by="otlp,vector",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{other.endpoints['otlp_grpc']}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
        )
        settled(first, SPANS)
        settled(other, SPANS)
        assert ids(first) == ids(other)
    finally:
        first.end()
        other.end()


def ids(served):
    listed = cli(served, "search", "--flat", "--limit", "1000", "--json").json["spans"]
    return sorted(span["id"] for span in listed)
