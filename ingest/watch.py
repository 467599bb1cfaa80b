"""The watcher: polls feeds, fetches what is new, looks at known pages again, stores, and switches the index.

A round reads what is due from the store, asks the network without holding anything, and takes the ingest lock only to
write what came of it, so that other commands get their turn. Everything that is not done yet stands in the store: a
watcher that is killed goes on where it was. What it writes then is the
matter of `ingest.watch_notes`.

When to come back and what to take is decided in `ingest.subscriptions`, what an article's text is in
`ingest.feed_articles`. Time, chance and the building of the index are handed in. Knows nothing about questions.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from index.corpus_file import FILE
from index.errors import FeedError, FetchError, StoreLocked
from index.store import Store
from index.store_feeds import FeedStore, Page, Subscription
from index.types import DAY_S
from ingest.feed_articles import Fetches, Found, Offload, find_article, in_thread
from ingest.feeds import FEED_ACCEPT, MAX_FEED_BYTES, parse_feed, read_entry
from ingest.indexing import is_behind
from ingest.lock import ingest_lock
from ingest.report import Progress
from ingest.robots import MAX_CRAWL_DELAY_S
from ingest.subscriptions import RECHECKS_S, Bounds, next_try_s, should_read_whole
from ingest.watch_notes import Done, Job, Notes, Polled, Round, is_of_page

log = logging.getLogger(__name__)

T = TypeVar("T")

FEEDS_AT_ONCE = 50
PAGES_AT_ONCE = 40
PAGES_OF_A_FEED = 6
_REQUESTS_AT_ONCE = 16
# A host that wants long pauses must not keep the others waiting: what is not fetched by then stays in the queue.
_BATCH_S = 4 * MAX_CRAWL_DELAY_S
_BATCHES_A_ROUND = 5
# No feed that is read takes a quarter of it, on a core that others use too.
_READING_S = 60.0
# A page that was fetched so lately need not be fetched again for another entry that names it.
_FRESH_S = 3_600
_LONGEST_PAUSE_S = 60.0
_SHORTEST_PAUSE_S = 1.0
_LOCK_PAUSE_S = 0.5
Build = Callable[[Path, Store, int, Progress], tuple[int, str]]


class _Stopped(Exception):
    """The watcher was told to end while it wrote; what is committed stays."""


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
        self._offload = offload
        self._stop = threading.Event()
        self._progress = _StoppableProgress(self._stop)
        self._notes = Notes(self._now, self._bounds, random or Random(), self._progress, allow_removals=allow_removals)
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
            await self._fetch_articles(self._due_entries, n_batches, work)
            await self._fetch_articles(self._due_pages, n_batches, work)
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

        if not (self._folder / FILE).exists():
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
                await self._write(lambda store: self._notes.keep_polls(store, replies, work))  # noqa: B023

    async def _poll(self, feed: Subscription) -> Polled:
        at_s = self._now()
        is_whole = should_read_whole(feed, at_s)
        try:
            reply = await self._fetcher.get(
                feed.url,
                etag="" if is_whole else feed.etag,
                last_modified="" if is_whole else feed.last_modified,
                accept=FEED_ACCEPT,
                max_bytes=MAX_FEED_BYTES,
            )
            if reply.status in (404, 410):
                raise FetchError(feed.url, f"status {reply.status}", f"the server answers with status {reply.status}")
            digest = hashlib.blake2b(reply.body, digest_size=16).digest()
            if reply.status == 304 or (digest == feed.digest and not feed.n_failed):
                return Polled(feed, is_whole, at_s, replace(reply, body=b""))
            async with asyncio.timeout(_READING_S):
                parsed = await self._offload(lambda: parse_feed(reply.body, reply.url, reply.charset))
            return Polled(feed, True, at_s, replace(reply, body=b""), digest, parsed)
        except TimeoutError:
            slow = FetchError(feed.url, "slow", f"reading it takes more than {_READING_S:g} seconds")
            return Polled(feed, is_whole, at_s, error=slow)
        except (FetchError, FeedError) as error:
            return Polled(feed, is_whole, at_s, error=error)

    # Articles ---------------------------------------------------------------------------------------------

    async def _fetch_articles(self, jobs: Callable[[FeedStore, int], list[Job]], n_batches: int, work: Round) -> None:
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
            await self._write(lambda store: self._notes.keep_articles(store, done, work))  # noqa: B023

    def _due_entries(self, store: FeedStore, now_s: int) -> list[Job]:
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
            jobs.append(Job(entry, feed, page, queued, own_url, feed.source if feed is not None else ""))
        return jobs

    def _due_pages(self, store: FeedStore, now_s: int) -> list[Job]:
        """Pages to be looked at again."""
        feeds = {feed.number: feed for feed in store.feeds()}
        jobs = []
        for page in store.pages_due(now_s, self._bounds.horizon_s, PAGES_AT_ONCE):
            feed = feeds.get(page.feed)
            source = feed.source if feed is not None else _stored_source(store, page)
            entry = read_entry(page.entry).model_copy(update={"url": page.url})
            jobs.append(Job(entry, feed, page, source=source))
        return jobs

    async def _fetch(self, job: Job) -> Done:
        page = job.page
        # The last planned look comes without validators: some servers' validators lie.
        is_conditional = page is not None and page.gone_s is None and page.n_checks + 1 != len(RECHECKS_S)
        if job.queued is not None and page is not None and not is_of_page(page):
            is_conditional = False  # the page may be as it was, but the feed has other words
        n_tries = job.queued.n_tries + 1 if job.queued is not None else 0
        at_s = self._now()
        if n_tries and page is not None and is_of_page(page) and 0 <= at_s - page.fetched_s < _FRESH_S:
            return Done(job, at_s, Found("seen"))
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
        return Done(job, at_s, found)

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
            return self._build(self._folder, store, now_s, self._progress)[1] if has_changed else ""

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


def _stored_source(store: Store, page: Page) -> str:
    """The outlet that a page's article is counted to; "" where it has none."""
    found = (store.known(one) for one in (page.article, *store.parts_of(page.article)))
    articles = (store.article(known.version) for known in found if known is not None)
    return next((article.source for article in articles if article is not None), "")
