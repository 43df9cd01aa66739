"""Personal data, found only when a setting names the kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otel_vector.errors import ConfigError
from otel_vector.redact.checks import is_address, is_card, is_iban, is_ssn
from otel_vector.redact.patterns import Pattern

__all__ = ["PERSONAL", "personal"]

PERSONAL: Final[tuple[Pattern, ...]] = (
    Pattern(
        "email",
        rb"([A-Za-z0-9_.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
        rb"[A-Za-z0-9_.+%-]@[A-Za-z0-9-]+\.",
        "mail ada@example.org now",
        "RFC 5321, the part of it that people have",
    ),
    Pattern(
        "iban",
        rb"\b([A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?)\b",
        rb"[A-Z]{2}\d{2} ?[A-Z0-9]{4}",
        "to DE89 3704 0044 0532 0130 00",
        "ISO 13616",
        is_iban,
    ),
    Pattern(
        "card",
        rb"\b([2-6]\d(?:[ -]?\d){11,17})\b",
        rb"[2-6]\d(?:[ -]?\d){11}",
        "card 4111 1111 1111 1111",
        "ISO 7812",
        is_card,
    ),
    Pattern(
        "ssn",
        rb"\b(\d{3}-\d{2}-\d{4})\b",
        rb"\d{3}-\d{2}-\d{4}",
        "ssn 123-45-6789",
        "US Social Security Administration",
        is_ssn,
    ),
    Pattern(
        "phone",
        rb"(\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d(?:[ .-]?\d){5,12})\b",
        rb"\+\d",
        "call +49 30 1234567",
        "ITU-T E.164",
    ),
    Pattern(
        "phone",
        rb"(?:^|[^\w.-])(\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})\b",
        rb"\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
        "call (212) 555-0134",
        "North American Numbering Plan",
    ),
    Pattern(
        "ip",
        rb"(?:^|[^\w.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b",
        rb"\d\.\d{1,3}\.\d{1,3}\.\d",
        "from 192.0.2.17",
        "RFC 791",
        is_address,
    ),
    Pattern(
        "ip",
        rb"(?:^|[^\w:])((?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})",
        rb":[0-9A-Fa-f]{0,4}:",
        "from 2001:db8::17",
        "RFC 4291",
        is_address,
    ),
)


def personal(kinds: Iterable[str]) -> tuple[Pattern, ...]:
    """Return the rows of these kinds.

    Raises:
        ConfigError: there is no such kind.
    """
    known = {row.kind for row in PERSONAL}
    chosen = set(kinds)
    if unknown := chosen - known:
        listed = ", ".join(sorted(known))
        raise ConfigError(f"`redact.pii` knows {listed}; not {', '.join(sorted(unknown))}")
    return tuple(row for row in PERSONAL if row.kind in chosen)
