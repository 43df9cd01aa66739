"""The promises of `otel_vector.store.contract`, one test each, for any backend.

A backend's test module subclasses the suites and opens its store::

    class TestMine(StoreSuite):
        @classmethod
        def open_store(cls, folder: Path) -> Store:
            return MyStore(folder, dimension=cls.dimension)

`StorePropertySuite` compares the backend's answers with evaluated filters on random items;
`StoreVolumeSuite` writes more rows than small settings would take in good time.
"""

from __future__ import annotations

from otel_vector.testing.store_counting import CountingPromises
from otel_vector.testing.store_deleting import DeletingPromises
from otel_vector.testing.store_filters import FilterPromises
from otel_vector.testing.store_forgetting import ForgettingSuite
from otel_vector.testing.store_joins import JoinPromises
from otel_vector.testing.store_lasting import LastingPromises, StoreVolumeSuite
from otel_vector.testing.store_meanings import MeaningPromises
from otel_vector.testing.store_models import ModelPromises
from otel_vector.testing.store_properties import StorePropertySuite
from otel_vector.testing.store_reading import ReadingPromises
from otel_vector.testing.store_rebuilding import RebuildPromises
from otel_vector.testing.store_records import RecordPromises
from otel_vector.testing.store_retaining import RetainingPromises
from otel_vector.testing.store_writing import WritingPromises

__all__ = ["ForgettingSuite", "StorePropertySuite", "StoreSuite", "StoreVolumeSuite"]


class StoreSuite(
    WritingPromises,
    ReadingPromises,
    CountingPromises,
    FilterPromises,
    JoinPromises,
    MeaningPromises,
    ModelPromises,
    RebuildPromises,
    RecordPromises,
    LastingPromises,
    DeletingPromises,
    RetainingPromises,
):
    """Every promise of the store's contract."""
