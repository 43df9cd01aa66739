"""Texts get their vectors, newest first, whatever the embedder does meanwhile."""

import logging
import time

import pytest
from support import ingest as parts

from otel_vector.errors import ConfigError
from otel_vector.ingest import embedding
from otel_vector.ingest.embedding import EmbedLoop
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Facet
from otel_vector.store.contract import Nearest
from otel_vector.testing.builders import TENANT, SpanRow, batch_of

eventually = parts.eventually


class Bench:
    """A store with texts in it and a loop that embeds them."""

    def __init__(self):
        self.store = parts.FaultyStore()
        self.telemetry = parts.Telemetry()
        self.sink = parts.Sink(self.store, parts.LocalEvents(), parts.Stages(self.telemetry))
        self.embedder = parts.MoodyEmbedder()
        self.loop = EmbedLoop(self.store, self.embedder, self.sink, self.telemetry)

    def add(self, *texts, tenant=TENANT):
        rows = [
            SpanRow(name=f"op {text}", trace=number + 1, means=((Facet.INPUT, text),))
            for number, text in enumerate(texts)
        ]
        self.sink.write(Tenant(tenant), batch_of(rows, Tenant(tenant)))

    def pending(self, tenant=TENANT):
        return self.store.tenant(Tenant(tenant)).meanings.counts().pending


@pytest.fixture
def bench():
    made = Bench()
    yield made
    assert made.loop.stop(parts.DEADLINE_S)


def test_texts_that_were_there_and_texts_that_arrive_get_vectors(bench):
    bench.add("card declined")
    bench.loop.start()
    eventually(lambda: not bench.pending())
    bench.add("cart emptied")
    eventually(lambda: not bench.pending())
    (vector,) = bench.embedder.embed(["cart emptied"], parts.Role.QUESTION)
    hits = bench.store.tenant(TENANT).meanings.nearest(Nearest(vector, None))
    assert hits[0].meaning.text == "cart emptied"
    assert bench.loop.health().ok


def test_each_distinct_text_is_embedded_once(bench):
    rows = [
        SpanRow(trace=1, means=((Facet.INPUT, "the same"),)),
        SpanRow(trace=2, means=((Facet.OUTPUT, "the same"),)),
    ]
    bench.sink.write(TENANT, batch_of(rows))
    bench.loop.start()
    eventually(lambda: not bench.pending())
    assert bench.embedder.texts.count("the same") == 1
    bench.add("the same", tenant="other")
    eventually(lambda: not bench.pending("other"))
    assert bench.embedder.texts.count("the same") == 2, "one tenant tells another what it has"


def test_the_newest_texts_come_first(bench):
    for number in range(40):
        bench.add(f"text {number}")
    bench.loop.start()
    eventually(lambda: not bench.pending())
    texts = [text for text in bench.embedder.texts if text.startswith("text")]
    assert texts[0] == "text 39"
    assert texts.index("text 39") < texts.index("text 0")


def test_an_embedder_that_is_down_keeps_texts_pending_and_is_told_once(bench, caplog):
    bench.embedder.down = True
    bench.add("card declined")
    with caplog.at_level(logging.WARNING):
        bench.loop.start()
        failures = bench.telemetry.counter("otel_vector_embed_failures_total", "")
        eventually(lambda: failures.value() >= 3)
    assert bench.pending() == 2
    assert "it is down" in bench.loop.health().detail
    assert not bench.loop.health().ok
    assert len([r for r in caplog.records if "wait for their vectors" in r.message]) == 1
    bench.embedder.down = False
    eventually(lambda: not bench.pending())
    assert bench.loop.health().ok


def test_a_text_that_no_model_takes_does_not_hold_up_the_others(bench):
    bench.embedder.chokes_on = "poison"
    bench.add("good", "poison", "better")
    bench.loop.start()
    eventually(lambda: bench.pending() == 2)
    assert bench.loop.refused == 2
    bench.add("later")
    eventually(lambda: bench.pending() == 2)
    assert "later" in bench.embedder.texts


def test_a_text_that_an_endpoint_refuses_does_not_hold_up_the_others(bench):
    bench.embedder.chokes_on = "poison"
    bench.embedder.choking = ConfigError
    bench.add("good", "poison", "better")
    bench.loop.start()
    eventually(lambda: bench.pending() == 2)
    assert bench.loop.refused == 2
    assert bench.loop.health().ok


def test_an_endpoint_that_refuses_every_text_refuses_none_for_good(bench):
    bench.embedder.choking = ConfigError
    bench.embedder.chokes_on = "op"
    bench.add("one op", "another op")
    bench.loop.start()
    eventually(lambda: not bench.loop.health().ok)
    assert bench.loop.refused == 0
    bench.embedder.chokes_on = None
    eventually(lambda: not bench.pending())


def test_vectors_make_the_store_due_for_a_checkpoint(bench):
    bench.add("card declined")
    bench.sink.checkpoint()
    assert not bench.sink.dirty
    bench.loop.start()
    eventually(lambda: not bench.pending())
    assert bench.sink.dirty


def test_an_idle_loop_stops_at_once(bench, monkeypatch):
    monkeypatch.setattr(embedding, "_IDLE_S", 10 * parts.DEADLINE_S)
    bench.loop.start()
    eventually(lambda: bench.loop.health().ok)
    time.sleep(0.3)
    assert bench.loop.stop(parts.DEADLINE_S)
