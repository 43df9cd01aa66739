"""The dashboards have the types that Grafana 13 publishes for them, by the real TypeScript compiler.

`@grafana/schema` is generated from Grafana's own definitions of dashboards and of each panel. A
dashboard is written down as a literal of its type, so what is unknown, missing or of another type
is an error of the compiler. What a data source is asked is not in it: those types are the
plugins' own.
"""

import json
import shutil
import subprocess

import pytest
from building import cache_folder, locked
from support.dashboards import BOARDS

SCHEMA, COMPILER = "@grafana/schema@13.2.3", "typescript@5.9.3"
INSTALL_S, COMPILE_S = 300, 300
PANELS = {
    "bargauge": "BarGauge",
    "heatmap": "Heatmap",
    "stat": "Stat",
    "table": "Table",
    "timeseries": "TimeSeries",
}
"""Names of panels in the package, by their types in JSON."""

# In TypeScript a text is no value of an enum of texts; in JSON it is.
AS_JSON = """
type Json<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Json<U>[]
  : { [K in keyof T]: Json<T[K]> };
"""


@pytest.fixture(scope="module")
def packages():
    """Return a folder with the schema and the compiler, installed once into the user's cache."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:  # the compiler is written in JavaScript
        pytest.skip("Node.js is missing: install it (https://nodejs.org) to run the compiler")
    place = cache_folder() / f"{SCHEMA}-{COMPILER}".replace("/", "-")
    with locked(place):
        if not (place / "whole").exists():
            (place / "package.json").write_text('{"private": true}')
            install = ["install", "--ignore-scripts", "--no-audit", "--no-fund", SCHEMA, COMPILER]
            done = subprocess.run(
                [npm, *install], cwd=place, capture_output=True, text=True, timeout=INSTALL_S,
                check=False,
            )  # fmt: skip
            if done.returncode and any(
                sign in done.stderr for sign in ("ENOTFOUND", "ECONN", "ETIMEDOUT")
            ):
                # Without network there is nothing to compare with.
                pytest.skip(f"packages cannot be fetched: {done.stderr.strip()[-300:]}")
            assert not done.returncode, done.stderr
            (place / "whole").touch()
    return place


def compiled(packages, folder, boards):
    """Return what the compiler finds wrong with dashboards."""
    source = folder / "dashboards.ts"
    source.write_text("\n".join([*imports(), AS_JSON, *literals(boards)]))
    (folder / "node_modules").symlink_to(packages / "node_modules")
    options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "esnext",
               "--moduleResolution", "bundler", "--target", "es2022"]  # fmt: skip
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    done = subprocess.run(
        ["node", compiler, *options, source], cwd=folder, capture_output=True, text=True,
        timeout=COMPILE_S, check=False,
    )  # fmt: skip
    assert done.returncode in {0, 2}, done.stderr
    return done.stdout


def imports():
    yield 'import type { Dashboard } from "@grafana/schema";'
    for kind, name in PANELS.items():
        path = (
            f"@grafana/schema/dist/esm/raw/composable/{kind}/panelcfg/x/{name}PanelCfg_types.gen"
        )
        yield f'import type * as {kind} from "{path}";'


def literals(boards):
    for name, board in boards.items():
        yield f"export const {name}: Json<Dashboard> = {json.dumps(board)};"
        for panel in (panel for panel in board["panels"] if panel["type"] != "row"):
            called, kind = f"{name}_{panel['id']}", panel["type"]
            yield f"export const {called}: Json<{kind}.Options> = {json.dumps(panel['options'])};"
            custom = json.dumps(panel["fieldConfig"]["defaults"].get("custom", {}))
            if custom != "{}":
                yield f"export const {called}_c: Json<Partial<{kind}.FieldConfig>> = {custom};"


def test_each_dashboard_has_the_types_that_grafana_publishes(packages, tmp_path):
    assert not compiled(packages, tmp_path, BOARDS)


def test_what_grafana_does_not_know_is_found(packages, tmp_path):
    """The test above is no better than what it finds."""
    wrong = json.loads(json.dumps(BOARDS["ingest"]))
    wrong["panels"][1]["options"]["colorMode"] = "colourful"
    wrong["panels"][2]["fieldConfig"]["defaults"]["units"] = "s"
    wrong["panels"][3]["gridPos"]["w"] = "4"
    found = compiled(packages, tmp_path, {"ingest": wrong})
    assert '"colourful"' in found
    assert """'"units"' does not exist""" in found
    assert "'string' is not assignable to type 'number'" in found
