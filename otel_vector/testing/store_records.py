"""Promises of records: versions, pages, what points at a text, and what goes with a deletion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_vector.errors import InvalidInputError, TooLargeError
from otel_vector.spans.ids import MeaningId, Tenant, meaning_id
from otel_vector.spans.meanings import Facet, Meaning, Signal
from otel_vector.store.contract import Nearest, Store, TenantStore
from otel_vector.store.records import Draft, Record
from otel_vector.testing.builders import TENANT, SpanRow, item_of
from otel_vector.testing.store_case import StoreCase, write

__all__ = ["RecordPromises"]

_OTHER = Tenant("other")
_CODE = "functions"
_NOTES = "notes.2026"


def _meant(*texts: str) -> dict[MeaningId, Meaning]:
    """Return texts as meanings of the facet of code."""
    known = [(meaning_id(TENANT, Facet.CODE, text), text) for text in texts]
    return {identity: Meaning(identity, Facet.CODE, text) for identity, text in known}


def _put(
    store: TenantStore, key: str, body: Mapping[str, Any], *texts: str, collection: str = _CODE
) -> Record:
    """Store one record that is found by some texts."""
    meant = _meant(*texts)
    (record,) = store.records.put(collection, [Draft(key, body, tuple(meant))], meant)
    return record


def _id(text: str) -> MeaningId:
    return meaning_id(TENANT, Facet.CODE, text)


class _Model:
    """What a tenant's records ought to be: lists of bodies and texts."""

    def __init__(self) -> None:
        self.all: dict[str, list[tuple[int, tuple[str, ...]]]] = {}

    def put(self, key: str, number: int, texts: tuple[str, ...]) -> int:
        """Store a version; return its number."""
        versions = self.all.setdefault(key, [])
        if not versions or versions[-1] != (number, texts):
            versions.append((number, texts))
        return len(versions)

    def delete(self, key: str) -> bool:
        """Delete a record; return whether there was one."""
        return self.all.pop(key, None) is not None

    def compare(self, tenant: TenantStore) -> None:
        """Hold everything a store answers to what it ought to."""
        assert tenant.records.collections() == ({_CODE: len(self.all)} if self.all else {})
        assert [r.key for r in tenant.records.page(_CODE, 100)] == sorted(self.all)
        for key, versions in self.all.items():
            found = tenant.records.versions(_CODE, key)
            assert [r.body["n"] for r in reversed(found)] == [n for n, _ in versions]
            assert [r.active for r in found] == [True, *[False] * (len(versions) - 1)]
        held = {text for versions in self.all.values() for text in versions[-1][1]}
        assert tenant.records.meanings() == set(_meant(*held))
        assert tenant.meanings.counts().total == len(held)
        for text in held:
            keys = sorted(key for key, versions in self.all.items() if text in versions[-1][1])
            found = tenant.records.pointing_at([_id(text)])[_id(text)]
            assert [record.key for record in found] == keys


_Step = Callable[[TenantStore | _Model], object]


def _putting(key: str, number: int, texts: tuple[str, ...]) -> _Step:
    def step(store: TenantStore | _Model) -> object:
        if isinstance(store, _Model):
            return store.put(key, number, texts)
        return _put(store, key, {"n": number}, *texts).version

    return step


def _deleting(key: str) -> _Step:
    def step(store: TenantStore | _Model) -> object:
        return store.delete(key) if isinstance(store, _Model) else store.records.delete(_CODE, key)

    return step


_KEYS = st.sampled_from(["a", "b", "c"])
_TEXTS = st.lists(st.sampled_from(["one", "two", "three"]), max_size=2, unique=True).map(tuple)
_STEPS = st.lists(
    st.one_of(
        st.builds(_putting, _KEYS, st.integers(0, 2), _TEXTS),
        st.builds(_deleting, _KEYS),
    ),
    max_size=12,
)


class RecordPromises(StoreCase):
    """What is stored under a collection and a key, in versions."""

    def test_a_record_comes_back_as_it_was_put(self, tenant: TenantStore) -> None:
        body = {"b": [1, 2.5, None, {"ä": "ü"}], "a": True}
        put = _put(tenant, "shop.pay", body, "pays an order", "refuses a card")
        assert (put.collection, put.key, put.version, put.active) == (_CODE, "shop.pay", 1, True)
        assert (put.body, put.meanings) == (body, (_id("pays an order"), _id("refuses a card")))
        assert list(put.body) == ["b", "a"]
        assert put.created_ns > 0
        assert tenant.records.get(_CODE, "shop.pay") == put
        assert tenant.records.get(_CODE, "shop.pay", 1) == put

    def test_what_is_not_there_is_none(self, tenant: TenantStore) -> None:
        _put(tenant, "here", {})
        assert tenant.records.get(_CODE, "elsewhere") is None
        assert tenant.records.get("nothing", "here") is None
        assert tenant.records.get(_CODE, "here", 2) is None
        assert tenant.records.get(_CODE, "here", 0) is None
        assert tenant.records.versions(_CODE, "elsewhere") == []
        assert tenant.records.page("nothing", 10) == []
        assert tenant.records.pointing_at([MeaningId(1)]) == {}

    def test_the_same_again_is_no_new_version(self, tenant: TenantStore) -> None:
        first = _put(tenant, "pay", {"a": 1, "b": {"c": 2, "d": 3}}, "pays")
        again = _put(tenant, "pay", {"b": {"d": 3, "c": 2}, "a": 1}, "pays")
        assert again == first
        assert tenant.records.versions(_CODE, "pay") == [first]

    def test_another_body_or_other_texts_are_a_new_version(self, tenant: TenantStore) -> None:
        _put(tenant, "pay", {"a": 1}, "pays")
        _put(tenant, "pay", {"a": 2}, "pays")
        last = _put(tenant, "pay", {"a": 2}, "pays", "twice")
        found = tenant.records.versions(_CODE, "pay")
        assert [(r.version, r.active, r.body["a"]) for r in found] == [
            (3, True, 2),
            (2, False, 2),
            (1, False, 1),
        ]
        assert tenant.records.get(_CODE, "pay") == found[0] == last
        assert tenant.records.get(_CODE, "pay", 1) == found[2]

    def test_going_back_is_a_new_version_too(self, tenant: TenantStore) -> None:
        for number in (1, 2, 1):
            _put(tenant, "pay", {"a": number}, f"text {number}")
        assert [r.body["a"] for r in tenant.records.versions(_CODE, "pay")] == [1, 2, 1]
        assert tenant.records.meanings() == {_id("text 1")}

    def test_of_several_drafts_with_one_key_the_last_is_active(self, tenant: TenantStore) -> None:
        meant = _meant("one", "two", "three")
        drafts = [Draft("pay", {"n": n}, (m,)) for n, m in enumerate(meant)]
        put = tenant.records.put(_CODE, [*drafts, drafts[-1]], meant)
        assert [(r.version, r.active) for r in put] == [
            (1, False), (2, False), (3, True), (3, True),
        ]  # fmt: skip
        assert tenant.records.meanings() == {_id("three")}
        assert tenant.meanings.get(list(meant)).keys() == {_id("three")}

    def test_pages_are_in_the_order_of_keys(self, tenant: TenantStore) -> None:
        keys = ["b", "a/2", "a", "ä", "B", "a b"]
        for key in keys:
            _put(tenant, key, {"key": key})
        _put(tenant, "b", {"key": "b", "again": True})
        _put(tenant, "zz", {}, collection=_NOTES)
        first = tenant.records.page(_CODE, 4)
        rest = tenant.records.page(_CODE, 4, first[-1].key)
        assert [r.key for r in (*first, *rest)] == sorted(keys)
        assert all(r.active for r in (*first, *rest))
        assert tenant.records.collections() == {_CODE: len(keys), _NOTES: 1}

    def test_records_are_found_by_what_they_point_at(self, tenant: TenantStore) -> None:
        _put(tenant, "b", {}, "shared", "of b")
        _put(tenant, "a", {}, "shared")
        _put(tenant, "note", {}, "shared", collection=_NOTES)
        asked = [_id("shared"), _id("of b"), _id("nothing")]
        found = tenant.records.pointing_at(asked)
        assert {m: [r.key for r in records] for m, records in found.items()} == {
            _id("shared"): ["a", "b", "note"],
            _id("of b"): ["b"],
        }
        first = tenant.records.pointing_at(asked, limit=1)
        assert [r.key for r in first[_id("shared")]] == ["a"]
        notes = tenant.records.pointing_at(asked, [_NOTES])
        assert [(r.collection, r.key) for r in notes[_id("shared")]] == [(_NOTES, "note")]
        assert tenant.records.meanings() == {_id("shared"), _id("of b")}
        assert tenant.records.meanings([_NOTES]) == {_id("shared")}

    def test_the_texts_are_meanings_that_wait_for_vectors(self, tenant: TenantStore) -> None:
        _put(tenant, "pay", {}, "declines the bank card")
        assert [m.text for m in tenant.meanings.pending(10)] == ["declines the bank card"]
        (hit,) = tenant.meanings.nearest(Nearest(None, "bank card", facets=(Facet.CODE,)))
        assert hit.meaning.id == _id("declines the bank card")

    def test_only_the_latest_texts_stay(self, tenant: TenantStore) -> None:
        _put(tenant, "pay", {}, "old text", "kept text")
        _put(tenant, "pay", {}, "new text", "kept text")
        ids = [_id(t) for t in ("old text", "kept text", "new text")]
        assert tenant.meanings.get(ids).keys() == set(ids[1:])
        assert tenant.records.pointing_at(ids).keys() == set(ids[1:])

    def test_a_deleted_record_is_gone_with_its_versions(self, tenant: TenantStore) -> None:
        _put(tenant, "pay", {"n": 1}, "first")
        _put(tenant, "pay", {"n": 2}, "second", "shared")
        _put(tenant, "other", {}, "shared")
        assert tenant.records.delete(_CODE, "pay") is True
        assert tenant.records.delete(_CODE, "pay") is False
        assert tenant.records.get(_CODE, "pay", 1) is None
        assert tenant.records.versions(_CODE, "pay") == []
        assert tenant.records.collections() == {_CODE: 1}
        assert tenant.meanings.get([_id("first"), _id("second"), _id("shared")]).keys() == {
            _id("shared")
        }
        assert _put(tenant, "pay", {"n": 3}).version == 1

    def test_a_text_that_a_span_says_too_stays(self, tenant: TenantStore) -> None:
        write(tenant, [SpanRow(means=((Facet.CODE, "said by both"),))])
        _put(tenant, "pay", {}, "said by both")
        tenant.records.delete(_CODE, "pay")
        assert tenant.meanings.get([_id("said by both")])

    def test_a_text_that_a_record_says_outlives_the_span(self, tenant: TenantStore) -> None:
        row = SpanRow(means=((Facet.CODE, "said by both"),))
        write(tenant, [row])
        _put(tenant, "pay", {}, "said by both")
        tenant.writer.delete(Signal.SPANS, [item_of(row).id])
        assert tenant.meanings.get([_id("said by both")])

    def test_an_id_without_a_text_tells_versions_apart(self, tenant: TenantStore) -> None:
        for number in (1, 2, 2):
            tenant.records.put(_CODE, [Draft("pay", {}, (MeaningId(number),))], {})
        found = tenant.records.versions(_CODE, "pay")
        assert [r.meanings for r in found] == [(MeaningId(2),), (MeaningId(1),)]
        assert tenant.meanings.counts().total == 0

    def test_a_record_without_texts_makes_its_tenant(self, store: Store) -> None:
        _put(store.tenant(TENANT), "pay", {})
        assert store.tenants() == [TENANT]

    def test_a_tenant_sees_its_own_only(self, store: Store) -> None:
        mine, other = store.tenant(TENANT), store.tenant(_OTHER)
        _put(mine, "pay", {"mine": True}, "pays")
        assert other.records.get(_CODE, "pay") is None
        assert other.records.collections() == {}
        assert other.records.pointing_at([_id("pays")]) == {}
        assert other.records.delete(_CODE, "pay") is False
        assert store.tenants() == [TENANT]

    @pytest.mark.parametrize(
        "name", ["", "Upper", "-first", "a" * 64, "a/b", "a b", "ä"], ids=lambda name: name or "-"
    )
    def test_a_name_that_is_none_is_refused(self, tenant: TenantStore, name: str) -> None:
        with pytest.raises(InvalidInputError):
            _put(tenant, "pay", {}, collection=name)

    @pytest.mark.parametrize("key", ["", "k" * 513, "a\nb", "a\x00b", "\ud800", ".."], ids=repr)
    def test_a_key_that_is_none_is_refused(self, tenant: TenantStore, key: str) -> None:
        with pytest.raises(InvalidInputError):
            _put(tenant, key, {})

    def test_a_put_that_is_refused_stored_nothing(self, tenant: TenantStore) -> None:
        fine = Draft("fine", {})
        for bad, error in (
            (Draft("large", {"text": "x" * (1 << 20)}), TooLargeError),
            (Draft("many", {}, tuple(map(MeaningId, range(257)))), TooLargeError),
            (Draft("odd", {"what": object()}), InvalidInputError),
        ):
            with pytest.raises(error):
                tenant.records.put(_CODE, [fine, bad], {})
        assert tenant.records.collections() == {}

    def test_records_last(self, tmp_path: Path) -> None:
        store = self.durable_store(tmp_path / "lasting")
        tenant = store.tenant(TENANT)
        _put(tenant, "pay", {"n": 1}, "first")
        before = _put(tenant, "pay", {"n": 2}, "second")
        _put(tenant, "gone", {}, "gone text")
        tenant.records.delete(_CODE, "gone")
        store.close()
        store = self.open_store(tmp_path / "lasting")
        tenant = store.tenant(TENANT)
        assert store.tenants() == [TENANT]
        assert tenant.records.get(_CODE, "pay") == before
        assert len(tenant.records.versions(_CODE, "pay")) == 2
        ids = [_id(t) for t in ("first", "second", "gone text")]
        assert tenant.meanings.get(ids).keys() == {_id("second")}
        store.close()

    @settings(
        max_examples=30,
        deadline=None,
        suppress_health_check=[
            HealthCheck.differing_executors,
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
        ],
    )
    @given(steps=_STEPS)
    def test_any_sequence_leaves_what_was_put_last(
        self, tenant: TenantStore, steps: Sequence[_Step]
    ) -> None:
        model = _Model()
        for step in steps:
            assert step(tenant) == step(model)
        model.compare(tenant)
        for key in model.all:
            assert tenant.records.delete(_CODE, key)
        _Model().compare(tenant)
