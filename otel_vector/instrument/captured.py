"""Arguments that `capture_inputs=True` captured: as rows have them, and as the store is asked.

They are all in one canonical text, `input.value`, and the store cannot tell one from another: what
it is asked for is where an argument's name occurs, and its value if that is there as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from otel_vector.canonical.tags import TAG
from otel_vector.spans.values import number_of

__all__ = ["INPUT", "SCOPE", "arguments_in", "naming", "verbatim", "with_texts"]

INPUT: Final = "input.value"
SCOPE: Final = "otel_vector"
"""The instrumentation scope of traced functions; what others have as input is no arguments."""

_TAGGED: Final = f'"{TAG}":'
"""In no canonical text but where a value is not plain JSON: within texts quotes are escaped."""
_PART_OF_NUMBER: Final = re.compile(r"[0-9.e+-]*")

Json = dict[str, Any]


def arguments_in(text: str) -> dict[str, Any]:
    """Return arguments by name: what JSON has as it is, any other as its canonical text.

    Empty for a text that is cut, or of no arguments.
    """
    from orjson import OPT_SORT_KEYS, JSONDecodeError, JSONEncodeError, dumps, loads

    try:
        tree = loads(text)
        if type(tree) is not dict or TAG in tree:
            return {}
        texts = {name: dumps(part, option=OPT_SORT_KEYS).decode() for name, part in tree.items()}
    except (JSONDecodeError, JSONEncodeError):  # cut, or deeper than any value that is captured
        return {}
    return {name: texts[name] if _TAGGED in texts[name] else tree[name] for name in tree}


def naming(name: str) -> Json:
    """Return a filter of the API that holds of all spans that have an argument."""
    quoted = json.dumps(name, ensure_ascii=False)
    return {
        "and": [
            {"field": "scope", "value": SCOPE},
            with_texts([quoted]),
            {"phrase": quoted},  # rules out blocks by their bytes
        ]
    }


def with_texts(texts: list[str]) -> Json:
    """Return a filter of the API that holds where any of some texts occurs in the arguments."""
    return {"attribute": INPUT, "scope": "span", "op": "contains", "values": texts}


def verbatim(texts: Iterable[Any]) -> list[str]:
    """Return texts if all of them stand in canonical text as they are; else none.

    Numbers have many forms, and quotes and the like are escaped.
    """
    found = list(texts)
    return found if all(isinstance(one, str) and _is_verbatim(one) for one in found) else []


def _is_verbatim(text: str) -> bool:
    is_number = number_of(text) is not None or _PART_OF_NUMBER.fullmatch(text) is not None
    return not is_number and json.dumps(text, ensure_ascii=False) == f'"{text}"'
