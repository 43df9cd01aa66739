"""The `operation` facet: what this kind of span does, in words.

`{service}: {words} ({kind})`, the words from the name and, where they add any, from route,
statement, remote method, destination, agent and tool; what the service says is not repeated.
The id covers the exact service, the name with ids masked, the kind and whether the name was
masked, so that a filter on any of these can be answered through operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from otel_vector.describe.masking import masked_name, masked_statement
from otel_vector.describe.recipe import RECIPE
from otel_vector.describe.words import service_words, spelled, words_of
from otel_vector.spans.ids import Tenant, meaning_id
from otel_vector.spans.items import KINDS
from otel_vector.spans.markers import without_digests
from otel_vector.spans.meanings import Facet, Meaning

__all__ = ["operation_of"]

_MOST_WORDS: Final = 48
_LONGEST: Final = 2_000  # characters of a name or value that are read
_STATEMENTS: Final = frozenset({"db.query.text", "db.statement"})
_ADDRESSES: Final = frozenset({"url.full", "http.url"})
_HOSTS: Final = frozenset({"server.address", "net.peer.name"})
_NAMED: Final = ("rpc.", "db.", "messaging.", "gen_ai.")
_SQL: Final = "and as by from in into is not null on or set values where"
_FILLERS: Final = frozenset(_SQL.split())
_SEGMENTS: Final = 3


def operation_of(
    tenant: Tenant, service: str, name: str, kind: int, details: Sequence[tuple[str, str]]
) -> Meaning:
    """Return the operation that a span is one of.

    Args:
        tenant: whose.
        service: exact service name.
        name: the span's name.
        kind: OTLP span kind number.
        details: attribute name and value of what names the operation, in the span's order.
    """
    masked = masked_name(without_digests(name))
    shown = KINDS[kind] if 0 < kind < len(KINDS) else ""
    words = words_of(masked[:_LONGEST])
    _extend(words, _telling(details))
    where = service_words(service[:_LONGEST])
    said = where.split()
    what = " ".join([word for word in words if word not in said] or words) or masked[:_LONGEST]
    text = f"{where}: {what}" if where else what
    text = f"{text} ({shown})" if shown else text
    is_masked = masked != name
    identity = "\x1f".join((service, masked, str(kind), "~" if is_masked else "", text))
    key = meaning_id(tenant, Facet.OPERATION, identity)
    return Meaning(key, Facet.OPERATION, text, service, masked, kind, is_masked, RECIPE)


def _telling(details: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the details in one order; hosts only of calls that are named by nothing better."""
    is_named = any(attribute.startswith(_NAMED) for attribute, _ in details)
    unwanted = _HOSTS | _ADDRESSES if is_named else frozenset[str]()
    return sorted(detail for detail in details if detail[0] not in unwanted)


def _extend(words: list[str], details: Iterable[tuple[str, str]]) -> None:
    """Add the words of the details that are not there yet, up to a bound."""
    known = set(words)
    for attribute, value in details:
        for word in _detail_words(attribute, without_digests(value[:_LONGEST])):
            if word not in known and len(words) < _MOST_WORDS:
                known.add(word)
                words.append(word)


def _detail_words(attribute: str, value: str) -> list[str]:
    if attribute in _STATEMENTS:
        return [word for word in spelled(masked_statement(value)) if word not in _FILLERS]
    if attribute in _ADDRESSES:
        value = _short_address(value)
    return words_of(masked_name(value).replace("{id}", ""))


def _short_address(url: str) -> str:
    """Return host and the first segments of the path; they say what is called."""
    rest = url.partition("://")[2] or url
    return "/".join(rest.partition("?")[0].split("/")[: _SEGMENTS + 1])
