"""Functions that a collector was told of outlive kill -9, each in one version."""

from urllib.parse import quote

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from sending import api, exported, post, settle
from serving import Served, eventually

from otel_vector.exporter.announcements import log_records
from otel_vector.spans.functions import FunctionRecord

RESOURCE = Resource(attributes=[KeyValue(key="service.name", value=AnyValue(string_value="shop"))])
FUNCTIONS = [
    FunctionRecord("shop.till", f"pay_{n}", description=f"charges card number {n}")
    for n in range(40)
]


def test_functions_are_kept_once_whenever_the_collector_is_killed(tmp_path):
    served = Served(tmp_path)
    try:
        for end in (20, 40):
            served.start("--set", "ingest.checkpoint_s=3600", "--set", "embed.model=none")
            announce(served, FUNCTIONS[:end])
            with api(served) as client:
                eventually(lambda client=client, end=end: held(client) == end)
            served.process.kill()
            served.process.wait()
        served.start("--set", "embed.model=none")
        settle(served)
        with api(served) as client:
            assert versions(client) == {f"shop/{f.name}": 1 for f in FUNCTIONS}
        assert not exported(served, signal="logs").resource_logs
    finally:
        served.end()


def announce(served, functions):
    body = log_records(functions, RESOURCE).SerializeToString()
    assert post(served, body, path="/v1/logs").status == 200


def held(client):
    """Return how many functions are kept."""
    rows = client.get("/v1/records").json()["collections"]
    return sum(row["records"] for row in rows if row["collection"] == "functions")


def versions(client):
    """Return how many versions each function has."""
    records = client.get("/v1/records/functions?limit=100").json()["records"]
    keys = [record["key"] for record in records]
    path = "/v1/records/functions/{}/versions"
    return {
        key: len(client.get(path.format(quote(key, safe=""))).json()["versions"]) for key in keys
    }
