"""The promises of `otel_vector.keys.contract`, one test each, for any keyring.

A keyring's test module subclasses `KeyringSuite` and gives it two keyrings of one folder, as
two processes have them, and a clock to set.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from otel_vector.errors import InvalidInputError, NotFoundError, UnauthenticatedError
from otel_vector.keys.contract import ALL_TENANTS, Key, KeyLimits, KeyOrder, Keyring, Role
from otel_vector.spans.ids import Tenant

__all__ = ["Clock", "KeyringSuite", "Rings", "order"]

_WAIT_S = 5.0
_POLL_S = 0.02


@dataclass
class Clock:
    """A time that a test sets."""

    now_ns: int = 1_700_000_000 * 10**9

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * 1e9)


@dataclass
class Rings:
    """Two keyrings of one folder, and their clock."""

    here: Keyring
    there: Keyring
    clock: Clock


def order(
    name: str = "shop",
    *roles: Role,
    tenants: tuple[str, ...] = ("default",),
    expires_ns: int = 0,
    limits: KeyLimits | None = None,
) -> KeyOrder:
    """Return an order for a key; one that stores, unless roles are named."""
    return KeyOrder(
        name=name,
        roles=frozenset(roles or (Role.INGEST,)),
        tenants=frozenset(map(Tenant, tenants)),
        expires_ns=expires_ns,
        limits=limits or KeyLimits(),
    )


def _eventually_refused(ring: Keyring, text: str) -> str:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        try:
            ring.authenticate(text)
        except UnauthenticatedError as error:
            return str(error)
        time.sleep(_POLL_S)
    raise AssertionError("the key was still let in")


def _eventually_known(ring: Keyring, text: str) -> Key:
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return ring.authenticate(text)
        except UnauthenticatedError:
            assert time.monotonic() < deadline, "the key was still not let in"
            time.sleep(_POLL_S)


class KeyringSuite:
    """What every keyring promises. Subclasses provide the fixture `rings`."""

    def test_without_keys_none_is_needed_and_none_is_known(self, rings: Rings) -> None:
        assert not rings.here.in_force()
        assert rings.here.list() == []
        with pytest.raises(UnauthenticatedError):
            rings.here.authenticate(f"ov_{'0' * 12}_{'a' * 43}")

    def test_a_new_key_is_known_by_its_text_with_all_it_was_given(self, rings: Rings) -> None:
        asked = order(
            "gateway", Role.INGEST, Role.READ, tenants=("a", "b"), limits=KeyLimits(10, 20, 30)
        )
        issued = rings.here.create(asked)
        key = rings.here.authenticate(issued.text)
        assert key == issued.key
        assert (key.name, key.roles, key.tenants) == ("gateway", asked.roles, asked.tenants)
        assert key.limits == KeyLimits(10, 20, 30)
        assert key.created_ns == rings.clock.now_ns
        assert rings.here.in_force()

    def test_another_process_knows_a_new_key_within_seconds(self, rings: Rings) -> None:
        assert not rings.there.in_force()
        issued = rings.here.create(order())
        assert _eventually_known(rings.there, issued.text) == issued.key
        assert rings.there.in_force()

    def test_no_text_that_differs_is_known(self, rings: Rings) -> None:
        text = rings.here.create(order()).text
        swapped = text[:-1] + ("a" if text[-1] != "a" else "b")
        for wrong in ("", swapped, text + "a", text[:-1], text.upper(), f" {text}", "ov_é_ü"):
            with pytest.raises(UnauthenticatedError) as caught:
                rings.here.authenticate(wrong)
            assert not wrong or wrong not in str(caught.value)

    def test_one_keys_secret_does_not_open_another_key(self, rings: Rings) -> None:
        one, two = rings.here.create(order()), rings.here.create(order())
        mixed = one.text.replace(one.key.id, two.key.id)
        with pytest.raises(UnauthenticatedError):
            rings.here.authenticate(mixed)

    def test_every_key_is_another_one(self, rings: Rings) -> None:
        issued = [rings.here.create(order()) for _ in range(20)]
        assert len({one.text for one in issued}) == len({one.key.id for one in issued}) == 20
        assert {one.key for one in issued} == set(rings.here.list())

    def test_a_text_is_not_shown_by_what_holds_it(self, rings: Rings) -> None:
        issued = rings.here.create(order())
        assert issued.text not in repr(issued)
        assert issued.text.rpartition("_")[2] not in repr(rings.here.list())

    def test_a_disabled_key_is_refused_here_and_elsewhere_for_good(self, rings: Rings) -> None:
        issued = rings.here.create(order())
        _eventually_known(rings.there, issued.text)
        disabled = rings.here.disable(issued.key.id)
        assert disabled.disabled_ns == rings.clock.now_ns
        rings.clock.pass_s(1)
        assert rings.here.disable(issued.key.id) == disabled
        with pytest.raises(UnauthenticatedError, match="disabled"):
            rings.here.authenticate(issued.text)
        assert "disabled" in _eventually_refused(rings.there, issued.text)
        with pytest.raises(InvalidInputError, match="make another"):
            rings.here.rotate(issued.key.id, 60)

    def test_the_last_key_to_go_does_not_open_the_doors(self, rings: Rings) -> None:
        issued = rings.here.create(order(expires_ns=rings.clock.now_ns + 10**9))
        rings.clock.pass_s(2)
        assert rings.here.in_force()
        rings.here.disable(issued.key.id)
        assert rings.here.in_force()

    def test_a_key_ends_when_it_expires(self, rings: Rings) -> None:
        issued = rings.here.create(order(expires_ns=rings.clock.now_ns + 60 * 10**9))
        rings.clock.pass_s(59)
        assert rings.here.authenticate(issued.text) == issued.key
        rings.clock.pass_s(1)
        with pytest.raises(UnauthenticatedError, match="expired"):
            rings.here.authenticate(issued.text)

    def test_a_rotated_key_has_two_texts_until_its_grace_is_over(self, rings: Rings) -> None:
        old = rings.here.create(order())
        rings.clock.pass_s(10)
        new = rings.here.rotate(old.key.id, 60)
        assert new.text != old.text
        assert new.key.id == old.key.id
        assert new.key.rotated_ns == rings.clock.now_ns
        assert rings.here.authenticate(old.text) == rings.here.authenticate(new.text) == new.key
        rings.clock.pass_s(61)
        with pytest.raises(UnauthenticatedError, match="replaced"):
            rings.here.authenticate(old.text)
        assert rings.here.authenticate(new.text) == new.key

    def test_without_grace_every_older_text_ends_at_once(self, rings: Rings) -> None:
        old = rings.here.create(order())
        middle = rings.here.rotate(old.key.id, 3600)
        new = rings.here.rotate(old.key.id, 0)
        rings.clock.pass_s(0.001)
        for gone in (old, middle):
            with pytest.raises(UnauthenticatedError):
                rings.here.authenticate(gone.text)
        assert rings.here.authenticate(new.text).id == old.key.id

    def test_a_later_rotation_never_lengthens_an_older_texts_life(self, rings: Rings) -> None:
        old = rings.here.create(order())
        rings.here.rotate(old.key.id, 10)
        rings.here.rotate(old.key.id, 3600)
        rings.clock.pass_s(11)
        with pytest.raises(UnauthenticatedError):
            rings.here.authenticate(old.text)

    def test_what_there_is_not_cannot_be_rotated_or_disabled(self, rings: Rings) -> None:
        with pytest.raises(NotFoundError):
            rings.here.rotate("0" * 12, 0)
        with pytest.raises(NotFoundError):
            rings.here.disable("0" * 12)

    @pytest.mark.parametrize(
        "wrong",
        [
            order(""),
            order("two\nlines"),
            order("long" * 100),
            KeyOrder("none", frozenset(), frozenset({Tenant("default")})),
            order("tenant", tenants=()),
            order("tenant", tenants=("Ä",)),
            order("tenant", tenants=("../x",)),
            order("tenant", tenants=("a", ALL_TENANTS)),
        ],
        ids=["no name", "lines", "long", "no role", "no tenant", "umlaut", "path", "all and one"],
    )
    def test_an_order_that_makes_no_sense_makes_no_key(
        self, rings: Rings, wrong: KeyOrder
    ) -> None:
        with pytest.raises(InvalidInputError):
            rings.here.create(wrong)
        assert not rings.here.in_force()
