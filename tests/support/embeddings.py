"""A local endpoint that speaks `/v1/embeddings`, and misbehaves on request.

Each request takes the next entry of `script`; when it is empty the answer is right. An entry is
a status, or a (status, headers) pair, or one of the names in `Endpoint`.
"""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from otel_vector.embed.contract import Role
from otel_vector.testing.hashing import HashingEmbedder


class Endpoint(ThreadingHTTPServer):
    """Answers with hashed vectors of `dimension`, scaled so that the client must normalise."""

    daemon_threads = True

    def __init__(self, dimension=16, window=10**9):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.inner = HashingEmbedder(dimension)
        self.window = window
        self.script = []
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request, client_address):
        """A client that hung up is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        step = self.server.script.pop(0) if self.server.script else 200
        if step == "cut":
            self._cut()
        elif step == "slow":
            time.sleep(1.0)
            self._answer(body)
        elif step == "nonsense":
            self._send(200, {"answer": 42})
        elif step == "few":
            self._send(200, {"data": []})
        elif step != 200:
            status, headers = step if isinstance(step, tuple) else (step, {})
            said = {"error": f"scripted {status}, {self.headers.get('authorization')}"}
            self._send(status, said, headers)
        else:
            self._answer(body)

    def _answer(self, body):
        if any(len(text) > self.server.window for text in body["input"]):
            self._send(400, {"error": "maximum context length exceeded"})
            return
        if not all(text for text in body["input"]):
            self._send(400, {"error": "empty input"})
            return
        vectors = self.server.inner.embed(body["input"], Role.PASSAGE)
        data = [
            {"object": "embedding", "index": n, "embedding": [3.0 * x for x in vector]}
            for n, vector in enumerate(vectors)
        ]
        self._send(200, {"object": "list", "data": data[::-1], "model": body["model"]})

    def _send(self, status, content, headers=()):
        payload = json.dumps(content).encode()
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def _cut(self):
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"data": [')
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *args):
        """Tests print nothing."""


@contextmanager
def serving(**options):
    """Run an endpoint in a thread."""
    with Endpoint(**options) as endpoint:
        thread = threading.Thread(target=endpoint.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()
