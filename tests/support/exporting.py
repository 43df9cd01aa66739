"""A collector that answers as a test tells it to, and spans to send there."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

WAIT_S = 30
NOBODY = "http://127.0.0.1:9"  # the port of `discard`, at which nobody listens


class Peer(grpc.GenericRpcHandler):
    """A gRPC server; `answer(context)` is what it says, after having kept the request."""

    def __init__(self):
        self.answer = lambda context: b""
        self.requests = []
        self.metadata = []
        self.endpoint = ""

    def service(self, details):
        self.metadata.append(dict(details.invocation_metadata))
        method = details.method

        def handle(body, context):
            self.requests.append((method, body))
            return self.answer(context)

        return grpc.unary_unary_rpc_method_handler(handle)

    def spans(self):
        data = [TracesData.FromString(b) for m, b in list(self.requests) if "Trace" in m]
        return [s for d in data for r in d.resource_spans for c in r.scope_spans for s in c.spans]

    def records(self):
        data = [LogsData.FromString(b) for m, b in list(self.requests) if "Logs" in m]
        return [
            s for d in data for r in d.resource_logs for c in r.scope_logs for s in c.log_records
        ]


@contextmanager
def grpc_peer(port=0, credentials=None):
    """Serve until the block ends."""
    peer = Peer()
    server = grpc.server(
        ThreadPoolExecutor(4),
        options=[("grpc.max_receive_message_length", 64 << 20), ("grpc.so_reuseport", 0)],
    )
    server.add_generic_rpc_handlers((peer,))
    place = f"127.0.0.1:{port}"
    if credentials is None:
        peer.endpoint = f"http://127.0.0.1:{server.add_insecure_port(place)}"
    else:
        peer.endpoint = f"https://127.0.0.1:{server.add_secure_port(place, credentials)}"
    server.start()
    try:
        yield peer
    finally:
        server.stop(0).wait(WAIT_S)


class _HttpHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, dict(self.headers.items()), body))
        status, headers, answer = self.server.answers(self.path)
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@contextmanager
def http_peer():
    """Serve until the block ends; `answers(path)` gives status, headers, body."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _HttpHandler)
    server.daemon_threads = True
    server.requests = []
    server.answers = lambda path: (200, {}, b"")
    server.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(WAIT_S)


@contextmanager
def closing(*users):
    """Shut exporters and processors down at the end of the block."""
    try:
        yield users[0] if len(users) == 1 else users
    finally:
        for user in users:
            user.shutdown(timeout_millis=0)


def provider_with(*processors, **attributes):
    """Return a provider whose end a test decides itself."""
    resource = Resource({"service.name": "shop", **attributes})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def ended_spans(count, **attributes):
    """Return spans of the SDK that have ended."""
    tracer = provider_with().get_tracer("tests")
    spans = []
    for i in range(count):
        span = tracer.start_span(f"span {i}", attributes=attributes)
        span.end()
        spans.append(span)
    return spans


def soon(is_so, within_s=WAIT_S):
    """Wait until something is so."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
