"""A world that is asked as applications ask: in one process, and by HTTP."""

from support.serving import Served, served

from otel_vector.client import Access, Client
from otel_vector.instrument.asking import Collector, Embedded
from otel_vector.instrument.executions import Executions, Wish
from otel_vector.testing.builders import TENANT


def asking(kind, world):
    if kind == "embedded":
        yield Embedded(world.services, TENANT)
        return
    with (
        served(Served(world.store, world.services)) as http,
        Client(str(http.base_url), access=Access()) as client,
    ):
        yield Collector(client)


def find(asked, **wish):
    return Executions(asked).find(Wish(**wish))


def numbers(rows):
    return [int(row["trace_id"], 16) for row in rows]
