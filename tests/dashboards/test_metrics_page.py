"""docs/operate/metrics.md names every metric there is, as `/metrics` tells it."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.dashboards import ROOT

from otel_vector.settings.config import InboxConfig

PAGE = (ROOT / "docs" / "operate" / "metrics.md").read_text()
RUN = (ROOT / "docs" / "operate" / "run.md").read_text()
ROWS = re.findall(
    r"^\| `(otel_vector_\w+)` \| (counter|gauge|histogram) \| (.*?) ?\| (.+) \|$",
    PAGE,
    re.MULTILINE,
)
TOLD = {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in ROWS}


@pytest.fixture(scope="module")
def families(asked):
    """Return the families of the page of a process that was sent, and asked, something."""
    assert asked.post("/v1/search", json={"text": "customers could not pay"}).status_code == 200
    told = text_string_to_metric_families(asked.get("/metrics").text)
    return {f.name + ("_total" if f.type == "counter" else ""): f for f in told}


def test_every_metric_is_told_once(families):
    assert len(ROWS) == len(TOLD)
    assert TOLD.keys() == families.keys()


def test_types_are_as_told(families):
    assert {name: kind for name, (kind, _) in TOLD.items()} == {
        name: family.type for name, family in families.items()
    }


def test_labels_are_as_told(families):
    for name, family in families.items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == TOLD[name][1], name


def test_settings_that_limit_are_named():
    for name in re.findall(r"`inbox\.(\w+)`", PAGE):
        assert hasattr(InboxConfig(), name)


def test_what_to_watch_is_there():
    watched = set(re.findall(r"^\| `(otel_vector_\w+)` \|", RUN, re.MULTILINE))
    assert watched and watched <= TOLD.keys()


def test_doors_count_by_the_names_that_are_told(families):
    told = {sample.labels["what"] for sample in families["otel_vector_doors_total"].samples}
    assert told == {"requests", "bytes", "accepted.spans"}
    assert all(f"`{name}`" in PAGE for name in told)
