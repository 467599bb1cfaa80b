"""The article that a feed's entry stands for: its page, or the feed's own text where the page gives none or less.

Asks the fetcher, reads the page, decides which text is kept and says which it was. Knows nothing about storage,
schedules or other entries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from index.errors import ExtractError, FetchError
from index.types import instant_s
from ingest.draft import Draft
from ingest.feeds import Entry, entry_draft, entry_text, is_whole, provenance
from ingest.fetch import Fetched

T = TypeVar("T")

# Work that takes a while is handed over, so that the loop goes on hearing signals and other replies.
Offload = Callable[[Callable[[], Any]], Awaitable[Any]]

_PAGE_TYPES = frozenset({"", "text/html", "application/xhtml+xml", "text/plain", "application/xml", "text/xml"})
# Asking again changes nothing about these.
_FINAL = frozenset(
    {
        *("bad URL", "not http", "private address", "too long", "gzip bomb", "header too large", "redirect loop"),
        *("too many redirects", "robots", "opt-out", "bad encoding", "no such host", "tls", "status 410"),
        *("status 401", "status 402", "status 403", "status 405", "status 406", "status 451"),
    }
)
# Weaker than what a feed or a sitemap says; see `ingest.page_meta`.
WEAK_DATES = frozenset({"", "url", "text"})
_MIN_WORDS = 12


class Fetches(Protocol):
    """What `ingest.fetch.Fetcher` does."""

    async def get(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        accept: str = "",
        max_bytes: int | None = None,
        obey_robots: bool = True,
    ) -> Fetched:
        """A reply of 2xx, 304, 404 or 410; `FetchError` for anything else."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """What came of an entry.

    Attributes:
        outcome: `draft` (there is one), `not modified`, `retry` (may come to be later), `gone`, `opt-out`, `robots`,
            `rejected` or `failed`.
        draft: The article, where there is one; of a live blog what is no update.
        parts: The updates of a live blog, as articles of their own.
        text_from: `page` or `feed`, where there is a draft.
        detail: Why it is not the page's text, or not an article; one sentence or "".
        reply: What the page's server said, without the body, or None where nothing was asked or nothing came.
        retry_after_s: Seconds after which to ask again, where the server says.
    """

    outcome: str
    draft: Draft | None = None
    text_from: str = ""
    detail: str = ""
    reply: Fetched | None = None
    retry_after_s: float | None = None
    parts: tuple[Draft, ...] = ()

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Every article."""
        return (() if self.draft is None else (self.draft,)) + self.parts


async def in_thread(work: Callable[[], T]) -> T:
    """An `Offload` that does it in a thread."""
    return await asyncio.to_thread(work)


async def find_article(
    fetcher: Fetches,
    entry: Entry,
    feed_url: str,
    *,
    source: str = "",
    etag: str = "",
    last_modified: str = "",
    is_last_try: bool = False,
    own_url: str = "",
    offload: Offload = in_thread,
) -> Found:
    """Fetch the page of an entry and make an article of it, or of the feed's own text.

    Args:
        fetcher: Asks.
        entry: Of a feed.
        feed_url: The feed's address.
        source: The outlet, or "" for what the page says.
        etag: Validator of the page as it was stored, or "".
        last_modified: The same.
        is_last_try: No later try follows, so that the feed's text has to do where the page fails.
        own_url: The address of an article that is made of the feed's text alone; the entry's where not given.
        offload: Runs what takes a while.
    """
    if not entry.url:
        return _from_feed(entry, feed_url, source, "", "the entry names no page")
    try:
        reply = await fetcher.get(entry.url, etag=etag, last_modified=last_modified)
    except FetchError as error:
        return _unfetched(entry, feed_url, source, error, own_url, is_last_try)
    if reply.status == 304:
        return Found("not modified", reply=reply)
    if reply.status in (404, 410):
        missing = FetchError(entry.url, f"status {reply.status}", f"the server answers with status {reply.status}")
        found = _unfetched(entry, feed_url, source, missing, own_url, is_last_try)
        return replace(found, reply=reply) if found.outcome != "draft" else found
    if reply.media_type not in _PAGE_TYPES:
        found = _from_feed(entry, feed_url, source, own_url, f"its address is no page but {reply.media_type[:60]}")
        return found if found.draft else replace(found, outcome="rejected")
    return await offload(lambda: read_page(reply, entry, feed_url, source=source, own_url=own_url))  # type: ignore[no-any-return]


def read_page(reply: Fetched, entry: Entry, feed_url: str, *, source: str = "", own_url: str = "") -> Found:
    """The article of a page that was fetched for an entry; the feed's text where the page has none or less.

    Args:
        reply: With status 2xx.
        entry: What the feed says of it.
        feed_url: The feed's address.
        source: The outlet, or "".
        own_url: As for `find_article`.
    """
    from ingest.extract import extract_all

    body, reply = reply.body, replace(reply, body=b"")  # a batch of results must not hold a batch of pages
    try:
        drafts = extract_all(body, reply.url, origin=entry.url, charset=reply.charset)
    except ExtractError as error:
        found = _from_feed(entry, feed_url, source, own_url, f"the page {error.why}")
        return replace(found, reply=reply, outcome=found.outcome if found.draft else "rejected")
    page = next((draft for draft in drafts if not draft.part), drafts[0])
    parts = tuple(
        replace(draft, source=source or draft.source, extra=provenance(feed_url, "page", draft.extra))
        for draft in drafts
        if draft is not page
    )
    text = entry_text(entry)
    if is_whole(entry, text) and not parts and (page.is_stub or not page.text) and len(text) > len(page.text):
        kept = replace(page, text=text, is_stub=False)
        return Found(
            "draft",
            _completed(kept, entry, source, provenance(feed_url, "feed content", page.extra)),
            "feed",
            "the page shows only the beginning of it",
            reply,
        )
    whole = _completed(page, entry, source, provenance(feed_url, "page", page.extra))
    return Found("draft", whole, "page", "", reply, parts=parts)


def _completed(page: Draft, entry: Entry, source: str, extra: str) -> Draft:
    """A page's draft with what only the feed says."""
    is_weak = page.date_from in WEAK_DATES and bool(entry.published)
    published, date_from = (entry.published, "feed") if is_weak else (page.published, page.date_from)
    return replace(
        page,
        title=page.title or entry.title,
        published=published,
        updated=page.updated or _later(entry.updated, published),
        date_from=date_from,
        source=source or page.source,
        authors=page.authors or entry.authors,
        language=page.language or entry.language,
        extra=extra,
    )


def _later(updated: str, published: str) -> str:
    """A feed's date of update, where it says more than the publication does."""
    try:
        last, first = instant_s(updated), instant_s(published)
    except ValueError:
        return ""
    return updated if last is not None and first is not None and last > first else ""


def _unfetched(entry: Entry, feed_url: str, source: str, error: FetchError, own_url: str, is_last_try: bool) -> Found:
    why = f"{error.reason}: {error.why}"
    if error.reason == "opt-out":
        return Found("opt-out", detail=why)
    if error.reason == "status 410":
        return Found("gone", detail=why)
    if error.reason not in _FINAL and not is_last_try:
        return Found("retry", detail=why, retry_after_s=error.retry_after_s)
    found = _from_feed(entry, feed_url, source, own_url, why)
    return found if found.draft else replace(found, outcome="robots" if error.reason == "robots" else "failed")


def _from_feed(entry: Entry, feed_url: str, source: str, own_url: str, why: str) -> Found:
    """The feed's own text, where there is enough of it to quote."""
    text = entry_text(entry)
    if len(text.split()) < _MIN_WORDS and len(text) < 4 * _MIN_WORDS:
        # Of an entry that was stored before only its words remain, not its text.
        return Found("rejected", detail=f"{why}, and no text from the feed is at hand")
    named = entry.model_copy(update={"url": own_url}) if own_url else entry
    draft = entry_draft(named, feed_url, origin=entry.url or f"{feed_url}: {entry.title}", source=source, text=text)
    return Found("draft", draft, "feed", why)
