"""A running otel-vector with failures of a shop in it, for what dashboards ask of one."""

import sys
from pathlib import Path

import httpx
import pytest
from support.failures import failed_spans

sys.path[:0] = [str(Path(__file__).parents[1] / "end_to_end")]

from sending import post, settle  # noqa: E402 -- found by the line above
from serving import Served  # noqa: E402


@pytest.fixture(scope="session")
def asked(tmp_path_factory):
    """Yield a client of the API of a process that stored what went wrong in the last minutes."""
    served = Served(tmp_path_factory.mktemp("dashboards"))
    try:
        served.start()
        assert post(served, failed_spans().SerializeToString()).status == 200
        settle(served)
        url = f"http://{served.endpoints['api']}"
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as client:
            yield client
    finally:
        served.end()
