"""The watcher: polls feeds, fetches what is new, looks at known pages again, stores, and switches the index.

A round reads what is due from the store, asks the network without holding anything, and takes the ingest lock only to
write what came of it, so that other commands get their turn. Everything that is not done yet stands in the store: a
watcher that is killed goes on where it was. The words for what became of an address are `OUTCOMES`.

When to come back and what to take is decided in `ingest.subscriptions`, what an article's text is in
`ingest.feed_articles`. Time, chance and the building of the index are handed in. Knows nothing about questions.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from index.errors import FeedError, FetchError, StoreLocked
from index.store import Store
from index.store_feeds import FeedStore, LogLine, Page, Queued, SeenEntry, Subscription
from index.types import DAY_S, Article
from ingest.draft import Draft, Reject
from ingest.feed_articles import Fetches, Found, Offload, find_article, in_thread
from ingest.feeds import MAX_FEED_BYTES, Entry, Feed, Rhythm, parse_feed, read_entry
from ingest.fetch import Fetched
from ingest.identity import article_id, canonical_url, is_same_site
from ingest.lock import ingest_lock
from ingest.page_blocks import overlap, words
from ingest.pipeline import Progress, is_behind, store_articles
from ingest.robots import MAX_CRAWL_DELAY_S
from ingest.subscriptions import (
    RECHECKS_S,
    REMOVALS_COUNT_S,
    Bounds,
    after_failure_s,
    choose_entries,
    entry_instant_s,
    is_gone_for_good,
    next_check_s,
    next_poll_s,
    next_try_s,
    should_read_whole,
    usual_gap_s,
    why_not_remove,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

FEED_TYPES = (
    "application/atom+xml, application/rss+xml, application/feed+json;q=0.9, application/rdf+xml;q=0.9,"
    " application/xml;q=0.8, text/xml;q=0.8, */*;q=0.1"
)

OUTCOMES = {
    "waiting": "in the queue, its article is fetched next",
    "new": "stored",
    "changed": "stored as a new version",
    "same": "fetched, and the same as what is stored",
    "copy": "stored; it is a near-copy of another article and shown with it",
    "stub": "only its beginning is known",
    "not modified": "asked, and the server says that nothing changed",
    "seen": "known already from another entry",
    "too old": "not taken: published long before the feed was subscribed to",
    "over the cap": "not taken: the feed had more entries than are taken of a new one",
    "retracted": "not taken: it was retracted before",
    "robots": "not taken: robots.txt forbids it",
    "opt-out": "not taken: the publisher reserves it",
    "gone": "not there: once is not enough to remove it",
    "removed": "removed: its page was gone on two days, or its publisher's feed says that it was deleted",
    "removal refused": "it is gone, but too many of its feed's are",
    "restored": "brought back by `newsquote retract --undo`",
    "kept": "not there, but it was brought back: it stays until its page was there again, or it is retracted",
    "moved": "its page leads elsewhere now; what is stored stays",
    "another text": "its page shows another text altogether; what is stored stays, and it is looked at again",
    "retry": "could not be fetched, and is tried again later",
    "failed": "could not be fetched",
    "rejected": "fetched, and no article",
    "new page": "fetched by `newsquote ingest`",
    "same page": "asked for by `newsquote ingest`, and not changed",
}

FEEDS_AT_ONCE = 50
PAGES_AT_ONCE = 40
PAGES_OF_A_FEED = 6
_REQUESTS_AT_ONCE = 16
# A host that wants long pauses must not keep the others waiting: what is not fetched by then stays in the queue.
_BATCH_S = MAX_CRAWL_DELAY_S + 20.0
_BATCHES_A_ROUND = 5
# No feed that is read takes a quarter of it, on a core that others use too.
_READING_S = 60.0
# A page that was fetched so lately need not be fetched again for another entry that names it.
_FRESH_S = 3_600
# Nor for an entry of which only the date is new: some feeds date all they have anew at every poll.
_REDATED_S = 6 * 3_600
_LONGEST_PAUSE_S = 60.0
_SHORTEST_PAUSE_S = 1.0
_LOCK_PAUSE_S = 0.5
# Two texts on different matters share a phrase at most.
_LEAST_OVERLAP = 0.1

Build = Callable[[Path, Store, int, Progress], tuple[int, str]]


class _Stopped(Exception):
    """The watcher was told to end while it wrote; what is committed stays."""


@dataclass(slots=True)
class Round:
    """What a round did.

    Attributes:
        n_polled: Feeds that were asked.
        n_unchanged: Of these, with nothing new to read.
        n_failed: Of these, that failed.
        n_found: New entries to be fetched.
        outcomes: What became of entries and pages, by the words of `OUTCOMES`.
        n_waiting: Entries still in the queue.
        snapshot: The new live index, or "".
    """

    n_polled: int = 0
    n_unchanged: int = 0
    n_failed: int = 0
    n_found: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    n_waiting: int = 0
    snapshot: str = ""

    def is_idle(self) -> bool:
        """Whether it had nothing to do."""
        return not (self.n_polled or self.outcomes or self.snapshot)

    def line(self) -> str:
        """It in one line."""
        feeds = f"{self.n_polled:,} feed{'' if self.n_polled == 1 else 's'} polled"
        details = [f"{n:,} {word}" for n, word in ((self.n_unchanged, "unchanged"), (self.n_failed, "failed")) if n]
        parts = [feeds + (f" ({', '.join(details)})" if details else "")]
        parts.append(f"{self.n_found:,} new entr{'y' if self.n_found == 1 else 'ies'}")
        if self.outcomes:
            parts.append("articles: " + ", ".join(f"{n:,} {word}" for word, n in self.outcomes.most_common()))
        if self.n_waiting:
            parts.append(f"{self.n_waiting:,} waiting")
        if self.snapshot:
            parts.append(f"the live index is now {self.snapshot}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class _Polled:
    feed: Subscription
    is_whole: bool
    at_s: int
    reply: Fetched | None = None
    digest: bytes = b""
    parsed: Feed | None = None
    error: FetchError | FeedError | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    """A page to be fetched, for an entry that waits or to be looked at again."""

    entry: Entry
    feed: Subscription | None
    page: Page | None
    queued: Queued | None = None
    own_url: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class _Removal:
    """A page whose article is to be retracted."""

    page: Page
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Done:
    job: _Job
    at_s: int
    found: Found


class Watcher:
    """Keeps a data folder up to date with its feeds.

    Args:
        folder: The data folder.
        fetcher: Asks the network; open for as long as the watcher runs.
        build: Brings the live index up to the store, under the lock; vectors computed, and the new index's name.
        clock: Seconds of the epoch.
        bounds: How often, how much.
        random: Keeps feeds from being polled all at once.
        offload: Runs what takes a while.
        allow_removals: Remove articles whose pages are gone, however many they are.
    """

    def __init__(
        self,
        folder: Path,
        fetcher: Fetches,
        build: Build,
        *,
        clock: Callable[[], float],
        bounds: Bounds | None = None,
        random: Random | None = None,
        offload: Offload = in_thread,
        allow_removals: bool = False,
    ) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._build = build
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._random = random or Random()
        self._offload = offload
        self._allow_removals = allow_removals
        self._stop = threading.Event()
        self._stopping: asyncio.Event | None = None
        self._forgot_s: int | None = None
        self.totals = Round()
        self.started_s = self._now()
        self.last_s: int | None = None

    # Running ----------------------------------------------------------------------------------------------

    async def run(self, say: Callable[[str], None], *, once: bool = False) -> None:
        """Rounds, until told to stop; with `once` a single one, to the end of what is due.

        Args:
            say: Takes the line of each round that did something.
            once: Whether to end when nothing is due any more.
        """
        self._stopping = asyncio.Event()
        if self._stop.is_set():
            return
        while True:
            work = await self.round(is_whole=once)
            if once or not work.is_idle():
                say(work.line())
            if once or self._stop.is_set():
                return
            await self._pause()

    def stop(self) -> None:
        """End soon, after what is being written; from the event loop's thread."""
        self._stop.set()
        if self._stopping is not None:
            self._stopping.set()

    async def _pause(self) -> None:
        """Until the next thing is due, or a minute: feeds may be added meanwhile."""
        next_s = await self._read(lambda store: store.next_poll_s())
        wait_s = _LONGEST_PAUSE_S if next_s is None else next_s - self._clock()
        assert self._stopping is not None
        try:
            async with asyncio.timeout(min(max(wait_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def round(self, *, is_whole: bool = False) -> Round:
        """Do what is due: poll, fetch, look again, build.

        Args:
            is_whole: Go on until nothing is due; else other feeds get their turn in between.
        """
        work = Round()
        try:
            await self._poll_feeds(work)
            n_batches = 10**9 if is_whole else _BATCHES_A_ROUND
            await self._fetch_articles(self._waiting, n_batches, work)
            await self._fetch_articles(self._known, n_batches, work)
            await self._finish(work)
        except (_Stopped, StoreLocked):
            if not self._stop.is_set():
                raise
        self._count(work)
        return work

    def _count(self, work: Round) -> None:
        totals = self.totals
        totals.n_polled += work.n_polled
        totals.n_unchanged += work.n_unchanged
        totals.n_failed += work.n_failed
        totals.n_found += work.n_found
        totals.outcomes.update(work.outcomes)
        totals.n_waiting = work.n_waiting
        totals.snapshot = work.snapshot or totals.snapshot
        self.last_s = self._now()

    def _now(self) -> int:
        return int(self._clock())

    # The store --------------------------------------------------------------------------------------------

    async def _read(self, ask: Callable[[FeedStore], T]) -> T:
        def opened() -> T:
            with FeedStore(self._folder) as store:
                return ask(store)

        if not (self._folder / "corpus.db").exists():
            return await self._write(ask)
        found: T = await self._offload(opened)
        return found

    async def _write(self, change: Callable[[FeedStore], T]) -> T:
        """Change the store under the ingest lock, waiting for whoever holds it."""
        is_told = False

        def wait() -> bool:
            nonlocal is_told
            if not is_told:
                log.warning("waiting for the ingest lock folder=%s", self._folder)
                is_told = True
            return not self._stop.wait(_LOCK_PAUSE_S)

        def locked() -> T:
            with (
                ingest_lock(self._folder, "newsquote watch", self._now(), wait),
                FeedStore(self._folder, write=True) as store,
            ):
                return change(store)

        found: T = await self._offload(locked)
        return found

    async def _gathered(self, jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
        """What the jobs give that end in time and before a stop; the others are cancelled."""
        limit = asyncio.Semaphore(_REQUESTS_AT_ONCE)

        async def one(job: Coroutine[Any, Any, T]) -> T:
            async with limit:
                return await job

        coroutines = list(jobs)
        tasks = [asyncio.create_task(one(job)) for job in coroutines]
        if not tasks:
            return []
        stopping = asyncio.create_task((self._stopping or asyncio.Event()).wait())
        all_done = asyncio.ensure_future(asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION))
        try:
            await asyncio.wait({all_done, stopping}, timeout=_BATCH_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (*tasks, stopping, all_done):
                task.cancel()
            await asyncio.gather(*tasks, stopping, all_done, return_exceptions=True)
            for job in coroutines:
                job.close()  # one that never began would complain
        return [task.result() for task in tasks if not task.cancelled()]

    # Feeds ------------------------------------------------------------------------------------------------

    async def _poll_feeds(self, work: Round) -> None:
        now_s = self._now()
        polled: set[int] = set()
        while not self._stop.is_set():
            due = await self._read(lambda store: store.due(now_s, self._bounds.horizon_s, FEEDS_AT_ONCE + len(polled)))
            feeds = [feed for feed in due if feed.number not in polled][:FEEDS_AT_ONCE]
            if not feeds:
                return
            polled.update(feed.number for feed in feeds)
            replies = await self._gathered(self._poll(feed) for feed in feeds)
            if replies:
                await self._write(lambda store: self._keep_polls(store, replies, work))  # noqa: B023

    async def _poll(self, feed: Subscription) -> _Polled:
        at_s = self._now()
        is_whole = should_read_whole(feed, at_s)
        try:
            reply = await self._fetcher.get(
                feed.url,
                etag="" if is_whole else feed.etag,
                last_modified="" if is_whole else feed.last_modified,
                accept=FEED_TYPES,
                max_bytes=MAX_FEED_BYTES,
            )
            if reply.status in (404, 410):
                raise FetchError(feed.url, f"status {reply.status}", f"the server answers with status {reply.status}")
            digest = hashlib.blake2b(reply.body, digest_size=16).digest()
            if reply.status == 304 or (digest == feed.digest and not feed.n_failed):
                return _Polled(feed, is_whole, at_s, replace(reply, body=b""))
            async with asyncio.timeout(_READING_S):
                parsed = await self._offload(lambda: parse_feed(reply.body, reply.url, reply.charset))
            return _Polled(feed, True, at_s, replace(reply, body=b""), digest, parsed)
        except TimeoutError:
            slow = FetchError(feed.url, "slow", f"reading it takes more than {_READING_S:g} seconds")
            return _Polled(feed, is_whole, at_s, error=slow)
        except (FetchError, FeedError) as error:
            return _Polled(feed, is_whole, at_s, error=error)

    def _keep_polls(self, store: FeedStore, polls: Sequence[_Polled], work: Round) -> None:
        live = {feed.number for feed in store.feeds()}
        withdrawn: dict[int, list[_Removal]] = {}
        with store.transaction():
            for polled in polls:
                if polled.feed.number not in live:  # removed while it was asked
                    continue
                work.n_polled += 1
                if polled.error is not None:
                    work.n_failed += 1
                    self._keep_failure(store, polled, polled.error)
                else:
                    self._keep_poll(store, polled, work)
                    if polled.parsed is not None and polled.parsed.withdrawn:
                        withdrawn[polled.feed.number] = self._withdrawn(store, polled.feed, polled.parsed.withdrawn)
        for number, removals in withdrawn.items():
            if removals:
                self._remove(store, number, removals, work)

    def _withdrawn(self, store: FeedStore, feed: Subscription, guids: Sequence[str]) -> list[_Removal]:
        """Pages whose entries their publisher's feed says were deleted; what waits to be fetched is let go.

        A feed of another site, or one beside another that has the entry, only has the page asked; so has any feed where
        a person brought the article back: it goes on saying what that person did not follow.
        """
        store.withdraw(feed.number, guids)
        reason = f"{feed.url} says that it was deleted"
        others = [other.number for other in store.feeds() if other.number != feed.number]
        removals = []
        for page in store.pages_of(feed.number, guids):
            address = canonical_url(page.url) or page.url
            is_its_word = is_same_site(page.url, feed.url) and store.restored_s(page.article) is None
            if is_its_word and not any(store.n_sharing(other, address) for other in others):
                removals.append(_Removal(page, address, reason))
            elif page.gone_s is None:
                store.save_page(replace(page, next_s=self._now()))
        return removals

    def _keep_failure(self, store: FeedStore, polled: _Polled, error: FetchError | FeedError) -> None:
        feed, now_s = polled.feed, polled.at_s
        reason = error.reason if isinstance(error, FetchError) else "no feed"
        retry_after_s = error.retry_after_s if isinstance(error, FetchError) else None
        n_failed = feed.n_failed + 1
        next_s = after_failure_s(
            n_failed, retry_after_s, now_s, self._bounds, self._random.random(), is_gone=reason == "status 410"
        )
        failure = f"{reason}: {error.why}"[:500]
        store.save(
            replace(
                feed,
                polled_s=now_s,
                next_s=next_s,
                n_failed=n_failed,
                failed_s=feed.failed_s if feed.failed_s is not None else now_s,
                failure=failure,
            )
        )
        store.log([LogLine(now_s, feed.number, canonical_url(feed.url) or feed.url, "failed", failure)])

    def _keep_poll(self, store: FeedStore, polled: _Polled, work: Round) -> None:
        reply, now_s = polled.reply, polled.at_s
        assert reply is not None
        feed: Subscription | None = replace(polled.feed, polled_s=now_s, n_failed=0, failed_s=None, failure="")
        assert feed is not None
        if polled.parsed is None:
            work.n_unchanged += 1
            feed = replace(
                feed,
                etag=reply.etag or feed.etag,
                last_modified=reply.last_modified or feed.last_modified,
                full_s=now_s if polled.is_whole else feed.full_s,
            )
        else:
            feed = self._keep_entries(store, feed, polled, polled.parsed, work)
        rhythm = Rhythm.read(feed.rhythm)
        next_s = next_poll_s(feed, rhythm, reply.headers, now_s, self._bounds, self._random.random())
        store.save(replace(feed, next_s=next_s))
        if reply.moved_to and reply.moved_to != feed.url:
            log.info("moved feed=%s to=%s", feed.url, reply.moved_to)
            store.log(
                [LogLine(now_s, feed.number, canonical_url(feed.url) or feed.url, "moved", f"to {reply.moved_to}")]
            )
            store.move(feed, reply.moved_to)

    def _keep_entries(
        self, store: FeedStore, feed: Subscription, polled: _Polled, parsed: Feed, work: Round
    ) -> Subscription:
        """Note what a feed has, and let wait what is to be fetched of it."""
        reply, now_s = polled.reply, polled.at_s
        assert reply is not None
        keys = {entry.key: entry for entry in parsed.entries}
        seen = store.seen(feed.number, list(keys))
        taking = choose_entries(
            parsed.entries,
            seen,
            since_s=None if feed.full_s is None else feed.added_s,
            now_s=now_s,
            bounds=self._bounds,
        )
        notes = [_note(entry, outcome, now_s) for entry, outcome in taking.passed]
        lines = []
        for entry in taking.take:
            page = store.page(entry.page) if entry.page else None
            if page is not None and _is_known(page):
                notes.append(_note(entry, "seen", now_s))
                if (entry_instant_s(entry, now_s) or 0) > page.fetched_s and page.gone_s is None:
                    store.save_page(_due_for(entry, page, now_s))
                lines.append(LogLine(now_s, feed.number, entry.canonical, "seen", f"in {feed.url}"))
            else:
                notes.append(_note(entry, "waiting", now_s))
                store.enqueue(feed.number, entry.key, entry.model_dump_json(), now_s)
                work.n_found += 1
        for entry in taking.updated:
            known = seen[entry.key]
            notes.append(replace(known, stamp=entry.stamp, last_s=now_s))
            page = store.page(entry.page) if entry.page else None
            if page is not None and (_is_known(page) or page.gone_s is not None):
                if page.gone_s is None:
                    store.save_page(_due_for(entry, page, now_s))
            # What the feed itself says is the article, or may be.
            elif known.outcome not in ("too old", "over the cap", "opt-out", "robots"):
                store.enqueue(feed.number, entry.key, entry.model_dump_json(), now_s)
        store.note(feed.number, notes)
        store.touch(feed.number, taking.known, now_s)
        store.log(lines)
        return replace(
            feed,
            title=parsed.title or feed.title,
            site=parsed.site or feed.site,
            # Not remembered where entries are left: the same bytes have more to give.
            etag="" if taking.n_left else reply.etag,
            last_modified="" if taking.n_left else reply.last_modified,
            digest=b"" if taking.n_left else polled.digest,
            full_s=now_s,
            new_s=now_s if taking.take else feed.new_s,
            usual_s=usual_gap_s(parsed.entries, feed.usual_s, now_s),
            n_entries=len(parsed.entries),
            rhythm=parsed.rhythm.written(),
        )

    # Articles ---------------------------------------------------------------------------------------------

    async def _fetch_articles(self, jobs: Callable[[FeedStore, int], list[_Job]], n_batches: int, work: Round) -> None:
        now_s = self._now()
        for _ in range(n_batches):
            if self._stop.is_set():
                return
            batch = await self._read(lambda store: jobs(store, now_s))
            if not batch:
                return
            done = await self._gathered(self._fetch(job) for job in batch)
            if not done:  # stopped, or every host is slower than a batch may take
                return
            await self._write(lambda store: self._keep_articles(store, done, work))  # noqa: B023

    def _waiting(self, store: FeedStore, now_s: int) -> list[_Job]:
        """Entries of the queue."""
        feeds = {feed.number: feed for feed in store.feeds()}
        jobs = []
        for queued in store.queued(now_s, self._bounds.horizon_s, PAGES_AT_ONCE, PAGES_OF_A_FEED):
            entry = read_entry(queued.entry)
            page = store.page(entry.page) if entry.page else None
            # Several entries with one address: what the feed says of each is an article of its own.
            is_shared = bool(entry.url) and store.n_sharing(queued.feed, entry.canonical) > 1
            own_url = f"{entry.url}#!entry-{queued.key.hex()[:12]}" if is_shared else ""
            feed = feeds.get(queued.feed)
            jobs.append(_Job(entry, feed, page, queued, own_url, feed.source if feed is not None else ""))
        return jobs

    def _known(self, store: FeedStore, now_s: int) -> list[_Job]:
        """Pages to be looked at again."""
        feeds = {feed.number: feed for feed in store.feeds()}
        jobs = []
        for page in store.pages_due(now_s, self._bounds.horizon_s, PAGES_AT_ONCE):
            feed = feeds.get(page.feed)
            source = feed.source if feed is not None else _stored_source(store, page)
            entry = read_entry(page.entry).model_copy(update={"url": page.url})
            jobs.append(_Job(entry, feed, page, source=source))
        return jobs

    async def _fetch(self, job: _Job) -> _Done:
        page = job.page
        # The last planned look comes without validators: some servers' validators lie.
        is_conditional = page is not None and page.gone_s is None and page.n_checks + 1 != len(RECHECKS_S)
        if job.queued is not None and page is not None and not _is_known(page):
            is_conditional = False  # the page may be as it was, but the feed has other words
        n_tries = job.queued.n_tries + 1 if job.queued is not None else 0
        at_s = self._now()
        if n_tries and page is not None and _is_known(page) and 0 <= at_s - page.fetched_s < _FRESH_S:
            return _Done(job, at_s, Found("seen"))
        found = await find_article(
            self._fetcher,
            job.entry,
            job.feed.url if job.feed is not None else "",
            source=job.source,
            etag=page.etag if page is not None and is_conditional else "",
            last_modified=page.last_modified if page is not None and is_conditional else "",
            is_last_try=bool(n_tries) and next_try_s(n_tries, None, at_s) is None,
            own_url=job.own_url,
            offload=self._offload,
        )
        return _Done(job, at_s, found)

    def _keep_articles(self, store: FeedStore, done: Sequence[_Done], work: Round) -> None:
        """Store the articles, then note what became of each; a kill between the two only repeats the second."""
        held_back = {id(one): self._why_not_stored(store, one) for one in done}
        ready = [one for one in done if not held_back[id(one)]]
        before = {id(one): [_version(store, draft) for draft in one.found.drafts] for one in ready}
        refused: dict[str, str] = {}

        def on_reject(reject: Reject) -> None:
            refused[reject.origin] = reject.detail or reject.reason

        drafts = [draft for one in ready for draft in one.found.drafts]
        if drafts:
            store_articles(drafts, store, self._now(), _StoppableProgress(self._stop), on_reject)
        to_remove: dict[int, list[_Removal]] = {}
        with store.transaction():
            for one in done:
                draft = one.found.draft
                if id(one) in before and draft is not None:
                    outcome, detail = _stored_all(store, one.found, before[id(one)], refused)
                    detail = detail or (f"from the feed; {one.found.detail}" if one.found.text_from == "feed" else "")
                else:
                    outcome, detail = held_back[id(one)], one.found.detail
                if one.job.queued is not None:
                    outcome = self._keep_waiting(store, one, one.job.queued, outcome, detail)
                else:
                    outcome = self._keep_known(store, one, outcome, to_remove)
                if outcome:
                    work.outcomes[outcome] += 1
                    address = one.job.entry.canonical or one.job.entry.url
                    number = one.job.feed.number if one.job.feed is not None else 0
                    store.log([LogLine(one.at_s, number, address, outcome, detail[:500])])
        for number, gone in to_remove.items():
            self._remove(store, number, gone, work)

    def _why_not_stored(self, store: FeedStore, one: _Done) -> str:
        """The word for why what was found may not take the place of what is stored, or ""."""
        draft, page = one.found.draft, one.job.page
        if draft is None:
            return one.found.outcome
        own = canonical_url(draft.url) or ""
        # An entry of which no page is known has the article that its own words name: others may share its address.
        looked = page if page is not None and (one.job.queued is None or _is_known(page)) else None
        article = own if looked is None else looked.article
        known = store.known(article) if article else None
        if known is not None and known.is_retracted:
            return "retracted"
        if one.job.queued is None and own != article:
            return "moved"
        before = store.article(known.version) if known is not None else None
        was_from = "" if looked is None else looked.text_from
        # A page that went behind a wall, or fails us now, does not take back what it said before.
        is_less = draft.is_stub or (one.found.text_from == "feed" and was_from == "page")
        if is_less and before is not None and not before.is_stub:
            return "stub"
        is_page = one.found.text_from == was_from == "page" and not one.found.parts
        return "another text" if is_page and before is not None and _is_another(before, draft) else ""

    def _keep_waiting(self, store: FeedStore, one: _Done, queued: Queued, outcome: str, detail: str) -> str:
        """An entry of the queue; what became of it."""
        feed_number, found, now_s = queued.feed, one.found, one.at_s
        if found.outcome == "retry":
            next_s = next_try_s(queued.n_tries + 1, found.retry_after_s, now_s)
            assert next_s is not None, "the last try gives an article or a failure"
            store.postpone(queued, next_s)
            store.settle_entry(feed_number, queued.key, "retry")
            return "retry"
        store.dequeue(queued)
        store.settle_entry(feed_number, queued.key, outcome)
        reply, draft, page = found.reply, found.draft, one.job.page
        article = (canonical_url(draft.url) or "") if draft is not None else page.article if page is not None else ""
        if reply is not None and article and reply.status < 400 and outcome != "another text":
            is_same = page if reply.status == 304 else None
            is_kept_back = page is not None and page.article == article and outcome == "stub"
            text_from = "" if is_kept_back else found.text_from
            store.save_page(
                Page(
                    url=one.job.entry.page,
                    feed=feed_number,
                    article=article,
                    entry=one.job.entry.without_text().model_dump_json(),
                    text_from=text_from or (page.text_from if page is not None else "page"),
                    etag=reply.etag or (is_same.etag if is_same is not None else ""),
                    last_modified=reply.last_modified or (is_same.last_modified if is_same is not None else ""),
                    fetched_s=now_s,
                    n_checks=0,
                    next_s=next_check_s(0, now_s),
                )
            )
        return outcome

    def _keep_known(self, store: FeedStore, one: _Done, outcome: str, to_remove: dict[int, list[_Removal]]) -> str:
        """A page that was looked at again; what became of it, "" where that is decided later."""
        page, found, now_s = one.job.page, one.found, one.at_s
        assert page is not None
        reply = found.reply
        if reply is not None and reply.status in (404, 410):
            is_for_good = is_gone_for_good(page.gone_s, now_s) and not store.has_other_page(page)
            is_kept = is_for_good and store.is_kept(page)
            if is_for_good and not is_kept:
                reason = f"its page was gone (status {reply.status}) on two days"
                to_remove.setdefault(page.feed, []).append(_Removal(page, one.job.entry.canonical or page.url, reason))
                return ""
            gone_s = now_s if page.gone_s is None else page.gone_s
            next_s = _next_look_s(gone_s, now_s) if is_kept else now_s + DAY_S
            store.save_page(replace(page, gone_s=gone_s, next_s=next_s))
            return "kept" if is_kept else "gone"
        if outcome in ("moved", "opt-out", "robots", "retracted"):
            store.save_page(replace(page, next_s=None, gone_s=None))
            return outcome
        if outcome == "retry":
            # A look that failed is none, until it failed as often as an article's first fetch may.
            again_s = next_try_s(_n_retries(store, one.job.entry) + 1, found.retry_after_s, now_s)
            if again_s is not None:
                store.save_page(replace(page, next_s=again_s, gone_s=None))
                return outcome
            outcome = "failed"
        n_checks = page.n_checks + 1
        page = replace(page, n_checks=n_checks, next_s=next_check_s(n_checks, now_s), gone_s=None)
        if reply is not None and reply.status == 304:
            page = replace(page, fetched_s=now_s)
        elif reply is not None and found.draft is not None and outcome != "another text":
            page = replace(page, fetched_s=now_s, etag=reply.etag, last_modified=reply.last_modified)
        if outcome in ("new", "changed"):
            # What was corrected once is often corrected again.
            page = replace(page, n_checks=0, next_s=next_check_s(0, now_s), text_from=found.text_from)
        store.save_page(page)
        return outcome

    def _remove(self, store: FeedStore, number: int, removals: Sequence[_Removal], work: Round) -> None:
        """Retract articles of a feed that are gone for good, unless they are suspiciously many."""
        now_s = self._now()
        n_lately = store.n_removed_since(number, now_s - REMOVALS_COUNT_S)
        n_articles = store.n_articles_of(number)
        refusal = "" if self._allow_removals else why_not_remove(len(removals), n_lately, n_articles)
        for one in removals:
            if refusal:
                gone_s = now_s if one.page.gone_s is None else one.page.gone_s
                line = LogLine(now_s, number, one.address, "removal refused", refusal)
                kept = replace(one.page, gone_s=gone_s, next_s=_next_look_s(gone_s, now_s))
            else:
                store.remove_gone(one.page.article, one.reason, now_s)
                line = LogLine(now_s, number, one.address, "removed", one.reason)
                kept = replace(one.page, next_s=None)
            with store.transaction():
                store.save_page(kept)
                store.log([line])
            work.outcomes[line.outcome] += 1

    # The end of a round -----------------------------------------------------------------------------------

    async def _finish(self, work: Round) -> None:
        now_s = self._now()
        has_changed, work.n_waiting = await self._read(lambda store: (is_behind(self._folder, store), store.n_queued()))
        is_time = self._forgot_s is None or not 0 <= now_s - self._forgot_s < DAY_S
        if self._stop.is_set() or not (has_changed or is_time):
            return

        def finish(store: FeedStore) -> str:
            if is_time:
                store.forget_old(now_s - self._bounds.log_s, now_s - self._bounds.seen_s)
            return self._build(self._folder, store, now_s, _StoppableProgress(self._stop))[1] if has_changed else ""

        work.snapshot = await self._write(finish)
        if is_time:
            self._forgot_s = now_s


class _StoppableProgress:
    """Ends what is under way, between two commits, once the watcher is to stop."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop

    def _check(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def stored(self, n: int, n_same: int) -> None:
        """What is stored is noted next, which takes no time; so no check here."""

    def embedded(self, n: int, n_all: int) -> None:
        self._check()

    def building(self, n_passages: int) -> None:
        self._check()


def _note(entry: Entry, outcome: str, now_s: int) -> SeenEntry:
    return SeenEntry(entry.key, entry.canonical, entry.stamp, outcome, now_s, now_s)


def _next_look_s(gone_s: int, now_s: int) -> int:
    """When to look again at a page that is gone while its article stays: daily for a week, then weekly."""
    return now_s + (DAY_S if now_s - gone_s < 7 * DAY_S else 7 * DAY_S)


def _n_retries(store: FeedStore, entry: Entry) -> int:
    """How often in a row an entry's address could not be fetched, by the log."""
    lines = store.log_of(entry.canonical or entry.url)
    return sum(1 for _ in takewhile(lambda line: line.outcome == "retry", reversed(lines)))


def _stored_source(store: Store, page: Page) -> str:
    """The outlet that a page's article is counted to; "" where it has none."""
    found = (store.known(one) for one in (page.article, *store.parts_of(page.article)))
    articles = (store.article(known.version) for known in found if known is not None)
    return next((article.source for article in articles if article is not None), "")


def _due_for(entry: Entry, page: Page, now_s: int) -> Page:
    """A page that is to be looked at since a feed says that its entry was updated: at once where the title is new."""
    known = read_entry(page.entry)
    if entry.title != known.title:
        return replace(page, next_s=now_s, entry=known.model_copy(update={"title": entry.title}).model_dump_json())
    at_s = now_s if not 0 <= now_s - page.fetched_s < _REDATED_S else page.fetched_s + _REDATED_S
    return replace(page, next_s=at_s if page.next_s is None else min(at_s, page.next_s))


def _is_known(page: Page) -> bool:
    """Whether an article was made of the page itself."""
    return page.text_from == "page" and bool(page.article)


def _is_another(before: Article, draft: Draft) -> bool:
    """Whether a page has neither the title nor any text of its article: a site says "not found" with status 200 too."""
    old, new = set(words(before.title)), set(words(draft.title))
    is_title_kept = 2 * len(old & new) >= len(old | new) > 0
    return not is_title_kept and overlap(before.text, draft.text) < _LEAST_OVERLAP


def _identity(draft: Draft) -> str | None:
    """The id that a draft's article has; None for one without an address."""
    return article_id(draft.url, "", "", draft.part) if canonical_url(draft.url) else None


def _version(store: Store, draft: Draft) -> int | None:
    """The current version of a draft's article, or None."""
    identity = _identity(draft)
    known = store.known(identity) if identity is not None else None
    return None if known is None else known.version


def _stored_all(store: Store, found: Found, before: Sequence[int | None], refused: dict[str, str]) -> tuple[str, str]:
    """What storing made of a page and its parts: what became of the whole, or that only parts are new."""
    results = [_stored(store, draft, version, refused) for draft, version in zip(found.drafts, before, strict=True)]
    n_new = sum(outcome not in ("same", "rejected", "retracted") for outcome, _ in results[1:])
    if results[0][0] == "same" and n_new:
        return "changed", f"{n_new} new or changed updates on the page"
    return results[0]


def _stored(store: Store, draft: Draft, before: int | None, refused: dict[str, str]) -> tuple[str, str]:
    """What storing made of a draft, and why."""
    if draft.origin in refused:
        return "rejected", refused[draft.origin]
    identity = _identity(draft)
    if identity is None:
        return "new", "under an id of its own, as the entry has no address"
    if store.is_retracted(identity):
        return "retracted", ""
    known = store.known(identity)
    if known is None:
        return "rejected", "nothing of it could be stored"
    article = store.article(known.version)
    if known.version == before or article is None:
        return "same", ""
    if before is not None:
        return "changed", article.correction
    if article.is_stub:
        return "stub", ""
    return ("copy", f"of {article.copy_of}") if article.copy_of else ("new", "")
