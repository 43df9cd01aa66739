"""The clients cover the API as its schema has it: every route, every field, every parameter."""

import inspect
import json
import subprocess
import sys
import typing

import pytest
from support.answering import Reply, answering
from support.clients import CLIENTS
from support.sources import ROOT

from otel_vector.client import AsyncClient, Client, options, shapes
from otel_vector.client.generate import modules

SCHEMA = json.loads((ROOT / "docs" / "openapi.json").read_bytes())
ROUTES = {(method.upper(), path) for path, ways in SCHEMA["paths"].items() for method in ways}
OF_EACH = {
    ("GET", "/health"): lambda c: c.health(),
    ("GET", "/metrics"): lambda c: c.metrics(),
    ("GET", "/ready"): lambda c: c.ready(),
    ("GET", "/v1/attributes"): lambda c: c.attributes(),
    ("GET", "/v1/attributes/{key}/values"): lambda c: c.attribute_values("{key}"),
    ("GET", "/v1/audit"): lambda c: c.audit(),
    ("GET", "/v1/events"): lambda c: list(c.events()),
    ("POST", "/v1/export"): lambda c: list(c.export()),
    ("GET", "/v1/jobs"): lambda c: c.jobs(),
    ("POST", "/v1/jobs"): lambda c: c.start_job("reindex"),
    ("GET", "/v1/jobs/{id}"): lambda c: c.job("{id}"),
    ("DELETE", "/v1/jobs/{id}"): lambda c: c.cancel_job("{id}"),
    ("GET", "/v1/jobs/{id}/events"): lambda c: list(c.job_events("{id}")),
    ("GET", "/v1/meanings"): lambda c: c.meanings(),
    ("GET", "/v1/meanings/{meaning_id}"): lambda c: c.meaning("{meaning_id}"),
    ("GET", "/v1/meanings/{meaning_id}/spans"): lambda c: c.meaning_spans("{meaning_id}"),
    ("GET", "/v1/operations"): lambda c: c.operations(),
    ("GET", "/v1/records"): lambda c: c.collections(),
    ("GET", "/v1/records/{collection}"): lambda c: c.records("{collection}"),
    ("POST", "/v1/records/{collection}"): lambda c: c.put_record("{collection}", {}),
    ("GET", "/v1/records/{collection}/{key}"): lambda c: c.record("{collection}", "{key}"),
    ("DELETE", "/v1/records/{collection}/{key}"): (
        lambda c: c.delete_record("{collection}", "{key}")
    ),
    ("GET", "/v1/records/{collection}/{key}/versions"): (
        lambda c: c.record_versions("{collection}", "{key}")
    ),
    ("POST", "/v1/search"): lambda c: c.search(),
    ("GET", "/v1/services"): lambda c: c.services(),
    ("POST", "/v1/similar"): lambda c: c.similar(),
    ("DELETE", "/v1/spans"): lambda c: c.delete(),
    ("GET", "/v1/spans/{point_id}"): lambda c: c.span("{point_id}"),
    ("GET", "/v1/stats"): lambda c: c.stats(),
    ("GET", "/v1/traces/{trace_id}"): lambda c: c.trace("{trace_id}"),
    ("GET", "/v1/traces/{trace_id}/spans/{span_id}"): lambda c: c.spans("{trace_id}", "{span_id}"),
}


def test_every_route_has_a_method():
    assert set(OF_EACH) == ROUTES


@pytest.mark.parametrize("kind", CLIENTS.values(), ids=CLIENTS)
def test_every_method_asks_its_route(kind):
    with answering(Reply()) as (url, came), kind(url) as client:
        for route, ask in OF_EACH.items():
            ask(client)
            sent = came.requests[-1]
            path = sent.path.replace("%7B", "{").replace("%7D", "}")
            assert (sent.method, path) == route


def public(kind):
    own = {name for name in vars(kind) if not name.startswith("_")}
    return own - {"close", "aclose"}


def test_both_clients_have_the_same_methods_with_the_same_words():
    assert public(Client) == public(AsyncClient)
    for name in public(Client):
        one, other = getattr(Client, name), getattr(AsyncClient, name)
        assert one.__doc__ == other.__doc__
        if name != "put_records":  # which takes what is iterated either way
            parameters = [str(inspect.signature(m).parameters) for m in (one, other)]
            assert parameters[0] == parameters[1], name


def test_the_shapes_are_what_the_schema_says():
    folder = ROOT / "otel_vector" / "client" / "shapes"
    written = modules(SCHEMA)
    assert {file.name for file in folder.glob("*.py")} == set(written)
    for name, text in written.items():
        assert (folder / name).read_text() == text, (
            "python -m otel_vector.client.generate docs/openapi.json otel_vector/client/shapes"
        )


@pytest.mark.parametrize("name", shapes.__all__)
def test_every_field_of_a_shape_is_in_the_schema_and_as_needed(name):
    shape, schema = getattr(shapes, name), SCHEMA["components"]["schemas"][name]
    assert set(typing.get_type_hints(shape)) == set(schema["properties"])
    assert set(shape.__annotations__) == set(schema["properties"])
    required = {n for n, hint in typing.get_type_hints(shape, include_extras=True).items()
                if typing.get_origin(hint) is not typing.NotRequired}  # fmt: skip
    assert required == set(schema["required"])


def test_every_answer_is_a_shape():
    for ways in SCHEMA["paths"].values():
        for route in ways.values():
            for status, answer in route["responses"].items():
                schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
                for one in schema.get("anyOf", [schema]):
                    named = one.get("$ref", one.get("items", {}).get("$ref", ""))
                    if status in {"200", "202"} and named:
                        assert hasattr(shapes, named.rpartition("/")[2])


@pytest.mark.parametrize(
    ("body", "given", "besides"),
    [
        ("SearchBody", options.SearchOptions, {"text", "group"}),
        ("SimilarBody", options.SimilarOptions, {"text"}),
        ("DeletionBody", options.DeletionOptions, set()),
        ("ExportBody", options.ExportOptions, set()),
    ],
)
def test_every_field_of_a_question_is_a_keyword_of_its_type(body, given, besides):
    properties = SCHEMA["components"]["schemas"][body]["properties"]
    hints = typing.get_type_hints(given)
    assert set(hints) | besides == set(properties)
    assert not set(hints) & besides
    for name, hint in hints.items():
        assert kinds(properties[name]) | {"null"} == kinds_of(hint), name


@pytest.mark.parametrize(
    ("path", "given", "besides"),
    [
        ("/v1/services", options.Within, set()),
        ("/v1/operations", options.Within, {"service"}),
        ("/v1/attributes", options.Within, {"signal"}),
        ("/v1/attributes/{key}/values", options.Within, {"signal", "limit"}),
        ("/v1/events", options.Within, set()),
        ("/v1/meanings", options.MeaningsOptions, set()),
        ("/v1/meanings/{meaning_id}/spans", options.PageOptions, set()),
    ],
)
def test_every_parameter_of_a_list_is_a_keyword_of_its_type(path, given, besides):
    query = SCHEMA["paths"][path]["get"]["parameters"]
    named = {p["name"]: p["schema"] for p in query if p["in"] == "query"}
    hints = typing.get_type_hints(given)
    assert set(hints) | besides == set(named)
    for name, hint in hints.items():
        assert kinds(named[name]) | {"null"} == kinds_of(hint), name


PLAIN = {str: "string", int: "integer", bool: "boolean", type(None): "null"}


def kinds(schema):
    """Return what JSON a part of the schema allows: its types, of arrays those of the items."""
    if "$ref" in schema:
        return kinds(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return set().union(*map(kinds, schema["anyOf"]))
    if "enum" in schema:
        return set(schema["enum"])
    if schema["type"] == "array":
        return {("array", *sorted(kinds(schema["items"])))}
    return {schema["type"]}


def kinds_of(hint):
    """Return the same of an annotation."""
    if hint in PLAIN:
        return {PLAIN[hint]}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return set(arguments)
    if isinstance(origin, type) and origin.__name__ == "Sequence":
        return {("array", *sorted(kinds_of(arguments[0])))}
    if isinstance(origin, type) and origin.__name__ == "Mapping":
        return {"object"}
    return set().union(*map(kinds_of, arguments))


def test_no_http_library_is_loaded_before_a_client_is_made():
    code = (
        "import sys; from otel_vector import AsyncClient, Client; print('httpx' in sys.modules);"
        "Client('http://127.0.0.1:9', api_key='k'); print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.split() == ["False", "True"]
