"""Rules and dashboards name metrics that there are, and alerts lead to what to do."""

import re

import pytest
import yaml
from support.dashboards import BOARDS, ROOT, targets

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = [
    rule
    for path in sorted((PROMETHEUS / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
PAGE = (ROOT / "docs" / "operate" / "metrics.md").read_text()
RUN = (ROOT / "docs" / "operate" / "run.md").read_text()
EXPRESSIONS = [
    *(rule["expr"] for rule in RULES),
    *(target.query["expr"] for target in targets("prometheus")),
    *(v["query"]["query"] for b in BOARDS.values() for v in b["templating"]["list"] if v["name"] == "instance"),
]  # fmt: skip


def names_in(text):
    """Return our metrics that a text names, but for those that rules record."""
    found = re.findall(r"(?<![\w:])otel_vector_\w+(?![\w:])", text)
    return {re.sub(r"(_seconds)_(bucket|count|sum)$", r"\1", name) for name in found}


def test_every_metric_that_is_asked_for_is_one_of_ours():
    told = set(re.findall(r"^\| `(otel_vector_\w+)`", PAGE, re.MULTILINE))
    assert set().union(*map(names_in, EXPRESSIONS)) <= told


def test_what_rules_ask_of_each_other_is_recorded():
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    asked = {name for text in EXPRESSIONS for name in re.findall(r"\w+:\w+:\w+", text)}
    assert asked <= recorded


def test_what_the_operating_guide_says_to_watch_has_an_alert():
    watched = set(re.findall(r"^\| `(otel_vector_\w+)` \|", RUN, re.MULTILINE))
    assert watched <= set().union(*(names_in(rule["expr"]) for rule in ALERTS))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule):
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    path, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
    assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_jobs_scrape_by_the_ports_that_are_told():
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    at = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs}
    assert at["otel-vector"] == ["otel-vector:8317"]
    assert "| 8317 | API, `/health`, `/ready`, `/metrics`" in RUN
    (ours,) = [job for job in jobs if job["job_name"] == "otel-vector"]
    assert ours["authorization"]["credentials_file"] in (PROMETHEUS / "README.md").read_text()
