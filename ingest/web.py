"""Addresses as a source: pages, sitemaps, feeds, OPML, and files of articles, each told by what the server sends.

Pages are fetched a few hosts at a time and given in the order in which they were asked for. What was fetched before is
asked for only where it may have changed, and what a sitemap says did not change is not asked for at all, so that a run
that was killed goes on where it was. Knows nothing about cleaning or how articles are stored.

Rejects given: the reasons of `FetchError`, `gone`, `no article`, `no page`, `no sitemap`, `elsewhere`, and those of
`ingest.sources` for files of articles.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from index.errors import BadInput, ExtractError, FeedError, FetchError
from index.types import DAY_S, instant_s
from ingest.dates import read_date
from ingest.draft import FLUSH, Draft, Flush, Reject, Retracted
from ingest.feed_articles import WEAK_DATES, Found, find_article
from ingest.feed_files import left_out
from ingest.feed_kind import feed_kind
from ingest.feed_lists import parse_opml
from ingest.feeds import Entry, parse_feed
from ingest.fetch import Fetched, Fetcher
from ingest.folders import ByteStream, Refused
from ingest.page_log import Known, PageLog, PageMemory, Visited
from ingest.records import Given
from ingest.sitemaps import MAX_SITEMAP_BYTES, Newest, SitemapEntry, is_sitemap, read_sitemap
from ingest.sources import articles_of
from ingest.web_counts import WebCounts

DEFAULT_LIMIT = 1_000
MAX_SITEMAPS = 500
MAX_DEPTH = 3
N_AT_ONCE = 16
# Pages that wait to be stored; a kill loses so many at most, and so much time.
FLUSH_PAGES = 32
FLUSH_AFTER_S = 20.0
# A page of a list without dates that was fetched so recently is part of a run that goes on; one that a list names and
# its site does not have is asked for once in this time.
RECENT_S = DAY_S
# Some servers say "not modified" for ever; a copy this old is fetched anew.
TRUST_VALIDATOR_S = 7 * DAY_S

_A = TypeVar("_A")
_B = TypeVar("_B")
_PAGE_TYPES = frozenset({"", "text/html", "application/xhtml+xml"})
_OTHER_TYPES = re.compile(r"(?:image|video|audio|font|model)/|application/(?:pdf|zip|msword|vnd\.)")


@dataclass(frozen=True, slots=True)
class _Target:
    """A page to fetch: named by a person, or by a sitemap or feed."""

    url: str
    is_given: bool = False
    listed: SitemapEntry | None = None
    entry: Entry | None = None
    feed_url: str = ""


@dataclass(frozen=True, slots=True)
class _Visit:
    """What became of a target; `fetched`, `error` and `found` are None where it was passed over as unchanged.

    `found` is there for entries of feeds alone.
    """

    target: _Target
    fetched: Fetched | None = None
    error: FetchError | None = None
    found: Found | None = None
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class _Note:
    """A reject that no page stands behind."""

    reject: Reject
    is_given: bool = False


# Makes the fetcher of a run, inside the loop that uses it.
OpenFetcher = Callable[[], Fetcher]


class WebSource:
    """Addresses as a `Source` that knows how far it has read.

    Args:
        urls: As a person gives them.
        fetcher: Makes the fetcher; called once a run.
        clock: Seconds of the epoch.
        since_s: Listed pages that are known to be older are left out.
        limit: At most so many pages of one sitemap or feed, the newest.
        given: What the person says of the one article at a single address.
        sitemaps: Names and bytes of sitemaps that the person has as files.
    """

    def __init__(
        self,
        urls: Sequence[str],
        fetcher: OpenFetcher,
        clock: Callable[[], float],
        *,
        since_s: int | None = None,
        limit: int = DEFAULT_LIMIT,
        given: Given | None = None,
        sitemaps: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        if given is not None and (given.url or given.title) and len(urls) > 1:
            raise BadInput(f"{len(urls)} addresses are given, but a URL or title is that of one article")
        self._urls = list(dict.fromkeys(urls))
        self._sitemaps = list(sitemaps)
        self._fetcher = fetcher
        self._clock = clock
        self._since_s = since_s
        self._limit = limit
        self._given = given or Given()
        self._log: PageLog | None = None
        self._n_bytes = 0
        self.counts = WebCounts()

    def remember(self, log: PageLog) -> None:
        """Look pages up in a log, and record them there once their articles are durable."""
        self._log = log

    def progress(self) -> tuple[int, int | None]:
        """Bytes fetched so far; nobody knows how many there will be."""
        return self._n_bytes, None

    def articles(self) -> Iterator[Draft | Reject | Flush]:
        """Every article once, and now and then a request to make them durable.

        Raises:
            BadInput: An address that a person named gave nothing; after all others were read.
        """
        from ingest.pump import pumped

        failures: list[str] = []
        pending: list[Visited] = []
        last_s = self._clock()
        with contextlib.closing(pumped(self._crawl, N_AT_ONCE)) as visits:
            for visit in visits:
                if isinstance(visit, _Note):
                    found: list[Draft | Reject] = [visit.reject]
                    is_given = visit.is_given
                else:
                    found = list(self._read(visit))
                    is_given = visit.target.is_given
                    pending.extend(self._visited(visit, found))
                yield from found
                if is_given and found and all(isinstance(one, Reject) for one in found):
                    failures.extend(one.detail for one in found if isinstance(one, Reject))
                if len(pending) >= FLUSH_PAGES or not 0 <= self._clock() - last_s < FLUSH_AFTER_S:
                    yield FLUSH
                    self._record(pending)
                    last_s = self._clock()
        yield FLUSH
        self._record(pending)
        if failures:
            more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
            raise BadInput(failures[0] + more)

    def _record(self, pending: list[Visited]) -> None:
        if self._log is not None:
            self._log.record(pending, int(self._clock()))
        pending.clear()

    # Reading, in the caller's thread ------------------------------------------------------------------------

    def _read(self, visit: _Visit) -> Iterator[Draft | Reject]:
        """Articles of one visit, or why there are none."""
        target, fetched = visit.target, visit.fetched
        if fetched is not None:
            self.counts.n_fetched += 1
            self._n_bytes += len(fetched.body)
            self.counts.n_unchanged += fetched.status == 304
        if visit.found is not None:
            yield from self._from_entry(target, visit.found)
        elif visit.error is not None:
            yield Reject(target.url, visit.error.reason, str(visit.error))
        elif fetched is None:
            self.counts.n_skipped += 1
        elif fetched.status in (404, 410):
            yield Reject(target.url, "gone", f"{target.url}: there is nothing any more (status {fetched.status})")
        elif fetched.status != 304:
            yield from self._from_reply(target, fetched)

    def _from_entry(self, target: _Target, found: Found) -> Iterator[Draft | Reject]:
        if found.draft is not None:
            yield self._given.under(found.draft)
            yield from found.parts
        elif found.outcome != "not modified":
            yield Reject(target.url, found.outcome, f"{target.url}: {found.detail}")

    def _from_reply(self, target: _Target, fetched: Fetched) -> Iterator[Draft | Reject]:
        from ingest.extract import extract_all
        from ingest.page_bytes import looks_like_html

        if _OTHER_TYPES.match(fetched.media_type):
            yield Reject(target.url, "no page", f"{target.url}: is {fetched.media_type} and no page of HTML")
            return
        try:
            if looks_like_html(fetched.body) or fetched.media_type in _PAGE_TYPES or target.listed is not None:
                drafts = extract_all(fetched.body, fetched.url, origin=target.url, charset=fetched.charset)
                for draft in drafts:
                    yield self._completed(draft, target)
            else:
                for found in articles_of(ByteStream(io.BytesIO(fetched.body), target.url), self._given):
                    # Only a file is an export: nobody's server keeps articles out here.
                    is_claim = isinstance(found, Retracted)
                    yield Reject(found.origin, "no text", f"{found.origin} has no text") if is_claim else found
        except ExtractError as error:
            yield Reject(target.url, "no article", str(error))
        except Refused as refusal:
            yield Reject(target.url, refusal.reason, refusal.sentence)

    def _completed(self, draft: Draft, target: _Target) -> Draft:
        """A page's draft with what the person or the sitemap knows."""
        from ingest.page_meta import iso_date

        if target.is_given:
            return draft if draft.part else self._given.over(draft)
        listed = target.listed
        if listed is not None:
            draft = replace(draft, title=draft.title or listed.title, language=draft.language or listed.language)
            if draft.date_from in WEAK_DATES and iso_date(listed.published):
                draft = replace(draft, published=listed.published, date_from="sitemap")
        return self._given.under(draft)

    def _visited(self, visit: _Visit, found: Sequence[Draft | Reject]) -> Iterator[Visited]:
        """What is to be remembered of a visit."""
        fetched, url = visit.fetched, visit.target.url
        reject = next((one for one in found if isinstance(one, Reject)), None)
        if visit.error is not None:
            yield Visited(url, "", visit.error.reason, visit.error.why, is_settled=False)
        elif visit.found is not None and fetched is None:
            draft = visit.found.draft
            yield Visited(url, draft.url if draft else "", visit.found.outcome, visit.found.detail, is_settled=False)
        elif fetched is not None:
            before = visit.known if fetched.status == 304 else None
            yield Visited(
                url,
                next((one.url for one in found if isinstance(one, Draft)), ""),
                reject.reason if reject else "same page" if fetched.status == 304 else "new page",
                reject.detail if reject else "",
                # A 304 need not repeat its validators.
                fetched.etag or (before.etag if before else ""),
                fetched.last_modified or (before.last_modified if before else ""),
                is_gone=fetched.status in (404, 410),
            )

    # Fetching, in the thread of the pump ------------------------------------------------------------------

    async def _crawl(self) -> AsyncIterator[_Visit | _Note]:
        memory = self._log.memory() if self._log is not None else None
        try:
            async with self._fetcher() as fetcher:
                lists: list[Fetched] = []
                given = (_Target(url, is_given=True) for url in self._urls)
                async for visit in in_order(given, lambda target: self._visit(fetcher, target, memory), N_AT_ONCE):
                    if visit.fetched is not None and _is_list(visit.fetched):
                        lists.append(visit.fetched)
                    else:
                        yield visit
                self.counts.n_fetched += len(lists)
                lists += [Fetched("", name, 200, {}, body) for name, body in self._sitemaps]
                for fetched in lists:
                    async for found in self._listed(fetcher, fetched, memory):
                        yield found
        finally:
            if memory is not None:
                memory.close()

    async def _listed(
        self, fetcher: Fetcher, fetched: Fetched, memory: PageMemory | None
    ) -> AsyncIterator[_Visit | _Note]:
        """Visits of the pages that a sitemap, feed or list of feeds names; a sitemap that is a file has no `url`."""
        if _is_opml(fetched):
            async for found in self._outlined(fetcher, fetched, memory):
                yield found
            return
        if is_sitemap(fetched.body):
            newest = Newest(self._limit, self._since_s)
            async for note in self._expand(fetcher, fetched, newest):
                yield note
            self.counts.n_old += newest.n_old
            self.counts.n_over += newest.n_over
            targets = [_Target(entry.url, listed=entry) for entry in newest.entries()]
            if not (fetched.url or targets or newest.n_old):
                why = "lists no page with an address that begins with http; name the site's own sitemap"
                yield _Note(Reject(fetched.asked, "no sitemap", f"{fetched.asked} {why}"), is_given=True)
        else:
            try:
                targets = self._entries(fetched)
            except FeedError as error:
                yield _Note(Reject(fetched.asked, "no feed", str(error)), is_given=True)
                return
        async for visit in in_order(targets, lambda target: self._visit(fetcher, target, memory), N_AT_ONCE):
            yield visit

    async def _outlined(
        self, fetcher: Fetcher, fetched: Fetched, memory: PageMemory | None
    ) -> AsyncIterator[_Visit | _Note]:
        """Visits of the pages of the feeds that an OPML file lists."""
        try:
            outlines, n_left_out = parse_opml(fetched.body, fetched.asked)
        except FeedError as error:
            yield _Note(Reject(fetched.asked, "no feed", str(error)), is_given=True)
            return
        if n_left_out:
            self.counts.notes.append(left_out(fetched.asked, n_left_out))
        targets = (_Target(one.url, is_given=True) for one in outlines)
        async for visit in in_order(targets, lambda target: self._visit(fetcher, target, memory), N_AT_ONCE):
            # A list of lists could lead on for ever.
            if visit.fetched is None or not _is_list(visit.fetched) or _is_opml(visit.fetched):
                yield visit
                continue
            self.counts.n_fetched += 1
            async for found in self._listed(fetcher, visit.fetched, memory):
                yield found

    async def _expand(self, fetcher: Fetcher, fetched: Fetched, newest: Newest) -> AsyncIterator[_Note]:
        """Put the pages of a sitemap, and of those that it names, into `newest`."""
        now_s = int(self._clock())
        queue: deque[tuple[SitemapEntry, int]] = deque()
        seen = {fetched.asked, fetched.url}
        n_read = 1
        body: bytes | None = fetched.body
        url, depth = fetched.url, 0
        while True:
            if body is not None:
                sitemap, at = read_sitemap(body, url, now_s), url or fetched.asked
                newest.add(sitemap.pages)
                if depth < MAX_DEPTH:
                    inner = sorted(sitemap.sitemaps, key=lambda one: -(one.modified_s or 0))
                    queue.extend((one, depth + 1) for one in inner if one.url not in seen)
                    seen.update(one.url for one in inner)
                if sitemap.n_elsewhere:
                    yield _Note(
                        Reject(at, "elsewhere", f"{at}: {sitemap.n_elsewhere:,} addresses are those of another site")
                    )
                if sitemap.is_cut:
                    yield _Note(Reject(at, "no sitemap", f"{at}: is damaged or ends early; what came before is read"))
            body = None
            if not queue:
                return
            entry, depth = queue.popleft()
            if newest.is_beyond(entry):
                continue
            if n_read >= MAX_SITEMAPS:
                self.counts.notes.append(
                    f"only the first {MAX_SITEMAPS:,} sitemaps of {fetched.url or fetched.asked} were read"
                )
                return
            n_read += 1
            try:
                reply = await fetcher.get(entry.url, accept="*/*", max_bytes=MAX_SITEMAP_BYTES)
            except FetchError as error:
                yield _Note(Reject(entry.url, error.reason, str(error)))
                continue
            self.counts.n_fetched += 1
            if reply.status >= 300 or not is_sitemap(reply.body):
                yield _Note(
                    Reject(entry.url, "no sitemap", f"{entry.url}: there is no sitemap (status {reply.status})")
                )
                continue
            body, url = reply.body, reply.url

    def _entries(self, fetched: Fetched) -> list[_Target]:
        feed = parse_feed(fetched.body, fetched.url, fetched.charset)
        newest = Newest(self._limit, self._since_s)
        by_url = {entry.url: entry for entry in reversed(feed.entries) if entry.url}
        now_s = int(self._clock())
        newest.add(_dated(entry, now_s) for entry in feed.entries if entry.url)
        self.counts.n_old += newest.n_old
        self.counts.n_over += newest.n_over
        return [_Target(one.url, entry=by_url[one.url], feed_url=fetched.url) for one in newest.entries()]

    async def _visit(self, fetcher: Fetcher, target: _Target, memory: PageMemory | None) -> _Visit:
        now_s = self._clock()
        known = memory.known(target.url) if memory is not None else None
        if known is not None and _is_fresh(target, known, now_s):
            return _Visit(target)
        asked = known if known is not None and 0 <= now_s - known.fetched_s < TRUST_VALIDATOR_S else None
        etag, last_modified = (asked.etag, asked.last_modified) if asked else ("", "")
        if target.entry is not None:
            found = await find_article(
                fetcher, target.entry, target.feed_url, etag=etag, last_modified=last_modified, is_last_try=True
            )
            return _Visit(target, found.reply, found=found, known=known)
        max_bytes = MAX_SITEMAP_BYTES if target.is_given else None
        try:
            fetched = await fetcher.get(target.url, etag=etag, last_modified=last_modified, max_bytes=max_bytes)
        except FetchError as error:
            return _Visit(target, error=error)
        return _Visit(target, fetched, known=known)


def _is_list(fetched: Fetched) -> bool:
    return fetched.status < 300 and (is_sitemap(fetched.body) or feed_kind(fetched.body) is not None)


def _is_opml(fetched: Fetched) -> bool:
    return feed_kind(fetched.body) == "opml"


def _is_fresh(target: _Target, known: Known, now_s: float) -> bool:
    """Whether our copy of a listed page is as new as its list says; a page that a person names is always asked for."""
    if target.is_given:
        return False
    listed = target.listed
    modified_s = listed.modified_s if listed is not None else None
    # A list may name a page before its site has it, so that one that is gone is worth a second look.
    if modified_s is not None and (modified_s >= known.fetched_s or not known.is_gone):
        return modified_s < known.fetched_s
    return 0 <= now_s - known.fetched_s < RECENT_S


def _dated(entry: Entry, now_s: int) -> SitemapEntry:
    moments = [instant_s(read_date(written, now_s)[0]) for written in (entry.updated, entry.published)]
    return SitemapEntry(entry.url, next((moment for moment in moments if moment is not None), None))


async def in_order(items: Iterable[_A], work: Callable[[_A], Awaitable[_B]], n_at_once: int) -> AsyncIterator[_B]:
    """Results of `work` in the order of `items`, of which `n_at_once` are worked on together."""
    tasks: deque[asyncio.Task[_B]] = deque()
    source = iter(items)

    async def done(item: _A) -> _B:
        return await work(item)

    def start() -> None:
        for item in source:
            tasks.append(asyncio.create_task(done(item)))
            return

    try:
        for _ in range(n_at_once):
            start()
        while tasks:
            result = await tasks[0]
            tasks.popleft()
            start()
            yield result
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
