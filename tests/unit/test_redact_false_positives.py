"""What looks like a secret and is none stays as it came."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.semconv import attributes as stable
from opentelemetry.semconv._incubating import attributes as incubating

from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

REDACTOR = Redactor(RedactConfig(), b"a digest key for tests")

TEXTS = (
    "4d2a46c7-71cb-4cf1-b5bb-b68406d9da6f",
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "registry.example/shop/cart@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "checkoutservice-7d9f8c6b5d-x2x7k",
    "e83c5163316f89bfbde7d9ab23ca2e25604af290",
    "order-8837", "INV-2026-000123", "u-4711", "ORDER:AKIA-1",
    "+49 30 1234567", "(212) 555-0134", "192.168.17.4", "2001:db8::17", "ada@example.org",
    "4111 1111 1111 1111", "123-45-6789", "1760000000000000000",
    "https://shop.example:8443/cart/7?page=2&sort=price&code=200&author=ada&assign=x",
    "https://registry.example:443/@scope/package", "git@github.com:a/b.git", "mailto:ada@example.org",
    "postgres://db:5432/shop", "jdbc:mysql://db:3306/shop?useSSL=true", "redis://cache:6379/0",
    "postgres://shop:***@db/shop", "postgres://shop:${DB_PASSWORD}@db/shop",
    "Basic authentication is required", "Bearer authentication", "the bearer of this letter",
    "Unexpected token < in JSON at position 0", "invalid token: expected )", "token: IDENTIFIER",
    "Authorization: required", "password: required", "password must not be empty", "your password has expired",
    "max_tokens=4096, total_tokens: 12", "stop_token=</s>", "next_page_token=CAoQAA", "token_type=bearer&expires_in=3600",
    "grant_type=password", "secretName: shop-tls", "primary_key=id", "partition key=7", "cache_key=cart:7",
    "def login(user, password=None, token: str = None): pass", "password = self.password", "connect(api_key=os.environ.API_KEY)",
    "if password == other: raise", "password=%s", "password=?", "SELECT password, token FROM users WHERE secret = ?",
    "UPDATE users SET password=$1 WHERE id=$2",
    "PWD=/srv/shop", "cookie consent given", "cookies: 3", "Cookie: none",
    "the secret of good bread is time", "task-sk-12 finished", "risk-management-and-compliance-department",
    "eyJ is how base64 of JSON begins", "SG.1 and SG.2", "hf_model", "npm_config_cache=/tmp",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    '{"tool": {"parameters": {"type": "object", "properties": {"api_key": {"type": "string"}}}}}',
    '{"usage": {"prompt_tokens": 12, "completion_tokens_details": {"reasoning_tokens": 3}}}',
    '{"finish": "stop_token", "token_count": 12, "tokens": [1, 2], "auth": "required"}',
)  # fmt: skip

KEYS = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.total_tokens",
    "gen_ai.server.time_to_first_token", "gen_ai.server.time_per_output_token", "gen_ai.token.type",
    "llm.token_count.prompt", "llm.token_count.completion_details.reasoning", "max_tokens", "maxTokens", "max_token",
    "token_type", "tokenType", "next_page_token", "nextPageToken", "next_token", "continuation_token", "eos_token",
    "ai.usage.promptTokens", "ai.usage.completionTokens", "session.id", "session", "user.id", "crew_key", "task_key",
    "aws.auth.region", "k8s.secret.name", "secret_name", "secretArn", "password_policy", "password.length",
    "authorization_endpoint", "auth.method", "auth", "author", "db.partition_key", "messaging.kafka.message.key",
    "primary_key", "cache.key", "cookie_consent", "passed", "bypass_count", "passenger", "compass", "keypress",
    "process.environment_variable.PWD", "code.signature", "access_key_id", "public_key", "tls.server.certificate",
    "hotpath", "footprint", "tokenizer", "detokenize.ms", "credential.type", "credentials_provider",
)  # fmt: skip


def _kept(key: str, value: str) -> bool:
    data = TracesData()
    span = data.resource_spans.add().scope_spans.add().spans.add(name=value, trace_state=value)
    span.attributes.add(key=key).value.string_value = value
    span.events.add(name="exception").attributes.add(key=key, value=AnyValue(string_value=value))
    before = data.SerializeToString()
    return REDACTOR.traces(data, before) == 0 and data.SerializeToString() == before


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_without_a_secret_is_kept(text: str) -> None:
    assert _kept("note", text)


@pytest.mark.parametrize("key", KEYS)
def test_a_value_under_a_harmless_name_is_kept(key: str) -> None:
    assert _kept(key, "plain value")


def _conventional_keys() -> list[str]:
    found = set()
    for package in (stable, incubating):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            members = vars(importlib.import_module(module.name))
            found |= {v for k, v in members.items() if k.isupper() and isinstance(v, str)}
    return sorted(found)


def test_no_key_of_the_semantic_conventions_is_secret() -> None:
    keys = _conventional_keys()
    assert len(keys) > 500
    assert [key for key in keys if not _kept(key, "plain value")] == []
