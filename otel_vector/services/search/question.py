"""A question as it is asked, and as it is understood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Protocol

from otel_vector.errors import InvalidQueryError
from otel_vector.services.query import parse
from otel_vector.services.times import instant_ns
from otel_vector.spans.filters import And, Filter, Where
from otel_vector.spans.meanings import Facet, RunKind, Signal

__all__ = [
    "MOST_EXAMPLES",
    "Paged",
    "Restriction",
    "SearchQuestion",
    "Understood",
    "check_page",
    "narrowed",
    "understand",
]

MOST_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Restriction:
    """Which items count: a condition, a window of starts, run kinds.

    Attributes:
        filter: the condition; None for all.
        since: earliest start, inclusive, as the user writes it; empty for none.
        until: latest start, exclusive; empty for none.
        runs: run kinds that count; `all` or nothing for every kind.
    """

    filter: Filter | None = None
    since: str = ""
    until: str = ""
    runs: tuple[str, ...] = (RunKind.LIVE,)

    def where(self, now_ns: int) -> Where:
        """Return the restriction with its relative times resolved.

        Raises:
            InvalidQueryError: a time or run kind that cannot be read.
        """
        return Where(
            filter=self.filter,
            since_ns=instant_ns(self.since, now_ns) if self.since else None,
            until_ns=instant_ns(self.until, now_ns) if self.until else None,
            runs=_run_kinds(self.runs),
        )


class Paged(Protocol):
    """What every question says of the page it asks for."""

    @property
    def limit(self) -> int:
        """Groups or items at most."""
        ...

    @property
    def examples(self) -> int:
        """Items shown with each group."""
        ...

    @property
    def searched(self) -> tuple[str, ...]:
        """Kinds of things that count."""
        ...


@dataclass(frozen=True, slots=True)
class SearchQuestion:
    """One question to the store.

    Attributes:
        text: plain words; parts in the query language narrow what counts.
        restriction: what counts besides.
        facets: only meanings of these facets; empty for all that the signals have.
        limit: groups, or items, of one page.
        cursor: `next` of the previous page of the same question; empty for the first.
        group: by meaning, or item by item.
        examples: items shown with each group.
        over: spans, log records, or both.
        records: whether records are searched, too.
        collections: only records of these; of all if none is named.
    """

    text: str = ""
    restriction: Restriction = field(default_factory=Restriction)
    facets: tuple[Facet, ...] = ()
    limit: int = 10
    cursor: str = ""
    group: bool = True
    examples: int = 1
    over: tuple[Signal, ...] = (Signal.SPANS,)
    records: bool = False
    collections: tuple[str, ...] = ()

    @property
    def searched(self) -> tuple[str, ...]:
        """The kinds of things that are searched."""
        return (*self.over, "records") if self.records else self.over

    def identity(self) -> bytes:
        """Return what makes it this question, whatever page of it is asked for."""
        whole = repr(replace(self, limit=0, cursor="", examples=0))
        return blake2b(whole.encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Understood:
    """A question after its text was read.

    Attributes:
        words: what is searched for by meaning; empty for a listing.
        where: the text's own conditions and the others, all of them.
        facets: facets of the meanings that may answer.
        asked: the question itself.
    """

    words: str
    where: Where
    facets: tuple[Facet, ...]
    asked: SearchQuestion


def understand(question: SearchQuestion, now_ns: int, max_limit: int) -> Understood:
    """Read a question.

    Raises:
        InvalidQueryError: a part of it cannot be read or is out of bounds.
    """
    check_page(question, max_limit)
    read = parse(question.text)
    where = narrowed(question.restriction.where(now_ns), read.filter)
    _check_records(question, where)
    words = read.words.strip()
    return Understood(words, where, question.facets or _facets(question, words), question)


def _check_records(question: SearchQuestion, where: Where) -> None:
    """Refuse what no record can answer."""
    if question.collections and not question.records:
        raise InvalidQueryError("collections are of records: search over records as well")
    if question.records and (where.filter or where.since_ns or where.until_ns):
        raise InvalidQueryError(
            "records have no time and no attributes: leave out the conditions, quoted phrases and"
            " times, or search over spans and logs alone"
        )


def narrowed(where: Where, condition: Filter | None) -> Where:
    """Return a restriction under which a further condition holds too."""
    if condition is None:
        return where
    if where.filter is None:
        return replace(where, filter=condition)
    return replace(where, filter=And((where.filter, condition)))


def _facets(question: SearchQuestion, words: str) -> tuple[Facet, ...]:
    """Return what is searched unless facets are named: a listing is grouped by what was done."""
    facets = list[Facet]()
    if Signal.SPANS in question.over:
        of_spans = [f for f in Facet if f not in {Facet.LOG, Facet.CODE}]
        facets += of_spans if words else [Facet.OPERATION]
    if Signal.LOGS in question.over:
        facets += (
            [f for f in (Facet.LOG, Facet.ERROR) if f not in facets] if words else [Facet.LOG]
        )
    return tuple(facets)


def check_page(question: Paged, max_limit: int) -> None:
    """Refuse a page out of bounds.

    Raises:
        InvalidQueryError: the limit, the examples, or no signal at all.
    """
    if not 1 <= question.limit <= max_limit:
        raise InvalidQueryError(f"limit is 1 to {max_limit}, not {question.limit}")
    if not 0 <= question.examples <= MOST_EXAMPLES:
        raise InvalidQueryError(f"examples is 0 to {MOST_EXAMPLES}, not {question.examples}")
    if not question.searched:
        raise InvalidQueryError("over is empty: name spans, logs, records or several of them")


def _run_kinds(runs: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [run for run in runs if run not in {*RunKind, "all"}]
    if unknown:
        kinds = ", ".join(RunKind)
        raise InvalidQueryError(f"run kind {unknown[0]!r} is unknown: use {kinds} or all")
    return () if "all" in runs else runs
