"""A travel desk: an agent that answers passengers with a model, tools and a book of rules.

Nothing in it sends spans. `opentelemetry-instrument` loads the official instrumentation of the
`openai` client, which records each request with its messages; the decorators record the agent's
own functions: who asked what, and which tool was run with which arguments.
"""

import json

from openai import OpenAI
from opentelemetry import trace

from otel_vector import trace_span, vectorize

MODEL = "scripted-travel-1"
EMBEDDING_MODEL = "scripted-embedding-1"
INSTRUCTIONS = "You work at the travel desk of a railway. Look things up before you answer."
QUESTIONS = [
    "How do I get a train to Lisbon tomorrow morning?",
    "My train was cancelled, I want my money back for ticket T-4711.",
    "May I bring my bicycle on the night train?",
    "Please refund ticket T-9999, nobody ever checked it.",
    "Hello, what is it that you can do?",
]
RULES = [
    "A bicycle may come along on every night train, for 9 euros, if a place was booked for it.",
    "Dogs up to the size of a cat travel free of charge in a bag; all others pay half the fare.",
    "Two pieces of luggage are allowed for each passenger, and a pram for a child.",
]
TICKETS = {"T-4711": 8900}

client = OpenAI()  # asks OPENAI_BASE_URL with OPENAI_API_KEY


class RefundRefusedError(Exception):
    """The rules forbid to pay a fare back."""


@trace_span(capture_inputs=True, capture_return_value=True)
def find_connections(destination):
    """Return the trains to a town."""
    return f"Trains to {destination} leave at 07:12 and 09:40 from platform 3."


@trace_span(capture_inputs=True, capture_return_value=True)
def refund_ticket(ticket):
    """Pay the fare of a ticket back."""
    if ticket not in TICKETS:
        raise RefundRefusedError(f"refund refused: no ticket {ticket} was ever sold")
    return f"The fare of {TICKETS[ticket] / 100:.2f} EUR is on its way back to you."


@trace_span(capture_inputs=True, capture_return_value=True)
def read_rules(question):
    """Return the rule that is nearest to a question."""
    answer = client.embeddings.create(model=EMBEDDING_MODEL, input=[question, *RULES])
    asked, *rules = (row.embedding for row in answer.data)
    likeness = [sum(a * b for a, b in zip(asked, rule, strict=True)) for rule in rules]
    return RULES[likeness.index(max(likeness))]


TOOLS = {tool.__name__: tool for tool in (find_connections, refund_ticket, read_rules)}
ARGUMENTS = {
    "find_connections": "destination",
    "refund_ticket": "ticket",
    "read_rules": "question",
}


def described(name):
    """Return a tool as the API wants to be told of it."""
    parameters = {"type": "object", "properties": {ARGUMENTS[name]: {"type": "string"}}}
    function = {"name": name, "description": TOOLS[name].__doc__, "parameters": parameters}
    return {"type": "function", "function": function}


@vectorize(
    search_description="Answers a passenger's question at the travel desk.",
    sequence_narrative="The model chooses a tool, the tool runs, the model answers.",
    capture_inputs=True,
    capture_return_value=True,
)
def answer(question, conversation):
    """Return the agent's answer; all spans below belong to one conversation."""
    trace.get_current_span().set_attribute("gen_ai.conversation.id", conversation)
    return converse(question)


def converse(question):
    messages = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": question},
    ]
    reply = client.chat.completions.create(
        model=MODEL, messages=messages, tools=[described(name) for name in TOOLS]
    )
    message = reply.choices[0].message
    if not message.tool_calls:
        return message.content
    messages.append(message.model_dump(exclude_none=True))
    messages += [execute(call) for call in message.tool_calls]
    return streamed(messages)


def execute(call):
    """Run the tool that the model asked for; a refusal is an answer too."""
    try:
        result = TOOLS[call.function.name](**json.loads(call.function.arguments))
    except RefundRefusedError as error:
        result = str(error)
    return {"role": "tool", "tool_call_id": call.id, "content": result}


def streamed(messages):
    """Ask for the answer as a stream; its span ends when the last word has come."""
    stream = client.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


if __name__ == "__main__":
    for number, asked in enumerate(QUESTIONS, start=1):
        print(f"passenger: {asked}\ndesk:      {answer(asked, f'passenger-{number}')}\n")
