"""What a regex cannot decide: check digits, encodings, placeholders, words that are no secret."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from ipaddress import ip_address
from typing import Final

__all__ = [
    "is_address",
    "is_basic",
    "is_card",
    "is_iban",
    "is_placeholder",
    "is_ssn",
    "looks_random",
    "looks_signed",
]

_PLACEHOLDER: Final = re.compile(
    rb"(?i)[\[\](){}<>*_\s.\"'\\-]*+"
    rb"(?:redacted|filtered|masked|hidden|removed|scrubbed|sensitive|null|none|nil|undefined"
    rb"|true|false|string|str|(?:\xe2\x80\xa2)++|x{3,}+|%s|\?|\$\d++)?"
    rb"[\[\](){}<>*_\s.\"'\\-]*+"
)
_VARIABLE: Final = re.compile(
    rb"\$\{[\w.:-]*\}?|\$\(?|\{\{?\s*[\w.]*\s*\}?\}?|%\(\w+\)s|<[\w -]+>"
)
_MIXED: Final = re.compile(rb"[a-z][A-Z]")
_LONG: Final = 20
_SHORT: Final = 8


def is_placeholder(value: bytes) -> bool:
    """Return whether a value only stands for a secret: ``***``, ``null``, ``${PASSWORD}``."""
    return bool(_PLACEHOLDER.fullmatch(value) or _VARIABLE.fullmatch(value))


def looks_random(value: bytes) -> bool:
    """Return whether a bare word is more likely a credential than prose."""
    if len(value) < _SHORT or is_placeholder(value):
        return False
    return len(value) >= _LONG or any(48 <= c <= 57 for c in value) or bool(_MIXED.search(value))  # noqa: PLR2004 -- ASCII digits


def looks_signed(value: bytes) -> bool:
    """Return whether a `sig` or `code` parameter is long and random enough to be one."""
    return len(value) >= _LONG and looks_random(value)


def is_basic(value: bytes) -> bool:
    """Return whether this is base64 of ``user:password``."""
    try:
        return b":" in b64decode(value + b"=" * (-len(value) % 4), altchars=b"-_")
    except (Error, ValueError):
        return False


def is_card(value: bytes) -> bool:
    """Return whether the digits pass the Luhn check."""
    digits = [c - 48 for c in value if 48 <= c <= 57]  # noqa: PLR2004 -- ASCII digits
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(value: bytes) -> bool:
    """Return whether the check digits of ISO 13616 are right (mod 97)."""
    text = value.replace(b" ", b"").decode("ascii").upper()
    if not 15 <= len(text) <= 34:  # noqa: PLR2004 -- the shortest and longest country formats
        return False
    return int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1


def is_address(value: bytes) -> bool:
    """Return whether this is an IPv4 or IPv6 address."""
    try:
        ip_address(value.decode("ascii"))
    except ValueError:
        return False
    return True


def is_ssn(value: bytes) -> bool:
    """Return whether the area, group and serial of a US social security number can exist."""
    area, group, serial = value.split(b"-")
    return area not in {b"000", b"666"} and area < b"900" and group != b"00" and serial != b"0000"
