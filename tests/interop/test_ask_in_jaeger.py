"""Jaeger's UI as we configure it: a real Jaeger serves it, and its links show similar traces."""

import json
import re
from urllib.parse import urlsplit

import httpx
import pytest
from real_jaeger import Jaeger, configs_in_docs
from serving import Served
from support.jaeger_ui import CONFIG, config
from support.pages import page
from support.sources import ROOT
from test_jaeger_real import data_of, found_by_id, row, send, until

from otel_vector.testing.builders import Event, trace_bytes

FLAG = re.compile(r"--set extensions\.jaeger_query\.ui\.config_file=(\S+)")
FAILURES = {
    31: "card declined by the issuer: insufficient funds",
    32: "card was declined, issuer says there are no funds",
}


@pytest.fixture(scope="module")
def jaeger(served, tmp_path_factory):
    """Start Jaeger with the flag that the page in docs shows, on our store."""
    served.start()
    basic, _ = configs_in_docs()
    (file,) = FLAG.findall((ROOT / "docs" / "interop" / "jaeger.md").read_text())
    running = Jaeger(
        tmp_path_factory.mktemp("ui"), [basic], JAEGER_STORE=served.endpoints["jaeger_grpc"],
        flags=["--set", f"extensions.jaeger_query.ui.config_file={ROOT / file}"],
    )  # fmt: skip
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stored(jaeger):
    """Send two failures that are alike through Jaeger; return the first as its UI gets it."""
    for number, message in FAILURES.items():
        error = Event(
            "exception", {"exception.type": "PaymentError", "exception.message": message}
        )
        send(jaeger.otlp, data_of(
            row(trace=number, span=1, name="POST /checkout", service="storefront"),
            row(
                trace=number, span=2, parent=1, name="charge card", service="payments", status=2,
                status_message=message, events=(error,),
                attributes={"error.type": "PaymentError", "db.query.text": "SELECT funds FROM card"},
            ),
        ))  # fmt: skip
    found = [until(lambda n=number: found_by_id(jaeger, n), bool) for number in FAILURES]
    return found[0]


def test_it_serves_the_configuration_to_the_ui(jaeger):
    embedded = re.search(r"JAEGER_CONFIG = (.*);", jaeger.get("/search").text)
    assert json.loads(embedded[1]) == json.loads(CONFIG.read_text())


def test_its_links_of_a_trace_show_similar_ones(served: Served, stored):
    span = next(s for s in stored["spans"] if s["operationName"] == "charge card")
    fields = {f["key"]: f["value"] for log in span["logs"] for f in log["fields"]}
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    found = {"meaning.text": FAILURES[31]}  # only in answers to a question
    values = {"traces": {"traceID": stored["traceID"]}, "tags": found | tags, "logs": fields}
    for pattern in config().linkPatterns:
        link = urlsplit(pattern.filled(values[pattern.type]))
        other = until(lambda at=link: shown(served, at), lambda t: trace_bytes(32).hex() in t)
        assert other, pattern


def shown(served, link):
    """Return what our page says of the traces it links to."""
    url = f"http://{served.endpoints['api']}{link.path}?{link.query}"
    answer = httpx.get(url, timeout=30)
    assert answer.status_code == 200, answer.text
    return " ".join(a.attributes.get("title", "") for a in page(answer.text).all("a", "id"))
