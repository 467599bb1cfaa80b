"""Asking from an event loop: one bounded pool of threads, and an index that changes under way without anybody noticing.

The one place where `bot` hops to a thread. A question is answered wholly by the index it began with; a new snapshot is
opened beside it and takes the next question. What is no question has a thread of its own. Knows nothing about Discord.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bot.answer import Answer, Answerer
from bot.confidence import THRESHOLD
from bot.links import quote_link
from bot.question import Question
from bot.remembered import Place
from bot.verify import article_at, check_quote
from index.errors import Busy, Closing, IndexMissing, NewsquoteError, UnverifiableQuote
from index.snapshot import Snapshot, current_name
from index.store import NEVER, Store
from index.types import Embedder, Quote, Reranker, Span, Vectors

log = logging.getLogger(__name__)

T = TypeVar("T")

N_WORKERS = 2
# Beyond so many a person would wait for longer than is worth it: at 0.2 s a question, some ten seconds.
MAX_WAITING = 100
WATCH_S = 2.0


@dataclass(frozen=True, slots=True)
class Opened:
    """A snapshot, the embedder it was made with, and how it is asked."""

    snapshot: Snapshot
    embedder: Embedder
    reranker: Reranker | None = None
    threshold: float = THRESHOLD


@dataclass(frozen=True, slots=True)
class CorpusStatus:
    """What the corpus and its index hold at this moment."""

    n_articles: int
    n_sources: int
    oldest: str | None
    newest: str | None
    snapshot: str
    n_passages: int
    created_s: int


class OneAtATime:
    """An embedder for several threads: what it remembers of words is not made for two at a time."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._lock = threading.Lock()
        self.name, self.revision, self.runtime = embedder.name, embedder.revision, embedder.runtime
        self.dim, self.max_tokens = embedder.dim, embedder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        with self._lock:
            return self._embedder.count_tokens(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            return self._embedder.embed_passages(texts)

    def embed_query(self, text: str) -> Vectors:
        with self._lock:
            return self._embedder.embed_query(text)


class Asker:
    """Answers questions off the event loop.

    Args:
        folder: The data folder.
        open_index: Opens the live snapshot with its embedder; called in a thread, at the start and after each switch,
            with what is open now so that its embedder may be kept.
        n_workers: Questions answered at a time.
        max_waiting: Questions that may be under way or waiting.
        watch_s: How often a new snapshot is looked for.
    """

    def __init__(
        self,
        folder: Path,
        open_index: Callable[[Opened | None], Opened],
        *,
        n_workers: int = N_WORKERS,
        max_waiting: int = MAX_WAITING,
        watch_s: float = WATCH_S,
    ) -> None:
        self._folder = folder
        self._open_index = open_index
        self._max_waiting = max_waiting
        self._watch_s = watch_s
        self._pool = ThreadPoolExecutor(n_workers, thread_name_prefix="answer")
        # For what takes milliseconds and is no question: it does not wait for those.
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="answer-aside")
        self._local = threading.local()
        self._stores: list[Store] = []
        self._stores_lock = threading.Lock()
        self._opened: Opened | None = None
        self._problem = ""
        self._watcher: asyncio.Task[None] | None = None
        self._switched = asyncio.Event()
        self._is_closing = False
        self.n_waiting = 0
        self.n_answered = 0
        self.n_busy = 0

    # Life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the index, if there is one yet, and watch for the next."""
        await self._look()
        if self._opened is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._warm)
        self._watcher = asyncio.create_task(self._watch(), name="snapshot-watch")

    def _warm(self) -> None:
        """Load what is loaded on first use: the model takes a second that no question should wait for."""
        if self._opened is not None:
            self._opened.embedder.embed_query("warm")

    def stop_taking(self) -> None:
        """Refuse questions from now on; those under way go on."""
        self._is_closing = True

    async def close(self) -> None:
        """Stop watching, drop what is waiting and let go of everything; what a thread has begun it finishes."""
        self.stop_taking()
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        for pool in (self._aside, self._pool):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        for store in self._stores:
            store.close()
        self._stores.clear()

    # The index ------------------------------------------------------------------------------------------

    @property
    def snapshot(self) -> str | None:
        """Name of the snapshot that takes the next question."""
        return None if self._opened is None else self._opened.snapshot.name

    @property
    def last_version(self) -> int:
        """Number of the newest article version that the next question can be answered from; 0 without an index."""
        return 0 if self._opened is None else self._opened.snapshot.manifest.last_version

    @property
    def problem(self) -> str:
        """Why the newest snapshot could not be opened, in a sentence; "" where it could."""
        return self._problem

    def index_age_s(self, now_s: int) -> float:
        """Seconds since the index was made; NaN without one."""
        return float("nan") if self._opened is None else float(now_s - self._opened.snapshot.manifest.created_s)

    @property
    def outlets(self) -> list[str]:
        """Outlets of the corpus, from memory."""
        return [] if self._opened is None else self._opened.snapshot.sources

    async def switched_to(self, name: str) -> None:
        """Wait until a snapshot has taken over."""
        while self.snapshot != name:
            await self._switched.wait()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._watch_s)
            await self._look()

    async def _look(self) -> None:
        """Switch to the live snapshot where it is another; one that cannot be opened leaves the old one answering."""
        try:
            opened = await asyncio.to_thread(self._newer)
        except NewsquoteError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("index not opened reason=%r keeps=%s", self._problem, self.snapshot)
            return
        except Exception as error:  # the bot goes on with the index it has, whatever is wrong with the new one
            if repr(error) != self._problem:
                self._problem = repr(error)
                log.exception("index not opened keeps=%s", self.snapshot)
            return
        self._problem = ""
        if opened is not None:
            self._opened = opened
            log.info("index switched snapshot=%s n_passages=%d", opened.snapshot.name, len(opened.snapshot.passages))
            self._switched.set()
            self._switched = asyncio.Event()

    def _newer(self) -> Opened | None:
        name = current_name(self._folder)
        if self._opened is not None and name in (None, self._opened.snapshot.name):
            return None
        return self._open_index(self._opened)

    # Asking ---------------------------------------------------------------------------------------------

    async def ask(self, question: Question | Callable[[], Question], *, is_counted: bool = True) -> Answer:
        """The answer; the event loop stays free.

        Args:
            question: What is asked, or what makes it, called in the thread.
            is_counted: Whether somebody asks it just now.

        Raises:
            Busy: Too many are waiting.
            Closing: `stop_taking` was called.
            IndexMissing: There is no index yet.
            NewsquoteError: As `Answerer.answer`.
        """
        answer = await self._hop(lambda: self._answered(question() if callable(question) else question))
        self.n_answered += is_counted
        return answer

    async def read(self, work: Callable[[], T]) -> T:
        """The result of work that reads a person's words, done in a thread: hostile ones take long to read.

        Raises:
            Busy, Closing: As `ask`.
            NewsquoteError: As `work`.
        """
        return await self._hop(work)

    async def quotes(self, places: Sequence[Place]) -> list[Quote | None]:
        """The quotes that stand at these places, each checked against the store.

        None for one whose article has been retracted, or where other words stand since the corpus was built anew.

        However many questions wait: it is a matter of milliseconds, and belongs to an answer that was given.

        Raises:
            Closing: As `ask`.
        """
        return await self._hop(lambda: [self._restored(place) for place in places], is_bounded=False)

    async def marked(self, place: Place) -> str | None:
        """The words marked in the quote at a place; None where there are none, or the quote may not be shown.

        Raises:
            Busy, Closing: As `ask`.
        """
        return await self._hop(lambda: self._marked(place))

    async def status(self) -> CorpusStatus:
        """What the corpus and its index hold, however many questions wait.

        Raises:
            Closing, IndexMissing: As `ask`.
        """
        return await self._hop(self._status, is_bounded=False)

    async def _hop(self, work: Callable[[], T], *, is_bounded: bool = True) -> T:
        """The result of work done in a thread; without `is_bounded` it is no question, nor ever refused or counted."""
        if self._is_closing:
            raise Closing("No more questions are taken: the bot is closing.")
        if not is_bounded:
            return await asyncio.get_running_loop().run_in_executor(self._aside, work)
        if self.n_waiting >= self._max_waiting:
            self.n_busy += 1
            raise Busy(f"{self.n_waiting} questions are waiting, and no more may.")
        self.n_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.n_waiting -= 1

    # In a thread of the pool ----------------------------------------------------------------------------

    def _store(self) -> Store:
        store: Store | None = getattr(self._local, "store", None)
        if store is None:
            store = self._local.store = Store(self._folder)
            with self._stores_lock:
                self._stores.append(store)
        return store

    def _live(self) -> Opened:
        opened = self._opened
        if opened is None:
            raise IndexMissing(self._problem or f"There is no index in {self._folder} yet.")
        return opened

    def _answerer(self) -> Answerer:
        opened = self._live()
        known: tuple[Opened, Answerer] | None = getattr(self._local, "answerer", None)
        if known is None or known[0] is not opened:
            answerer = Answerer(self._store(), opened.snapshot, opened.embedder, opened.reranker, opened.threshold)
            known = self._local.answerer = (opened, answerer)
        return known[1]

    def _answered(self, question: Question) -> Answer:
        answer = self._answerer().answer(question)
        if answer.status == "answered":
            for quote in answer.quotes:
                quote_link(quote)  # kept: the event loop, which draws the cards, must not search for it
        return answer

    def _restored(self, place: Place) -> Quote | None:
        article, span = article_at(place, self._store().article), Span(place.start, place.end)
        if article is None:
            return None
        quote = Quote(
            article=article,
            span=span,
            text=span.of(article.text),
            score=0.0,
            answer=Span(*place.answer) if place.answer else None,
            cut_left=place.cut_left,
            cut_right=place.cut_right,
            also=place.also,
        )
        try:
            check_quote(quote, article)
        except UnverifiableQuote as error:
            log.error("quote not shown reason=%r", str(error))
            return None
        quote_link(quote)
        return quote

    def _marked(self, place: Place) -> str | None:
        article = article_at(place, self._store().article)
        return None if article is None else place.marked_in(article.text)

    def _status(self) -> CorpusStatus:
        opened, store = self._live(), self._store()
        newest = store.newest(NEVER)
        manifest = opened.snapshot.manifest
        return CorpusStatus(
            n_articles=store.counts()["articles"],
            n_sources=len(opened.snapshot.sources),
            oldest=store.oldest(),
            newest=newest[1] if newest else None,
            snapshot=opened.snapshot.name,
            n_passages=manifest.n_passages,
            created_s=manifest.created_s,
        )
