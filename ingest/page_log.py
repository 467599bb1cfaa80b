"""What is remembered of pages that were fetched, so that nothing is fetched twice without need.

Kept in the feed tables of corpus.db, where `newsquote feeds why` finds it too. Time is an argument.
Knows nothing about the network.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from index.store_feeds import FeedStore, LogLine, Page
from ingest.identity import canonical_url


@dataclass(frozen=True, slots=True)
class Known:
    """What we have of a page.

    Attributes:
        fetched_s: When it was last fetched.
        etag: Validator, "" where the server gave none.
        last_modified: The same.
        is_gone: There was no such page, neither then nor at any earlier time.
    """

    fetched_s: int
    etag: str
    last_modified: str
    is_gone: bool = False


@dataclass(frozen=True, slots=True)
class Visited:
    """A page that was asked for.

    Attributes:
        url: As asked for.
        article: URL of the article that came of it, or "" for none.
        outcome: `new page`, `same page`, or why there is no article.
        detail: A sentence, or "".
        etag: Validator, or "".
        last_modified: The same.
        is_settled: There was a reply, so that asking again makes sense only when the page changes.
        is_gone: The reply was that there is no such page.
    """

    url: str
    article: str
    outcome: str
    detail: str = ""
    etag: str = ""
    last_modified: str = ""
    is_settled: bool = True
    is_gone: bool = False


class PageMemory(Protocol):
    """Looks pages up; used in the thread that fetches, where it was made."""

    def known(self, url: str) -> Known | None:
        """What we have of a page by the address that is asked for."""
        ...

    def close(self) -> None:
        """Let go."""
        ...


class PageLog(Protocol):
    """Remembers pages."""

    def memory(self) -> PageMemory:
        """For looking up in the calling thread; the caller closes it."""
        ...

    def record(self, visited: Iterable[Visited], now_s: int) -> None:
        """Remember, durably."""
        ...


class StoredPages:
    """A `PageLog` in corpus.db.

    Args:
        store: Open for writing; `record` is called in its thread and outside a transaction.
    """

    def __init__(self, store: FeedStore) -> None:
        self._store = store

    def memory(self) -> PageMemory:
        """For looking up in the calling thread; the caller closes it."""
        return _Memory(FeedStore(self._store.folder))

    def record(self, visited: Iterable[Visited], now_s: int) -> None:
        """Remember, durably. What a feed's schedule knows of the same page is kept."""
        rows = list(visited)
        if not rows:
            return
        with self._store.transaction():
            for one in rows:
                before = self._store.page(one.url)
                # A page that gave an article and is gone now is left to the schedule that looks at it again.
                if one.is_settled and not (one.is_gone and before is not None and before.article):
                    self._store.save_page(_page(one, before, now_s))
            self._store.log(
                LogLine(now_s, 0, canonical_url(one.url) or one.url, one.outcome, one.detail) for one in rows
            )


def _page(one: Visited, before: Page | None, now_s: int) -> Page:
    article = (canonical_url(one.article) or "") if one.article else ""
    return Page(
        url=one.url,
        feed=before.feed if before else 0,
        article=article or (before.article if before else ""),
        entry=before.entry if before else "",
        text_from="page",
        etag=one.etag,
        last_modified=one.last_modified,
        fetched_s=now_s,
        n_checks=before.n_checks if before else 0,
        next_s=before.next_s if before else None,
        gone_s=now_s if one.is_gone else None,
    )


class _Memory:
    def __init__(self, store: FeedStore) -> None:
        self._store = store

    def known(self, url: str) -> Known | None:
        page = self._store.page(url)
        if page is None:
            return None
        return Known(page.fetched_s, page.etag, page.last_modified, page.gone_s is not None and not page.article)

    def close(self) -> None:
        self._store.close()
