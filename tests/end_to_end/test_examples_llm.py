"""An agent on the real `openai` client: its conversations are stored and found by meaning."""

import json

import pytest
from example_programs import Workplace, exported, settled, stored, terminals
from serving import Served

MODEL, AGENT, QUESTION = terminals("llm")
CHATS, EMBEDDINGS, CONVERSATIONS, TOOLS = 9, 1, 5, 4


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
def said(place, served):
    """Let the agent answer; return what it printed."""
    port = place.own_port(8399)
    with place.running(MODEL, port):
        told = place.run(AGENT)
    settled(served, CHATS + EMBEDDINGS + CONVERSATIONS + TOOLS)
    return told


@pytest.fixture(scope="module")
def spans(said, served):
    return stored(served)


def of(spans, operation):
    return [s for s in spans if s.attributes.get("gen_ai.operation.name") == operation]


def test_the_agent_answers_with_its_tools_and_its_book_of_rules(said):
    assert "Trains to Lisbon leave at 07:12" in said
    assert "The fare of 89.00 EUR is on its way back" in said
    assert "A bicycle may come along on every night train" in said
    assert "refund refused: no ticket T-9999 was ever sold" in said


def test_each_request_is_a_span_with_its_messages_whole_or_streamed(spans):
    chats = of(spans, "chat")
    assert len(chats) == CHATS
    assert len(of(spans, "embeddings")) == EMBEDDINGS
    for chat in chats:
        found = chat.attributes
        assert found["gen_ai.request.model"] == "scripted-travel-1"
        assert found["gen_ai.usage.input_tokens"] > 0
        assert json.loads(found["gen_ai.input.messages"])
        (output,) = json.loads(found["gen_ai.output.messages"])
        assert output["parts"]


def test_each_request_is_a_log_event_too_with_the_same_messages(spans, served):
    records = [record for _, _, record in exported(served, "logs")]
    events = [r for r in records if r.get("eventName", "").startswith("gen_ai.")]
    assert len(events) == CHATS
    assert {event["spanId"] for event in events} == {chat.span_id for chat in of(spans, "chat")}
    assert "T-4711" in json.dumps(events)


def test_tools_and_answers_are_spans_of_one_conversation_each(spans):
    answers = [span for span in spans if span.name == "answer"]
    ids = {span.attributes["gen_ai.conversation.id"] for span in answers}
    assert ids == {f"passenger-{n}" for n in range(1, CONVERSATIONS + 1)}
    tools = [s for s in spans if s.name in {"refund_ticket", "find_connections", "read_rules"}]
    assert len(tools) == TOOLS
    (refused,) = [tool for tool in tools if tool.is_error]
    assert refused.inputs == {"ticket": "T-9999"}
    assert refused.attributes["otel_vector.error.code"] == "RefundRefusedError"
    traces = {span.trace_id for span in answers}
    assert {s.trace_id for s in [*tools, *of(spans, "chat")]} == traces


def test_the_question_of_the_readme_finds_the_conversation_by_meaning(said, place):
    assert "my money back" in place.run(QUESTION)
