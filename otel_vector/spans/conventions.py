"""Attribute names of semantic conventions that mean the same: old and new are one key.

The table folds renames of the OpenTelemetry semantic conventions; what was stored is never
rewritten, a question is asked of every name of the family.
"""

from __future__ import annotations

from typing import Final

__all__ = ["RENAMES", "canonical", "family"]

RENAMES: Final[tuple[tuple[str, ...], ...]] = (
    ("http.request.method", "http.method"),
    ("http.response.status_code", "http.status_code"),
    ("url.full", "http.url"),
    ("url.path", "http.target"),
    ("url.scheme", "http.scheme"),
    ("server.address", "net.peer.name", "net.host.name", "http.host"),
    ("server.port", "net.peer.port", "net.host.port"),
    ("client.address", "http.client_ip"),
    ("user_agent.original", "http.user_agent"),
    ("network.protocol.name", "net.protocol.name"),
    ("network.protocol.version", "net.protocol.version", "http.flavor"),
    ("db.query.text", "db.statement"),
    ("db.namespace", "db.name"),
    ("db.operation.name", "db.operation"),
    ("db.collection.name", "db.sql.table", "db.mongodb.collection", "db.cassandra.table"),
    ("db.system.name", "db.system"),
    ("rpc.system.name", "rpc.system"),
    ("rpc.response.status_code", "rpc.status_code", "rpc.grpc.status_code"),
    ("messaging.operation.type", "messaging.operation"),
    ("messaging.destination.name", "messaging.destination"),
    ("deployment.environment.name", "deployment.environment"),
    ("service.peer.name", "peer.service"),
    ("code.function.name", "code.function"),
    ("code.file.path", "code.filepath"),
    ("code.line.number", "code.lineno"),
    ("gen_ai.provider.name", "gen_ai.system"),
    ("gen_ai.request.model", "llm.model_name", "ai.model.id"),
    ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    ("gen_ai.conversation.id", "session.id"),
    ("enduser.id", "user.id"),
)
"""Families of names, the current one first."""

_FAMILY: Final = {name: names for names in RENAMES for name in names}


def family(key: str) -> tuple[str, ...]:
    """Return every name of a key's family, the key itself first."""
    names = _FAMILY.get(key, (key,))
    return (key, *(name for name in names if name != key))


def canonical(key: str) -> str:
    """Return the current name of a key's family; the key itself when it has none."""
    return _FAMILY.get(key, (key,))[0]
