"""Searches wait for what this process wrote, and say so where it has not come."""

from dataclasses import dataclass, replace

import pytest
from support.exporting import closing, ended_spans, grpc_peer
from support.world import World

from otel_vector import VectorSpanProcessor
from otel_vector.instrument.asking import Embedded
from otel_vector.instrument.own_writes import OwnWrites
from otel_vector.services.stats import Observed
from otel_vector.spans.meanings import Facet
from otel_vector.testing.builders import TENANT, SpanRow

SHORT_S = 0.6
LONG_S = 60.0


@dataclass
class Inbox:
    """What a store says of what waits."""

    pending: int = 0
    bytes: int = 0
    oldest_s: float = 0.0
    dead: int = 0


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def world(inbox):
    return World(observed=Observed(waiting=lambda: inbox))


@pytest.fixture
def outlet(tmp_path):
    """Yield what sends to a collector that accepts everything and stores nothing."""
    with (
        grpc_peer() as peer,
        closing(VectorSpanProcessor(endpoint=peer.endpoint, spool=tmp_path / "spool")) as found,
    ):
        yield found.outlet


@pytest.fixture
def waiting(outlet, caplog):
    """Return what waits, once it knows of the functions that other tests announced."""

    def make(deadline_s):
        writes = OwnWrites(outlet, deadline_s)
        writes.wait(Embedded(World(observed=Observed(Inbox)).services, TENANT), vectors=False)
        caplog.clear()
        return writes

    return make


def sent(outlet):
    """Send a span; return it as it would be stored."""
    (span,) = ended_spans(1)
    outlet.offer_span(span)
    assert outlet.flush(LONG_S)
    return SpanRow(name=span.name, trace=span.context.trace_id, span=span.context.span_id)


def test_what_is_stored_is_found_without_a_word(world, outlet, waiting, caplog):
    writes = waiting(LONG_S)
    world.write([sent(outlet)])
    writes.wait(Embedded(world.services, TENANT), vectors=True)
    assert not caplog.records


def test_what_comes_too_late_is_told_and_waited_for_again(world, outlet, waiting, inbox, caplog):
    asked, writes = Embedded(world.services, TENANT), waiting(SHORT_S)
    inbox.pending = 1
    row = sent(outlet)
    for _ in range(2):
        writes.wait(asked, vectors=False)
        (said,) = [record.getMessage() for record in caplog.records]
        assert "rows may be missing: after 0." in said
        assert "the last span" in said
        assert "search again later" in said
        caplog.clear()
    world.write([row])
    writes.wait(asked, vectors=False)
    assert not caplog.records


def test_what_was_found_is_not_waited_for_again(world, outlet, waiting, caplog):
    asked, writes = Embedded(world.services, TENANT), waiting(SHORT_S)
    world.write([sent(outlet)])
    writes.wait(asked, vectors=False)
    writes.wait(Embedded(World().services, TENANT), vectors=False)
    assert not caplog.records


def test_what_does_not_come_is_told_at_once_and_not_waited_for_again(
    world, outlet, waiting, caplog
):
    asked, writes = Embedded(world.services, TENANT), waiting(LONG_S)
    sent(outlet)
    writes.wait(asked, vectors=False)
    (said,) = [record.getMessage() for record in caplog.records]
    assert "has nothing left to store" in said
    assert "client.url" in said
    writes.wait(asked, vectors=False)
    assert len(caplog.records) == 1


def test_texts_without_vectors_are_told(world, outlet, waiting, caplog):
    asked, writes = Embedded(world.services, TENANT), waiting(SHORT_S)
    row = sent(outlet)
    world.write([replace(row, means=((Facet.ERROR, "declined"),))], embed=False)
    writes.wait(asked, vectors=True)
    assert "the vectors of texts" in caplog.text
