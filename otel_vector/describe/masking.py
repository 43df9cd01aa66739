"""Ids and numbers masked, so that texts which differ in nothing else are one text.

Names get `{id}`, as routes do; messages get `<id>`, `<n>`, `<ip>`, `<time>`, `<email>`.
A three-digit status code keeps its number: 404 and 503 do not mean the same.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["masked_message", "masked_name", "masked_statement"]

_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
_HEX = r"(?:0x[0-9a-fA-F]+|(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{8,})"
_SERIAL = r"(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-Z0-9]{8,}"
_OPAQUE = r"(?=(?:[A-Za-z]*[0-9]){2})[A-Za-z0-9]{16,}"
_EMAIL: Final = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_IP = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?::[0-9]{1,5})?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:]{5,8}(?:[.,][0-9]+)?(?:Z|[+-][0-9:]{2,6})?)?"
_TIME = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?"
_STATUS = r"(?:(?:status|code|http)(?:[ =:/]|code){1,3}|http/[0-9.]{1,3} )[1-5][0-9]{2}"
_START, _END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"

_MESSAGE: Final = re.compile(
    rf"(?P<keep>(?i:{_STATUS})(?![0-9]))"
    rf"|{_START}(?:(?P<id>{_UUID}|{_HEX}|{_SERIAL}|{_OPAQUE})|(?P<ip>{_IP})|(?P<time>{_DATE}|{_TIME})){_END}"
    r"|(?<![A-Za-z0-9_])(?P<n>[0-9]+(?:[.,][0-9]+)*)(?=(?:ns|us|µs|ms|s|m|h|[kKMG]i?B?|B)?(?![A-Za-z0-9]))"
)
_NAME: Final = re.compile(
    rf"{_START}(?:{_UUID}|{_HEX}|{_SERIAL}|{_OPAQUE}|{_IP}|{_DATE}|{_TIME}|[0-9]{{4,}})"
    rf"{_END}|(?<=/)[0-9]+(?=$|[/?])"
)
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w.$@:])[+-]?[0-9]+(?:\.[0-9]+)?\b|\$[0-9]+")
_LIST: Final = re.compile(r"\(\s*\?(?:\s*,\s*\?)+\s*\)")
_DIGIT: Final = re.compile(r"[0-9]")


def masked_name(name: str) -> str:
    """Return a span name with ids, dates and long numbers as `{id}`."""
    name = _EMAIL.sub("{id}", name) if "@" in name else name
    return _NAME.sub("{id}", name) if _DIGIT.search(name) else name


def masked_message(text: str) -> str:
    """Return a message with ids, numbers, addresses and times as placeholders."""
    text = _EMAIL.sub("<email>", text) if "@" in text else text
    return _MESSAGE.sub(_placeholder, text) if _DIGIT.search(text) else text


def masked_statement(statement: str) -> str:
    """Return a database statement with its literals as `?`, lists of them as one."""
    return _LIST.sub("(?)", _LITERAL.sub("?", statement))


def _placeholder(match: re.Match[str]) -> str:
    return match[0] if match.lastgroup == "keep" else f"<{match.lastgroup}>"
