"""Where something was redacted is said on the span."""

import json

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from support.exporting import ended_spans

from otel_vector.exporter.encoding import Encoder
from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig
from otel_vector.spans.meanings import Signal

KEY = b"k" * 32


def sent(**attributes):
    lost = []
    encoder = Encoder(Redactor(RedactConfig(), KEY), lambda *what: lost.append(what))
    (request,) = encoder.requests(Signal.SPANS, ended_spans(1, **attributes))
    assert not lost
    return request.body


def span_in(body):
    return TracesData.FromString(body).resource_spans[0].scope_spans[0].spans[0]


def listed(body):
    for attribute in span_in(body).attributes:
        if attribute.key == "otel_vector.redacted":
            return [value.string_value for value in attribute.value.array_value.values]
    return None


@pytest.mark.parametrize(
    ("attributes", "paths"),
    [
        (
            {"input.value": json.dumps({"user": "u", "password": "hunter2"})},
            ["input.value/password"],
        ),
        (
            {"input.value": json.dumps({"cards": [{"api_key": "abc"}, {"api_key": "def"}]})},
            ["input.value/cards/0/api_key", "input.value/cards/1/api_key"],
        ),
        ({"http.request.header.authorization": "Bearer abcdefgh"}, None),
        ({"db.password": "hunter2", "a": "b"}, ["db.password"]),
        ({"output.value": "the token is password=hunter2hunter2 now"}, ["output.value"]),
        ({"a": "b"}, None),
    ],
)
def test_a_span_lists_the_places(attributes, paths):
    body = sent(**attributes)
    if paths is None and "http.request.header.authorization" in attributes:
        paths = ["http.request.header.authorization"]
    assert listed(body) == paths
    assert b"hunter2" not in body


def test_redacting_again_changes_nothing():
    body = sent(**{"input.value": json.dumps({"password": "hunter2", "api_key": "abcdef"})})
    again = TracesData.FromString(body)
    Redactor(RedactConfig(), KEY).traces(again, body)
    assert listed(again.SerializeToString()) == listed(body)
    assert span_in(again.SerializeToString()) == span_in(body)


def test_a_span_without_secrets_among_others_is_left_alone():
    spans = [*ended_spans(1, **{"db.password": "hunter2"}), *ended_spans(1, a="b")]
    encoder = Encoder(Redactor(RedactConfig(), KEY), print)
    (request,) = encoder.requests(Signal.SPANS, spans)
    data = TracesData.FromString(request.body)
    found = [s for r in data.resource_spans for c in r.scope_spans for s in c.spans]
    names = [{a.key for a in span.attributes} for span in found]
    assert names == [{"db.password", "otel_vector.redacted"}, {"a"}]
