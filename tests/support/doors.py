"""OTLP doors on free ports, in a thread of the test's own process, over a real inbox."""

import asyncio
import http.client
import threading
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from otel_vector.decode.messages import decode
from otel_vector.inbox.sqlite import SqliteInbox
from otel_vector.settings.config import InboxConfig, ServeConfig
from otel_vector_collector.receive.doors import Doors, Endpoints

WAIT_S = 20
TRACE_SERVICE = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
ANY_PORT = ServeConfig(otlp_grpc="127.0.0.1:0", otlp_http="127.0.0.1:0")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Opened:
    """Open doors and the inbox behind them."""

    inbox: SqliteInbox
    endpoints: Endpoints

    def stored(self):
        """Take what was stored, decoded."""
        return [decode(d.envelope) for d in self.inbox.take(10_000, 1 << 40, 0)]

    def span_names(self):
        return [span.name for data in self.stored() for span in spans_of(data)]

    def post(self, path, body=b"", headers=None, method="POST"):
        connection = http.client.HTTPConnection(self.endpoints.otlp_http, timeout=WAIT_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, names, answer.read())
        finally:
            connection.close()

    def call(self, body, method=TRACE_SERVICE, compression=None, metadata=()):
        """Send raw bytes over gRPC; returns the raw answer or raises `grpc.RpcError`."""
        options = [("grpc.max_send_message_length", -1)]
        with grpc.insecure_channel(self.endpoints.otlp_grpc, options) as channel:
            send = channel.unary_unary(method)
            return send(body, timeout=WAIT_S, compression=compression, metadata=metadata)


def spans_of(data):
    return [
        span
        for resource in data.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@contextmanager
def open_doors(folder, serve=ANY_PORT, keys=None, certificates=None, **limits):
    """Serve until the block ends; `limits` are settings of the inbox."""
    config = InboxConfig(**({"min_free_bytes": 0} | limits))
    inbox = SqliteInbox(folder / "inbox", config)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(WAIT_S)

    async def build():
        return Doors(inbox, config, keys, certificates)

    try:
        doors = run(build())
        try:
            yield Opened(inbox, run(doors.open(serve, join=False)))
        finally:
            run(doors.close(1.0))
    finally:
        run(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
        inbox.close()
