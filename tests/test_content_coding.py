"""Undoing content encodings: what went in comes out, and never more than is allowed."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.content_coding import BodyReader, Damaged, Overlong
from tests.web.faults import packed_zeros


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda body: body,
    "identity": lambda body: body,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "deflate": zlib.compress,
    "Deflate ": bare_deflate,
    "br": brotli.compress,
    "br, gzip": lambda body: gzip.compress(brotli.compress(body)),
}


def unpacked(encoding: str, raw: bytes, max_bytes: int, piece: int = 7) -> bytes:
    reader = BodyReader(encoding, max_bytes)
    for at in range(0, len(raw), piece):
        reader.feed(raw[at : at + piece])
    return reader.body()


@given(body=st.binary(max_size=3_000), encoding=st.sampled_from(sorted(PACKERS)), piece=st.integers(1, 4_000))
def test_what_went_in_comes_out_however_it_is_cut(body: bytes, encoding: str, piece: int) -> None:
    assert unpacked(encoding, PACKERS[encoding](body), 10_000, piece) == body


def test_joined_gzip_members_are_one_body() -> None:
    assert unpacked("gzip", gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0", 100) == b"one two"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "Deflate "])
@pytest.mark.parametrize("piece", [1, 1_000])
def test_what_stands_behind_a_whole_body_is_no_part_of_it(encoding: str, piece: int) -> None:
    for behind in (b"\n", b"\0\r\n", b"\n<!-- cached -->\x1f\x8b"):
        assert unpacked(encoding, PACKERS[encoding](b"one") + behind, 100, piece) == b"one"


def test_an_empty_body_needs_no_encoding() -> None:
    assert unpacked("gzip", b"", 100) == b""


@pytest.mark.parametrize("encoding", sorted(PACKERS))
def test_a_body_may_be_as_long_as_allowed_and_no_longer(encoding: str) -> None:
    body = bytes(range(256)) * 40
    raw = PACKERS[encoding](body)
    limit = max(len(body), len(raw))
    assert unpacked(encoding, raw, limit) == body
    with pytest.raises(Overlong):
        unpacked(encoding, raw, len(body) - 1)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "br, gzip"])
def test_half_of_it_is_no_body(encoding: str) -> None:
    raw = PACKERS[encoding](bytes(range(256)) * 40)
    with pytest.raises(Damaged):
        unpacked(encoding, raw[: len(raw) // 2], 100_000)


@pytest.mark.parametrize("encoding", ["lzw", "gzip, gzip, gzip", "compress, gzip"])
def test_encodings_that_nobody_asked_for_are_refused(encoding: str) -> None:
    with pytest.raises(Damaged):
        BodyReader(encoding, 100)


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("gzip", packed_zeros(200_000_000)),
        ("gzip, gzip", gzip.compress(packed_zeros(200_000_000), mtime=0)),
        ("br", brotli.compress(bytes(50_000_000), quality=5)),
    ],
)
def test_a_bomb_is_known_as_one_and_takes_no_memory(encoding: str, bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Overlong) as caught:
            unpacked(encoding, bomb, 1_000_000, piece=65_536)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.is_bomb
    assert peak < 10_000_000


def test_a_long_text_is_no_bomb() -> None:
    text = b" ".join(str(n).encode() for n in range(100_000))
    with pytest.raises(Overlong) as caught:
        unpacked("gzip", gzip.compress(text), 100_000, piece=65_536)
    assert not caught.value.is_bomb


def test_a_body_that_unpacks_to_nothing_has_an_end_too() -> None:
    with pytest.raises(Overlong) as caught:
        unpacked("gzip", gzip.compress(b"") * 100, 1_000)
    assert not caught.value.is_bomb


def test_of_a_body_that_is_too_long_the_beginning_is_there() -> None:
    reader = BodyReader("gzip", 1_000)
    with pytest.raises(Overlong):
        reader.feed(gzip.compress(bytes(range(250)) * 10))
    assert reader.so_far() == bytes(range(250)) * 4
