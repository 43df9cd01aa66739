"""Two tenants on one server, and requests made from the API's schema that go after the other's data.

What B has carries marks that occur nowhere else. Requests are made from a pool of what B has, by
the name of each parameter; a name that is in no pool is an error, so that a new route has to say
what of B's it could be asked for.
"""

import json
import re
import time
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import httpx
import orjson
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sending import PROTOBUF, WAIT_S
from serving import Served, eventually

from otel_vector.keys.contract import KeyOrder, Role
from otel_vector.settings.config import Settings
from otel_vector.spans.ids import Tenant
from otel_vector.wiring import open_keyring
from otel_vector_collector.api.openapi import schema

A, B, NOBODY = "tenant-a", "tenant-qzb", "tenant-nob"
MARK = "qzb"
START_NS = 1_700_000_000_000_000_000
ABSENT = object()
READ_BY_POST = {"/v1/search", "/v1/similar", "/v1/export"}


def spans(mark, seed, count=40):
    """Return spans whose services, names, keys, values, texts and ids carry a mark."""
    data = TracesData()
    for number in range(count):
        resource = data.resource_spans.add()
        resource.resource.attributes.add(
            key="service.name"
        ).value.string_value = f"{mark}service{number % 4}"
        span = resource.scope_spans.add().spans.add(
            trace_id=trace_id(seed, number // 4),
            span_id=bytes([seed, 1 + number % 250, 3, 4, 5, 6, 7, seed]),
            name=f"GET /{mark}/route{number % 7}",
            kind=2,
            start_time_unix_nano=START_NS + number * 10**9,
            end_time_unix_nano=START_NS + number * 10**9 + (number + 1) * 10**6,
        )
        for key, value in {
            f"{mark}.key{number % 5}": f"{mark}value{number % 9}",
            "gen_ai.prompt": f"{mark} asks number{number % 3} about refunds",
            "gen_ai.completion": f"{mark} answers that the parcel is late",
            "session.id": f"{mark}session{number % 2}",
            "http.response.status_code": "500" if number % 5 == 0 else "200",
        }.items():
            span.attributes.add(key=key).value.string_value = value
        if number % 5 == 0:
            span.status.code, span.status.message = 2, f"{mark} exploded"
    return data


def trace_id(seed, number):
    return bytes([seed]) * 12 + number.to_bytes(4, "big")


def logs(mark, seed, count=10):
    data = LogsData()
    for number in range(count):
        resource = data.resource_logs.add()
        resource.resource.attributes.add(key="service.name").value.string_value = f"{mark}service"
        record = resource.scope_logs.add().log_records.add(
            time_unix_nano=START_NS + number * 10**9,
            trace_id=trace_id(seed, number),
            span_id=bytes([seed, 1 + number * 4, 3, 4, 5, 6, 7, seed]),
            severity_number=9,
        )
        record.body.string_value = f"{mark} log line number{number}"
    return data


@dataclass
class World:
    """A served folder with the keys of both tenants."""

    served: Served
    keys: dict[str, str]

    def client(self, tenant):
        return httpx.Client(
            base_url=f"http://{self.served.endpoints['api']}",
            headers={"x-api-key": self.keys[tenant]},
            trust_env=False,
            timeout=WAIT_S,
        )

    def send(self, tenant, data, path="/v1/traces", **headers):
        return httpx.post(
            f"http://{self.served.endpoints['otlp_http']}{path}",
            content=data.SerializeToString(),
            headers={**PROTOBUF, "x-api-key": self.keys[tenant], **headers},
            timeout=WAIT_S,
            trust_env=False,
        )

    def load(self, tenant, mark, seed):
        """Store everything a tenant has, and wait until it is found by meaning."""
        assert self.send(tenant, spans(mark, seed)).status_code == 200
        assert self.send(tenant, logs(mark, seed), "/v1/logs").status_code == 200
        if tenant == B:  # what is refused of one tenant is not counted for the other
            invalid = spans(mark, seed, 4)
            for resource in invalid.resource_spans:
                resource.scope_spans[0].spans[0].trace_id = bytes(16)
            assert self.send(tenant, invalid).content != b""
        with self.client(tenant) as client:
            for number in range(3):
                answer = client.post(f"/v1/records/{mark}code", json=record(mark, number))
                assert answer.status_code == 200, answer.text
            eventually(lambda: is_settled(client), WAIT_S)


def record(mark, number):
    text = f"def {mark}function{number}(): return 'refund'"
    return {
        "key": f"{mark}.module:function{number}",
        "body": {"file": f"{mark}.py", "line": number},
        "texts": [{"facet": "code", "text": text}],
    }


def is_settled(client):
    stats = client.get("/v1/stats").json()
    return stats["spans"] == 40 and stats["logs"] == 10 and not stats["meanings"]["pending"]


def world(folder, *settings):
    """Serve a folder with a key for each tenant, an administrator's for all but one."""
    folder.mkdir()
    served, keys = Served(folder), {}
    with open_keyring(replace(Settings(), data=served.data)) as ring:
        for tenant in (A, B):
            keys[tenant] = ring.create(order(tenant, Role.ADMIN)).text
        keys["a ingest"] = ring.create(order(A, Role.INGEST)).text
        keys["all"] = ring.create(order("*", Role.ADMIN)).text
    served.start(*settings)
    return World(served, keys)


def order(tenant, role):
    return KeyOrder(f"{role} of a test", frozenset({role}), frozenset({Tenant(tenant)}))


@dataclass
class Pools:
    """What B has, by the name of the parameter that can ask for it."""

    values: dict[str, list] = field(default_factory=dict)
    cursors: dict[str, list[tuple[dict, str]]] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)


def harvest(client):
    """Read all that B has through B's own key."""
    shown = client.post("/v1/search", json={"text": "", "group": False, "limit": 100}).json()
    found = shown["spans"]
    groups = [
        group
        for text in (f"{MARK} refunds", f"{MARK} exploded", f"{MARK} route", "parcel is late")
        for group in client.post("/v1/search", json={"text": text, "limit": 50}).json()["groups"]
    ]
    meanings = sorted({group["meaning"]["id"] for group in groups})
    points = [span["id"] for span in found]
    pools = Pools()
    pools.cursors["/v1/search"] = [
        (question, client.post("/v1/search", json=question).json()["next"])
        for question in (
            {"text": f"{MARK} refunds", "limit": 1},
            {"text": "", "group": False, "limit": 3},
            {"text": f"service:{MARK}service1", "limit": 2, "group": False},
        )
    ]
    pools.cursors["/v1/meanings/{meaning_id}/spans"] = [
        (
            {"meaning_id": one, "limit": 1},
            client.get(f"/v1/meanings/{one}/spans?limit=1").json()["next"],
        )
        for one in meanings[:5]
    ]
    listed = client.get(f"/v1/records/{MARK}code?limit=1").json()
    pools.cursors["/v1/records/{collection}"] = [
        ({"collection": f"{MARK}code", "limit": 1}, listed["next"])
    ]
    texts = [f"{MARK} asks about refunds", f"{MARK} exploded", "parcel is late", f'"{MARK}value1"']
    filters = [
        f"service:{MARK}service1",
        f"service:{MARK}* status:error",
        f"{MARK}.key1:{MARK}value1",
        f'"{MARK} answers"',
        f"session.id:{MARK}session1",
        f"has:{MARK}.key2 duration>2ms",
        f"trace:{trace_id(0xB1, 3).hex()}",
    ]
    traces = sorted({span["trace_id"] for span in found})
    span_ids = sorted({span["span_id"] for span in found})
    pools.values = {
        "trace_id": traces,
        "span_id": span_ids,
        "point_id": points,
        "id": points,
        "meaning_id": meanings,
        "collection": [f"{MARK}code"],
        "key": [f"{MARK}.key1", f"{MARK}.key4", f"{MARK}.module:function1"],
        "service": [f"{MARK}service1"],
        "filter": filters,
        "text": texts,
        "since": ["", "2023-11-14", str(START_NS)],
        "until": ["", "2023-11-16", str(START_NS + 20 * 10**9)],
        "runs": [["live"], ["all"]],
        "span": points,
        "meaning": meanings,
        "trace_ids": [[one] for one in traces],
        "ids": [[one] for one in points],
        "accept": ["application/json", "application/otlp+json", "application/x-protobuf", "*/*"],
        "x-tenant": [A, B],
        "cursor": [cursor for some in pools.cursors.values() for _, cursor in some if cursor],
        "version": [1, 2],
        "job_id": [f"{n:016x}" for n in range(1, 5)],
        "last-event-id": ["1"],
    }
    pools.marks = {MARK, B, *traces, *span_ids, *points, *meanings}
    return pools


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    params: tuple = ()
    headers: tuple = ()
    body: bytes | None = None

    def ask(self, client):
        headers = dict(self.headers)
        if self.body is not None:
            headers["content-type"] = "application/json"
        return client.request(
            self.method, self.path, params=list(self.params), headers=headers, content=self.body
        )

    @property
    def words(self):
        return " ".join(map(str, (self.path, self.params, self.headers, self.body))).lower()


class Generator:
    """Makes requests of one operation of the schema, all of them after B's data."""

    def __init__(self, pools, method, template, operation):
        self.pools, self.method, self.template = pools, method, template
        self.operation = operation
        self.components = orjson.loads(schema())["components"]["schemas"]
        self.changes = method == "delete"

    def request(self, random):
        path, params, headers = self.template, [], []
        frozen, cursor = self._page(random)
        for parameter in self.operation.get("parameters", []):
            name, shape = parameter["name"], parameter["schema"]
            value = frozen.get(name, ABSENT)
            if name == "cursor":
                value = cursor
            elif value is ABSENT:
                value = self._value(name, shape, random, parameter.get("required", False))
            if value is ABSENT:
                continue
            if parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
            elif parameter["in"] == "query":
                params += [(name, one) for one in (value if isinstance(value, list) else [value])]
            else:
                headers.append((name, str(value)))
        body = self._body(random, frozen, cursor)
        if self.changes and body is None and self.template == "/v1/spans":
            chosen = random.choice(["trace_id", "id", "filter"])
            params = [(chosen, random.choice(self.pools.values[chosen]))]
        return Asked(self.method.upper(), path, tuple(params), tuple(headers), body)

    def _page(self, random):
        """Return a question of B's and its cursor, or a cursor of another question."""
        pages = self.pools.cursors.get(self.template, [])
        if pages and random.random() < 0.4:
            question, cursor = random.choice(pages)
            return dict(question), cursor or ABSENT
        if random.random() < 0.2:
            return {}, random.choice(self.pools.values["cursor"])
        return {}, ABSENT

    def _body(self, random, frozen, cursor):
        content = self.operation.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return None
        if self.changes:
            chosen = random.choice(["trace_ids", "ids", "filter", None])
            if chosen is None:
                return None
            body = {chosen: random.choice(self.pools.values[chosen])}
            return orjson.dumps(body | random.choice([{}, {"dry_run": True}, {"all": True}]))
        shape = self._resolved(content["application/json"]["schema"])
        body = dict(frozen)
        for name, inner in shape["properties"].items():
            value = cursor if name == "cursor" else self._value(name, inner, random, False)
            if value is not ABSENT and name not in body:
                body[name] = value
        if self.template == "/v1/similar":
            kept = random.choice(["span", "meaning", "text"])
            body = {n: v for n, v in body.items() if n not in {"span", "meaning", "text"}}
            body[kept] = random.choice(self.pools.values[kept])
        return orjson.dumps(body)

    def _value(self, name, shape, random, required):
        if not required and random.random() < 0.6:
            return ABSENT
        shape = self._resolved(shape)
        if name in self.pools.values:
            return random.choice(self.pools.values[name])
        if "enum" in shape:
            return random.choice(shape["enum"])
        kind = shape.get("type")
        if kind == "array":
            one = self._value(name[:-1], shape["items"], random, True)
            return [one]
        if kind == "boolean":
            return random.choice([True, False])
        if kind == "integer":
            most = min(int(shape.get("maximum", 50)), 50)
            return random.randint(int(shape.get("minimum", 0)), most)
        raise LookupError(
            f"{self.method} {self.template}: nothing of B's is known for {name!r}; tell "
            "`harvest` what of B's it could name"
        )

    def _resolved(self, shape):
        for choice in shape.get("anyOf", []):
            if choice.get("type") != "null":
                return self._resolved(choice)
        if "$ref" in shape:
            return self.components[shape["$ref"].rpartition("/")[2]]
        return shape


VARIES = re.compile(
    rb'"(took_ms|search_id|disk_bytes|created_unix_nano|oldest_s)":\s*("[^"]*"|[-0-9.e]+)'
)


def plain(answer):
    """Return what of an answer must not depend on others: all but what differs each time."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"date", "content-length"}
    }
    body = VARIES.sub(rb'"\1":0', answer.content)
    if answer.headers.get("content-type", "").startswith("application/json"):
        body = json.dumps(json.loads(body), sort_keys=True).encode()
    return answer.status_code, headers, body


def marks_in(answer, asked, marks):
    """Return B's marks in an answer that were not in the question."""
    head = " ".join([answer.reason_phrase, *(f"{n} {v}" for n, v in answer.headers.items())])
    told = (head.encode() + b" " + answer.content).lower()
    found = []
    for mark in marks:
        if mark in asked.words:
            continue
        raw = bytes.fromhex(mark) if re.fullmatch(r"([0-9a-f]{2}){8,}", mark) else None
        if mark.encode() in told or (raw is not None and raw in answer.content):
            found.append(mark)
    return found


def operations():
    """Return (method, path) → operation of the schema."""
    return {
        (method, path): operation
        for path, methods in orjson.loads(schema())["paths"].items()
        for method, operation in methods.items()
    }


def wait_for(is_so, within_s=WAIT_S):
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
