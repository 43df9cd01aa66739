"""A question that would read for too long is refused, and the store goes on answering."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_vector.errors import QueryTimeoutError
from otel_vector.settings.config import StoreConfig
from otel_vector.spans.filters import Attribute, Compare, Op, Phrase, Where
from otel_vector.spans.meanings import Signal
from otel_vector.store.edge import EdgeStore
from otel_vector.testing.builders import TENANT, SpanRow, batch_of, digest_of


def filled(folder: Path, config: StoreConfig) -> EdgeStore:
    store = EdgeStore(folder, config, "none", 0)
    for number in range(1, 4):
        batch = batch_of([SpanRow(trace=number, span=1, attributes={"order": f"o-{number}"})])
        store.tenant(TENANT).writer.write(batch, digest_of(batch))
    return store


@pytest.mark.parametrize(
    "where",
    [Where(Compare(Attribute("order"), Op.PREFIX, ("o-",))), Where(Phrase("o-2")), Where()],
)
def test_a_question_over_its_time_is_refused_with_what_to_do(tmp_path: Path, where: Where) -> None:
    store = filled(tmp_path, replace(StoreConfig(), query_timeout_s=-1.0))
    with pytest.raises(QueryTimeoutError, match="narrow it"):
        store.tenant(TENANT).reader.find(Signal.SPANS, where, 10)
    store.close()


def test_within_its_time_the_same_question_is_answered(tmp_path: Path) -> None:
    store = filled(tmp_path, StoreConfig())
    assert len(store.tenant(TENANT).reader.find(Signal.SPANS, Where(Phrase("o-2")), 10).items) == 1
    store.close()
