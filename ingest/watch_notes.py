"""What a round of the watcher writes: what came of polls and pages, what waits, when to come back, what is removed.

Works on an open `FeedStore` and asks nobody. The words for what became of an address are `OUTCOMES`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from random import Random

from index.errors import FeedError, FetchError
from index.store import Store
from index.store_feeds import FeedStore, LogLine, Page, Queued, SeenEntry, Subscription
from index.terminal import counted
from index.types import DAY_S, Article
from ingest.draft import Draft, Reject
from ingest.feed_articles import Found
from ingest.feeds import Entry, Feed, Rhythm, read_entry
from ingest.fetch import Fetched
from ingest.identity import article_id, canonical_url, is_same_site
from ingest.page_blocks import overlap, words
from ingest.pipeline import store_articles
from ingest.report import Progress
from ingest.subscriptions import (
    REMOVALS_COUNT_S,
    Bounds,
    after_failure_s,
    choose_entries,
    entry_instant_s,
    is_gone_for_good,
    next_check_s,
    next_poll_s,
    next_try_s,
    usual_gap_s,
    why_not_remove,
)

log = logging.getLogger(__name__)

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

# A page that was fetched so lately need not be fetched again for an entry of which only the date is new: some feeds
# date all they have anew at every poll.
_REDATED_S = 6 * 3_600
# Two texts on different matters share a phrase at most.
_LEAST_OVERLAP = 0.1


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
        feeds = f"{counted(self.n_polled, 'feed')} polled"
        details = [f"{n:,} {word}" for n, word in ((self.n_unchanged, "unchanged"), (self.n_failed, "failed")) if n]
        parts = [feeds + (f" ({', '.join(details)})" if details else "")]
        parts.append(counted(self.n_found, "new entry", "new entries"))
        if self.outcomes:
            parts.append("articles: " + ", ".join(f"{n:,} {word}" for word, n in self.outcomes.most_common()))
        if self.n_waiting:
            parts.append(f"{self.n_waiting:,} waiting")
        if self.snapshot:
            parts.append(f"the live index is now {self.snapshot}")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of a poll.

    Attributes:
        feed: As it was before.
        is_whole: It was asked without validators, or had something new to read.
        at_s: When.
        reply: Without its body; None where there is an `error`.
        digest: Of the body, where it was read.
        parsed: What it says; None where nothing is new.
        error: Why there is no reply, or no feed.
    """

    feed: Subscription
    is_whole: bool
    at_s: int
    reply: Fetched | None = None
    digest: bytes = b""
    parsed: Feed | None = None
    error: FetchError | FeedError | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A page to be fetched, for an entry that waits or to be looked at again."""

    entry: Entry
    feed: Subscription | None
    page: Page | None
    queued: Queued | None = None
    own_url: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """A page whose article is to be retracted."""

    page: Page
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a page that was to be fetched."""

    job: Job
    at_s: int
    found: Found


class Notes:
    """Writes what came of polls and of pages; its methods want an open store under the ingest lock.

    Args:
        clock: Whole seconds of the epoch.
        bounds: How often, how much.
        random: Keeps feeds from being polled all at once.
        progress: Told of what is stored.
        allow_removals: Remove articles whose pages are gone, however many they are.
    """

    def __init__(
        self, clock: Callable[[], int], bounds: Bounds, random: Random, progress: Progress, *, allow_removals: bool
    ) -> None:
        self._now = clock
        self._bounds = bounds
        self._random = random
        self._progress = progress
        self._allow_removals = allow_removals

    # Feeds ------------------------------------------------------------------------------------------------

    def keep_polls(self, store: FeedStore, polls: Sequence[Polled], work: Round) -> None:
        live = {feed.number for feed in store.feeds()}
        withdrawn: dict[int, list[Removal]] = {}
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

    def _withdrawn(self, store: FeedStore, feed: Subscription, guids: Sequence[str]) -> list[Removal]:
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
                removals.append(Removal(page, address, reason))
            elif page.gone_s is None:
                store.save_page(replace(page, next_s=self._now()))
        return removals

    def _keep_failure(self, store: FeedStore, polled: Polled, error: FetchError | FeedError) -> None:
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
        store.log([_line_of_feed(feed, now_s, "failed", failure)])

    def _keep_poll(self, store: FeedStore, polled: Polled, work: Round) -> None:
        reply, now_s = polled.reply, polled.at_s
        assert reply is not None
        feed = replace(polled.feed, polled_s=now_s, n_failed=0, failed_s=None, failure="")
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
            store.log([_line_of_feed(feed, now_s, "moved", f"to {reply.moved_to}")])
            store.move(feed, reply.moved_to)

    def _keep_entries(
        self, store: FeedStore, feed: Subscription, polled: Polled, parsed: Feed, work: Round
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
            if page is not None and is_of_page(page):
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
            if page is not None and page.gone_s is not None:
                continue
            if page is not None and is_of_page(page):
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

    # Articles -------------------------------------------------------------------------------------------

    def keep_articles(self, store: FeedStore, done: Sequence[Done], work: Round) -> None:
        """Store the articles, then note what became of each; a kill between the two only repeats the second."""
        held_back = {id(one): self._why_not_stored(store, one) for one in done}
        ready = [one for one in done if not held_back[id(one)]]
        before = {id(one): [_version(store, draft) for draft in one.found.drafts] for one in ready}
        refused: dict[str, str] = {}

        def on_reject(reject: Reject) -> None:
            refused[reject.origin] = reject.detail or reject.reason

        drafts = [draft for one in ready for draft in one.found.drafts]
        if drafts:
            store_articles(drafts, store, self._now(), self._progress, on_reject)
        to_remove: dict[int, list[Removal]] = {}
        with store.transaction():
            for one in done:
                draft = one.found.draft
                if id(one) in before and draft is not None:
                    outcome, detail = _stored_all(store, one.found, before[id(one)], refused)
                    detail = detail or (f"from the feed; {one.found.detail}" if one.found.text_from == "feed" else "")
                else:
                    outcome, detail = held_back[id(one)], one.found.detail
                if one.job.queued is not None:
                    outcome = self._keep_waiting(store, one, one.job.queued, outcome)
                else:
                    outcome = self._keep_known(store, one, outcome, to_remove)
                if outcome:
                    work.outcomes[outcome] += 1
                    address = one.job.entry.canonical or one.job.entry.url
                    number = one.job.feed.number if one.job.feed is not None else 0
                    store.log([LogLine(one.at_s, number, address, outcome, detail[:500])])
        for number, gone in to_remove.items():
            self._remove(store, number, gone, work)

    def _why_not_stored(self, store: FeedStore, one: Done) -> str:
        """The word for why what was found may not take the place of what is stored, or ""."""
        draft, page = one.found.draft, one.job.page
        if draft is None:
            return one.found.outcome
        own = canonical_url(draft.url) or ""
        # An entry of which no page is known has the article that its own words name: others may share its address.
        looked = page if page is not None and (one.job.queued is None or is_of_page(page)) else None
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

    def _keep_waiting(self, store: FeedStore, one: Done, queued: Queued, outcome: str) -> str:
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
            unchanged = page if reply.status == 304 else None  # its reply need not repeat the validators
            is_kept_back = page is not None and page.article == article and outcome == "stub"
            text_from = "" if is_kept_back else found.text_from
            store.save_page(
                Page(
                    url=one.job.entry.page,
                    feed=feed_number,
                    article=article,
                    entry=one.job.entry.without_text().model_dump_json(),
                    text_from=text_from or (page.text_from if page is not None else "page"),
                    etag=reply.etag or (unchanged.etag if unchanged is not None else ""),
                    last_modified=reply.last_modified or (unchanged.last_modified if unchanged is not None else ""),
                    fetched_s=now_s,
                    n_checks=0,
                    next_s=next_check_s(0, now_s),
                )
            )
        return outcome

    def _keep_known(self, store: FeedStore, one: Done, outcome: str, to_remove: dict[int, list[Removal]]) -> str:
        """A page that was looked at again; what became of it, "" where that is decided later."""
        page, found, now_s = one.job.page, one.found, one.at_s
        assert page is not None
        reply = found.reply
        if reply is not None and reply.status in (404, 410):
            is_for_good = is_gone_for_good(page.gone_s, now_s) and not store.has_other_page(page)
            is_kept = is_for_good and store.is_kept(page)
            if is_for_good and not is_kept:
                reason = f"its page was gone (status {reply.status}) on two days"
                to_remove.setdefault(page.feed, []).append(Removal(page, one.job.entry.canonical or page.url, reason))
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

    def _remove(self, store: FeedStore, number: int, removals: Sequence[Removal], work: Round) -> None:
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


def _line_of_feed(feed: Subscription, now_s: int, outcome: str, detail: str) -> LogLine:
    return LogLine(now_s, feed.number, canonical_url(feed.url) or feed.url, outcome, detail)


def _note(entry: Entry, outcome: str, now_s: int) -> SeenEntry:
    return SeenEntry(entry.key, entry.canonical, entry.stamp, outcome, now_s, now_s)


def _next_look_s(gone_s: int, now_s: int) -> int:
    """When to look again at a page that is gone while its article stays: daily for a week, then weekly."""
    return now_s + (DAY_S if now_s - gone_s < 7 * DAY_S else 7 * DAY_S)


def _n_retries(store: FeedStore, entry: Entry) -> int:
    """How often in a row an entry's address could not be fetched, by the log."""
    lines = store.log_of(entry.canonical or entry.url)
    return sum(1 for _ in takewhile(lambda line: line.outcome == "retry", reversed(lines)))


def _due_for(entry: Entry, page: Page, now_s: int) -> Page:
    """A page that is to be looked at since a feed says that its entry was updated: at once where the title is new."""
    known = read_entry(page.entry)
    if entry.title != known.title:
        return replace(page, next_s=now_s, entry=known.model_copy(update={"title": entry.title}).model_dump_json())
    at_s = now_s if not 0 <= now_s - page.fetched_s < _REDATED_S else page.fetched_s + _REDATED_S
    return replace(page, next_s=at_s if page.next_s is None else min(at_s, page.next_s))


def is_of_page(page: Page) -> bool:
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
