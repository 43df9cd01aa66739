"""Fifty secrets, and every place that a span or a log record has for a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

HEX32 = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


@dataclass(frozen=True)
class Plant:
    """A secret and a text that carries it."""

    secret: str
    text: str = "{}"

    @property
    def carrier(self) -> str:
        return self.text.replace("{}", self.secret)


SECRETS = (
    Plant("AKIAIOSFODNN7EXAMPLE"),
    Plant("ASIAQ3EGRIDV5EXAMPLE", "using key {} in eu-west-1"),
    Plant("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = {}"),
    Plant("AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY"),
    Plant("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"),
    Plant("ya29.a0AfH6SMBx8oqXl2fJ0gk3kQ9vWq", "token endpoint gave {}"),
    Plant("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq==",
          "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={};EndpointSuffix=core.windows.net"),
    Plant("q2VhcmNoIG1lIGlmIHlvdSBjYW4gZmluZCBtZQ%3D", "https://shop.blob.example/c/o?sv=2022&sr=b&sig={}&se=2030"),
    Plant("0RootManageSharedAccess+Key/abc=", "Endpoint=sb://shop.example/;SharedAccessKeyName=all;SharedAccessKey={}"),
    Plant("ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    Plant("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789", "cloning with {}"),
    Plant("gho_16C7e42F292c6912E7710c838347Ae178B4a", "https://x-access-token:{}@github.com/a/b.git"),
    Plant("glpat-abcdefghij0123456789"),
    Plant("xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOHcBrzzqy"),
    # The vendor's documented placeholder, in the shape of a webhook's secret.
    Plant("T00000000/B00000000/XXXXXXXXXXXXyyyyyyyyyyyy", "POST https://hooks.slack.com/services/{}"),
    Plant("sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
    Plant("rk_test_4eC39HqLyjWDarjtT1zdp7dc", "Stripe: {}."),
    Plant("whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH"),
    Plant("sk-proj-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA"),
    Plant("sk-abcdefghijklmnopqrstT3BlbkFJabcdefghijklmnopqrst", "Incorrect API key provided: {}"),
    Plant("sk-ant-api03-R2D2C3POR2D2C3POR2D2C3POR2D2C3PO-AA"),
    Plant("hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh"),
    Plant("npm_abcdefghijklmnopqrstuvwxyz0123456789"),
    Plant("pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMC0wMDAw"),
    Plant("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"),
    Plant("SK" + HEX32),
    Plant("123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawx", "https://api.telegram.org/bot{}/getMe"),
    Plant("dop_v1_" + HEX32 * 2),
    Plant("dapi" + HEX32),
    Plant("hvs.CAESIJ3qR4xkFvO0aZ4bY0d3QkzH", "vault login {}"),
    Plant("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    Plant("2YotnFZFEjr1zCsicMWpAA", "Authorization: Bearer {}"),
    Plant("dXNlcjpzZWNyZXRwYXNz", "authorization: Basic {}"),
    Plant("6629fae49393a05397450978507c4ef1", 'Authorization: Digest username="ada", realm="shop", response="{}"'),
    Plant("31d4d96e407aad42ba51e", "Cookie: theme=dark; sid={}; lang=en"),
    Plant("b4kzRo7QzJ8s", "Set-Cookie: session={}; HttpOnly; Secure"),
    Plant("MIIEowIBAAKCAQEAx8Yl\nq2b7Zr4w==", "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----"),
    Plant("b3BlbnNzaC1rZXktdjEA\nAAAABG5vbmU", "-----BEGIN OPENSSH PRIVATE KEY-----\n{}"),
    Plant("hunter2-and-more", "postgres://shop:{}@db.internal:5432/shop?sslmode=require"),
    Plant("s3cr/et:w@rd", "mongodb+srv://app:{}@cluster0.example/shop"),
    Plant("r3d1s-pw", "redis://:{}@cache:6379/0"),
    Plant("amqp-pw-1", "cannot connect to amqp://guest:{}@mq:5672//"),
    Plant("Sup3rS3cr3t!", "Server=db;Database=shop;User Id=sa;Password={};Encrypt=true"),
    Plant("tcp-pw-9", "root:{}@tcp(127.0.0.1:3306)/shop?parseTime=true"),
    Plant("correct horse battery", '{"user": "ada", "password": "{}", "remember": true}'),
    Plant("lovelace1815", "{'username': 'ada', 'passwd': '{}'}"),
    Plant("4242-opaque-value", "https://shop.example/cart?item=7&access_token={}&page=2"),
    Plant("k9-opaque-value", "GET /v1/things?api_key={} HTTP/1.1"),
    Plant("fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024",
          "https://b.s3.amazonaws.com/o?X-Amz-Expires=86400&X-Amz-Signature={}"),
    Plant("tr0ub4dor&3", "mysql --user root --password '{}' shop"),
    Plant("xml-pw-7", '<wsse:UsernameToken><wsse:Password Type="text">{}</wsse:Password></wsse:UsernameToken>'),
    Plant("yaml-pw-5", "database:\n  host: db\n  password: {}\n  port: 5432"),
)  # fmt: skip


def _kv(owner, key: str, value: str) -> None:
    attribute = owner.add()
    attribute.key, attribute.value.string_value = key, value


def _nested(value: AnyValue, text: str) -> None:
    """A list in an array in a list in an array."""
    for _ in range(2):
        member = value.array_value.values.add().kvlist_value.values.add()
        member.key, value = "part", member.value
    value.string_value = text


def _value(value: AnyValue) -> Callable[[str], None]:
    return lambda text: setattr(value, "string_value", text)


def _locations(resource, scope, item) -> dict[str, Callable[[str], None]]:
    """Places that spans and log records share."""
    holder = item.attributes
    listed = holder.add(key="notes").value.array_value.values
    return {
        "attribute": lambda text: _kv(holder, "note", text),
        "attribute key": lambda text: _kv(holder, text, "x"),
        "bytes": lambda text: setattr(holder.add(key="blob").value, "bytes_value", text.encode()),
        "array": lambda text: listed.extend(
            [AnyValue(string_value="x"), AnyValue(string_value=text)]
        ),
        "nested": lambda text: _nested(holder.add(key="deep").value, text),
        "json": lambda text: _kv(holder, "json", json.dumps({"a": [{"b": text}], "n": 1.50})),
        "json key": lambda text: _kv(holder, "json", json.dumps({text: None})),
        "json in json": lambda text: _kv(holder, "twice", json.dumps([json.dumps({"b": [text]})])),
        "json cut off": lambda text: _kv(holder, "cut", json.dumps({"b": text, "c": "d"})[:-4]),
        "json, slashes escaped": lambda text: _kv(
            holder, "php", json.dumps({"b": text}).replace("/", "\\/")
        ),
        "json, all escaped": lambda text: _kv(
            holder, "esc", '{"b":"' + "".join(f"\\u{ord(c):04x}" for c in text) + '"}'
        ),
        "secret attribute": lambda text: _kv(holder, "db.password", text),
        "secret header": _value(
            holder.add(key="http.request.header.x-api-key").value.array_value.values.add()
        ),
        "secret list": lambda text: _kv(
            holder.add(key="app.credentials").value.kvlist_value.values, "any", text
        ),
        "secret json": lambda text: _kv(holder, "c", json.dumps({"clientSecret": {"v": [text]}})),
        "resource": lambda text: _kv(resource.resource.attributes, "host.note", text),
        "resource entity": resource.resource.entity_refs.add().id_keys.append,
        "resource schema": lambda text: setattr(resource, "schema_url", text),
        "scope name": lambda text: setattr(scope.scope, "name", text),
        "scope version": lambda text: setattr(scope.scope, "version", text),
        "scope attribute": lambda text: _kv(scope.scope.attributes, "note", text),
        "scope schema": lambda text: setattr(scope, "schema_url", text),
    }


def _span_locations(resource, scope, span) -> dict[str, Callable[[str], None]]:
    event, link = span.events.add(), span.links.add()
    return _locations(resource, scope, span) | {
        "span name": lambda text: setattr(span, "name", text),
        "trace state": lambda text: setattr(span, "trace_state", text),
        "status message": lambda text: setattr(span.status, "message", text),
        "event name": lambda text: setattr(event, "name", text),
        "event attribute": lambda text: _kv(event.attributes, "note", text),
        "exception message": lambda text: _kv(
            event.attributes, "exception.message", f"ValueError: bad input: {text}"
        ),
        "stack trace": lambda text: _kv(
            event.attributes,
            "exception.stacktrace",
            f'Traceback:\n  File "a.py", line 3, in connect\n    raise E\nE: {text}\n',
        ),
        "link attribute": lambda text: _kv(link.attributes, "note", text),
        "link trace state": lambda text: setattr(link, "trace_state", text),
    }


def _log_locations(resource, scope, record) -> dict[str, Callable[[str], None]]:
    return _locations(resource, scope, record) | {
        "body": _value(record.body),
        "severity text": lambda text: setattr(record, "severity_text", text),
        "event name": lambda text: setattr(record, "event_name", text),
    }


def traces_with(plant: Plant) -> TracesData:
    """One span per place, each in a resource of its own."""
    data = TracesData()
    for name in _span_locations(*_new_span(TracesData())):
        _span_locations(*_new_span(data))[name](_text_for(name, plant))
    return data


def logs_with(plant: Plant) -> LogsData:
    data = LogsData()
    for name in _log_locations(*_new_record(LogsData())):
        _log_locations(*_new_record(data))[name](_text_for(name, plant))
    return data


def _text_for(name: str, plant: Plant) -> str:
    return plant.secret if name.startswith("secret") else plant.carrier


def _new_span(data: TracesData):
    resource = data.resource_spans.add()
    scope = resource.scope_spans.add()
    return resource, scope, scope.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8)


def _new_record(data: LogsData):
    resource = data.resource_logs.add()
    scope = resource.scope_logs.add()
    return resource, scope, scope.log_records.add(time_unix_nano=1)


def spellings(secret: str) -> set[str]:
    """Return a secret as it is, and in every JSON spelling planted here."""
    quoted = json.dumps(secret)[1:-1]
    return {
        secret,
        quoted,
        json.dumps(quoted)[1:-1],
        quoted.replace("/", "\\/"),
        "".join(f"\\u{ord(c):04x}" for c in secret),
    }


def occurrences(data: TracesData | LogsData, secret: str) -> int:
    """Count a secret in a message's bytes, in all its spellings."""
    body = data.SerializeToString()
    return sum(body.count(spelling.encode()) for spelling in spellings(secret))


def places_with(data: TracesData, secret: str) -> list[str]:
    """Return which places of `traces_with` hold a secret."""
    names = list(_span_locations(*_new_span(TracesData())))
    return [
        name
        for name, resource in zip(names, data.resource_spans, strict=True)
        if occurrences(TracesData(resource_spans=[resource]), secret)
    ]
