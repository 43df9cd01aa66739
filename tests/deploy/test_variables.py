"""What pages and files tell people to set in the environment is what is read there."""

import re

import pytest
from support.documents import pages
from support.sources import ROOT

from otel_vector.settings.schema import entries

# Where the settings are, and what Kubernetes sets for a service of our name, which is passed over.
OTHERS = {"OTEL_VECTOR_CONFIG", "OTEL_VECTOR_SERVICE_HOST", "OTEL_VECTOR_PORT_4317_TCP"}
NAMES = {entry.variable for entry in entries().values()} | OTHERS
SOURCES = [
    *pages(),
    ROOT / "docker-compose.yml",
    ROOT / "otel-collector-config.yaml",
    *(path for path in sorted((ROOT / "deploy").rglob("*")) if path.is_file()),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_with_our_prefix_is_a_setting(path):
    """Others of that prefix would be refused by each of our programs that has them set."""
    named = re.findall(r"\bOTEL_VECTOR_[A-Z0-9_]*[A-Z0-9]\b(?![*_…])", path.read_text("utf-8"))
    assert set(named) <= NAMES
