"""What holds for every test."""

import signal

import pytest

from otel_vector.exporter.announcements import announcements

# A shell starts what runs in its background deaf to SIGINT, and so would be every program that a
# test starts and interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_announcements(monkeypatch):
    """Begin with no function announced: modules of other tests decorate theirs when collected."""
    monkeypatch.setattr(announcements, "_records", [])
    monkeypatch.setattr(announcements, "_known", set())
