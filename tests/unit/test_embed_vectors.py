"""What every embedder does to texts and vectors."""

import math

import pytest

from otel_vector.embed.vectors import clean, unit
from otel_vector.errors import EmbedderUnavailableError


def test_a_vector_is_scaled_to_length_one():
    assert unit([3.0, 4.0]) == [0.6, 0.8]


def test_a_vector_of_length_zero_becomes_the_first_axis():
    assert unit([0, 0, 0]) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_vector_that_is_not_finite_is_refused(value):
    with pytest.raises(EmbedderUnavailableError, match="not finite"):
        unit([1.0, value])


def test_a_text_is_cut_and_loses_lone_surrogates():
    assert clean("a\ud800bc", 3) == "a?b"
