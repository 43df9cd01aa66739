"""The promises of `otel_vector.embed.contract`, one test each, for any embedder.

A backend's test module subclasses `EmbedderSuite` and gives it an embedder::

    class TestMine(EmbedderSuite):
        @pytest.fixture
        def embedder(self) -> Embedder:
            return MyEmbedder()
"""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_vector.embed.contract import Embedder, Role

__all__ = ["EmbedderSuite"]

_ODD = (
    "",
    " ",
    "x",
    "\x00",
    "\ud800",
    "支払いが拒否されました",
    "دفع مرفوض",
    "💳" * 50,
    "a" * 100_000,
    "card declined " * 70_000,
)
_NEIGHBOURS = ["order placed", "a much longer text about a card that was declined " * 20, ""]


class EmbedderSuite:
    """What every embedder promises. Subclasses provide the fixture `embedder`."""

    tolerance = 1e-6
    """How far a vector's length may be from one."""

    def test_no_texts_give_no_vectors(self, embedder: Embedder) -> None:
        assert embedder.embed([], Role.PASSAGE) == []

    def test_there_is_one_vector_per_text_in_order(self, embedder: Embedder) -> None:
        texts = ["payment failed", "cart emptied", "payment failed"]
        first, second, third = embedder.embed(texts, Role.PASSAGE)
        assert first == third != second

    @pytest.mark.parametrize("text", _ODD, ids=lambda text: f"{text[:8]!a}x{len(text)}")
    @pytest.mark.parametrize("role", Role)
    def test_any_text_gets_a_finite_vector_of_length_one(
        self, embedder: Embedder, role: Role, text: str
    ) -> None:
        (vector,) = embedder.embed([text], role)
        assert len(vector) == embedder.dimension
        assert all(type(value) is float and math.isfinite(value) for value in vector)
        assert math.isclose(math.hypot(*vector), 1.0, abs_tol=self.tolerance)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
        ],
    )
    @given(text=st.text(max_size=200))
    def test_the_same_text_gives_the_same_vector_alone_and_among_others(
        self, embedder: Embedder, text: str
    ) -> None:
        (alone,) = embedder.embed([text], Role.PASSAGE)
        among = embedder.embed([*_NEIGHBOURS, text], Role.PASSAGE)
        assert among[-1] == alone

    def test_the_model_has_a_name_and_a_dimension(self, embedder: Embedder) -> None:
        assert embedder.model
        assert embedder.dimension > 0
