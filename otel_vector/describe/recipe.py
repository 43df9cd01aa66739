"""The version of the recipe by which texts are made; stored with every meaning."""

from __future__ import annotations

from typing import Final

__all__ = ["RECIPE"]

RECIPE: Final = 1
"""Raised whenever the same span would get another text."""
