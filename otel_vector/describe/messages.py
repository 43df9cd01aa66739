"""Captured content as readable text, whatever shape an instrumentation gave it.

Chat messages come as JSON text or structured values, in the shapes of the GenAI conventions,
OpenAI, Anthropic, Bedrock, Gemini, LangChain, Pydantic AI, the Vercel AI SDK and the flattened
lists of OpenInference. One recursive reader knows them by their keys; what it does not know
becomes lines of `key: value`. It reads to a bounded depth and number of nodes and never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson

from otel_vector.describe.families import EVENT_MESSAGES
from otel_vector.describe.pieces import LONGEST_VALUE, Pieces, size_of
from otel_vector.spans.meanings import Facet

__all__ = ["Reader"]

_DEEPEST: Final = 24
_MOST_NODES: Final = 4_000
_LONGEST_KEY: Final = 64
_LONGEST_CALL: Final = 1_000  # characters of the arguments of a call whose tool is known
_MOST_NUMBERS: Final = 16  # a longer list of numbers is a vector
_EMPTY: Final[tuple[object, ...]] = (None, "", [], {})

_ROLES: Final = MappingProxyType(
    {
        "human": "user",
        "user": "user",
        "user-prompt": "user",
        "ai": "assistant",
        "assistant": "assistant",
        "model": "assistant",
        "system": "system",
        "system-prompt": "system",
        "developer": "system",
        "tool": "tool",
        "function": "tool",
        "tool-return": "tool",
    }
)
_CONTENT: Final = ("content", "parts", "contents", "text", "message", "message_content", "refusal")
_CALLS: Final = (
    "tool_calls",
    "toolCalls",
    "tool_call",
    "toolUse",
    "function_call",
    "functionCall",
)
_RESULTS: Final = ("toolResult", "function_response", "functionResponse")
_THOUGHTS: Final = ("reasoning", "thinking", "reasoning_content", "reasoningContent")
_CALL_TYPES: Final = frozenset({"tool_call", "tool-call", "tool_use", "function_call", "function"})
_RESULT_TYPES: Final = frozenset(
    {"tool_call_response", "tool-result", "tool_result", "tool-return", "function_call_output"}
)
_THOUGHT_TYPES: Final = frozenset({"reasoning", "thinking", "redacted_thinking"})
_BINARY_TYPES: Final = frozenset({"blob", "image", "file", "audio", "video", "document", "media"})
_NAMES: Final = ("name", "toolName", "tool_name")
_ARGUMENTS: Final = ("arguments", "input", "args", "parameters")
_ANSWERS: Final = ("result", "response", "output", "content")
_FINALS: Final = ("raw",)  # CrewAI: the answer itself, beside how it came about
_SYSTEM: Final = ("system", "system_instruction", "system_instructions", "instructions")
_CONTAINERS: Final = (
    *("messages", "prompt", "input_messages", "args", "kwargs", "inputs", "outputs"),
    *("choices", "document", "documents", "embedding"),
)
_CONFIGS: Final = ("config", "generation_config")
_CUT_CONTENT: Final = re.compile(r'"(?:content|text)"\s*:\s*"((?:[^"\\]|\\.)*)')


class Reader:
    """Reads the content of one span into pieces."""

    def __init__(self) -> None:
        self.pieces = Pieces()
        self._left = _MOST_NODES

    def read(self, node: Any, facet: Facet, role: str = "", depth: int = 0) -> None:
        """Add what a value says.

        Args:
            node: text, number, list or map; text that is JSON is read as what it says.
            facet: where text goes that has no place of its own.
            role: who said it: `user`, `assistant`, `system`, `tool` or empty.
            depth: how deep in a value this is.
        """
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST or node is None:
            return
        if isinstance(node, str):
            self._text(node, facet, role, depth)
        elif isinstance(node, list):
            self._list(node, facet, role, depth)
        elif isinstance(node, dict):
            self._map(node, facet, role, depth)
        else:
            self.pieces.add(facet, _scalar(node), role)

    def call(self, name: str, arguments: Any) -> None:
        """Add one tool call whose name and arguments are known."""
        shown = self._flat(arguments, 0)[:_LONGEST_CALL]
        self.pieces.add(Facet.TOOL, f"{name}({shown})")

    def _text(self, text: str, facet: Facet, role: str, depth: int) -> None:
        parsed = _parsed(text)
        if parsed is None:
            cut = _cut_contents(text)
            for part in cut or (text,):
                self.pieces.add(facet, part, role)
        else:
            self.read(parsed, facet, role, depth + 1)

    def _list(self, nodes: list[Any], facet: Facet, role: str, depth: int) -> None:
        if all(not isinstance(node, dict | list) for node in nodes):
            self.pieces.add(facet, _listed(nodes), role)
            return
        for node in nodes:
            self.read(node, facet, role, depth + 1)

    def _map(self, node: dict[str, Any], facet: Facet, role: str, depth: int) -> None:
        facet, role = EVENT_MESSAGES.get(str(node.get("event.name")), (facet, role))
        role = _role_of(node) or role
        facet = Facet.SYSTEM if role == "system" else facet
        handler = _handler(node)
        if handler is not None:
            handler(self, node, facet, role, depth)
        elif not self._known(node, facet, role, depth):
            self.pieces.add(facet, "\n".join(self._lines(node, depth)), role)

    def _known(self, node: Mapping[str, Any], facet: Facet, role: str, depth: int) -> bool:
        """Read the keys that messages are made of; tell whether there were any."""
        found = False
        for keys, read in _SHAPES:
            for key in keys:
                if node.get(key) not in _EMPTY:
                    read(self, node[key], facet, role, depth + 1)
                    found = True
        return found

    def _container(self, node: Any, facet: Facet, role: str, depth: int) -> None:
        self.read(node, facet, role or ("user" if isinstance(node, str) else ""), depth)

    def _config(self, node: Any, _facet: Facet, _role: str, depth: int) -> None:
        for key in _SYSTEM if isinstance(node, dict) else ():
            self._system(node.get(key), Facet.SYSTEM, "", depth + 1)

    def _system(self, node: Any, _facet: Facet, _role: str, depth: int) -> None:
        self.read(node, Facet.SYSTEM, "system", depth)

    def _thought(self, node: Any, _facet: Facet, role: str, depth: int) -> None:
        if isinstance(node, dict):
            node = next((node[k] for k in ("content", "thinking", "text") if node.get(k)), "")
        self.read(node, Facet.REASONING, role, depth)

    def _calls(self, node: Any, facet: Facet, role: str, depth: int) -> None:
        for call in node if isinstance(node, list) else (node,):
            self._call(call, facet, role, depth)

    def _call(self, node: Any, facet: Facet, role: str, depth: int) -> None:
        node = _parsed(node) if isinstance(node, str) else node
        if not isinstance(node, dict):
            return
        inner = node.get("tool_call") or node.get("function")
        if isinstance(inner, dict):
            self._call(inner, facet, role, depth)
            return
        name, arguments = _first(node, _NAMES), _first(node, _ARGUMENTS)
        text = f"{_scalar(name)}({self._flat(arguments, depth)})" if name else ""
        self.pieces.add(facet, text, role)
        self.pieces.add(Facet.TOOL, text)

    def _result(self, node: Any, facet: Facet, _role: str, depth: int) -> None:
        answer = _first(node, _ANSWERS) if isinstance(node, dict) else node
        self.read(answer, facet, "tool", depth + 1)

    def _value(self, node: Mapping[str, Any], facet: Facet, role: str, depth: int) -> None:
        self.read(node["value"], facet, role, depth + 1)

    def _binary(self, node: Mapping[str, Any], facet: Facet, role: str, _depth: int) -> None:
        shown = _first(node, ("mime_type", "mimeType", "mediaType", "media_type", "type"))
        data = _first(node, ("content", "data", "image", "file", "url", "uri", "file_id"))
        what = data if isinstance(data, str) and len(data) <= _LONGEST_KEY * 4 else ""
        size = size_of(len(data) * 3 // 4) if isinstance(data, str) and not what else what
        self.pieces.add(
            facet, f"[{_scalar(shown)}, {size}]" if size else f"[{_scalar(shown)}]", role
        )

    def _flat(self, node: Any, depth: int) -> str:
        """Return a value on one line."""
        node = (_parsed(node) or node) if isinstance(node, str) else node
        if isinstance(node, dict):
            return ", ".join(self._lines(node, depth))
        if isinstance(node, list):
            if all(isinstance(item, int | float) for item in node):
                return _listed(node)
            return ", ".join(self._flat(item, depth + 1) for item in node[:_MOST_NODES])
        return _scalar(node)

    def _lines(self, node: Mapping[str, Any], depth: int) -> list[str]:
        """Return a map of no known shape as lines; what is nested is on its key's line."""
        lines = list[str]()
        for key, value in node.items():
            self._left -= 1
            if self._left < 0 or depth > _DEEPEST:
                break
            shown = self._flat(value, depth + 1)
            if shown:
                lines.append(f"{str(key)[:_LONGEST_KEY]}: {shown}")
        return lines


_SHAPES: Final[tuple[tuple[tuple[str, ...], Callable[..., None]], ...]] = (
    (_SYSTEM, Reader._system),  # noqa: SLF001 -- a table of the class's own methods
    (_THOUGHTS, Reader._thought),  # noqa: SLF001
    (_FINALS, Reader.read),
    (_CONFIGS, Reader._config),  # noqa: SLF001
    (_CONTAINERS, Reader._container),  # noqa: SLF001
    (_CONTENT, Reader.read),
    (_CALLS, Reader._calls),  # noqa: SLF001
    (_RESULTS, Reader._result),  # noqa: SLF001
)
_HANDLERS: Final[dict[str, Callable[..., None]]] = (
    dict.fromkeys(_CALL_TYPES, Reader._call)  # noqa: SLF001
    | dict.fromkeys(_RESULT_TYPES, Reader._result)  # noqa: SLF001
    | dict.fromkeys(_THOUGHT_TYPES, Reader._thought)  # noqa: SLF001
    | dict.fromkeys(_BINARY_TYPES, Reader._binary)  # noqa: SLF001
)


def _listed(nodes: list[Any]) -> str:
    if len(nodes) > _MOST_NUMBERS and all(isinstance(node, int | float) for node in nodes):
        return f"[{len(nodes)} numbers]"
    return ", ".join(_scalar(node) for node in nodes)


def _parsed(text: str) -> Any:
    """Return what a JSON list, object or quoted text says; None for any other text."""
    head = text[:64].lstrip()[:1]
    if head not in {"{", "[", '"'} or len(text) > LONGEST_VALUE:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _cut_contents(text: str) -> list[str]:
    """Return the contents in JSON that was cut off, or is too long to parse."""
    if text[:64].lstrip()[:2] not in {'{"', "[{"}:
        return []
    found = _CUT_CONTENT.findall(text[:LONGEST_VALUE])
    return [part.replace('\\"', '"').replace("\\n", "\n") for part in found if part]


def _handler(node: Mapping[str, Any]) -> Callable[..., None] | None:
    """Return what reads a map that says its type, or that is plainly a call; else None."""
    kind = node.get("type")
    if isinstance(kind, str) and kind in _HANDLERS:
        return _HANDLERS[kind]
    if isinstance(kind, str) and "value" in node:
        return Reader._value  # noqa: SLF001
    is_call = "toolName" in node and ("input" in node or "args" in node)
    return Reader._call if is_call else None  # noqa: SLF001


def _role_of(node: Mapping[str, Any]) -> str:
    for key in ("role", "part_kind", "type"):
        value = node.get(key)
        if isinstance(value, str) and value in _ROLES:
            return _ROLES[value]
    kind = node.get("id")
    if node.get("lc") and isinstance(kind, list) and kind and isinstance(kind[-1], str):
        return _ROLES.get(kind[-1].removesuffix("Message").lower(), "")
    return ""


def _first(node: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((node[key] for key in keys if node.get(key) not in (None, "")), "")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
