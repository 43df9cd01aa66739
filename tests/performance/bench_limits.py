"""What limits cost a request: a key's rate and a tenant's quota, looked up and charged.

python tests/performance/bench_limits.py
"""

from __future__ import annotations

import time

from harness import table

from otel_vector.keys.contract import Key, KeyLimits, Role
from otel_vector.keys.limits import Amounts, IngestRates
from otel_vector.keys.quotas import Quotas, quota_book
from otel_vector.settings.config import LimitsConfig
from otel_vector.spans.ids import Tenant

REQUESTS = 20_000


def main() -> None:
    config = LimitsConfig(spans_per_s=10**9, bytes_per_s=10**12, spans_per_day=10**12)
    rates, quotas, tenant = IngestRates(config), Quotas(quota_book(config)), Tenant("a")
    key = Key("k1", "", frozenset({Role.INGEST}), frozenset({tenant}), 0, limits=KeyLimits())
    began = time.perf_counter()
    for _ in range(REQUESTS):
        rates.admit(key)
        quotas.admit(tenant)
        rates.charge(key, Amounts(1, 500, 100_000))
        quotas.charge(tenant, Amounts(1, 500, 100_000))
    each_us = (time.perf_counter() - began) / REQUESTS * 1e6
    table("Limits", [("a request, all limits on, µs", f"{each_us:.1f}", "10")])


if __name__ == "__main__":
    main()
