"""The texts of a record as meanings: long ones cut into passages, as those of spans are."""

from __future__ import annotations

from itertools import islice

from otel_vector.describe.passages import passages_of
from otel_vector.describe.recipe import RECIPE
from otel_vector.spans.ids import MeaningId, Tenant, meaning_id
from otel_vector.spans.meanings import Facet, Meaning

__all__ = ["meanings_of"]


def meanings_of(
    tenant: Tenant, facet: Facet, text: str, passage_chars: int, most: int | None = None
) -> dict[MeaningId, Meaning]:
    """Return the meanings of one redacted text, in order.

    Args:
        tenant: whose text it is.
        facet: which side of its record it tells about.
        text: without secrets.
        passage_chars: characters of a passage.
        most: passages at most; None for all.
    """
    found: dict[MeaningId, Meaning] = {}
    for passage in islice(passages_of(text, passage_chars), most):
        identity = meaning_id(tenant, facet, passage)
        found[identity] = Meaning(identity, facet, passage, recipe=RECIPE)
    return found
