r"""Secrets that only their surroundings give away: ``password=…``, ``scheme://user:…@host``.

The secret is the group `value`. Where a regex ends before it, the value that begins there is
read separately, in double, single or escaped quotes or without: most names are no secret, and
what follows them need not be read at all. Where a row has a group `name`, it is judged like an
attribute key, so `token_type=bearer` and `max_tokens: 5` stay. Rows whose only sign is a name
need no gate of their own: the stems of :mod:`otel_vector.redact.keys` are in the gate.

Text may be JSON inside a string, so quotes may come with backslashes before them, and a slash
may be written ``\/``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from otel_vector.redact.checks import is_basic, is_placeholder, looks_random, looks_signed
from otel_vector.redact.keys import KeyRules

__all__ = ["Context", "contexts", "is_assigned"]

_QUOTE: Final = rb"\\*[\"']"
_VALUE: Final = re.compile(
    rb"[bur]?\"(?P<dq>(?:[^\"\\\r\n]|\\[^\r\n])*+)"
    rb"|[bur]?'(?P<sq>(?:[^'\\\r\n]|\\[^\r\n])*+)"
    rb"|\\+[\"'](?P<eq>[^\"'\\\r\n]*+)"
    rb"|(?P<bare>[^\s\"'\\,;&<>(){}\x00-\x1f]++)"
)
_USER: Final = rb"[^\s/?#\"'<>\\:@\x00-\x1f]*"
_SLASHES: Final = rb":\\*/\\*/"
_DATABASES: Final = (
    rb"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|clickhouse"
    rb"|cockroachdb|ldaps?|s?ftp|ftps|smtps?|nats|kafka|jdbc:\w+)(?:\+\w+)?"
)
_PROSE: Final = frozenset(
    b"required invalid incorrect expired missing must is not too cannot null none empty denied"
    b" failed wrong mismatch unknown unset default optional needed reset changed sent the a an and"
    b" or for of to in no yes ok string str text any bool boolean int number bytes object".split()
)
_CODE: Final = re.compile(
    rb"(?:self|this|config|cfg|conf|settings|os|process|request|req|args|options|opts|params|env"
    rb"|ctx|context|kwargs|props|data)(?:\.\w+)+"
)
_PARAMETER: Final = rb"[\w-]+=(?:\\*\"[^\"\\]*\\*\"|[^\s\",\\]*)"


@dataclass(frozen=True, slots=True)
class Context:
    """One kind of surroundings.

    Attributes:
        kind: what the marker says, unless the name decides.
        regex: RE2 over Latin-1 bytes, letter case ignored.
        gate: RE2 without groups, found wherever `regex` matches; empty where a stem is in it.
        example: a text in which it finds something.
        value: what reads the value behind a match; None where `regex` has the group.
        check: decides on the value where the regex cannot.
    """

    kind: str
    regex: bytes
    gate: bytes
    example: str
    check: Callable[[bytes], bool] | None = None
    value: re.Pattern[bytes] | None = None


def _is_secret_in_url(value: bytes) -> bool:
    return not is_placeholder(value)


_FIXED: Final[tuple[Context, ...]] = (
    Context(
        "url",
        rb"\b"
        + _DATABASES
        + _SLASHES
        + rb"[^\s:@/\"'<>\\\x00-\x1f]*:(?P<value>[^\s\"'<>\\\x00-\x1f]+)@",
        _SLASHES + rb"[^\x00-\x20\"'<>]*@",
        "postgres://app:h/unter2@db:5432/shop",
        _is_secret_in_url,
    ),
    Context(
        "url",
        _SLASHES + _USER + rb":(?P<value>[^\s/?#\"'<>\\\x00-\x1f]+)@",
        _SLASHES + rb"[^\x00-\x20\"'<>]*@",
        "https://ada:lovelace@shop.example/cart",
        _is_secret_in_url,
    ),
    Context(
        "url",
        _SLASHES + rb"(?P<value>[^\s/?#\"'<>\\:@\x00-\x1f]{20,})@",
        _SLASHES + rb"[^\x00-\x20\"'<>]*@",
        "https://0a1b2c3d4e5f60718293@git.example/repo.git",
        looks_random,
    ),
    Context(
        "url",
        rb"[\w.-]+:(?P<value>[^\s:/\"'<>\\]+)@(?:tcp|unix)\(",
        rb"@(?:tcp|unix)\(",
        "app:hunter2@tcp(db:3306)/shop",
    ),
    Context(
        "url",
        rb"jdbc:oracle:\w+:[\w.-]+/(?P<value>[^\s@/\"'<>\\]+)@",
        rb"jdbc:oracle:",
        "jdbc:oracle:thin:scott/tiger@db:1521:orcl",
    ),
    Context(
        "signature",
        rb"[?&;](?:x-(?:amz|goog)-(?:signature|credential|security-token)|sig|signature"
        rb"|awsaccesskeyid|auth|code)=(?P<value>[^&\s#\"'<>\\;]+)",
        rb"[?&;](?:x-amz|x-goog|sig|awsaccesskeyid|auth|code)",
        "https://b.example/o?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe&x=1",
        looks_signed,
    ),
    Context(
        "basic",
        rb"\bbasic[ \t]+(?P<value>[A-Za-z0-9+/_-]{6,}={0,2})",
        rb"basic[\s\\]",
        "sent Basic YWRhOmxvdmVsYWNl to",
        is_basic,
    ),
    Context(
        "bearer",
        rb"\bbearer[ \t]+(?P<value>[A-Za-z0-9._~+/=-]{8,})",
        rb"bearer[\s\\]",
        "curl -H 'X-Auth: Bearer 2YotnFZFEjr1zCsicMWpAA'",
        looks_random,
    ),
    Context(
        "password",
        rb"(?:-u|-user)[ =][\"']?[^\s:\"'\\]+:(?P<value>[^\s\"'\\]+)",
        rb"(?:-u|-user)[ =]\\*[\"']?[^\s:\"']+:",
        "curl -u ada:lovelace https://shop.example",
    ),
    Context(
        "authorization",
        rb"authorization(?:" + _QUOTE + rb")?\s*[:=]>?\s*(?:" + _QUOTE + rb")?"
        rb"(?:[a-z][\w-]*[ \t]+)?"
        rb"(?P<value>" + _PARAMETER + rb"(?:,[ \t]*" + _PARAMETER + rb")+|[^\s\"'\\<>{}]{6,})",
        b"",
        "Proxy-Authorization: Digest username=x,realm=y,response=6629fae49393a05397450978507c4ef1",
        looks_random,
    ),
    Context(
        "cookie",
        rb"cookie(?:"
        + _QUOTE
        + rb")?\s*:\s*(?:"
        + _QUOTE
        + rb")?(?P<value>[^\s\"'\\=]+=[^\r\n\"'\\]*)",
        b"",
        "Cookie: theme=dark; sid=31d4d96e407aad42",
    ),
)


def contexts(rules: KeyRules) -> tuple[Context, ...]:
    """Return every row, those with names built from the name rules."""
    name = rb"(?P<name>[\w.$-]*(?:" + rules.words + rb")[\w.$\[\]-]*)"
    return (
        *_FIXED,
        Context(
            "secret",
            name + rb"(?:" + _QUOTE + rb"|\])?[ \t]{0,4}(?P<op>=>|:=|=|:)(?P<gap>[ \t]*)",
            b"",
            'connect(host="db", password="hunter2")',
            value=_VALUE,
        ),
        Context(
            "secret",
            rb"--?" + name + rb"[ \t]+[\"']?(?P<value>[^\s\"'\\-][^\s\"'\\]*)",
            rb"-[\w.$-]*" + rules.spaced,
            "mysql --password hunter2 shop",
        ),
        Context(
            "secret",
            rb"<(?:[\w-]+:)?" + name + rb"(?:\s[^<>]*)?>(?P<value>[^<>]+)</",
            rb"<[\w.$:-]*" + rules.spaced,
            "<wsse:Password>hunter2</wsse:Password>",
        ),
    )


def is_assigned(kind: str, operator: bytes, gap: bytes, value: bytes) -> bool:
    """Return whether an unquoted value after ``name=`` or ``name:`` is a secret.

    ``password: required`` is prose and ``token=self.token`` is code; after a colon and a space
    only a password may be an ordinary word.
    """
    if value.lower() in _PROSE or value[:1] in {b"=", b":"} or kind in {"authorization", "cookie"}:
        return False
    if operator == b":" and gap and kind not in {"password", "card"}:
        return looks_random(value)
    return not _CODE.fullmatch(value) or operator == b":"
