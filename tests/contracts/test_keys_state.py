"""Keys in a state file keep the promises of the contract, and give nothing away."""

import time

import pytest

from otel_vector.errors import StoreDamagedError, StoreUnavailableError
from otel_vector.keys.contract import Keyring, Role
from otel_vector.keys.ring import StateKeyring
from otel_vector.keys.rows import NAMESPACE
from otel_vector.state.sqlite import SqliteState
from otel_vector.testing.keys import Clock, KeyringSuite, Rings, order


@pytest.fixture
def states(tmp_path):
    opened = [SqliteState(tmp_path / "state.db") for _ in range(2)]
    yield opened
    for state in opened:
        state.close()


class TestStateKeyring(KeyringSuite):
    @pytest.fixture
    def rings(self, states):
        clock = Clock()
        here: Keyring = StateKeyring(states[0], clock)
        there: Keyring = StateKeyring(states[1], clock)
        return Rings(here, there, clock)

    def test_no_file_holds_a_secret(self, rings, tmp_path):
        issued = [rings.here.create(order()) for _ in range(3)]
        issued.append(rings.here.rotate(issued[0].key.id, 60))
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert issued[0].key.id.encode() in stored
        for one in issued:
            assert one.text.rpartition("_")[2].encode() not in stored

    def test_a_key_that_ends_and_is_rotated_at_the_same_time_stays_ended(self, rings, states):
        issued = rings.here.create(order())
        before = states[0].items(NAMESPACE)
        rings.there.disable(issued.key.id)
        rings.here.list()
        for name, value in before.items():
            states[0].set(NAMESPACE, name, value)
        assert rings.here.list()[0].disabled_ns

    def test_rows_that_are_not_ours_are_refused_and_not_repeated(self, rings, states):
        states[0].set(NAMESPACE, "key/0123456789ab", '{"name": "half')
        with pytest.raises(StoreDamagedError) as caught:
            rings.here.list()
        assert "half" not in str(caught.value)
        with pytest.raises(StoreUnavailableError):
            rings.there.in_force()

    def test_a_moments_trouble_turns_nobody_away_who_was_known(self, rings, states):
        issued = rings.here.create(order("shop", Role.READ))
        assert rings.there.authenticate(issued.text)
        for name in states[0].items(NAMESPACE):
            states[0].set(NAMESPACE, name, "broken")
        with pytest.raises(StoreDamagedError):
            rings.there.list()
        until = time.monotonic() + 1.2  # the picture is renewed every half second
        while time.monotonic() < until:
            assert rings.there.authenticate(issued.text) == issued.key
