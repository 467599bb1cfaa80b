"""Files and folders as bytes: which files a folder gives, and one file's bytes with flat memory.

Unzips, strips byte order marks and brings UTF-16 and UTF-32 to UTF-8 on the way. Knows nothing about
articles or formats.
"""

from __future__ import annotations

import codecs
import os
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_LINE_BYTES = 16_000_000
MAX_UNZIPPED_BYTES = 4_000_000_000
# Articles as JSON lines compress about 3:1 and rarely 10:1; zlib itself cannot pass 1,032:1.
MAX_RATIO = 200
RATIO_FROM_BYTES = 64_000_000

# The folder of pictures and scripts that a browser puts beside a page it saves, in the languages of many.
_BESIDE_PAGE = re.compile(
    r"(.+)[_-](?:files|dateien|fichiers|file|archivos|arquivos|ficheiros|bestanden|filer|tiedostot|pliki|soubory)",
    re.IGNORECASE,
)
_READ_BYTES = 65_536
_UNZIP_BYTES = 262_144
_GZIP = b"\x1f\x8b"
_MEMBER = b"\x1f\x8b\x08"
_ARCHIVE = b"WARC/"
_MAX_DAMAGED = 1_000
# Of a member that is being unzipped, for finding the next one if it proves damaged.
_HELD_BYTES = 4_000_000
_SAVED_STEP_BYTES = 64
# UTF-32 comes first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Refused(Exception):
    """A whole file that gives no articles; a folder counts it as a reject, alone it is `BadInput`.

    Attributes:
        reason: One of the fixed phrases of `Reject.reason`.
        sentence: What a person reads; names the file.
    """

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Found:
    """A file of a folder.

    Attributes:
        path: Where to open it.
        n_bytes: Its size when it was listed.
        fault: Why it is not to be opened, or "".
    """

    path: Path
    n_bytes: int
    fault: str = ""


def shown(path: str | Path) -> str:
    """A path as it can be printed: undecodable bytes replaced, control characters made visible."""
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def walk(root: Path) -> Iterator[Found]:
    """The visible files under a folder, depth first, sorted by name.

    Hidden names, devices, pipes, links to folders and what a browser saved beside a page are passed over. A
    link to a file that stays in the folder counts only where the file itself is hidden, as every other one is
    met on its own; a link that leaves the folder and a folder that cannot be listed are given with their fault.

    Raises:
        OSError: `root` itself cannot be listed.
    """
    home = root.resolve()
    for name in _visible(root):
        yield from _under(root / name, home)


def _visible(folder: Path) -> list[str]:
    # One folder's names are held at a time, never a whole tree's.
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    pages = {Path(name).stem for name in names if name.lower().endswith((".html", ".htm"))}
    return [name for name in names if not (_page_beside(name) in pages and (folder / name).is_dir())]


def _page_beside(name: str) -> str:
    """The name of the page whose pictures and scripts lie in a folder of this name, or ""."""
    found = _BESIDE_PAGE.fullmatch(name)
    return found[1] if found else ""


def _under(path: Path, home: Path) -> Iterator[Found]:
    try:
        if path.is_symlink():
            target = path.resolve()
            if not target.is_relative_to(home):
                yield Found(path, 0, "link leaves the folder")
            elif target.is_file() and _is_hidden(target.relative_to(home)):
                yield Found(path, target.stat().st_size)
        elif path.is_dir():
            for name in _visible(path):
                yield from _under(path / name, home)
        elif path.is_file():
            yield Found(path, path.stat().st_size)
    except (OSError, RuntimeError):  # RuntimeError: links that lead to each other, before Python 3.13
        yield Found(path, 0, "unreadable")


def _is_hidden(relative: Path) -> bool:
    return any(part.startswith(".") for part in relative.parts)


class ByteStream:
    """One input's bytes, unzipped and in UTF-8 where a byte order mark tells, in bounded pieces.

    Attributes:
        name: The input's name as it is shown.
        charset: The encoding named by a byte order mark (the bytes are UTF-8 by then), or "".
        fault: Why the input ended before its end (`truncated gzip`, `damaged gzip`), or "".
        n_lost: Members of a zipped web archive of which nothing could be unzipped.
        max_unzipped_bytes: More is taken for a bomb.
    """

    def __init__(self, file: BinaryIO, name: str, on_read: Callable[[int], None] = lambda _: None) -> None:
        """Starts at the file's present position; `on_read` is told the size of every piece read."""
        self.name = name
        self.charset = ""
        self.fault = ""
        self.n_lost = 0
        self.max_unzipped_bytes = MAX_UNZIPPED_BYTES
        self._file = file
        self._on_read = on_read
        self._pieces = self._in_utf8(self._unzipped(self._read()))
        self._ahead: list[bytes] = []

    def head(self, n_bytes: int) -> bytes:
        """The first `n_bytes` that are left, without using them up; fewer at the end."""
        n_ahead = sum(map(len, self._ahead))
        while n_ahead < n_bytes and (piece := next(self._pieces, b"")):
            self._ahead.append(piece)
            n_ahead += len(piece)
        self._ahead = [b"".join(self._ahead)]
        return self._ahead[0][:n_bytes]

    def pieces(self) -> Iterator[bytes]:
        """What is left, in pieces that are never empty.

        Raises:
            Refused: It unzips to more than text does.
            OSError: The file cannot be read on.
        """
        ahead, self._ahead = self._ahead, []
        yield from filter(None, ahead)
        yield from self._pieces

    def whole(self, max_bytes: int) -> bytes | None:
        """All that is left, or None where that is more than `max_bytes`."""
        held: list[bytes] = []
        n_held = 0
        for piece in self.pieces():
            held.append(piece)
            n_held += len(piece)
            if n_held > max_bytes:
                return None
        return b"".join(held)

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """The lines that are left, numbered from 1, without their line feed.

        A line of more than `MAX_LINE_BYTES` is None. A last line that a fault cut short is left out.
        """
        number = 1
        held: list[bytes] = []
        n_held = 0
        for piece in self.pieces():
            *ended, rest = piece.split(b"\n")
            for part in ended:
                if held:
                    part = b"".join([*held, part])
                    held.clear()
                yield number, part if n_held + len(part) <= MAX_LINE_BYTES else None
                n_held = 0
                number += 1
            if rest:
                n_held += len(rest)
                if n_held <= MAX_LINE_BYTES:
                    held.append(rest)
                else:
                    held.clear()
        if n_held and not self.fault:
            yield number, b"".join(held) if n_held <= MAX_LINE_BYTES else None

    def _read(self) -> Iterator[bytes]:
        while piece := self._file.read(_READ_BYTES):
            self._on_read(len(piece))
            yield piece

    def _unzipped(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        first, pieces = _first(pieces, len(_GZIP))
        if not first.startswith(_GZIP):
            yield from pieces
            return
        unzip = zlib.decompressobj(31)  # 31: gzip's own header and checksum
        member = bytearray()
        # The records of a web archive are members of their own, so that one that is damaged costs no other.
        is_archive = is_lost = False
        n_in = n_out = n_member_out = n_damaged = 0
        for piece in pieces:
            n_in += len(piece)
            if len(member) < _HELD_BYTES:
                member += piece
            more = True
            while more:
                if is_lost:
                    at = piece.find(_MEMBER)
                    if at < 0:
                        break
                    piece, is_lost = piece[at:], False
                    unzip, member, n_member_out = zlib.decompressobj(31), bytearray(piece), 0
                if unzip.eof:
                    # gzip files may be joined, and tapes pad them with zeros.
                    piece = piece.lstrip(b"\0")
                    if not piece:
                        break
                    unzip, member, n_member_out = zlib.decompressobj(31), bytearray(piece), 0
                try:
                    out = unzip.decompress(piece, _UNZIP_BYTES)
                except zlib.error:
                    saved = _saved(member)
                    is_archive = is_archive or (n_out == 0 and saved.startswith(_ARCHIVE))
                    n_damaged += 1
                    if not is_archive or n_damaged > _MAX_DAMAGED:
                        self.fault = "damaged gzip"
                        return
                    self.n_lost += not saved and not n_member_out
                    if saved[n_member_out:]:
                        yield saved[n_member_out:]
                    # The next member may have begun inside what was taken for this one's.
                    is_lost, piece = True, bytes(member[1:]) if len(member) < _HELD_BYTES else piece[1:]
                    continue
                is_archive = is_archive or (n_out == 0 and out.startswith(_ARCHIVE))
                n_out += len(out)
                n_member_out += len(out)
                self._guard(n_in, n_out)
                if out:
                    yield out
                piece = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
                # A full piece may have more behind it although all input is taken.
                more = bool(piece) or len(out) == _UNZIP_BYTES
        if is_lost:
            self.fault = "damaged gzip"
        elif not unzip.eof:
            self.fault = "truncated gzip"

    def _guard(self, n_in: int, n_out: int) -> None:
        if n_out > self.max_unzipped_bytes:
            raise Refused(
                "gzip bomb",
                f"{self.name} unzips to more than {self.max_unzipped_bytes:,} bytes; "
                "unzip or split it first if that is meant",
            )
        if n_out > RATIO_FROM_BYTES and n_out > MAX_RATIO * n_in:
            raise Refused(
                "gzip bomb",
                f"{self.name} unzips to more than {MAX_RATIO} times its size, which no text does; "
                "unzip it first if that is meant",
            )

    def _in_utf8(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        first, pieces = _first(pieces, len(codecs.BOM_UTF32_LE))
        for mark, name in _MARKS:
            if not first.startswith(mark):
                continue
            self.charset = name
            n_skip = len(mark)
            decoder = codecs.getincrementaldecoder(name)("replace")
            for piece in pieces:
                piece, n_skip = piece[n_skip:], max(0, n_skip - len(piece))
                if name != "utf-8":
                    piece = decoder.decode(piece).encode()
                if piece:
                    yield piece
            if name != "utf-8" and (rest := decoder.decode(b"", final=True)):
                yield rest.encode()
            return
        yield from pieces


def _saved(member: bytes | bytearray) -> bytes:
    """What can be unzipped of a damaged gzip member, up to the damage."""
    unzip = zlib.decompressobj(31)
    saved = bytearray()
    try:
        for at in range(0, min(len(member), _HELD_BYTES), _SAVED_STEP_BYTES):
            saved += unzip.decompress(bytes(member[at : at + _SAVED_STEP_BYTES]))
            if len(saved) > MAX_LINE_BYTES:
                break
    except zlib.error:
        pass
    return bytes(saved)


def _first(pieces: Iterator[bytes], n_bytes: int) -> tuple[bytes, Iterator[bytes]]:
    """At least the first `n_bytes`, fewer at the end, and all pieces, these included."""
    first = b""
    while len(first) < n_bytes and (piece := next(pieces, b"")):
        first += piece

    def again() -> Iterator[bytes]:
        if first:
            yield first
        yield from pieces

    return first, again()
