"""A server that speaks the API of OpenAI: chat completions, also streamed, and embeddings.

The model behind it is a script, so that the agent runs without network and without a key:

    python examples/llm/model_server.py --port 8399
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSIONS = 256
TOOL_OF_WORDS = [
    ("find_connections", r"\b(how do I get|train to|connection)\b"),
    ("refund_ticket", r"\b(refund|money back|cancelled)\b"),
    ("read_rules", r"\b(may I|allowed|rules|bring)\b"),
]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8399, help="0 for a free one")
    server = ThreadingHTTPServer(("127.0.0.1", options.parse_args().port), Api)
    print(f"model at http://127.0.0.1:{server.server_port}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


class Api(BaseHTTPRequestHandler):
    """The two routes that the agent asks."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path == "/v1/embeddings":
            self.answer(embeddings(asked))
        elif self.path != "/v1/chat/completions":
            self.answer({"error": {"message": f"no route {self.path}"}}, status=404)
        elif asked.get("stream"):
            self.stream(chunks(asked))
        else:
            self.answer(completion(asked))

    def answer(self, content, status=200):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events):
        """Send server-sent events; the end of the connection is the end of the stream."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for event in [*map(json.dumps, events), "[DONE]"]:
            self.wfile.write(f"data: {event}\n\n".encode())
            self.wfile.flush()

    def log_message(self, *_):
        """Say nothing of each request."""


def completion(asked):
    message = next_message(asked["messages"], {tool_name(t) for t in asked.get("tools", ())})
    reason = "tool_calls" if message.get("tool_calls") else "stop"
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {**head(asked, "chat.completion"), "choices": [choice], "usage": usage(asked, message)}


def chunks(asked):
    """Yield the answer word by word, then why it ended, then what it cost."""
    message = next_message(asked["messages"], set())
    chunk = head(asked, "chat.completion.chunk")
    for word in re.findall(r"\S+\s*", message["content"]):
        delta = {"role": "assistant", "content": word}
        yield {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield {**chunk, "choices": [], "usage": usage(asked, message)}


def next_message(messages, tools):
    """Return what the model says next: a call of a tool first, then an answer."""
    last = messages[-1]
    if last["role"] == "tool":
        return said(f"I have looked it up for you. {last['content']}")
    for name, words in TOOL_OF_WORDS:
        if name in tools and re.search(words, last["content"], re.IGNORECASE):
            return called(name, last["content"])
    return said("I can help with connections, refunds and what you may bring along.")


def said(content):
    return {"role": "assistant", "content": content}


def called(name, question):
    ticket = re.search(r"\bT-\d+\b", question)
    town = re.search(r"\bto ([A-Z]\w+)", question)
    arguments = {
        "find_connections": {"destination": town[1] if town else "anywhere"},
        "refund_ticket": {"ticket": ticket[0] if ticket else "unknown"},
        "read_rules": {"question": question},
    }[name]
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{name}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def embeddings(asked):
    texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
    plain = asked.get("encoding_format") != "base64"
    data = [
        {"object": "embedding", "index": n, "embedding": vector if plain else packed(vector)}
        for n, vector in enumerate(map(vector_of, texts))
    ]
    tokens = sum(len(text.split()) for text in texts)
    used = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": asked["model"], "data": data, "usage": used}


def vector_of(text):
    """Count words by a hash of each: enough to find a passage that shares some with a question."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"[a-z]{3,}", text.lower()):
        vector[int.from_bytes(hashlib.md5(word.encode()).digest()[:2], "big") % DIMENSIONS] += 1
    length = sum(number * number for number in vector) ** 0.5 or 1.0
    return [number / length for number in vector]


def packed(vector):
    return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()


def head(asked, kind):
    told = hashlib.md5(json.dumps(asked["messages"]).encode()).hexdigest()[:12]
    return {
        "id": f"chatcmpl-{told}", "object": kind, "created": int(time.time()),
        "model": asked["model"],
    }  # fmt: skip


def usage(asked, message):
    prompt, answer = len(json.dumps(asked["messages"])) // 4, len(json.dumps(message)) // 4
    return {
        "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
    }  # fmt: skip


def tool_name(tool):
    return tool["function"]["name"]


if __name__ == "__main__":
    main()
