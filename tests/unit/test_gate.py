"""How a key is read out of headers, whatever they hold, and what a length of time is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_vector.errors import InvalidInputError, UnauthenticatedError
from otel_vector.keys.ring import StateKeyring
from otel_vector.state.sqlite import SqliteState
from otel_vector.testing.keys import order
from otel_vector_collector.cli.lengths import end_ns, length_s
from otel_vector_collector.receive.gate import Gate, refuse_key_in_url, text_sent

NAMES = st.sampled_from(["authorization", "x-api-key", "api-key", "x-tenant", "accept"])
HEADERS = st.lists(st.tuples(NAMES, st.text(max_size=80)), max_size=4)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    state = SqliteState(tmp_path_factory.mktemp("keys") / "state.db")
    ring = StateKeyring(state)
    ring.create(order())
    yield Gate(ring)
    state.close()


@given(headers=HEADERS)
def test_no_headers_that_are_made_up_let_anybody_in(guarded, headers):
    with pytest.raises(UnauthenticatedError) as caught:
        guarded.key_of(headers)
    values = [value for _, value in headers if len(value) > 30]
    assert not [value for value in values if value in str(caught.value)]


@given(headers=HEADERS)
def test_a_key_is_read_from_one_header_or_not_at_all(headers):
    carrying = [h for h in headers if h[0] in {"authorization", "x-api-key", "api-key"}]
    try:
        text = text_sent(headers)
    except UnauthenticatedError:
        assert len(carrying) > 1 or carrying[0][0] == "authorization"
    else:
        assert (text is None) == (not carrying)


@pytest.mark.parametrize(
    "query",
    [
        b"api_key=x",
        b"a=1&API-Key=x",
        b"x-api-key=x",
        b"apikey=x",
        b"access_token=x",
        b"q=ov_0123456789ab_",
        b"q=ov%5F0123456789ab%5Fabc",
        b"q=ov%25255F0123456789ab%25255Fabc",
        b"/ask/trace/ov_0123456789ab_abc",
        b"a=1&authorization=Bearer+x",
    ],
)
def test_a_key_in_a_url_is_found(query):
    with pytest.raises(InvalidInputError, match="ends up in logs"):
        refuse_key_in_url(query)


@pytest.mark.parametrize("query", [b"", b"q=api_key", b"filter=token:x", b"q=ov_1", b"\xff=\xfe"])
def test_other_urls_pass(query):
    refuse_key_in_url(query)


def test_lengths_of_time_are_read():
    read = [length_s(text) for text in ("0s", "30m", "24h", "90d", "52w", " 1 h ")]
    assert read == [0, 1800, 86_400, 90 * 86_400, 52 * 604_800, 3600]


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "1y", "1e3s", "٣d", "1d1h"])
def test_what_is_no_length_is_a_sentence(text):
    with pytest.raises(InvalidInputError, match="length of time"):
        length_s(text)


def test_an_end_is_a_length_from_now_or_a_date():
    now_ns = 1_700_000_000 * 10**9
    assert end_ns("1d", now_ns) == now_ns + 86_400 * 10**9
    assert end_ns("2027-01-31T00:00:00Z", now_ns) == 1_801_353_600 * 10**9
    for past in ("0s", "2020-01-01T00:00:00Z"):
        with pytest.raises(InvalidInputError, match="future"):
            end_ns(past, now_ns)
