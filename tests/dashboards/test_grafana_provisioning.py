# ruff: noqa: N815 -- the names are those of others
"""What Grafana is provisioned with is what it reads, and leads to what there is."""

import re
from typing import Literal

import pytest
import yaml
from pydantic import BaseModel, ConfigDict
from support.dashboards import GRAFANA, INFINITY, ROOT

from otel_vector_collector.jaeger.http import router as jaeger
from otel_vector_collector.tempo.http import router as tempo

SOURCES = (GRAFANA / "provisioning/datasources/otel-vector.yaml").read_text()
PROVIDERS = (GRAFANA / "provisioning/dashboards/otel-vector.yaml").read_text()
README = (GRAFANA / "README.md").read_text()
VALUES = {
    "VECTOR_URL": "http://127.0.0.1:8317",
    "VECTOR_PUBLIC_URL": "http://localhost:8317",
    "VECTOR_API_KEY": "ov_key",
    "VECTOR_TENANT": "shop",
    "PROMETHEUS_URL": "http://127.0.0.1:9090",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Url(_Strict):
    url: str


class Config(_Strict):
    field: str
    target: Url


class Correlation(_Strict):
    type: Literal["external"]
    label: str
    description: str
    config: Config


class Headers(_Strict):
    httpHeaderName1: Literal["x-api-key"]
    httpHeaderName2: Literal["x-tenant"]


class Tempo(Headers):
    streamingEnabled: dict[Literal["search", "metrics"], Literal[False]]
    nodeGraph: dict[Literal["enabled"], bool]
    timeRangeForTags: int


class Jaeger(Headers):
    nodeGraph: dict[Literal["enabled"], bool]


class Reference(_Strict):
    name: str
    data: str


class Infinity(Headers):
    allowedHosts: list[str]
    customHealthCheckEnabled: bool
    customHealthCheckUrl: str
    refData: list[Reference]


class Prometheus(_Strict):
    httpMethod: Literal["GET", "POST"]
    timeInterval: str


class Secrets(_Strict):
    httpHeaderValue1: str
    httpHeaderValue2: str


class DataSource(_Strict):
    """What Grafana's provisioning reads of a data source, as far as it is used here."""

    name: str
    uid: str
    type: str
    access: Literal["proxy"]
    url: str
    editable: bool
    jsonData: Tempo | Jaeger | Infinity | Prometheus
    secureJsonData: Secrets | None = None
    correlations: list[Correlation] = []


class Path(_Strict):
    path: str


class Provider(_Strict):
    name: str
    folder: str
    folderUid: str
    type: Literal["file"]
    disableDeletion: bool
    allowUiUpdates: bool
    updateIntervalSeconds: int
    options: Path


def expanded(value, values):
    """Fill in variables as Grafana does: in texts at any depth; `$$` stays as `$`."""
    if isinstance(value, dict):
        return {key: expanded(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [expanded(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    parts = value.split("$$")
    return "$".join(re.sub(r"\$\{(\w+)\}", lambda m: values.get(m[1], ""), part) for part in parts)


def provisioned(values):
    given = expanded(yaml.safe_load(SOURCES), values)
    assert given.keys() == {"apiVersion", "datasources"}
    assert given["apiVersion"] == 1
    return [DataSource.model_validate(source) for source in given["datasources"]]


def test_there_is_a_data_source_for_each_door():
    prefixes = {"tempo": tempo.prefix, "jaeger": jaeger.prefix}
    at = {source.type: source.url for source in provisioned(VALUES)}
    assert at.keys() == {"tempo", "jaeger", INFINITY, "prometheus"}
    assert all(f"{at[kind]}/api" == f"http://127.0.0.1:8317{prefixes[kind]}" for kind in prefixes)
    assert at[INFINITY] == "http://127.0.0.1:8317"
    assert at["prometheus"] == "http://127.0.0.1:9090"


def test_all_but_prometheus_show_key_and_tenant():
    shown = {source.type: source.secureJsonData for source in provisioned(VALUES)}
    assert shown.pop("prometheus") is None
    assert all(
        s.model_dump() == {"httpHeaderValue1": "ov_key", "httpHeaderValue2": "shop"}
        for s in shown.values()
    )


def test_links_lead_to_where_a_browser_finds_the_page():
    urls = {
        c.config.target.url: c.config.field for s in provisioned(VALUES) for c in s.correlations
    }
    assert urls == {
        "http://localhost:8317/ask/trace/${traceID}": "traceID",
        "http://localhost:8317/ask?trace=${traceID}": "traceID",
        "http://localhost:8317/ask?like=${operationName}": "operationName",
    }
    (plugin,) = [source for source in provisioned(VALUES) if source.type == INFINITY]
    assert plugin.jsonData.refData == [
        Reference(name="public", data='[{"url": "http://localhost:8317"}]')
    ]


def test_the_plugin_asks_nobody_else():
    """A URL in a panel can name another host; the plugin refuses it before key and tenant are sent."""
    (plugin,) = [source for source in provisioned(VALUES) if source.type == INFINITY]
    assert plugin.jsonData.allowedHosts == ["http://127.0.0.1:8317"]


@pytest.mark.parametrize("path", ["/tempo/api/echo", "/jaeger/api/services", "/v1/services"])
def test_without_key_and_tenant_the_headers_are_sent_empty_and_taken_so(asked, path):
    """Grafana sends a header whose variable is not set without a value."""
    nothing = {"VECTOR_URL": str(asked.base_url)}
    for source in provisioned(nothing):
        if source.secureJsonData is not None:
            assert set(source.secureJsonData.model_dump().values()) == {""}
    assert asked.get(path, headers={"x-api-key": "", "x-tenant": ""}).status_code == 200


def test_save_and_test_asks_what_there_is(asked):
    (plugin,) = [
        source
        for source in provisioned({"VECTOR_URL": str(asked.base_url)})
        if source.type == INFINITY
    ]
    assert asked.get(plugin.jsonData.customHealthCheckUrl).status_code == 200


def test_dashboards_are_read_from_where_they_are_said_to_be_copied():
    given = yaml.safe_load(PROVIDERS)
    assert given.keys() == {"apiVersion", "providers"}
    (provider,) = [Provider.model_validate(provider) for provider in given["providers"]]
    assert f"| `dashboards/` | `{provider.options.path}/` |" in README


def test_the_variables_are_those_that_are_told():
    used = set(re.findall(r"(?<!\$)\$\{(\w+)\}", SOURCES + PROVIDERS))
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert used == set(VALUES) == told - {"GF_PLUGINS_PREINSTALL_SYNC"}
    assert f"`{INFINITY}@" in README


def test_compose_gives_grafana_every_variable_and_the_plugin_that_is_told():
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    given = grafana["environment"]
    assert set(VALUES) - {"VECTOR_API_KEY"} <= given.keys()
    assert "export VECTOR_API_KEY" in " ".join(grafana["entrypoint"])
    assert f"`{given['GF_PLUGINS_PREINSTALL_SYNC']}`" in README


def test_compose_shows_prometheus_what_it_reads():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    mounted = {volume.split(":")[1] for volume in services["prometheus"]["volumes"]}
    key = jobs["otel-vector"]["authorization"]["credentials_file"]
    assert {"/etc/prometheus", key.rpartition("/")[0]} <= mounted
    hosts = {
        target.partition(":")[0]
        for job in jobs.values()
        for s in job["static_configs"]
        for target in s["targets"]
    }
    assert hosts - {"127.0.0.1"} <= services.keys()
