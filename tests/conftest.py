"""What holds for every test."""

import pytest

from otel_vector.exporter.announcements import announcements


@pytest.fixture(autouse=True)
def own_announcements(monkeypatch):
    """Begin with no function announced: modules of other tests decorate theirs when collected."""
    monkeypatch.setattr(announcements, "_records", [])
    monkeypatch.setattr(announcements, "_known", set())
