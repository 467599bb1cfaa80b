"""Content encodings of HTTP undone piece by piece, so that a small reply cannot become a large body.

Knows gzip, deflate (with and without zlib's header) and Brotli; knows nothing about connections.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

ACCEPTED = "gzip, deflate, br"
_PIECE_BYTES = 65_536
_GZIP = b"\x1f\x8b"
_GZIP_WBITS = 31


# Honest text packs to a tenth, a page of white space to a hundredth; gzip itself ends at 1,032.
BOMB_RATIO = 100


class Overlong(Exception):
    """The body is longer than it may be.

    Attributes:
        is_bomb: More than `BOMB_RATIO` bytes came out of each that went in.
    """

    def __init__(self, *, is_bomb: bool) -> None:
        super().__init__()
        self.is_bomb = is_bomb


class Damaged(Exception):
    """The bytes are not what their encoding says, or end too early."""


class _Coding(Protocol):
    def pieces(self, raw: bytes) -> Iterator[bytes]: ...

    def is_whole(self) -> bool: ...


class BodyReader:
    """Collects the decoded body of one reply, which may be no longer than `max_bytes` packed or unpacked.

    Args:
        encoding: The `Content-Encoding` header; "" for none. Several are undone from the last to the first.
        max_bytes: Longest body, decoded.

    Raises:
        Damaged: The encoding is not known, or more than two are stacked.
    """

    def __init__(self, encoding: str, max_bytes: int) -> None:
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in reversed(names) if name not in ("", "identity")]
        if len(names) > 2:
            raise Damaged(f"is packed {len(names)} times")
        self._codings = [_coding(name) for name in names]
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self.n_in = 0
        self.n_out = 0

    def feed(self, raw: bytes) -> None:
        """Take the next bytes as they came.

        Raises:
            Overlong: They make the body too long.
            Damaged: They cannot be decoded.
        """
        self.n_in += len(raw)
        for piece in self._decoded(raw, 0):
            room = self._max_bytes - self.n_out
            self.n_out += len(piece)
            if room > 0:
                self._parts.append(piece[:room])
            if room < len(piece) and self.n_out > BOMB_RATIO * self.n_in:
                # Only what has come is decoded on, and not kept: enough to tell a bomb from a long text.
                raise Overlong(is_bomb=True)
        if max(self.n_in, self.n_out) > self._max_bytes:
            raise Overlong(is_bomb=False)

    def _decoded(self, raw: bytes, stage: int) -> Iterator[bytes]:
        if stage == len(self._codings):
            if raw:
                yield raw
            return
        for piece in self._codings[stage].pieces(raw):
            yield from self._decoded(piece, stage + 1)

    def body(self) -> bytes:
        """The whole body.

        Raises:
            Damaged: It ends in the middle of its encoding.
        """
        if self.n_in and not all(coding.is_whole() for coding in self._codings):
            raise Damaged("ends in the middle of its encoding")
        return self.so_far()

    def so_far(self) -> bytes:
        """What was decoded until now, whole or not, and no more than is allowed."""
        return b"".join(self._parts)


def _coding(name: str) -> _Coding:
    match name:
        case "gzip" | "x-gzip":
            return _Zlib(_GZIP_WBITS)
        case "deflate":
            return _Deflate()
        case "br":
            return _Brotli()
    raise Damaged(f"is packed in a way that was not asked for ({name[:40]})")


class _Zlib:
    """One format of zlib; of gzip, members may be joined.

    What stands behind a whole body and begins no other, such as a line break, is no part of it.
    """

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._unzip = zlib.decompressobj(wbits)
        self._is_over = False

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        try:
            more = not self._is_over
            while more:
                if self._unzip.eof:
                    raw = raw.lstrip(b"\0")
                    self._is_over = bool(raw) and not (self._wbits == _GZIP_WBITS and raw.startswith(_GZIP[: len(raw)]))
                    if not raw or self._is_over:
                        return
                    self._unzip = zlib.decompressobj(self._wbits)
                out = self._unzip.decompress(raw, _PIECE_BYTES)
                if out:
                    yield out
                raw = self._unzip.unused_data if self._unzip.eof else self._unzip.unconsumed_tail
                # A full piece may have more behind it although all input is taken.
                more = bool(raw) or len(out) == _PIECE_BYTES
        except zlib.error as error:
            raise Damaged("cannot be unpacked") from error

    def is_whole(self) -> bool:
        return self._unzip.eof


class _Deflate:
    """RFC 9110 means zlib's format; some servers send the bare one, told by the first byte."""

    def __init__(self) -> None:
        self._inner: _Zlib | None = None

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        if not raw:
            return
        if self._inner is None:
            has_header = raw[0] & 0x0F == 8 and raw[0] >> 4 <= 7
            self._inner = _Zlib(15 if has_header else -15)
        yield from self._inner.pieces(raw)

    def is_whole(self) -> bool:
        return self._inner is not None and self._inner.is_whole()


class _Brotli:
    def __init__(self) -> None:
        self._unpack = brotli.Decompressor()

    def pieces(self, raw: bytes) -> Iterator[bytes]:
        try:
            out = self._unpack.process(raw, output_buffer_limit=_PIECE_BYTES)
            while out:
                yield out
                out = self._unpack.process(b"", output_buffer_limit=_PIECE_BYTES)
        except brotli.error as error:
            raise Damaged("cannot be unpacked") from error

    def is_whole(self) -> bool:
        return bool(self._unpack.is_finished())
