"""Rates and quotas: what they let through over time, and how processes share them."""

import sqlite3

import pytest

from otel_vector.errors import ConfigError, LimitedError, QuotaError
from otel_vector.keys.contract import Key, KeyLimits, Role
from otel_vector.keys.limits import Amounts, Bucket, Failures, IngestRates, QuestionRates
from otel_vector.keys.quotas import Quotas, quota_book
from otel_vector.keys.usage import DiskWatch, Sharing, Usage
from otel_vector.settings.config import LimitsConfig
from otel_vector.spans.ids import Tenant

A, B = Tenant("a"), Tenant("b")


class Clock:
    def __init__(self, now_s=1_000_000.0):
        self.now_s = now_s

    def __call__(self):
        return self.now_s


def key(id_="k1", **limits):
    return Key(id_, "", frozenset({Role.INGEST}), frozenset({A}), 0, limits=KeyLimits(**limits))


def test_a_bucket_holds_its_rate_over_time_whatever_the_sizes():
    bucket, now_s, taken = Bucket(100, 2, 0.0), 0.0, 0
    for size in (500, 1, 30, 700, 90) * 20:
        while wait_s := bucket.wait_s(now_s):
            now_s += wait_s
        bucket.take(size, now_s)
        taken += size
    assert taken <= 100 * now_s + 200 + 700
    assert taken >= 99 * now_s


def test_an_unused_rate_is_saved_up_for_no_longer_than_the_burst():
    bucket = Bucket(10, 2, 0.0)
    bucket.take(20, 0.0)
    assert bucket.wait_s(0.0) > 0
    assert bucket.level(1000.0) == 20


def test_a_rate_is_refused_with_the_time_to_wait_and_let_in_again():
    clock = Clock()
    rates = IngestRates(LimitsConfig(spans_per_s=100, burst_s=1.0), clock)
    rates.admit(None)
    rates.charge(None, Amounts(1, 600, 1))
    with pytest.raises(LimitedError, match=r"100 spans a second.*in 5\.0 s") as refusal:
        rates.admit(None)
    assert refusal.value.retry_after_s == pytest.approx(5.0)
    clock.now_s += 5.01
    rates.admit(None)


@pytest.mark.parametrize("name", ["requests_per_s", "spans_per_s", "bytes_per_s"])
def test_a_key_has_its_own_rate_in_place_of_the_settings(name):
    rates = IngestRates(LimitsConfig(**{name: 1, "burst_s": 1.0}), Clock())
    slow, quick = key("k1"), key("k2", **{name: 1000.0})
    for one in (slow, quick):
        rates.admit(one)
        rates.charge(one, Amounts(1, 1, 1))
    with pytest.raises(LimitedError, match="key k1"):
        rates.admit(slow)
    rates.admit(quick)


def test_a_key_whose_limits_were_changed_has_them_at_once():
    rates = IngestRates(LimitsConfig(burst_s=1.0), Clock())
    rates.charge(key(spans_per_s=1.0), Amounts(1, 50, 1))
    with pytest.raises(LimitedError):
        rates.admit(key(spans_per_s=1.0))
    rates.admit(key(spans_per_s=2.0))


def test_without_limits_nothing_is_counted():
    rates, quotas = IngestRates(LimitsConfig()), Quotas(quota_book(LimitsConfig()))
    for _ in range(1000):
        rates.admit(key())
        rates.charge(key(), Amounts(1, 10**9, 10**9))
        quotas.admit(A)
        quotas.charge(A, Amounts(1, 10**9, 10**9))
    assert not rates.is_used
    assert not rates.pending() and not quotas.pending()


def test_a_daily_quota_is_used_up_until_midnight():
    clock = Clock(86400 * 100 + 86400 - 3600)
    quotas = Quotas(quota_book(LimitsConfig(spans_per_day=100)), clock)
    quotas.charge(A, Amounts(1, 250, 1))
    with pytest.raises(QuotaError, match="spans_per_day") as refusal:
        quotas.admit(A)
    assert refusal.value.retry_after_s == pytest.approx(3600)
    quotas.admit(B)
    clock.now_s += 3600
    quotas.admit(A)


def test_tenants_have_quotas_of_their_own():
    book = quota_book(
        LimitsConfig(
            spans_per_day=5,
            tenants=("a:spans_per_day=2M", "a:disk_bytes=1GiB", "b:bytes_per_day=0"),
        )
    )
    assert (book.of(A).spans_per_day, book.of(A).disk_bytes) == (2_000_000, 1 << 30)
    assert book.of(B).spans_per_day == 5
    assert book.has_disk


@pytest.mark.parametrize(
    "text", ["a", "a:spans=5", ":disk_bytes=1", "a:disk_bytes=-1", "a:disk_bytes=x"]
)
def test_a_quota_that_cannot_be_read_is_refused_in_words(text):
    with pytest.raises(ConfigError, match=r"limits\.tenants"):
        quota_book(LimitsConfig(tenants=(text,)))


class Process:
    """What one door process holds."""

    def __init__(self, folder, clock, **limits):
        config = LimitsConfig(burst_s=1.0, **limits)
        self.rates = IngestRates(config, clock)
        self.quotas = Quotas(quota_book(config), clock)
        self.usage = Usage(folder / "usage.db")
        self.sharing = Sharing(self.usage, self.rates, self.quotas)

    def send(self, items):
        self.quotas.admit(A)
        self.rates.admit(key())
        self.rates.charge(key(), Amounts(1, items, items))
        self.quotas.charge(A, Amounts(1, items, items))


def test_what_one_process_takes_another_lacks(tmp_path):
    clock = Clock()
    one, two = (Process(tmp_path, clock, spans_per_s=100) for _ in range(2))
    one.send(10)
    two.send(10)
    for process in (one, two, one):
        process.sharing.step()
    one.send(300)
    one.sharing.step()
    two.send(1)
    two.sharing.step()
    with pytest.raises(LimitedError):
        two.send(1)
    clock.now_s += 5
    two.send(1)


def test_quotas_are_shared_and_outlive_a_process(tmp_path):
    clock = Clock()
    one, two = (Process(tmp_path, clock, spans_per_day=100) for _ in range(2))
    one.send(60)
    two.send(60)
    one.sharing.close()
    two.sharing.step()
    with pytest.raises(QuotaError):
        two.send(1)
    three = Process(tmp_path, clock, spans_per_day=100)
    three.sharing.step()
    with pytest.raises(QuotaError):
        three.send(1)
    clock.now_s += 86400
    three.send(1)


def test_bytes_on_disk_are_told_to_the_doors(tmp_path):
    door = Process(tmp_path, Clock(), disk_bytes=1000)
    sizes = {A: 999}
    watch = DiskWatch(Usage(tmp_path / "usage.db"), lambda: sizes)
    watch.start()
    door.sharing.step()
    door.send(1)
    sizes[A] = 1000
    watch.step()
    door.sharing.step()
    with pytest.raises(QuotaError, match="1000 bytes on disk"):
        door.send(1)
    watch.close()


def test_a_file_that_cannot_be_read_is_made_anew(tmp_path, caplog):
    (tmp_path / "usage.db").write_bytes(b"no database" * 100)
    door = Process(tmp_path, Clock(), spans_per_day=5)
    door.send(1)
    door.sharing.step()
    assert "counts anew" in caplog.text
    assert (tmp_path / "usage.db").stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_shared_now_is_shared_later(tmp_path, caplog):
    door = Process(tmp_path, Clock(), spans_per_day=100)
    with sqlite3.connect(tmp_path / "usage.db", isolation_level=None) as other:
        door.usage._db.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        door.send(70)
        door.sharing.step()
        other.execute("ROLLBACK")
    other.close()
    assert "not shared" in caplog.text
    door.sharing.step()
    late = Process(tmp_path, Clock(), spans_per_day=70)
    late.sharing.step()
    with pytest.raises(QuotaError):
        late.send(1)


def test_questions_are_limited_and_where_one_stands_is_told():
    clock = Clock()
    rates = QuestionRates(LimitsConfig(questions_per_s=2, burst_s=5.0), clock)
    for left in range(9, -1, -1):
        standing, refusal = rates.ask(None)
        assert refusal is None
        assert (standing.limit, standing.window_s, standing.remaining) == (10, 5, left)
    standing, refusal = rates.ask(None)
    assert (standing.remaining, standing.reset_s) == (0, 1)
    assert isinstance(refusal, LimitedError)
    assert rates.ask(key(questions_per_s=1.0))[1] is None
    clock.now_s += 0.6
    assert rates.ask(None)[1] is None
    assert QuestionRates(LimitsConfig()).ask(None) == (None, None)


def test_addresses_that_fail_again_and_again_wait_and_are_forgotten_in_bounded_memory():
    clock = Clock()
    failures = Failures(at_once=3, wait_s=1.0, most=50, clock=clock)
    assert [failures.delay_s("10.0.0.1") for _ in range(5)] == [0, 0, 0, 1.0, 1.0]
    assert failures.delay_s("10.0.0.2") == 0
    clock.now_s += 1.01
    assert failures.delay_s("10.0.0.1") == 0
    for number in range(1000):
        failures.delay_s(f"10.1.{number // 256}.{number % 256}")
    assert len(failures._buckets) == 50
