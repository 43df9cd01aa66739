"""Fifty secrets in every place that a span or a log record has: none survives redaction."""

from __future__ import annotations

import pytest
from support.planted import SECRETS, Plant, logs_with, occurrences, places_with, traces_with

from otel_vector.redact.redactor import Redactor
from otel_vector.settings.config import RedactConfig

KEY = b"a digest key for tests"


def test_there_are_fifty_secrets() -> None:
    assert len({plant.secret for plant in SECRETS}) >= 50


@pytest.mark.parametrize("plant", SECRETS, ids=lambda plant: plant.text[:40] + plant.secret[:8])
def test_no_planted_secret_survives_in_a_span(plant: Plant) -> None:
    data = traces_with(plant)
    assert occurrences(data, plant.secret) >= len(data.resource_spans)

    count = Redactor(RedactConfig(), KEY).traces(data, data.SerializeToString())

    assert count >= len(data.resource_spans)
    assert occurrences(data, plant.secret) == 0, places_with(data, plant.secret)


@pytest.mark.parametrize("plant", SECRETS, ids=lambda plant: plant.text[:40] + plant.secret[:8])
def test_no_planted_secret_survives_in_a_log_record(plant: Plant) -> None:
    data = logs_with(plant)

    count = Redactor(RedactConfig(), KEY).logs(data, data.SerializeToString())

    assert count >= len(data.resource_logs)
    assert occurrences(data, plant.secret) == 0


@pytest.mark.parametrize("plant", SECRETS[:5], ids=lambda plant: plant.secret[:8])
def test_everything_is_kept_when_redaction_is_off(plant: Plant) -> None:
    data = traces_with(plant)
    before = data.SerializeToString()

    assert Redactor(RedactConfig(enabled=False), KEY).traces(data, before) == 0
    assert data.SerializeToString() == before
    assert occurrences(data, plant.secret) >= len(data.resource_spans)
