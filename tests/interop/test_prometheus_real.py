"""The shipped rules and dashboards, evaluated by a real Prometheus over a running otel-vector."""

import re
import shlex
import threading
from contextlib import ExitStack

import grpc
import httpx
import pytest
import yaml
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from real_collector import Collector
from real_jaeger import Jaeger
from real_prometheus import SHIPPED, Prometheus, prepared, promtool
from sending import PROTOBUF, post
from serving import Served, cli, eventually
from support.dashboards import BOARDS, filled, targets
from support.failures import failed_spans
from support.jaeger import storage_at
from support.sources import ROOT

RULES = sorted((SHIPPED / "rules").glob("*.yml"))
GROUPS = [group for path in RULES for group in yaml.safe_load(path.read_text())["groups"]]
JAEGER = ROOT / "deploy" / "jaeger" / "config.yaml"
SHOWN = {"instance": ".+", "__rate_interval": "30s"}
LANDED_S = 60

NEVER_HERE = {
    "otel_vector_api_limited_total": "no key has a rate",
    "otel_vector_limited_total": "no tenant has a rate or a quota",
    "otel_vector_ingest_too_old_total": "nothing is too old: retention is off",
    "otel_vector_describe_skipped_texts_total": "no operation has more texts than its cap",
}
"""What is counted of which there is nothing in this traffic: no series, and so an empty graph."""


class Traffic:
    """Sends everything that is counted again and again, until it is ended."""

    def __init__(self, served, collector):
        self._served, self._collector = served, collector
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self):
        self._ended.set()
        self._thread.join(60)

    def _run(self):
        """Go on until the end; what fails here fails the test that runs."""
        number = 1
        while not self._ended.wait(0.2):
            self._send(number)
            self._ask()
            number += 10

    def _send(self, number):
        good = failed_spans(number, f" in {word(number)}").SerializeToString()
        bad = failed_spans(number + 5)
        for resource in bad.resource_spans:
            resource.scope_spans[0].spans[0].trace_id = bytes(16)
        for body in (good, good, bad.SerializeToString()):
            assert post(self._served, body).status == 200
        assert post(self._served, b"no message").status == 400
        assert post(self._served, logs(), path="/v1/logs").status == 200
        sent = httpx.post(
            f"http://{self._collector.http}/v1/traces",
            content=failed_spans(number + 100_000).SerializeToString(),
            headers=PROTOBUF,
        )
        assert sent.status_code == 200

    def _ask(self):
        with httpx.Client(
            base_url=f"http://{self._served.endpoints['api']}", trust_env=False, timeout=60
        ) as api:
            assert (
                api.post("/v1/search", json={"text": "customers could not pay"}).status_code == 200
            )
            assert api.post("/v1/search", json={"filter": "service:("}).status_code == 400
            query = '{ span.meaning = "customers could not pay" }'
            assert api.get("/tempo/api/search", params={"q": query}).status_code == 200
            assert api.get("/jaeger/api/services").status_code == 200
        with storage_at(self._served.endpoints["jaeger_grpc"]) as jaeger:
            jaeger.services()
            with pytest.raises(grpc.RpcError):
                jaeger.raw("/jaeger.storage.v2.TraceReader/GetOperations", b"\xff")


def word(number):
    """Return a word for a number: texts that differ in numbers only are one meaning."""
    return "shop " + "".join(chr(ord("a") + int(digit)) for digit in str(number))


def logs():
    data = LogsData()
    record = data.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = "the shutter of the shop is stuck"
    return data.SerializeToString()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Yield a Prometheus that scrapes an otel-vector, a Collector and a Jaeger that work."""
    folder = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as ends:
        served = Served(folder)
        ends.callback(served.end)
        served.start()
        collector = Collector(folder / "collector", served.endpoints["otlp_grpc"])
        ends.callback(collector.end)
        collector.start()
        jaeger = Jaeger(
            folder, [JAEGER.read_text()], JAEGER_STORE=served.endpoints["jaeger_grpc"],
            JAEGER_STORE_KEY="none", JAEGER_UI_CONFIG=str(JAEGER.with_name("ui.json")),
        )  # fmt: skip
        ends.callback(jaeger.stop)
        scraped = {
            "otel-vector": served.endpoints["api"],
            "otel-collector": collector.metrics,
            "jaeger": f"127.0.0.1:{jaeger.ports['metrics']}",
        }
        running = Prometheus(folder, prepared(folder, scraped))
        ends.callback(running.stop)
        ends.callback(Traffic(served, collector).end)
        eventually(lambda: dict_of(running, "up == 1").keys() == scraped.keys(), LANDED_S)
        yield running


def dict_of(running, expression):
    return {labels["job"]: value for labels, value in running.series(expression)}


def test_the_shipped_configuration_is_valid(tmp_path):
    jobs = yaml.safe_load((SHIPPED / "prometheus.yml").read_text())["scrape_configs"]
    everything = {job["job_name"]: job["static_configs"][0]["targets"][0] for job in jobs}
    assert "SUCCESS" in promtool("check", "config", prepared(tmp_path, everything))


def test_each_rule_fires_when_it_should():
    """As the folder's page says to try them."""
    page = (SHIPPED / "README.md").read_text()
    assert "promtool test rules tests/alerts.yml" in page
    assert "SUCCESS" in promtool("test", "rules", SHIPPED / "tests" / "alerts.yml")


def test_the_files_are_checked_as_their_page_says():
    said = (SHIPPED / "README.md").read_text()
    commands = re.findall(r"^promtool (.+)$", said, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        words = (SHIPPED / word if word.endswith(".yml") else word for word in command.split())
        assert "SUCCESS" in promtool(*words)


def test_what_the_page_of_metrics_shows_is_a_configuration_with_the_rules(tmp_path):
    page = (ROOT / "docs" / "operate" / "metrics.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "rules").symlink_to(SHIPPED / "rules")
    config = tmp_path / "prometheus.yml"
    config.write_text(shown)
    said = promtool("check", "config", "--syntax-only", config)
    assert "SUCCESS" in said
    assert yaml.safe_load(shown)["rule_files"] == ["rules/*.yml"]
    assert len(list((tmp_path / "rules").glob("*.yml"))) == len(RULES)


def test_every_alert_and_rule_is_tried():
    tried = (SHIPPED / "tests" / "alerts.yml").read_text()
    alerts = {rule["alert"] for group in GROUPS for rule in group["rules"] if "alert" in rule}
    assert alerts == set(re.findall(r'\{alertname="(\w+)"\}', tried))


@pytest.mark.parametrize("target", targets("prometheus"), ids=str)
def test_each_graph_shows_something(prometheus, target):
    expression = filled(target.query["expr"], SHOWN)
    if set(names_in(expression)) & set(NEVER_HERE):
        assert prometheus.series(expression) == []
    else:
        eventually(lambda: prometheus.series(expression), LANDED_S)


def test_rules_are_evaluated_and_nothing_is_amiss(prometheus):
    recorded = [rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule]
    for name in recorded:
        eventually(lambda name=name: prometheus.series(name), LANDED_S)
    evaluated = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(evaluated) == sum(len(group["rules"]) for group in GROUPS)
    assert {rule["health"] for rule in evaluated} == {"ok"}, evaluated
    assert prometheus.series('ALERTS{alertstate="firing"}') == []


def test_every_metric_that_is_asked_for_exists(prometheus):
    variables = [
        variable["query"]["query"]
        for board in BOARDS.values()
        for variable in board["templating"]["list"]
        if variable.get("datasource", {}).get("type") == "prometheus"
    ]
    assert variables
    asked = {
        name
        for expression in (
            *(target.query["expr"] for target in targets("prometheus")),
            *(rule["expr"] for group in GROUPS for rule in group["rules"]),
            *variables,
        )
        for name in names_in(expression)
    }
    told = prometheus.ask("metadata").keys()
    assert {name for name in asked if name not in told and base(name) not in told} == set()


def test_with_keys_the_one_in_the_file_is_shown(tmp_path):
    """The key is made as the folder's page says; another one is refused."""
    created = "keys create prometheus --role read --tenant '*'"
    page = " ".join((SHIPPED / "README.md").read_text().split())
    assert f"`otel-vector {created}`" in page
    served = Served(tmp_path)
    with ExitStack() as ends:
        ends.callback(served.end)
        good = cli(served, *shlex.split(created), "--json").json["key"]
        served.start()
        for key, value in ((good, 1), (f"{good[:-1]}_", 0)):
            folder = tmp_path / f"up-{value}"
            folder.mkdir()
            config = prepared(folder, {"otel-vector": served.endpoints["api"]}, key)
            running = Prometheus(folder, config)
            ends.callback(running.stop)
            eventually(lambda at=running: dict_of(at, "up") != {}, LANDED_S)
            assert dict_of(running, "up") == {"otel-vector": value}


def names_in(expression):
    """Return the metrics an expression names, but for those that rules record."""
    return re.findall(r"(?<![\w:])(?:otel_vector|otelcol)_\w+(?![\w:])", expression)


def base(name):
    return re.sub(r"_(bucket|count|sum)$", "", name)
