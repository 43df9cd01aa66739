"""What a record may be: its name, its size, and when two of them are the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from otel_vector.errors import InvalidInputError, TooLargeError
from otel_vector.spans.ids import MeaningId
from otel_vector.store.records import Draft

__all__ = [
    "MAX_BODY_BYTES",
    "MAX_KEY_CHARS",
    "MAX_MEANINGS",
    "Checked",
    "body_of",
    "check_collection",
    "check_key",
    "checked",
    "is_same",
]

MAX_KEY_CHARS: Final = 512
MAX_BODY_BYTES: Final = 1 << 20
MAX_MEANINGS: Final = 256
_COLLECTION: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Checked:
    """A draft that may be stored.

    Attributes:
        key: its name.
        body: the JSON object as it is stored.
        meanings: ids of the texts it is found by, each once.
    """

    key: str
    body: bytes
    meanings: tuple[MeaningId, ...]


def checked(collection: str, drafts: Sequence[Draft]) -> list[Checked]:
    """Return drafts as they are stored.

    Args:
        collection: where they are to be stored.
        drafts: the records.

    Raises:
        InvalidInputError: a name that cannot be one, or a body that is no JSON object.
        TooLargeError: a body or the number of its texts is over the limit.
    """
    check_collection(collection)
    return [_checked(draft) for draft in drafts]


def _checked(draft: Draft) -> Checked:
    check_key(draft.key)
    meanings = tuple(dict.fromkeys(draft.meanings))
    if len(meanings) > MAX_MEANINGS:
        raise TooLargeError(
            f"record {draft.key!r} has {len(meanings)} texts, at most {MAX_MEANINGS} are taken;"
            " split it into several records"
        )
    return Checked(draft.key, _encoded(draft), meanings)


def _encoded(draft: Draft) -> bytes:
    try:
        body = orjson.dumps(dict(draft.body))
    except (TypeError, ValueError) as error:
        raise InvalidInputError(
            f"the body of record {draft.key!r} is no JSON object: {error}"
        ) from error
    if len(body) > MAX_BODY_BYTES:
        raise TooLargeError(
            f"the body of record {draft.key!r} has {len(body):,} bytes, at most"
            f" {MAX_BODY_BYTES:,} are taken; store the rest elsewhere and name it in the body"
        )
    return body


def check_collection(collection: str) -> None:
    """Refuse what cannot be the name of a collection.

    Raises:
        InvalidInputError: it cannot; says what can.
    """
    if not _COLLECTION.fullmatch(collection):
        raise InvalidInputError(
            f"{collection[:80]!r} is no name of a collection: use up to 63 of a-z, 0-9, _ . -,"
            " beginning with a letter or a digit"
        )


def check_key(key: str) -> None:
    """Refuse what cannot be the key of a record.

    Raises:
        InvalidInputError: it cannot; says what can.
    """
    if not 1 <= len(key) <= MAX_KEY_CHARS:
        raise InvalidInputError(f"a key has 1 to {MAX_KEY_CHARS} characters, not {len(key)}")
    if key in {".", ".."}:
        raise InvalidInputError(f"{key!r} is no key, since no URL can name it")
    if _CONTROL.search(key) or key != key.encode("utf-8", "replace").decode():
        raise InvalidInputError(f"the key {key[:80]!r} holds characters that no text has")


def is_same(stored: bytes, meanings: Sequence[MeaningId], draft: Checked) -> bool:
    """Return whether a stored version is what a draft says; the order of members is no matter."""
    if tuple(meanings) != draft.meanings:
        return False
    return stored == draft.body or _canonical(stored) == _canonical(draft.body)


def _canonical(body: bytes) -> bytes:
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)


def body_of(stored: bytes) -> Mapping[str, Any]:
    """Return a stored body as the JSON object it is."""
    return dict(orjson.loads(stored))
