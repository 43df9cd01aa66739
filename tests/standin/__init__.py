"""A small stand-in of a Qdrant server: the gRPC services that the adapter uses, over real sockets.

Behind it is the engine itself (`qdrant-edge`), a shard per collection or shard key, so filters,
scores and counts are the engine's own; only requests, answers and errors are translated here.
What it does not know it refuses with UNIMPLEMENTED and the name of it.
"""

from standin.faults import Faults
from standin.server import StandIn

__all__ = ["Faults", "StandIn"]
