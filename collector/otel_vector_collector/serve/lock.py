"""One process at a time has a data folder open; who is turned away is told whom to ask."""

from __future__ import annotations

from pathlib import Path

from otel_vector.state import lock
from otel_vector.state.lock import Holder, holder_of
from otel_vector_collector.serve.endpoints import read_endpoints

__all__ = ["FolderLock", "Holder", "holder_of"]


class FolderLock(lock.FolderLock):
    """An exclusive hold on a data folder, until `release`."""

    @classmethod
    def sentence(cls, data: Path, holder: Holder) -> str:
        """Return who has the folder, how to ask or to stop it, and the way round."""
        served = read_endpoints(data)
        who = f"{holder.command} (process {holder.pid})"
        if served is not None and served.pid == holder.pid:
            url = served.url(served.api)
            return (
                f"the data folder {data} is open in {who}, whose API is {url}: ask that one, stop "
                f"it with `kill {holder.pid}`, or choose another folder with --data"
            )
        return (
            f"the data folder {data} is open in {who}: wait until it is done, stop it, "
            "or choose another folder with --data"
        )
