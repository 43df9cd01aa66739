"""Golden files: for each attribute family, OTLP JSON and the facets it must give.

After a deliberate change of the recipe: `python tests/unit/test_describe_golden.py` writes the
expectations anew; read the difference before it is committed, and raise `RECIPE`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otel_vector.decode.messages import logs_from_json, traces_from_json
from otel_vector.describe.describer import Describer
from otel_vector.settings.config import DescribeConfig
from otel_vector.spans.batch import Batch
from otel_vector.spans.ids import MeaningId, Tenant

GOLDEN = Path(__file__).parents[1] / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


def described(document: dict[str, Any]) -> dict[str, Any]:
    describer = Describer(DescribeConfig(), Tenant("default"))
    if "resourceSpans" in document:
        batch = describer.traces(traces_from_json(json.dumps(document)))
    else:
        batch = describer.logs(logs_from_json(json.dumps(document)))
    items = [facets(batch, ids) for ids in batch.meanings]
    joins = [facets(batch, join.meanings) for join in batch.joins]
    return {"items": items} | ({"joins": joins} if joins else {})


def facets(batch: Batch, ids: tuple[MeaningId, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for meaning in (batch.texts[i] for i in ids):
        found.setdefault(str(meaning.facet), []).append(meaning.text)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_family_gives_the_facets_it_gave(path):
    golden = json.loads(path.read_text("utf-8"))
    assert described(golden["input"]) == golden["expected"]


def test_there_is_a_golden_file_for_every_family():
    assert {path.stem for path in FILES} >= {
        "database", "gen_ai", "gen_ai_events", "gen_ai_indexed", "gen_ai_logs", "google_adk",
        "http", "langfuse", "messaging", "mlflow", "openinference", "openllmetry", "pydantic_ai",
        "rpc", "vectorwave", "vercel_ai",
    }  # fmt: skip


def regenerate() -> None:
    for path in FILES:
        golden = json.loads(path.read_text("utf-8"))
        golden["expected"] = described(golden["input"])
        path.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    regenerate()
