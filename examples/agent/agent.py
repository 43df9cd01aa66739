"""A support agent of the shop: GenAI spans by the current semantic conventions, stock SDK.

The model is a script (no network, no key): it answers what a model would, so that the spans have
the shape and the content that a real agent's have.

    python examples/agent/agent.py

Spans go to OTEL_EXPORTER_OTLP_ENDPOINT (default http://127.0.0.1:4317).
"""

import json
import os
import re

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

MODEL = "scripted-support-1"
INSTRUCTIONS = "You help customers of a tea shop. Look things up before you answer; be brief."
ORDERS = {
    "order-8801": "shipped yesterday with parcel number TR-5521",
    "order-8803": "cancelled: the card was declined",
}
QUESTIONS = [
    "Where is my parcel? My order is order-8801.",
    "Why was order-8803 cancelled?",
    "I want my money back for order-8801, the kettle leaks.",
    "How do I descale a kettle?",
    "Please refund order-9999, it never arrived.",
    "Which of your teapots survive a dishwasher?",
]


class RefundRefusedError(Exception):
    """The rules of the shop forbid a refund."""


def look_up_order(order_id):
    """Return what is known of an order."""
    return ORDERS.get(order_id, "unknown order")


def refund_order(order_id):
    """Give the money back."""
    if order_id not in ORDERS:
        raise RefundRefusedError(f"refund refused: {order_id} does not exist in the shop's books")
    return "refund of 39.00 EUR is on its way"


def search_manual(words):
    """Return the passage of the manual that fits."""
    return f"Manual, on {words}: fill with one part vinegar and two parts water, boil, rinse."


TOOLS = {
    "look_up_order": look_up_order,
    "refund_order": refund_order,
    "search_manual": search_manual,
}


def scripted_model(messages):
    """Return the next message of the assistant: a tool call first, then an answer."""
    last = messages[-1]
    if last["role"] == "tool":
        result = last["parts"][0]["result"]
        return assistant_text(f"I have looked it up: {result}")
    question = last["parts"][0]["content"]
    order_id = re.search(r"order-\d+", question)
    if order_id is None:
        words = " ".join(re.findall(r"kettle|teapots?|descale|dishwasher", question.lower()))
        return assistant_call("search_manual", {"words": words})
    name = "refund_order" if re.search("refund|money back", question) else "look_up_order"
    return assistant_call(name, {"order_id": order_id[0]})


def assistant_text(content):
    return {"role": "assistant", "parts": [{"type": "text", "content": content}]}


def assistant_call(name, arguments):
    call = {"type": "tool_call", "id": "call_1", "name": name, "arguments": arguments}
    return {"role": "assistant", "parts": [call]}


class Agent:
    """Asks the model, runs the tools it asks for, and tells the tracer all of it."""

    def __init__(self, tracer):
        self.tracer = tracer

    def answer(self, question, conversation):
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "scripted",
            "gen_ai.agent.name": "support",
            "gen_ai.conversation.id": conversation,
        }
        with self.tracer.start_as_current_span(
            "invoke_agent support", kind=SpanKind.INTERNAL, attributes=about
        ) as span:
            messages = [{"role": "user", "parts": [{"type": "text", "content": question}]}]
            span.set_attribute("gen_ai.input.messages", json.dumps(messages))
            final = self.converse(messages)
            span.set_attribute("gen_ai.output.messages", json.dumps([final]))
            return final["parts"][0]["content"]

    def converse(self, messages):
        while True:
            reply = self.chat(messages)
            messages.append(reply)
            part = reply["parts"][0]
            if part["type"] == "text":
                return reply
            messages.append(self.execute_tool(part))

    def chat(self, messages):
        about = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "scripted",
            "gen_ai.request.model": MODEL,
            "gen_ai.response.model": MODEL,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": INSTRUCTIONS}]),
            "gen_ai.input.messages": json.dumps(messages),
        }
        with self.tracer.start_as_current_span(
            f"chat {MODEL}", kind=SpanKind.CLIENT, attributes=about
        ) as span:
            reply = scripted_model(messages)
            reason = "tool_call" if reply["parts"][0]["type"] == "tool_call" else "stop"
            output = [{**reply, "finish_reason": reason}]
            span.set_attribute("gen_ai.output.messages", json.dumps(output))
            span.set_attribute("gen_ai.response.finish_reasons", [reason])
            span.set_attribute("gen_ai.usage.input_tokens", len(json.dumps(messages)) // 4)
            span.set_attribute("gen_ai.usage.output_tokens", len(json.dumps(reply)) // 4)
            return reply

    def execute_tool(self, call):
        about = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call["name"],
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call["id"],
            "gen_ai.tool.call.arguments": json.dumps(call["arguments"]),
        }
        try:
            with self.tracer.start_as_current_span(
                f"execute_tool {call['name']}", kind=SpanKind.INTERNAL, attributes=about
            ) as span:
                result = TOOLS[call["name"]](**call["arguments"])
                span.set_attribute("gen_ai.tool.call.result", json.dumps(result))
        except RefundRefusedError as error:
            result = str(error)
        response = {"type": "tool_call_response", "id": call["id"], "result": result}
        return {"role": "tool", "parts": [response]}


def run(endpoint=None):
    """Let the agent answer all questions; return the answers. Spans are sent before it returns."""
    provider = TracerProvider(resource=Resource.create({"service.name": "support-agent"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint or where_spans_go(), insecure=True))
    )
    agent = Agent(provider.get_tracer("shop.agent"))
    answers = [agent.answer(text, f"chat-{n}") for n, text in enumerate(QUESTIONS, start=1)]
    provider.shutdown()
    return answers


def where_spans_go():
    return os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")


if __name__ == "__main__":
    for asked, answered in zip(QUESTIONS, run(), strict=True):
        print(f"customer: {asked}\nagent:    {answered}\n")
