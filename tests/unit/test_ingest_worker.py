"""The worker loses nothing, doubles nothing, and lets no delivery hold up another."""

import gzip
import json
import logging
import threading

import pytest
from support import ingest as parts

from otel_vector.errors import StorageFullError
from otel_vector.spans.ids import Tenant
from otel_vector.spans.meanings import Signal
from otel_vector.testing.builders import LogRow, SpanRow, trace_bytes

eventually, envelope, traces_of = parts.eventually, parts.envelope, parts.traces_of


@pytest.fixture
def bench(tmp_path):
    made = parts.Bench(tmp_path)
    yield made
    made.close()


def put(bench, *numbers, tenant="default"):
    for number in numbers:
        bench.inbox.put(envelope([SpanRow(trace=number, span=number)], tenant))


def test_what_is_put_is_stored_checkpointed_and_acked(bench):
    put(bench, 1, 2, 3)
    bench.start()
    eventually(bench.is_empty)
    assert traces_of(bench.store) == [1, 2, 3]
    assert bench.store.log[-1] == "checkpoint"
    assert bench.telemetry.totals("otel_vector_ingest_spans_total") == {(): 3}


def test_deliveries_stay_until_a_checkpoint_has_succeeded(bench):
    bench.store.checkpoint_error = StorageFullError("the disk is full")
    put(bench, 1)
    bench.start()
    eventually(lambda: not bench.worker.health().ok)
    assert "the disk is full" in bench.worker.health().detail
    assert bench.inbox.state().pending == 1
    bench.store.checkpoint_error = None
    eventually(bench.is_empty)
    eventually(lambda: bench.worker.health().ok)


def test_a_checkpoint_never_acks_what_is_still_in_hand(tmp_path):
    bench = parts.Bench(tmp_path, checkpoint_s=0.0, take_bytes=64 << 20)
    put(bench, *range(1, 41))
    bench.start()
    eventually(bench.is_empty)
    bench.close()
    assert traces_of(bench.store) == list(range(1, 41))


def test_a_killed_worker_leaves_its_deliveries_to_the_next_and_nothing_doubles(tmp_path):
    first = parts.Bench(tmp_path, checkpoint_s=1000.0)
    put(first, 1, 2, 3)
    first.start()
    eventually(lambda: traces_of(first.store) == [1, 2, 3])
    first.store.checkpoint_error = StorageFullError("killed before its checkpoint")
    first.close()

    second = parts.Bench(tmp_path, parts.FaultyStore(first.store.inner))
    assert second.inbox.state().pending == 3
    put(second, 4)
    second.start()
    eventually(second.is_empty)
    second.close()
    assert traces_of(second.store) == [1, 2, 3, 4]
    assert second.telemetry.totals("otel_vector_ingest_duplicates_total") == {("spans",): 3}


def test_a_poisonous_delivery_becomes_a_dead_letter_and_its_siblings_are_stored(tmp_path):
    bench = parts.Bench(tmp_path, max_attempts=2)
    put(bench, 1, 2)
    bench.inbox.put(parts.envelope_of(parts.NOT_OTLP))
    put(bench, 3)
    bench.start()
    eventually(bench.is_empty)
    put(bench, 4)
    eventually(lambda: traces_of(bench.store) == [1, 2, 3, 4])
    (letter,) = bench.inbox.list(10)
    assert letter.reason.startswith("MalformedError")
    assert bench.inbox.show(letter.id).envelope.body == parts.NOT_OTLP
    outcomes = bench.telemetry.totals("otel_vector_ingest_deliveries_total")
    assert (outcomes[("retried",)], outcomes[("buried",)]) == (1, 1)
    bench.close()


def test_a_dead_letter_that_is_retried_goes_the_same_way_again(tmp_path):
    bench = parts.Bench(tmp_path, max_attempts=1)
    bench.inbox.put(parts.envelope_of(parts.NOT_OTLP))
    bench.start()
    eventually(lambda: bench.inbox.state().dead == 1)
    bench.inbox.retry([letter.id for letter in bench.inbox.list(10)])
    eventually(lambda: bench.inbox.state() and bench.inbox.state().dead == 1)
    bench.close()


def test_what_a_dead_letter_held_is_not_logged(tmp_path, caplog):
    bench = parts.Bench(tmp_path, max_attempts=1)
    secret = b"\x0a\xff\xff\xff\xff\x0f password=hunter2"
    bench.inbox.put(parts.envelope_of(secret))
    with caplog.at_level(logging.DEBUG):
        bench.start()
        eventually(lambda: bench.inbox.state().dead == 1)
        bench.close()
    assert "dead letter" in caplog.text
    assert "hunter2" not in caplog.text


def test_a_full_disk_is_waited_out_and_buries_nothing(tmp_path):
    bench = parts.Bench(tmp_path, max_attempts=1)
    bench.store.write_error = parts.FULL
    put(bench, 1, 2)
    bench.start()
    eventually(lambda: bench.store.log.count("refused") >= 2)
    health = bench.worker.health()
    assert (health.ok, "the disk is full" in health.detail) == (False, True)
    bench.store.write_error = None
    eventually(bench.is_empty)
    assert traces_of(bench.store) == [1, 2]
    assert bench.inbox.state().dead == 0
    bench.close()


def test_a_fault_of_the_store_is_tried_again_for_each_delivery_alone(tmp_path):
    bench = parts.Bench(tmp_path, max_attempts=50)
    bench.store.write_error = ValueError("odd")
    put(bench, 1, 2)
    bench.start()
    eventually(lambda: bench.store.log.count("refused") >= 3)
    bench.store.write_error = None
    eventually(bench.is_empty)
    assert traces_of(bench.store) == [1, 2]
    bench.close()


def test_a_store_that_refuses_everything_buries_nothing_and_is_told(tmp_path):
    bench = parts.Bench(tmp_path, max_attempts=1)
    bench.store.write_error = ValueError("odd")
    put(bench, 1, 2, 3, 4, 5)
    bench.start()
    eventually(lambda: "the store has refused" in bench.worker.health().detail)
    assert not bench.worker.health().ok
    dead = bench.inbox.state().dead
    eventually(lambda: bench.store.log.count("refused") >= 8)
    assert bench.inbox.state().dead == dead <= 2
    bench.store.write_error = None
    eventually(lambda: bench.worker.health().ok)
    eventually(bench.is_empty)
    bench.inbox.retry([letter.id for letter in bench.inbox.list(10)])
    eventually(lambda: traces_of(bench.store) == [1, 2, 3, 4, 5])
    bench.close()


def test_small_deliveries_of_one_tenant_and_signal_are_written_together(bench):
    put(bench, *range(1, 101))
    bench.start()
    eventually(bench.is_empty)
    assert bench.store.log.count("write") == 1
    assert traces_of(bench.store) == list(range(1, 101))


def test_no_delivery_overtakes_another_of_its_tenant_and_signal(bench):
    large = SpanRow(trace=2, span=2, attributes={"text": "word " * 50_000})
    with bench.events.subscribe(Tenant("default")) as subscription:
        put(bench, 1)
        bench.inbox.put(envelope([large]))
        put(bench, 3, tenant="other")
        put(bench, 4, 5)
        bench.start()
        events = [subscription.next(parts.DEADLINE_S) for _ in range(3)]
    reader = bench.store.tenant(Tenant("default")).reader
    order = [
        int.from_bytes(item.message.trace_id, "big")
        for event in events
        for item in reader.items(event.signal, event.ids)
    ]
    assert order == [1, 2, 4, 5]


def test_tenants_are_never_written_together(bench):
    put(bench, 1, 2)
    put(bench, 3, tenant="other")
    bench.start()
    eventually(bench.is_empty)
    assert traces_of(bench.store) == [1, 2]
    assert traces_of(bench.store, Tenant("other")) == [3]


def test_json_and_compressed_envelopes_are_stored_like_any_other(bench):
    span = {"traceId": f"{0xABC:032x}", "spanId": f"{1:016x}", "name": "GET /cart"}
    text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    compressed = gzip.compress(parts.body_of([SpanRow(trace=2)]))
    bench.inbox.put(parts.envelope_of(text.encode(), content_type="application/json"))
    bench.inbox.put(parts.envelope_of(compressed, encoding="gzip"))
    bench.start()
    eventually(bench.is_empty)
    assert traces_of(bench.store) == [2, 0xABC]


@pytest.mark.parametrize("log_first", [True, False])
def test_an_exception_log_joins_its_span_whichever_comes_first(bench, log_first):
    log = LogRow(
        trace=1,
        span=1,
        event="exception",
        severity=17,
        attributes={"exception.type": "CardDeclined", "exception.message": "no funds"},
    )
    envelopes = [envelope([SpanRow(trace=1, span=1)]), envelope([log])]
    bench.start()
    for one in envelopes[::-1] if log_first else envelopes:
        bench.inbox.put(one)
        eventually(bench.is_empty)
    (span,) = bench.store.tenant(Tenant("default")).reader.trace(trace_bytes(1))
    meanings = bench.store.tenant(Tenant("default")).meanings
    (item,) = bench.store.tenant(Tenant("default")).reader.items(Signal.SPANS, [span.id])
    assert any("CardDeclined" in m.text for m in meanings.get(item.meanings).values())


def test_writes_are_announced_after_they_are_stored(bench):
    seen, ready = [], threading.Event()

    def follow():
        with bench.events.subscribe(Tenant("default")) as subscription:
            ready.set()
            event = subscription.next(parts.DEADLINE_S)
            reader = bench.store.tenant(Tenant("default")).reader
            seen.append((event, reader.items(event.signal, event.ids)))

    thread = threading.Thread(target=follow)
    thread.start()
    assert ready.wait(parts.DEADLINE_S)
    put(bench, 1)
    bench.start()
    thread.join(parts.DEADLINE_S)
    ((event, items),) = seen
    assert event.count == len(items) == 1


def test_a_resend_is_not_announced_again(bench):
    put(bench, 1)
    bench.start()
    eventually(bench.is_empty)
    with bench.events.subscribe(Tenant("default")) as subscription:
        put(bench, 1)
        eventually(bench.is_empty)
        assert subscription.next(0) is None


def test_the_cost_of_each_stage_is_counted(bench):
    put(bench, *range(1, 20))
    bench.start()
    eventually(bench.is_empty)
    assert all(cost > 0 for cost in bench.stages.ns_per_item().values())


def test_no_byte_of_a_stored_body_is_left_once_it_is_quiet(tmp_path):
    bench = parts.Bench(tmp_path)
    secret = "sk-live-planted-4242424242424242"
    bench.inbox.put(envelope([SpanRow(trace=1, attributes={"note": f"x {secret} y"})]))
    files = list((tmp_path / "inbox").iterdir())
    assert any(secret.encode() in path.read_bytes() for path in files)
    bench.start()
    eventually(bench.is_empty)
    eventually(
        lambda: (
            not any(
                secret.encode() in path.read_bytes()
                for path in (tmp_path / "inbox").iterdir()
                if path.is_file()
            )
        )
    )
    bench.close()


def test_a_stop_under_load_keeps_its_deadline_and_loses_nothing(tmp_path):
    bench = parts.Bench(tmp_path, checkpoint_s=0.05)
    sent, stopping = [], threading.Event()

    def send():
        while not stopping.is_set():
            put(bench, len(sent) + 1)
            sent.append(len(sent) + 1)

    sender = threading.Thread(target=send)
    sender.start()
    bench.start()
    eventually(lambda: len(traces_of(bench.store)) > 20)
    assert bench.worker.stop(2.0)
    stopping.set()
    sender.join(parts.DEADLINE_S)
    bench.close()
    second = parts.Bench(tmp_path, parts.FaultyStore(bench.store.inner)).start()
    eventually(second.is_empty)
    second.close()
    assert traces_of(second.store) == sent


def test_a_worker_that_cannot_reach_its_inbox_says_so_and_comes_back(bench, monkeypatch):
    take = bench.inbox.take
    broken = threading.Event()
    broken.set()

    def faulty(*args):
        if broken.is_set():
            raise OSError("inbox gone")
        return take(*args)

    monkeypatch.setattr(bench.inbox, "take", faulty)
    put(bench, 1)
    bench.start()
    eventually(lambda: "inbox gone" in bench.worker.health().detail)
    assert not bench.worker.health().ok
    broken.clear()
    eventually(bench.is_empty)
    eventually(lambda: bench.worker.health().ok)


def test_health_tells_a_worker_that_was_never_started(bench):
    assert bench.worker.health().detail == "not started"


def test_hurrying_checkpoints_without_waiting_for_the_interval(tmp_path):
    bench = parts.Bench(tmp_path, checkpoint_s=1000.0)
    put(bench, 1)
    bench.start()
    eventually(lambda: traces_of(bench.store) == [1])
    assert not bench.is_empty()
    bench.worker.hurry()
    eventually(bench.is_empty)
    bench.close()
