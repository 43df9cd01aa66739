"""What the page shows to whoever has no question yet."""

import httpx
import pytest
from asking import NOW_NS, posted
from serving import Served, eventually
from support.pages import page

from otel_vector.testing.builders import SpanRow


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path)
    made.start()
    yield made
    made.end()


def test_it_says_that_nothing_failed_and_then_what_did_though_without_a_word(served):
    url = f"http://{served.endpoints['api']}/ask"
    with httpx.Client(trust_env=False) as client:

        def start():
            return page(client.get(url).raise_for_status().text)

        assert "Nothing failed in the last 24 hours" in start().text
        span = SpanRow(trace=1, span=1, name="settle", service="bank", status=2, start_ns=NOW_NS)
        posted(served, [span])
        eventually(lambda: "What failed most in the last 24 hours" in start().text)
        assert "settle" in start().one("table", "groups").text
