"""Writes the shapes of answers as TypedDicts, from the schema that the API gives of itself.

`python -m otel_vector.client.generate docs/openapi.json otel_vector/client/shapes` writes the
committed ones. A module holds what one part of the API (its tag) answers with; what several
answer with is in `common`. All are final, so that `"signal" in row` tells a type checker a log
record from a span.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

__all__ = ["modules"]

Schema = Mapping[str, Any]

_COMMON: Final = "common"
_PACKAGE: Final = "otel_vector.client.shapes"
_REFERENCE: Final = re.compile(r'"#/components/schemas/(\w+)"')
_ANSWERS: Final = frozenset({"200", "202", "503"})  # 503: not ready; all others are problems
_PROBLEM: Final = "Problem"
_WIDTH: Final = 99
_PLAIN: Final = {
    "boolean": "bool",
    "integer": "int",
    "null": "None",
    "number": "float",
    "string": "str",
}
_USED_FROM_TYPING: Final = ("Any", "Literal", "NotRequired", "TypedDict", "final")
_FROM: Final = "written by `generate.py` from the API's schema"


def modules(api: Schema) -> dict[str, str]:
    """Return the text of each module of shapes by its file name."""
    shapes = api["components"]["schemas"]
    homes = _homes(api)
    texts = {f"{home}.py": _module(home, shapes, homes) for home in sorted(set(homes.values()))}
    return {"__init__.py": _door(homes), **texts}


def _homes(api: Schema) -> dict[str, str]:
    """Return the module of each shape that an answer is made of."""
    shapes, tags = api["components"]["schemas"], dict[str, set[str]]()
    for route in (route for routes in api["paths"].values() for route in routes.values()):
        answers = [a for status, a in route["responses"].items() if status in _ANSWERS]
        for name in _within(answers, shapes):
            tags.setdefault(name, set()).add(route["tags"][0])
    tags.pop(_PROBLEM, None)
    return {name: used.pop() if len(used) == 1 else _COMMON for name, used in tags.items()}


def _within(part: Any, shapes: Schema) -> set[str]:
    """Return the names of all shapes that a part of the schema leads to."""
    found, open_ends = set[str](), _named(part)
    while open_ends:
        name = open_ends.pop()
        found.add(name)
        open_ends |= _named(shapes[name]) - found
    return found


def _named(part: Any) -> set[str]:
    return set(_REFERENCE.findall(orjson.dumps(part).decode()))


def _door(homes: Mapping[str, str]) -> str:
    head = f'"""The shapes of answers; {_FROM}."""'
    return "\n".join((head, "", *_imports(homes), "", *_listed(homes), ""))


def _module(home: str, shapes: Schema, homes: Mapping[str, str]) -> str:
    names = sorted(name for name in homes if homes[name] == home)
    body = "\n\n\n".join(_shape(name, shapes[name]) for name in names)
    used = {n: homes[n] for name in names for n in _named(shapes[name]) if homes[n] != home}
    typing = ", ".join(name for name in _USED_FROM_TYPING if re.search(rf"\b{name}\b", body))
    what = "several parts of the API answer" if home == _COMMON else f"`{home}` answers"
    lines = (
        f'"""What {what} with; {_FROM}."""',
        "",
        "from __future__ import annotations",
        "",
        f"from typing import {typing}",
        *(["", *_imports(used)] if used else []),
        "",
        *_listed(names),
        "",
        "",
        body,
        "",
    )
    return "\n".join(lines)


def _imports(homes: Mapping[str, str]) -> Iterator[str]:
    for home in sorted(set(homes.values())):
        names = sorted((name for name in homes if homes[name] == home), key=str.lower)
        line = f"from {_PACKAGE}.{home} import {', '.join(names)}"
        if len(line) <= _WIDTH:
            yield line
        else:
            yield f"from {_PACKAGE}.{home} import ("
            yield from (f"    {name}," for name in names)
            yield ")"


def _listed(names: Iterable[str]) -> Iterator[str]:
    quoted = [f'"{name}"' for name in sorted(names)]
    line = f"__all__ = [{', '.join(quoted)}]"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield "__all__ = ["
        yield from (f"    {name}," for name in quoted)
        yield "]"


def _shape(name: str, schema: Schema) -> str:
    required = schema["required"]
    optional = sorted(set(schema["properties"]) - set(required))
    fields = [f"    {n}: {_type(schema['properties'][n])}" for n in required]
    fields += [f"    {n}: NotRequired[{_type(schema['properties'][n])}]" for n in optional]
    described = {n: schema["properties"][n].get("description") for n in (*required, *optional)}
    notes = [_note(n, text) for n, text in described.items() if text]
    head = f'    """{schema["description"]}'
    told = f'{head}\n\n    Attributes:\n{chr(10).join(notes)}\n    """' if notes else f'{head}"""'
    return "\n".join(("@final", f"class {name}(TypedDict):", told, "", *fields))


def _note(name: str, text: str) -> str:
    return textwrap.fill(
        f"{name}: {text}.",
        _WIDTH,
        initial_indent=" " * 8,
        subsequent_indent=" " * 12,
        break_long_words=False,
    )


def _type(schema: Schema) -> str:
    """Return a part of the schema as an annotation.

    Raises:
        ValueError: it is written in a way that is not known here.
    """
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(one) for one in schema["anyOf"])
    if "const" in schema:
        return f"Literal[{orjson.dumps(schema['const']).decode()}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema['items'])}]"
    if kind == "object" and "additionalProperties" in schema:
        inner = schema["additionalProperties"]
        return f"dict[str, {'Any' if inner is True else _type(inner)}]"
    if kind in _PLAIN:
        return _PLAIN[kind]
    raise ValueError(f"no annotation is known for {schema}; name a model, or teach it here")


def _main() -> None:
    source, folder = map(Path, sys.argv[1:])
    for name, text in modules(orjson.loads(source.read_bytes())).items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    _main()
