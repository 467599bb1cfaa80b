"""WARC files → the pages in them: response and resource records of HTML, each under its own address.

Records are told apart here, so that a damaged one costs no other; fastwarc reads what is in one. A record that a crawl
says was cut counts like one that is cut. The day of the crawl is no date of publication and is kept beside the article.
Knows nothing about files or zipping.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from fastwarc.warc import ArchiveIterator, WarcRecordType

from index.errors import ExtractError
from ingest.content_coding import BodyReader, Damaged, Overlong
from ingest.draft import Draft, Reject
from ingest.folders import ByteStream

MAX_RECORD_BYTES = 25_000_000
MAX_HEADER_BYTES = 65_536
# A crawl's file holds a gigabyte, and is several times that unzipped.
MAX_UNZIPPED_BYTES = 200_000_000_000
# With the first field behind it, so that it is known for what it is in the middle of a page that was cut, too.
_VERSION = re.compile(rb"WARC/\d\.\d\r?\n(?=[A-Za-z-]{1,40}:)")
_VERSION_BYTES = 64
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


@dataclass(frozen=True, slots=True)
class _Raw:
    """One record's bytes, or why there are none."""

    number: int
    record: bytes
    fault: str = ""


def from_warc(stream: ByteStream) -> Iterator[Draft | Reject]:
    """The articles of a WARC file, in its order; records that are no pages are passed over.

    Args:
        stream: At its beginning.
    """
    stream.max_unzipped_bytes = MAX_UNZIPPED_BYTES
    for raw in _records(stream):
        origin = f"{stream.name}: record {raw.number}"
        if raw.fault:
            yield Reject(origin, raw.fault, f"{origin}: {raw.fault}")
        else:
            yield from _articles(raw.record, origin)
    for _ in range(stream.n_lost):
        yield Reject(stream.name, "damaged record", f"{stream.name}: a record cannot be unzipped")


def _records(stream: ByteStream) -> Iterator[_Raw]:
    """Every record from its version line to the end of its block."""
    ahead = _Ahead(stream)
    number = 0
    while ahead.skip_to_record():
        number += 1
        if not ahead.fill_header():
            yield _Raw(number, b"", _cut(stream))
            ahead.drop(1)
            continue
        header = ahead.header()
        length = _LENGTH.search(header)
        if length is None:
            yield _Raw(number, b"", "damaged record")
            ahead.drop(1)
            continue
        n_block = int(length[1])
        if n_block > MAX_RECORD_BYTES:
            # Most are films and archives that nobody wants; a page is told by its header.
            if b"msgtype=response" in header.lower() and b"html" in header.lower():
                yield _Raw(number, b"", "record too long")
            ahead.drop(len(header) + n_block)
            continue
        record = ahead.peek(len(header) + n_block)
        # A record that was cut runs on into the next one, which begins inside its block.
        if len(record) < len(header) + n_block or not ahead.ends_at(len(record)):
            yield _Raw(number, b"", _cut(stream))
            ahead.drop(1)
            continue
        yield _Raw(number, record)
        ahead.drop(len(record))


def _cut(stream: ByteStream) -> str:
    return stream.fault or "truncated record"


class _Ahead:
    """A stream with the bytes ahead in hand, never much more of them than one record has."""

    def __init__(self, stream: ByteStream) -> None:
        self._pieces = stream.pieces()
        self._held = bytearray()

    def peek(self, n_bytes: int) -> bytes:
        """The next bytes; fewer at the end."""
        while len(self._held) < n_bytes and (piece := next(self._pieces, b"")):
            self._held += piece
        return bytes(self._held[:n_bytes])

    def drop(self, n_bytes: int) -> None:
        """Go on behind so many bytes."""
        while n_bytes > len(self._held):
            n_bytes -= len(self._held)
            self._held.clear()
            piece = next(self._pieces, b"")
            if not piece:
                return
            self._held += piece
        del self._held[:n_bytes]

    def skip_to_record(self) -> bool:
        """Go to the next version line; whether there is one."""
        self.peek(_VERSION_BYTES)
        while (found := _VERSION.search(self._held)) is None:
            del self._held[: max(0, len(self._held) - _VERSION_BYTES)]
            piece = next(self._pieces, b"")
            if not piece:
                return False
            self._held += piece
        self.drop(found.start())
        return True

    def fill_header(self) -> bool:
        """Have the whole header of the record ahead in hand; whether it ends."""
        n_bytes = 4_096
        while _HEADER_END.search(self.peek(n_bytes)) is None:
            if n_bytes > MAX_HEADER_BYTES or len(self._held) < n_bytes:
                return False
            n_bytes *= 2
        return True

    def header(self) -> bytes:
        """The header in hand, with its empty line."""
        found = _HEADER_END.search(self._held)
        assert found is not None
        return bytes(self._held[: found.end()])

    def ends_at(self, n_bytes: int) -> bool:
        """Whether the record ahead may end there: two line ends, another record or nothing follows."""
        after = self.peek(n_bytes + 16)[n_bytes:]
        rest = after.lstrip(b"\r\n")
        return not rest or rest.startswith(b"WARC/") or after.startswith((b"\r\n\r\n", b"\n\n"))


def _articles(record: bytes, origin: str) -> Iterator[Draft | Reject]:
    """Articles of one record's page; none of a record that is no page."""
    from ingest.extract import extract_all

    kinds = WarcRecordType.response | WarcRecordType.resource
    try:
        page = next(iter(ArchiveIterator(io.BytesIO(record), record_types=kinds, parse_http=False)), None)
        if page is None:
            return
        url = (page.headers.get("WARC-Target-URI") or "").strip().removeprefix("<").removesuffix(">")
        is_cut = bool(page.headers.get("WARC-Truncated"))
        day = page.record_date.isoformat() if page.record_date else ""
        media_type, encoding, charset = page.headers.get("Content-Type") or "", "", ""
        if page.record_type == WarcRecordType.response:
            page.parse_http(auto_decode="transfer")
            headers = page.http_headers
            if headers is None or headers.status_code != 200:
                return
            media_type, encoding = headers.get("Content-Type") or "", headers.get("Content-Encoding") or ""
            charset = page.http_charset or ""
        if media_type.split(";")[0].strip().lower() not in _PAGE_TYPES or not url.startswith(("http://", "https://")):
            return
        reader = BodyReader(encoding, MAX_RECORD_BYTES)
        reader.feed(page.reader.read())
        body = reader.body()
    except (OSError, ValueError, Damaged) as error:
        yield Reject(origin, "damaged record", f"{origin}: cannot be read ({error})")
        return
    except Overlong:
        yield Reject(origin, "record too long", f"{origin}: its page is longer than any should be")
        return
    if is_cut:
        yield Reject(url, "truncated record", f"{url}: the crawl that saved it cut it short")
        return
    try:
        for draft in extract_all(body, url, origin=url, charset=charset):
            yield replace(draft, extra=_with_crawl(draft.extra, day)) if day else draft
    except ExtractError as error:
        yield Reject(url, "no article", str(error))


def _with_crawl(extra: str, day: str) -> str:
    fields = json.loads(extra) if extra else {}
    return json.dumps({**fields, "crawled": day}, ensure_ascii=False)
