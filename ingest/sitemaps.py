"""Sitemaps from bytes: indexes, lists of pages, news sitemaps and plain lists; and which of their pages to take.

Pure; knows nothing about the network or what is stored. Namespaces are not looked at, as many sites get them wrong.
"""

from __future__ import annotations

import contextlib
import heapq
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from urllib.parse import urljoin, urlsplit

from lxml.etree import XMLSyntaxError, _Element, iterparse

from index.types import end_of_day_s, instant_s
from ingest.content_coding import BodyReader, Damaged, Overlong
from ingest.dates import read_date
from ingest.feed_kind import ROOT
from ingest.identity import is_same_site
from ingest.robots import read_robots

# The protocol's own limits.
MAX_SITEMAP_BYTES = 52_428_800
MAX_ENTRIES = 50_000
_GZIP = b"\x1f\x8b"
_ROOTS = frozenset({b"urlset", b"sitemapindex"})
_ROBOTS_LINE = re.compile(rb"^[ \t]*sitemap[ \t]*:[ \t]*https?://", re.IGNORECASE | re.MULTILINE)
_HEAD_BYTES = 16_384
_DAY_CHARS = len("2025-04-18")


@dataclass(frozen=True, slots=True)
class SitemapEntry:
    """A page, or another sitemap.

    Attributes:
        url: Absolute.
        modified_s: When it last changed, by `lastmod` or the news date, at the latest: at the end of a bare day. None
            where it does not say or is in the future.
        published: The news date as written, or "".
        title: Of a news sitemap, or "".
        language: Of a news sitemap, ISO 639-1, or "".
    """

    url: str
    modified_s: int | None = None
    published: str = ""
    title: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one file lists.

    Attributes:
        sitemaps: Others that it names; empty where it names pages.
        pages: Its pages.
        n_elsewhere: Addresses left out because they belong to another site.
        is_cut: It ends early or is damaged; what came before is here.
    """

    sitemaps: tuple[SitemapEntry, ...] = ()
    pages: tuple[SitemapEntry, ...] = ()
    n_elsewhere: int = 0
    is_cut: bool = False


def is_sitemap(body: bytes) -> bool:
    """Whether bytes are a sitemap, zipped or not, or a robots.txt that names some; by what they hold, not by a name."""
    return is_sitemap_file(body) or _is_robots(_head(body))


def is_sitemap_file(head: bytes) -> bool:
    """Whether a file that begins like this is a sitemap, zipped or not; a robots.txt is none."""
    found = ROOT.match(_head(head))
    return found is not None and found[1].lower().rpartition(b":")[2] in _ROOTS


def _is_robots(head: bytes) -> bool:
    return not head.lstrip().startswith(b"<") and _ROBOTS_LINE.search(head) is not None


def _head(body: bytes) -> bytes:
    if not body.startswith(_GZIP):
        return body[:_HEAD_BYTES]
    reader = BodyReader("gzip", _HEAD_BYTES)
    with contextlib.suppress(Overlong, Damaged):
        reader.feed(body[:_HEAD_BYTES])
    return reader.so_far()


def read_sitemap(body: bytes, url: str, now_s: int) -> Sitemap:
    """What a sitemap lists, in its order.

    Args:
        body: As fetched; may be a gzip file.
        url: Where it was found; addresses of other sites are left out. "" for a file that a person gave, who vouches
            for all that are absolute.
        now_s: The present instant; later dates do not count.
    """
    is_cut = False
    if body.startswith(_GZIP):
        reader = BodyReader("gzip", MAX_SITEMAP_BYTES)
        try:
            reader.feed(body)
            body = reader.body()
        except (Overlong, Damaged):
            body, is_cut = reader.so_far(), True
    if _is_robots(body[:_HEAD_BYTES]):
        entries, is_index = [SitemapEntry(urljoin(url, one)) for one in read_robots(body).sitemaps()], True
    else:
        entries, is_index, is_broken = _entries(body, url, now_s)
        is_cut = is_cut or is_broken
    kept = [entry for entry in entries if not url or is_same_site(entry.url, url)]
    n_elsewhere = len(entries) - len(kept)
    found = tuple({entry.url: entry for entry in reversed(kept)}.values())[::-1]
    if is_index:
        return Sitemap(sitemaps=found, n_elsewhere=n_elsewhere, is_cut=is_cut)
    return Sitemap(pages=found, n_elsewhere=n_elsewhere, is_cut=is_cut)


def _entries(body: bytes, url: str, now_s: int) -> tuple[list[SitemapEntry], bool, bool]:
    """Entries, whether they are sitemaps, and whether the file is broken behind them."""
    entries: list[SitemapEntry] = []
    is_index = False
    try:
        # White space before the declaration is no XML, and common.
        stream = BytesIO(body.lstrip(b"\xef\xbb\xbf \t\r\n"))
        # No entities and no network; `recover` would also read on behind damage, where nothing can be trusted.
        for _, element in iterparse(
            stream, events=("end",), resolve_entities=False, no_network=True, remove_comments=True
        ):
            name = _local(element)
            if name not in ("url", "sitemap"):
                continue
            entry = _entry(element, url, now_s)
            # `<sitemap>` and `<url>` also name fields of extensions inside an entry.
            if entry is None:
                continue
            is_index = is_index or name == "sitemap"
            entries.append(entry)
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
            if len(entries) >= MAX_ENTRIES:
                break
    except XMLSyntaxError:
        return entries, is_index, True
    return entries, is_index, False


def _local(element: _Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _entry(element: _Element, url: str, now_s: int) -> SitemapEntry | None:
    own = {_local(child): (child.text or "").strip() for child in element}
    address = own.get("loc", "")
    if not address:
        return None
    try:
        address = urljoin(url, address)
        if urlsplit(address).scheme not in ("http", "https"):
            return None
    except ValueError:
        return None
    news = next((child for child in element if _local(child) == "news"), None)
    fields = {} if news is None else {_local(child): (child.text or "").strip() for child in news.iter()}
    language = fields.get("language", "")[:2].lower()
    published = fields.get("publication_date", "")
    # A news sitemap often gives no lastmod, and an updated page always has the later of the two.
    moments = [_moment_s(own.get("lastmod", ""), now_s), _moment_s(published, now_s)]
    known = [moment for moment in moments if moment is not None]
    return SitemapEntry(
        url=address,
        modified_s=max(known, default=None),
        published=published,
        title=" ".join(fields.get("title", "").split()),
        language=language if re.fullmatch("[a-z]{2}", language) else "",
    )


def _moment_s(written: str, now_s: int) -> int | None:
    found, _ = read_date(written, now_s)
    # A bare day counts to its end: a page that we fetched on it may have changed later.
    return end_of_day_s(date.fromisoformat(found)) if found and len(found) == _DAY_CHARS else instant_s(found)


class Newest:
    """The newest entries of many, at most `limit`, none twice, and none known to be older than `since_s`."""

    def __init__(self, limit: int, since_s: int | None) -> None:
        self._limit = limit
        self._since_s = since_s
        # Smallest first: the oldest, and of equally old ones the one that came last.
        self._heap: list[tuple[int, int, SitemapEntry]] = []
        self._urls: set[str] = set()
        self._n_seen = 0
        self.n_old = 0
        self.n_over = 0

    def add(self, entries: Iterable[SitemapEntry]) -> None:
        """Look at more entries; of two equally old ones the one that came first stays."""
        for entry in entries:
            if self.is_old(entry):
                self.n_old += 1
                continue
            if entry.url in self._urls:
                continue
            self._n_seen += 1
            self._urls.add(entry.url)
            heapq.heappush(self._heap, (_age_key(entry), -self._n_seen, entry))
            if len(self._heap) > self._limit:
                self._urls.discard(heapq.heappop(self._heap)[2].url)
                self.n_over += 1

    def is_old(self, entry: SitemapEntry) -> bool:
        """Whether an entry, page or sitemap, is known to be older than what is wanted."""
        return self._since_s is not None and entry.modified_s is not None and entry.modified_s < self._since_s

    def is_beyond(self, sitemap: SitemapEntry) -> bool:
        """Whether nothing in a sitemap could still be among the newest."""
        is_full = len(self._heap) >= self._limit
        return self.is_old(sitemap) or (
            is_full and sitemap.modified_s is not None and sitemap.modified_s < self._heap[0][0]
        )

    def entries(self) -> list[SitemapEntry]:
        """The chosen ones, newest first; those without a date last, in the order in which they came."""
        return [entry for _, _, entry in sorted(self._heap, key=lambda one: one[:2], reverse=True)]


def _age_key(entry: SitemapEntry) -> int:
    return -(2**62) if entry.modified_s is None else entry.modified_s
