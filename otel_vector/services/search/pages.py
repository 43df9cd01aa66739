"""Where a page ends and the next begins: the state inside a search's cursor.

The candidates of a question are frozen when its first page is made and travel in the cursor,
as do the resolved times: later pages go on in the same order, whatever is written meanwhile.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from otel_vector.errors import InvalidQueryError
from otel_vector.services.answers import Why
from otel_vector.services.search.rank import Ranked
from otel_vector.spans.ids import MeaningId, SpanId
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Cursor

__all__ = ["PageState", "state_from_bytes", "state_to_bytes"]

_FACETS: Final = tuple(Facet)
_CANDIDATE: Final = struct.Struct("<QdfhhBB")  # id, score, cosine, two ranks, facet, flags
_NO_COSINE: Final = -2.0
_NO_RANK: Final = -1
_ID_BYTES: Final = 16
_EXACT: Final = 1
_UNSCORED: Final = 2


@dataclass(frozen=True, slots=True)
class PageState:
    """Where a page starts.

    Attributes:
        since_ns, until_ns: the window, resolved when the first page was made.
        position: candidates that are used up.
        after: last item shown of the candidate at `position`, or of the listing.
        ranked: all candidates; empty for a listing.
    """

    since_ns: int | None
    until_ns: int | None
    position: int = 0
    after: Cursor | None = None
    ranked: tuple[Ranked, ...] = ()


def state_to_bytes(state: PageState) -> bytes:
    """Return a state as bytes."""
    after = [state.after.start_ns, state.after.id] if state.after else None
    head = orjson.dumps([state.since_ns, state.until_ns, state.position, after])
    return head + b"\n" + b"".join(_packed(state.ranked))


def state_from_bytes(raw: bytes) -> PageState:
    """Return the state that :func:`state_to_bytes` wrote.

    Raises:
        InvalidQueryError: the bytes are something else.
    """
    head, _, body = raw.partition(b"\n")
    try:
        since_ns, until_ns, position, after = orjson.loads(head)
        last = Cursor(after[0], SpanId(after[1])) if after else None
        ranked = tuple(_unpacked(body))
        _check(PageState(since_ns, until_ns, position, last, ranked))
    except (ValueError, TypeError, IndexError, struct.error):
        raise InvalidQueryError("the cursor cannot be read: start again without one") from None
    return PageState(since_ns, until_ns, position, last, ranked)


def _check(state: PageState) -> None:
    """Refuse a state that no page ended with; whoever knows how can make a cursor."""
    times = (state.since_ns, state.until_ns, state.after.start_ns if state.after else None)
    if not all(time is None or type(time) is int for time in times):
        raise TypeError("a time is no number")
    if type(state.position) is not int or not 0 <= state.position <= len(state.ranked):
        raise ValueError("no such position")
    if state.after is not None and len(bytes.fromhex(state.after.id)) != _ID_BYTES:
        raise ValueError("no such id")


def _packed(ranked: Sequence[Ranked]) -> list[bytes]:
    return [
        _CANDIDATE.pack(
            candidate.meaning,
            candidate.score or 0.0,
            _NO_COSINE if candidate.why.cosine is None else candidate.why.cosine,
            _NO_RANK if candidate.why.dense_rank is None else candidate.why.dense_rank,
            _NO_RANK if candidate.why.bm25_rank is None else candidate.why.bm25_rank,
            _FACETS.index(candidate.why.facet),
            _EXACT * candidate.why.exact | _UNSCORED * (candidate.score is None),
        )
        for candidate in ranked
    ]


def _unpacked(body: bytes) -> list[Ranked]:
    return [
        Ranked(
            MeaningId(meaning),
            None if flags & _UNSCORED else score,
            Why(
                _FACETS[facet],
                None if dense == _NO_RANK else dense,
                None if bm25 == _NO_RANK else bm25,
                None if cosine == _NO_COSINE else cosine,
                exact=bool(flags & _EXACT),
            ),
        )
        for meaning, score, cosine, dense, bm25, facet, flags in _CANDIDATE.iter_unpack(body)
    ]
