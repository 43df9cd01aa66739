"""Points in time as users write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vector.errors import InvalidQueryError
from otel_vector.services.cursors import pack_cursor, unpack_cursor
from otel_vector.services.times import instant_ns
from otel_vector.spans.ids import Tenant

NOW = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-11-14T22:13:20Z", NOW),
        ("2023-11-14T22:13:20", NOW),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("2023-11-14T22:13:20.000000001Z", NOW + 1),
        ("2023-11-14 22:13:20.5", NOW + 500_000_000),
        ("2023-11-14", 1_699_920_000 * 10**9),
        ("1700000000000000000", NOW),
        ("18446744073709551615", 2**64 - 1),
        ("0", 0),
        ("1969-12-31T00:00:00Z", 0),
        ("-1h", NOW - 3600 * 10**9),
        ("15m", NOW - 900 * 10**9),
        (" 7d ", NOW - 7 * 86400 * 10**9),
        ("2w", NOW - 14 * 86400 * 10**9),
        ("250ms", NOW - 250_000_000),
        ("999999999d", 0),
        ("now", NOW),
    ],
)
def test_a_time_is_read(text, expected):
    assert instant_ns(text, NOW) == expected


@pytest.mark.parametrize(
    "text", ["", "soon", "-1y", "1h30m", "٣", "18446744073709551616", "2023-13-01", "9" * 5000]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InvalidQueryError, match="not a time"):
        instant_ns(text, NOW)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_is_refused(text):
    with suppress(InvalidQueryError):
        assert instant_ns(text, NOW) >= 0


@given(st.binary(max_size=5000), st.text(max_size=100))
def test_a_cursor_carries_its_state_and_any_other_text_is_refused(state, other):
    cursor = pack_cursor(Tenant("t"), b"question", state)
    assert unpack_cursor(Tenant("t"), b"question", cursor) == state
    with pytest.raises(InvalidQueryError):
        unpack_cursor(Tenant("t"), b"question", other)


def test_a_cursor_that_unpacks_to_too_much_is_refused():
    cursor = pack_cursor(Tenant("t"), b"q", bytes(2 << 20))
    with pytest.raises(InvalidQueryError, match="too large"):
        unpack_cursor(Tenant("t"), b"q", cursor)
