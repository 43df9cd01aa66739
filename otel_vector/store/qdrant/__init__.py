"""The store on a Qdrant server, over gRPC: one node or a cluster, shared by collectors.

Collections, each with the setting's prefix::

    spans      a thin point per span or log record; id is the content id
    blocks     compressed OTLP, base64; id is a digest of delivery, part and contents
    meanings   a text per point, with BM25 and dense vectors; id is the meaning's
    records    header, versioned records, tombstones, waiting joins, tallies of what was dropped

What is called: Points Upsert, Delete, SetPayload, DeletePayload, UpdateVectors, CreateFieldIndex,
CreateVectorName, DeleteVectorName, Count, Facet, Scroll, QueryBatch; Collections List, Get,
Create, CreateShardKey; Qdrant HealthCheck.

A point is never changed in memory only, so any number of collectors may write: points are
inserted if absent, and who writes looks afterwards for what came meanwhile (joins, deletions).
"""

from otel_vector.store.qdrant.address import Address
from otel_vector.store.qdrant.store import QdrantStore, stored_models

__all__ = ["Address", "QdrantStore", "stored_models"]
