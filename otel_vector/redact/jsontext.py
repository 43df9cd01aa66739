"""Secrets in JSON text: by name as in attributes, by pattern as in text, and it stays JSON.

The text is read token by token and never parsed into a tree: what is not a secret keeps its
bytes (spaces, number formats, repeated keys), nesting costs no stack, and text that was cut off
by a length limit is understood up to the cut. A string that holds JSON again is opened, to a
bounded depth. Text that is not valid JSON is read as plain text as well.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import orjson

from otel_vector.redact.keys import KeyRules
from otel_vector.redact.text import TextRules

__all__ = ["JsonRules"]

_TOKEN: Final = re.compile(rb"\"(?:[^\"\\]++|\\.)*+\"?+|[{}\[\],:]|[^\s\"{}\[\],:]++", re.DOTALL)
_NUMBER: Final = re.compile(rb"-?\d[\d.eE+-]*")
_SCORED: Final = re.compile(rb"\s*,\s*\"(?:logprob|prob|score|bytes)\"")
_FLAG: Final = re.compile(r"--?[\w-]+")
_NAMES: Final = frozenset((b'"name"', b'"key"', b'"Name"', b'"Key"'))
_PAIRED: Final = frozenset((b'"value"', b'"Value"'))
_TAG, _CONTENT = b'"$ov"', b'"v"'  # of canonical text: what is no JSON is an object that says what
_TABLES: Final = frozenset((b'"dict"', b'"OrderedDict"', b'"defaultdict"'))
_TUPLE: Final = b'"tuple"'
_ONE_MORE: Final = re.compile(rb"\s*,\s*\"(?:[^\"\\]++|\\.)*+(?:\"\s*+(?!,)|\Z)", re.DOTALL)
_MAX_DEPTH: Final = 8
_PASSES: Final = 8  # a marker in a key may end a word that was none before

_HIGH, _LOW = rb"[dD][89abAB][0-9a-fA-F]{2}", rb"[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE: Final = re.compile(
    rb"\\(?:u(" + _HIGH + rb"\\u" + _LOW + rb"|[0-9a-fA-F]{4})|(.))", re.DOTALL
)
_SIGNS: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_UNSAFE: Final = re.compile(rb"[\x00-\x1f\"\\]")
_NAMED: Final = {value: b"\\" + sign for sign, value in _SIGNS.items()} | {
    b'"': b'\\"',
    b"\\": b"\\\\",
}


@dataclass(slots=True)
class _Frame:
    """An open object or array.

    Attributes:
        is_object: whether it is an object.
        inherited: kind of secret that everything inside is.
        schema: whether its keys are the property names of a JSON schema.
        key: token of the key whose value comes next.
        at_key: whether the next string is a key.
        pending: kind of secret that the next value is.
        paired: kind of secret that a sibling named `value` is (``{"name": …, "value": …}``).
        tag: token of the type that an object of canonical text is of.
        is_table: whether it is an array of pairs, each a key and its value.
        is_pair: whether it is such a pair.
        in_list: whether it is an array, or a tuple of canonical text, within an array.
        at_first: whether nothing of it but its first part has come.
    """

    is_object: bool
    inherited: str | None = None
    schema: bool = False
    key: bytes = b""
    at_key: bool = False
    pending: str | None = None
    paired: str | None = None
    tag: bytes = b""
    is_table: bool = False
    is_pair: bool = False
    in_list: bool = False
    at_first: bool = True


class JsonRules:
    """Redacts strings, whether they hold JSON or not."""

    def __init__(self, text: TextRules, keys: KeyRules) -> None:
        self._text = text
        self._keys = keys

    def redact(self, value: bytes, depth: int = 0) -> tuple[bytes, int]:
        """Return the value without secrets, and how many there were.

        Args:
            value: UTF-8 text or any bytes.
            depth: how many JSON strings were opened to get here.
        """
        if not self._text.gate.hit(value):
            return value, 0
        if depth >= _MAX_DEPTH or value.lstrip()[:1] not in {b"{", b"[", b'"'}:
            return self._text.redact(value)
        count = 0
        for _ in range(_PASSES):
            value, found = self._pass(value, depth)
            if not found:
                return value, count
            count += found
        return self._text.mark("text", value), count

    def _pass(self, value: bytes, depth: int) -> tuple[bytes, int]:
        changed, count = _Reader(self, self._text, self._keys, value, depth).run()
        if _is_json(changed):
            return changed, count
        changed, more = self._text.redact(changed)
        return changed, count + more


class _Reader:
    """One pass over the tokens of one text."""

    def __init__(
        self, rules: JsonRules, text: TextRules, keys: KeyRules, value: bytes, depth: int
    ) -> None:
        self._rules = rules
        self._text = text
        self._keys = keys
        self._value = value
        self._depth = depth
        self._frames = [_Frame(is_object=False)]
        self._hits = sorted(text.gate.ranges(value), reverse=True)
        self._parts = list[bytes]()
        self._done = 0
        self._count = 0

    def run(self) -> tuple[bytes, int]:
        for match in _TOKEN.finditer(self._value):
            token = match.group()
            first = token[:1]
            if first == b'"':
                self._string(match, token)
            elif first in b"{}[],:":
                self._punctuation(first)
            else:
                self._literal(match, token)
        if not self._count:
            return self._value, 0
        return b"".join((*self._parts, self._value[self._done :])), self._count

    def _punctuation(self, sign: bytes) -> None:
        frame = self._frames[-1]
        if sign in b"{[":
            self._open(frame, is_object=sign == b"{")
        elif sign in b"}]":
            if len(self._frames) > 1:
                self._frames.pop()
        elif sign == b",":
            frame.at_key = frame.is_object
            frame.at_first = False
            frame.key = b""
            if frame.is_object:
                frame.pending = None
        else:
            frame.at_key = False

    def _open(self, frame: _Frame, *, is_object: bool) -> None:
        is_property = frame.schema and is_object
        inherited = frame.inherited or (None if is_property else frame.pending)
        frame.pending = None
        schema = is_object and frame.key == b'"properties"'
        opened = _Frame(is_object, inherited, schema, at_key=is_object)
        is_content = frame.key == _CONTENT
        opened.is_table = is_content and frame.tag in _TABLES
        opened.is_pair = frame.is_table
        opened.in_list = (
            frame.in_list if is_content and frame.tag == _TUPLE else self._is_within_list(frame)
        )
        self._frames.append(opened)

    def _is_within_list(self, frame: _Frame) -> bool:
        return not frame.is_object and len(self._frames) > 1

    def _string(self, match: re.Match[bytes], token: bytes) -> None:
        frame = self._frames[-1]
        if frame.at_key:
            self._key(frame, match, token)
            return
        if frame.key == _TAG:
            frame.tag = token
        kind, frame.pending = frame.inherited or frame.pending, None
        if kind is not None:
            self._secret(kind, match, token)
        elif self._is_hit(match):
            self._named(frame, _unquoted(token), match.end())
            self._replace(match, token, *self._rules.redact(_unquoted(token), self._depth + 1))

    def _key(self, frame: _Frame, match: re.Match[bytes], token: bytes) -> None:
        frame.key, frame.at_key = token, False
        if token in _PAIRED:
            frame.pending = frame.paired
        if not self._is_hit(match):
            return
        name = _unquoted(token)
        frame.pending = self._keys.kind(name.decode("utf-8", "replace")) or frame.pending
        if token == b'"token"' and self._is_scored(match):
            frame.pending = None
        self._replace(match, token, *self._text.redact(name))

    def _is_scored(self, match: re.Match[bytes]) -> bool:
        """Return whether this is a token of a text beside its probability."""
        colon = _TOKEN.search(self._value, match.end())
        value = _TOKEN.search(self._value, colon.end()) if colon else None
        return value is not None and _SCORED.match(self._value, value.end()) is not None

    def _named(self, frame: _Frame, value: bytes, end: int) -> None:
        """Note that this string names the next value: a pair's name, a command line's flag."""
        name = value.decode("utf-8", "replace")
        if frame.is_object:
            if frame.key in _NAMES:
                frame.paired = self._keys.kind(name)
        elif frame.is_pair or self._is_one_of_two(frame, end) or _FLAG.fullmatch(name):
            frame.pending = self._keys.kind(name)

    def _is_one_of_two(self, frame: _Frame, end: int) -> bool:
        """Return whether this is the first of two texts, in a list of such: a header, a field."""
        is_first = frame.in_list and frame.at_first
        return is_first and _ONE_MORE.match(self._value, end) is not None

    def _literal(self, match: re.Match[bytes], token: bytes) -> None:
        frame = self._frames[-1]
        kind, frame.pending = frame.inherited or frame.pending, None
        if not _NUMBER.fullmatch(token):
            return
        if kind not in {None, "token"}:
            self._put(match, b'"' + self._text.mark(kind, token) + b'"', 1)
        elif self._is_hit(match):
            changed, count = self._text.redact(token)
            self._put(match, b'"' + changed + b'"', count)

    def _secret(self, kind: str, match: re.Match[bytes], token: bytes) -> None:
        value = _unquoted(token)
        if not self._text.keeps(value):
            self._replace(match, token, self._text.mark(kind, value), 1)

    def _replace(self, match: re.Match[bytes], token: bytes, value: bytes, count: int) -> None:
        if count:
            self._put(match, _quoted(value, token), count)

    def _put(self, match: re.Match[bytes], value: bytes, count: int) -> None:
        if count:
            self._parts += (self._value[self._done : match.start()], value)
            self._done = match.end()
            self._count += count

    def _is_hit(self, match: re.Match[bytes]) -> bool:
        start, end = match.span()
        while self._hits and self._hits[-1][1] <= start:
            self._hits.pop()
        return bool(self._hits) and self._hits[-1][0] < end


def _is_json(value: bytes) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def _unquoted(token: bytes) -> bytes:
    """Return what a string token stands for, as UTF-8; lone surrogates are passed through."""
    inner = token[1:-1] if _is_closed(token) else token[1:]
    return _ESCAPE.sub(_unescaped, inner) if b"\\" in inner else inner


def _unescaped(match: re.Match[bytes]) -> bytes:
    digits = match.group(1)
    if digits is None:
        return _SIGNS.get(match.group(2), match.group(2))
    units = b"".join(int(unit, 16).to_bytes(2, "big") for unit in digits.split(b"\\u"))
    return units.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")


def _quoted(value: bytes, token: bytes) -> bytes:
    """Return a value as a string token, escaped the way the one it replaces was."""
    quoted = _escaped(value, ascii_only=b"\\u" in token)
    return b'"' + quoted + (b'"' if _is_closed(token) else b"")


def _escaped(value: bytes, *, ascii_only: bool) -> bytes:
    if ascii_only:
        try:
            return json.dumps(value.decode("utf-8", "surrogatepass"))[1:-1].encode()
        except UnicodeDecodeError:
            pass  # a bytes value that is not UTF-8: the bytes themselves are kept
    return _UNSAFE.sub(lambda m: _NAMED.get(m.group(), b"\\u%04x" % m.group()[0]), value)


def _is_closed(token: bytes) -> bool:
    return len(token) > 1 and token.endswith(b'"')
