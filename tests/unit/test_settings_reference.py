"""The configuration page in docs is what the dataclasses say."""

from pathlib import Path

from otel_vector.settings.reference import page
from otel_vector.settings.schema import entries

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_page_is_what_the_code_makes():
    committed = PAGE.read_text("utf-8")
    assert page(committed) == committed, (
        "run: python -m otel_vector.settings.reference docs/configuration.md"
    )


def test_every_setting_has_a_line():
    text = PAGE.read_text("utf-8")
    for entry in entries().values():
        assert f"| `{entry.path}` | `{entry.variable}` |" in text
        assert entry.help in text
