"""Where each instrumentation puts what went in and out: one table of attribute families.

A *source* says which facet an attribute's value belongs to and how well it is structured: of
the sources of one facet on one span, those of the lowest rank present are read, the rest are
coarser copies of the same content. An attribute that is only part of a flattened structure
(`llm.input_messages.0.message.role`) is gathered under its root. Originals are never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from otel_vector.spans.keys import ERROR_CODE, KEYED, NARROWED
from otel_vector.spans.meanings import Facet

__all__ = [
    "ALWAYS",
    "EVENT_MESSAGES",
    "OUTBOUND",
    "TOOL_NAMES",
    "Role",
    "Source",
    "role_of",
]

ALWAYS: Final = 1
OUTBOUND: Final = 2
_EXACT, _STRUCTURED, _COARSE, _WHOLE = range(4)


@dataclass(frozen=True, slots=True)
class Source:
    """Where an attribute's value goes.

    Attributes:
        facet: the facet of what has no role of its own.
        rank: lower is better structured; only the lowest present of a facet is read.
        root: of a flattened structure, its prefix; else empty.
    """

    facet: Facet
    rank: int = _EXACT
    root: str = ""


@dataclass(frozen=True, slots=True)
class Role:
    """What an attribute means to a description; most attributes mean nothing to it.

    Attributes:
        operation: 0, or ALWAYS, or OUTBOUND: its value names the operation (of callers only).
        key: the key field that its value is filed under; empty for none.
        source: where its content goes; None for an attribute without content.
        is_run: it is the run kind.
        is_rare: it is more than a name of the operation.
    """

    operation: int = 0
    key: str = ""
    source: Source | None = None
    is_run: bool = False
    is_rare: bool = False


_CONTENT: Final = {
    Facet.INPUT: (
        (_EXACT, "gen_ai.input.messages gen_ai.tool.call.arguments gen_ai.retrieval.query.text"),
        (
            _EXACT,
            "gen_ai.memory.query.text ai.prompt.messages ai.toolCall.args ai.value ai.values",
        ),
        (_EXACT, "pydantic_ai.all_messages tool_arguments reranker.query"),
        (_EXACT, "gcp.vertex.agent.llm_request gcp.vertex.agent.tool_call_args"),
        (_EXACT, "lk.input_text lk.user_transcript http.request.body.content"),
        (_STRUCTURED, "gen_ai.prompt ai.prompt prompt all_messages_events events lk.chat_ctx"),
        (_COARSE, "langfuse.observation.input mlflow.spanInputs traceloop.entity.input"),
        (_COARSE, "input.value tool.parameters genkit:input"),
        (_WHOLE, "langfuse.trace.input crew_tasks"),
    ),
    Facet.OUTPUT: (
        (_EXACT, "gen_ai.output.messages gen_ai.tool.call.result gen_ai.memory.records"),
        (_EXACT, "ai.response.text ai.response.object ai.response.toolCalls ai.toolCall.result"),
        (_EXACT, "ai.result.text ai.result.object ai.result.toolCalls tool_response"),
        (_EXACT, "gcp.vertex.agent.llm_response gcp.vertex.agent.tool_response"),
        (_EXACT, "lk.response.text lk.function_tool.output http.response.body.content"),
        (_STRUCTURED, "gen_ai.completion final_result"),
        (_COARSE, "langfuse.observation.output mlflow.spanOutputs traceloop.entity.output"),
        (_COARSE, "output.value genkit:output vectorwave.return_value"),
        (_WHOLE, "langfuse.trace.output"),
    ),
    Facet.SYSTEM: ((_EXACT, "gen_ai.system_instructions"), (_STRUCTURED, "ai.prompt.system")),
    Facet.REASONING: ((_EXACT, "ai.response.reasoning gen_ai.output.reasoning"),),
    Facet.RETRIEVAL: ((_EXACT, "gen_ai.retrieval.documents"),),
    Facet.TOOL: ((_EXACT, "gen_ai.tool.description tool.description"),),
}

_ROOTS: Final = {
    "llm.input_messages": Source(Facet.INPUT, _EXACT, "llm.input_messages"),
    "llm.output_messages": Source(Facet.OUTPUT, _EXACT, "llm.output_messages"),
    "gen_ai.prompt": Source(Facet.INPUT, _EXACT, "gen_ai.prompt"),
    "gen_ai.completion": Source(Facet.OUTPUT, _EXACT, "gen_ai.completion"),
    "llm.prompts": Source(Facet.INPUT, _STRUCTURED, "llm.prompts"),
    "llm.choices": Source(Facet.OUTPUT, _STRUCTURED, "llm.choices"),
    "embedding.embeddings": Source(Facet.INPUT, _EXACT, "embedding.embeddings"),
    "retrieval.documents": Source(Facet.RETRIEVAL, _EXACT, "retrieval.documents"),
    "reranker.output_documents": Source(Facet.RETRIEVAL, _EXACT, "reranker.output_documents"),
}

_VECTORWAVE: Final = Source(Facet.INPUT, _COARSE, "vectorwave")
_VECTORWAVE_FIELDS: Final = (
    "trace_id span_id parent_span_id function_name function_uuid timestamp_utc duration_ms status "
    "error_message error_code return_value exec_source is_golden_source uuid"
)
"""What VectorWave says of a call itself; all else under its prefix are captured arguments."""

_OPERATION: Final = (
    "http.request.method http.method http.route db.query.summary db.query.text db.statement "
    "db.operation.name db.operation db.collection.name db.sql.table db.mongodb.collection "
    "db.cassandra.table rpc.service rpc.method messaging.operation.type messaging.operation "
    "messaging.destination.name messaging.destination gen_ai.operation.name gen_ai.agent.name "
    "gen_ai.tool.name openinference.span.kind tool.name ai.toolCall.name tool_name agent_role "
    "agent_name graph.node.id traceloop.span.kind traceloop.entity.name traceloop.workflow.name "
    "code.function.name code.function mlflow.spanType langfuse.observation.type"
)
_OUTBOUND: Final = "server.address net.peer.name url.full http.url peer.service service.peer.name"

TOOL_NAMES: Final = frozenset({"gen_ai.tool.name", "tool.name", "ai.toolCall.name", "tool_name"})
"""Attributes that name the tool which a span ran."""

EVENT_MESSAGES: Final = MappingProxyType(
    {
        "gen_ai.system.message": (Facet.SYSTEM, "system"),
        "gen_ai.user.message": (Facet.INPUT, "user"),
        "gen_ai.assistant.message": (Facet.INPUT, "assistant"),
        "gen_ai.tool.message": (Facet.INPUT, "tool"),
        "gen_ai.choice": (Facet.OUTPUT, "assistant"),
    }
)
"""Name of a per-message event → facet and role of the message it carries."""


def role_of(key: str, indexed: dict[str, str]) -> Role | None:
    """Return what an attribute name means; None for most.

    Args:
        key: the attribute's name.
        indexed: name → key field of the configured attributes, all names of their families.
    """
    return _role(
        ALWAYS if key in _ALWAYS_NAMES else OUTBOUND if key in _OUTBOUND_NAMES else 0,
        indexed.get(key) or KEYED.get(key) or (ERROR_CODE if key in NARROWED else ""),
        _SOURCES.get(key) or _gathered(key),
        is_run=key == "otel_vector.run.kind",
    )


def _role(operation: int, key: str, source: Source | None, *, is_run: bool) -> Role | None:
    is_rare = bool(key or source or is_run)
    return Role(operation, key, source, is_run, is_rare) if operation or is_rare else None


def _gathered(key: str) -> Source | None:
    """Return the source of a part of a flattened list, `<root>.<number>.<rest>`, or map."""
    root, dot, rest = key.partition(".")
    if root == "vectorwave":
        return None if rest in _VECTORWAVE_OWN else _VECTORWAVE
    while dot:
        number, dot, tail = rest.partition(".")
        if number.isdecimal():
            return _ROOTS.get(root)
        root, rest = f"{root}.{number}", tail
    return None


def _sources() -> dict[str, Source]:
    return {
        name: Source(facet, rank)
        for facet, rows in _CONTENT.items()
        for rank, names in rows
        for name in names.split()
    }


_SOURCES: Final = _sources()
_VECTORWAVE_OWN: Final = frozenset(_VECTORWAVE_FIELDS.split())
_ALWAYS_NAMES: Final = frozenset(_OPERATION.split())
_OUTBOUND_NAMES: Final = frozenset(_OUTBOUND.split())
