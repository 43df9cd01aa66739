"""docs/interop/grafana.md shows the data sources that are shipped, and every panel."""

import re
import subprocess

import yaml
from support.dashboards import BOARDS, GRAFANA, INFINITY, ROOT

PAGE = (ROOT / "docs" / "interop" / "grafana.md").read_text()
NAMES = {"prometheus": "Prometheus", "tempo": "Tempo", INFINITY: "API"}


def test_the_table_has_every_panel():
    told = re.findall(r"^\| (\w+) \| (.+) \| (Prometheus|Tempo|API) \|$", PAGE, re.MULTILINE)
    there = [
        (name, panel["title"], NAMES[panel["datasource"]["type"]])
        for name, board in BOARDS.items()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]
    assert sorted(told) == sorted(there)


def test_the_snippet_is_of_what_is_shipped():
    """It is the same data sources, without what the dashboards and links need."""
    shown = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["datasources"]
    path = GRAFANA / "provisioning/datasources/otel-vector.yaml"
    shipped = {s["uid"]: s for s in yaml.safe_load(path.read_text())["datasources"]}
    for source in shown:
        whole = shipped[source["uid"]]
        options = source.pop("jsonData")
        assert options.items() <= whole["jsonData"].items()
        assert source.items() <= whole.items()


def test_the_commands_copy_everything_to_where_grafana_reads_it(tmp_path):
    (commands,) = [
        block.split("```")[0] for block in PAGE.split("```sh\n")[1:] if "cp -r" in block
    ]
    root = tmp_path / "grafana"
    for kind in ("datasources", "dashboards"):
        (root / "provisioning" / kind).mkdir(parents=True)
    moved = commands.replace("/etc/grafana", str(root))
    subprocess.run(["sh", "-e", "-c", moved], cwd=ROOT, check=True, timeout=60)
    provider = yaml.safe_load((root / "provisioning/dashboards/otel-vector.yaml").read_text())
    path = provider["providers"][0]["options"]["path"].replace("/etc/grafana", str(root))
    there = subprocess.run(["ls", path], check=True, capture_output=True, text=True, timeout=60)
    assert there.stdout.split() == [f"{name}.json" for name in BOARDS]
    assert (root / "provisioning/datasources/otel-vector.yaml").is_file()


def test_every_link_of_the_data_sources_is_told():
    path = GRAFANA / "provisioning/datasources/otel-vector.yaml"
    sources = yaml.safe_load(path.read_text())["datasources"]
    links = [link for source in sources for link in source.get("correlations", ())]
    prose = " ".join(PAGE.split())
    for link in links:
        place = re.sub(r"\$\$\{\w+\}", "…", link["config"]["target"]["url"]).partition("}")[2]
        assert f"*{link['label']}*" in prose
        assert f"`{place}`" in prose
