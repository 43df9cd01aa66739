"""Bodies are expanded up to a limit, and no further."""

import gzip
import os
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_vector.decode.compression import decompress
from otel_vector.errors import (
    InvalidInputError,
    MalformedError,
    TooLargeError,
    UnsupportedMediaError,
)

LIMIT = 1 << 20


def raw_deflate(body):
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


COMPRESS = {
    "identity": lambda body: body,
    "": lambda body: body,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("body", [b"", b"spans" * 1000, os.urandom(70_000)], ids=len)
def test_what_was_compressed_comes_back(encoding, body):
    assert decompress(COMPRESS[encoding](body), encoding, LIMIT) == body


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_several_members_are_one_body(encoding):
    body = COMPRESS[encoding](b"one,") + COMPRESS[encoding](b"two")
    assert decompress(body, encoding, LIMIT) == b"one,two"


@pytest.mark.parametrize("encoding", COMPRESS)
def test_the_limit_is_exact(encoding):
    assert decompress(COMPRESS[encoding](bytes(LIMIT)), encoding, LIMIT) == bytes(LIMIT)
    with pytest.raises(TooLargeError, match="max_request_bytes"):
        decompress(COMPRESS[encoding](bytes(LIMIT + 1)), encoding, LIMIT)


def test_several_members_share_the_limit():
    with pytest.raises(TooLargeError):
        decompress(gzip.compress(bytes(LIMIT)) + gzip.compress(b"x"), "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_a_bomb_costs_no_more_than_the_limit(encoding):
    bomb = COMPRESS[encoding](bytes(100 << 20))
    tracemalloc.start()
    with pytest.raises(TooLargeError):
        decompress(bomb, encoding, LIMIT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_damaged_bodies_are_malformed(encoding):
    whole = COMPRESS[encoding](b"spans" * 1000)
    with pytest.raises(MalformedError):
        decompress(whole[: len(whole) // 2], encoding, LIMIT)
    with pytest.raises(MalformedError):
        decompress(b"\x00not compressed at all", encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_noise_after_a_member_is_malformed(encoding):
    with pytest.raises(MalformedError):
        decompress(COMPRESS[encoding](b"spans") + b"noise", encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["br", "snappy", "gzip, gzip"])
def test_other_encodings_are_not_spoken(encoding):
    with pytest.raises(UnsupportedMediaError, match="gzip, deflate, zstd"):
        decompress(b"", encoding, LIMIT)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate", "zstd"]))
def test_any_bytes_are_expanded_or_refused(body, encoding):
    prefix = {"gzip": b"\x1f\x8b\x08\x00", "deflate": b"\x78\x9c", "zstd": b"\x28\xb5\x2f\xfd"}
    for candidate in (body, prefix[encoding] + body):
        try:
            assert len(decompress(candidate, encoding, 1000)) <= 1000
        except InvalidInputError:
            continue


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_countless_empty_streams_is_refused(encoding):
    bomb = COMPRESS[encoding](b"") * 100_000
    with pytest.raises(MalformedError, match="more than 10000 streams"):
        decompress(bomb, encoding, 64 << 20)


def test_each_step_of_a_gzip_body_is_read_once():
    body = os.urandom(150_000)
    members = [gzip.compress(body[at : at + 70_001]) for at in range(0, len(body), 70_001)]
    assert decompress(b"".join(members), "gzip", LIMIT) == body
    with pytest.raises(MalformedError, match="truncated"):
        decompress(b"".join(members)[:-1], "gzip", LIMIT)
