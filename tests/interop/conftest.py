"""Fixtures of the tests against real programs."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "end_to_end")]

from serving import Served  # noqa: E402 -- found by the line above


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Serve an empty folder on free ports."""
    made = Served(tmp_path_factory.mktemp("served"))
    yield made
    made.end()
