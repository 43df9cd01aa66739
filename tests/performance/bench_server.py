"""The server adapter's own cost per span: points and blocks built and sent to a sink.

    python tests/performance/bench_server.py [SPANS]

The sink is a process of its own that takes every call and keeps nothing. Processor time of the
writing thread (Python) and of the whole process, over requests of 512 spans from the generator.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from generator import requests
from harness import table
from qdrant_client import grpc as pb

from otel_vector.decode.messages import traces_from
from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig, StoreConfig
from otel_vector.spans.ids import Tenant
from otel_vector.store.models import Models
from otel_vector.store.qdrant import QdrantStore

SPANS = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
_DONE = pb.PointsOperationResponse(
    result=pb.UpdateResult(status=pb.UpdateStatus.Completed)
).SerializeToString()


class Sink(grpc.GenericRpcHandler):
    """Answers writes as done, reads as empty; keeps what it is asked for: collections, header."""

    header = b""

    def __init__(self) -> None:
        self._collections: dict[str, bytes] = {}

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method.rpartition("/")[2]
        return grpc.unary_unary_rpc_method_handler(lambda body, _: self._answer(method, body))

    def _answer(self, method: str, body: bytes) -> bytes:
        if method == "HealthCheck":
            return pb.HealthCheckReply(title="sink", version="1.18.0").SerializeToString()
        if method == "Create":
            return self._create(pb.CreateCollection.FromString(body))
        if method == "Get":
            name = pb.GetCollectionInfoRequest.FromString(body).collection_name
            return self._collections[name]
        if method in {"Upsert", "Delete", "SetPayload", "DeletePayload", "CreateFieldIndex"}:
            if method == "Upsert" and b"header" in body[:400]:
                self._keep(body)
            return _DONE
        if method == "Scroll" and self.header and b"tenant" not in body:
            return self.header
        return b""

    def _create(self, asked: Any) -> bytes:
        params = pb.CollectionParams(
            vectors_config=asked.vectors_config, sparse_vectors_config=asked.sparse_vectors_config
        )
        info = pb.CollectionInfo(config=pb.CollectionConfig(params=params))
        answer = pb.GetCollectionInfoResponse(result=info)
        self._collections[asked.collection_name] = answer.SerializeToString()
        return pb.CollectionOperationResponse(result=True).SerializeToString()

    def _keep(self, body: bytes) -> None:
        (point,) = pb.UpsertPoints.FromString(body).points
        found = pb.RetrievedPoint(id=point.id, payload=point.payload)
        self.header = pb.ScrollResponse(result=[found]).SerializeToString()


def serve(told: Any) -> None:
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((Sink(),))
    told.send(server.add_insecure_port("127.0.0.1:0"))
    server.start()
    server.wait_for_termination()


def main() -> None:
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    sink.start()
    store = QdrantStore(StoreConfig(url=f"http://127.0.0.1:{ours.recv()}"), Models())
    tenant = Tenant("default")
    describer, writer = Describer(DescribeConfig(), tenant), store.tenant(tenant).writer
    batches = [
        describer.traces(traces_from(r.body, "application/x-protobuf")) for r in requests(SPANS)
    ]
    texts = {m: text for batch in batches for m, text in batch.texts.items()}
    before = time.thread_time()
    store.tenant(tenant).meanings.add(texts.values())
    per_text = (time.thread_time() - before) / len(texts)
    thread, process, wall = time.thread_time(), time.process_time(), time.perf_counter()
    for number, batch in enumerate(batches):
        writer.write(batch, number.to_bytes(8, "big"))
    spent = time.thread_time() - thread, time.process_time() - process
    wall = time.perf_counter() - wall
    store.close()
    sink.terminate()
    table(
        f"The server adapter, {SPANS:,} spans in deliveries of 512",
        [
            ("new texts, µs each", f"{1e6 * per_text:.1f}", ""),
            (
                "points and blocks, writing thread, µs a span",
                f"{1e6 * spent[0] / SPANS:.1f}",
                "12",
            ),
            ("points and blocks, whole process, µs a span", f"{1e6 * spent[1] / SPANS:.1f}", ""),
            ("spans/s, one delivery after the other", f"{SPANS / wall:,.0f}", ""),
        ],
    )


if __name__ == "__main__":
    main()
