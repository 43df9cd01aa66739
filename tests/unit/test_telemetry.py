"""The registry counts from many threads and reads everything back with names and labels."""

import threading

import pytest

from otel_vector.telemetry import Sample, Telemetry


def samples(telemetry, name):
    (family,) = [one for one in telemetry.collect() if one.name == name]
    return family.samples


def test_a_counter_adds_up_per_label_value():
    telemetry = Telemetry()
    counter = telemetry.counter("rejected_total", "rejected items", ("reason",))
    counter.add(2, "zero id")
    counter.add(1, "zero id")
    counter.add(5, "too long")
    assert counter.value("zero id") == 3
    assert telemetry.totals("rejected_total") == {("zero id",): 3, ("too long",): 5}


def test_a_counter_without_labels_is_there_from_the_start():
    telemetry = Telemetry()
    telemetry.counter("spans_total", "spans")
    assert samples(telemetry, "spans_total") == (Sample((), 0.0),)


def test_asking_twice_for_a_name_gives_the_same_instrument():
    telemetry = Telemetry()
    assert telemetry.counter("a", "") is telemetry.counter("a", "")
    assert telemetry.histogram("b", "") is telemetry.histogram("b", "")


def test_a_name_belongs_to_one_kind():
    telemetry = Telemetry()
    telemetry.counter("a", "")
    telemetry.histogram("b", "")
    with pytest.raises(TypeError, match="a is no histogram"):
        telemetry.histogram("a", "")
    with pytest.raises(TypeError, match="b is no counter"):
        telemetry.counter("b", "")


def test_label_values_must_be_complete():
    telemetry = Telemetry()
    with pytest.raises(ValueError, match="takes the labels"):
        telemetry.counter("a", "", ("reason",)).add(1)
    with pytest.raises(ValueError, match="takes the labels"):
        telemetry.histogram("b", "").observe(1, "surplus")


def test_no_addition_is_lost_between_threads():
    counter = Telemetry().counter("a", "")
    threads = [
        threading.Thread(target=lambda: [counter.add() for _ in range(2000)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value() == 8000


def test_a_gauge_is_read_when_it_is_collected():
    telemetry, depth = Telemetry(), [1]
    telemetry.gauge("depth", "how deep", lambda: depth[0])
    depth[0] = 7
    assert samples(telemetry, "depth") == (Sample((), 7.0),)


def test_observed_instruments_may_have_labels():
    telemetry = Telemetry()
    telemetry.observed_counter("seen_total", "", lambda: {("spans",): 2.0}, ("what",))
    (family,) = telemetry.collect()
    assert (family.kind, family.labels) == ("counter", ("what",))
    assert family.samples == (Sample(("spans",), 2.0),)


def test_a_histogram_counts_up_to_each_bound():
    telemetry = Telemetry()
    histogram = telemetry.histogram("took_seconds", "", ("route",), bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        histogram.observe(value, "/search")
    (sample,) = samples(telemetry, "took_seconds")
    assert sample.buckets == ((0.1, 2), (1.0, 3), (float("inf"), 4))
    assert (sample.count, sample.labels) == (4, ("/search",))
    assert sample.total == pytest.approx(3.65)


def test_families_are_collected_by_name_and_unknown_totals_are_empty():
    telemetry = Telemetry()
    telemetry.counter("b", "")
    telemetry.counter("a", "")
    assert [family.name for family in telemetry.collect()] == ["a", "b"]
    assert telemetry.totals("c") == {}
