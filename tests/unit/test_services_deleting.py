"""Deletion by trace, id and filter, over a store in memory."""

import pytest
from support.world import World

from otel_vector.errors import InvalidInputError, InvalidQueryError, JobCancelledError
from otel_vector.services.deleting import Chosen, Deleting
from otel_vector.services.query import parse_filter
from otel_vector.services.search import Restriction
from otel_vector.spans.meanings import Facet, Signal
from otel_vector.testing.builders import (
    SECOND_NS,
    T0_NS,
    TENANT,
    LogRow,
    SpanRow,
    item_of,
    meaning_of,
    trace_bytes,
)

PROMPT = (Facet.INPUT, "my sister's telephone number")
SPANS = [
    SpanRow(
        trace=n % 4 + 1,
        span=n,
        service="shop" if n % 2 else "cart",
        start_ns=T0_NS + n * SECOND_NS,
        attributes={"user": f"u{n % 3}"},
        means=(PROMPT,) if n % 3 == 0 else (),
    )
    for n in range(1, 25)
]
TEST_RUN = SpanRow(trace=1, span=90, attributes={"otel_vector.run.kind": "test", "user": "u0"})
LOGS = [LogRow(trace=n, body=f"line {n}", start_ns=T0_NS + n) for n in range(1, 4)]


@pytest.fixture
def world():
    world = World()
    world.write([*SPANS, TEST_RUN])
    world.write(LOGS)
    return world


def by(text="", since="", until=""):
    return Chosen(restriction=Restriction(parse_filter(text) if text else None, since, until, ()))


def stored(world):
    size = world.store.tenant(TENANT).size()
    return size.spans, size.logs


def test_a_trace_goes_whole_with_its_logs_and_all_runs(world):
    chosen = Chosen(trace_ids=(trace_bytes(1).hex().upper(),))
    deleted = Deleting(world.store).delete(TENANT, chosen)
    assert (deleted.spans, deleted.logs, deleted.traces) == (7, 1, 1)
    assert deleted.services == ("cart", "shop")
    assert stored(world) == (len(SPANS) + 1 - 7, 2)


def test_a_dry_run_counts_and_changes_nothing(world):
    counted = Deleting(world.store).count(TENANT, by("user:u0"))
    assert (counted.spans, counted.logs, counted.dry_run) == (9, 0, True)
    assert stored(world) == (len(SPANS) + 1, len(LOGS))


def test_what_a_filter_chooses_goes_with_its_texts(world):
    deleted = Deleting(world.store).delete(TENANT, by("user:u0"))
    assert (deleted.spans, deleted.dry_run) == (9, False)
    assert world.store.tenant(TENANT).meanings.get([meaning_of(PROMPT).id]) == {}


def test_a_window_of_starts_is_a_choice(world):
    deleted = Deleting(world.store).delete(TENANT, by(until=str(T0_NS + 3 * SECOND_NS)))
    assert (deleted.spans, deleted.logs) == (3, 3)


def test_only_the_named_signals_go(world):
    chosen = Chosen(
        restriction=Restriction(None, "", str(T0_NS + 3 * SECOND_NS), ()), signals=(Signal.LOGS,)
    )
    assert Deleting(world.store).delete(TENANT, chosen).spans == 0
    assert stored(world) == (len(SPANS) + 1, 0)


def test_ids_go_and_unknown_ones_are_not_stored_later(world):
    later = SpanRow(trace=9, span=99)
    chosen = Chosen(ids=(item_of(SPANS[0]).id, item_of(LOGS[0]).id, item_of(later).id))
    deleted = Deleting(world.store).delete(TENANT, chosen)
    assert (deleted.spans, deleted.logs) == (1, 1)
    world.write([later, SPANS[0]])
    assert stored(world) == (len(SPANS), len(LOGS) - 1)


@pytest.mark.parametrize("chosen", [Chosen(), by("-service:zzz")])
def test_everything_is_refused_unless_it_is_said(world, chosen):
    for act in (Deleting(world.store).delete, Deleting(world.store).count):
        with pytest.raises(InvalidInputError, match="--all"):
            act(TENANT, chosen)
    assert stored(world) == (len(SPANS) + 1, len(LOGS))


def test_everything_goes_when_it_is_said(world):
    deleted = Deleting(world.store).delete(TENANT, Chosen(everything=True))
    assert (deleted.spans, deleted.logs) == (len(SPANS) + 1, len(LOGS))
    assert stored(world) == (0, 0)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (Chosen(trace_ids=("abc",)), "a trace id is 32 hex digits"),
        (Chosen(ids=("x" * 32,)), "an id is 32 hex digits"),
    ],
    ids=["trace", "id"],
)
def test_an_id_that_is_none_is_refused(world, chosen, message):
    with pytest.raises(InvalidQueryError, match=message):
        Deleting(world.store).delete(TENANT, chosen)


def test_two_choices_at_once_are_refused(world):
    chosen = Chosen(trace_ids=(trace_bytes(1).hex(),), ids=(item_of(SPANS[0]).id,))
    with pytest.raises(InvalidInputError, match="one of them at a time"):
        Deleting(world.store).delete(TENANT, chosen)


def test_another_tenant_loses_nothing(world):
    deleted = Deleting(world.store).delete("other", Chosen(trace_ids=(trace_bytes(1).hex(),)))
    assert (deleted.spans, deleted.logs) == (0, 0)
    assert stored(world) == (len(SPANS) + 1, len(LOGS))


def test_work_that_is_told_to_end_ends_between_two_parts(world):
    def stop(done, total=None, note=""):
        raise JobCancelledError("cancelled")

    with pytest.raises(JobCancelledError):
        Deleting(world.store).delete(TENANT, by("service:shop"), stop)
    assert stored(world) == (12, len(LOGS))
