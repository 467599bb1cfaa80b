"""The feed tables of corpus.db: subscriptions, entries seen, the queue, pages to look at again, and the kept log.

With `index/store.py` the only module with this file's SQL. A `FeedStore` is a `Store` with these tables beside the
articles, so that both are written through one connection. The tables are made when it is first opened for writing; a
corpus without them reads as one without feeds. The caller holds the ingest lock to write. Time is an argument.
Knows nothing about the network, feeds' formats or schedules.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from index.errors import StoreError
from index.store import Store, page_of
from index.types import DAY_S

FEED_SCHEMA = 1
_KEY = "feeds.schema"

_TABLES = """
CREATE TABLE feeds (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    site TEXT NOT NULL,
    source TEXT NOT NULL,
    added_s INTEGER NOT NULL,
    next_s INTEGER NOT NULL,
    polled_s INTEGER,
    full_s INTEGER,
    new_s INTEGER,
    usual_s INTEGER NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    digest BLOB NOT NULL,
    n_entries INTEGER NOT NULL,
    rhythm TEXT NOT NULL,
    n_failed INTEGER NOT NULL,
    failed_s INTEGER,
    failure TEXT NOT NULL
);
CREATE INDEX feeds_next ON feeds(next_s);
CREATE TABLE feed_moves (
    url TEXT PRIMARY KEY,
    feed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries (
    feed INTEGER NOT NULL,
    key BLOB NOT NULL,
    url TEXT NOT NULL,
    stamp BLOB NOT NULL,
    first_s INTEGER NOT NULL,
    last_s INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (feed, key)
) WITHOUT ROWID;
CREATE INDEX entries_url ON entries(url);
CREATE TABLE queue (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    feed INTEGER NOT NULL,
    key BLOB NOT NULL,
    entry TEXT NOT NULL,
    due_s INTEGER NOT NULL,
    n_tries INTEGER NOT NULL,
    UNIQUE (feed, key)
);
CREATE INDEX queue_due ON queue(due_s);
CREATE TABLE pages (
    url TEXT PRIMARY KEY,
    feed INTEGER NOT NULL,
    article TEXT NOT NULL,
    entry TEXT NOT NULL,
    text_from TEXT NOT NULL,
    etag TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    fetched_s INTEGER NOT NULL,
    n_checks INTEGER NOT NULL,
    next_s INTEGER,
    gone_s INTEGER
) WITHOUT ROWID;
CREATE INDEX pages_next ON pages(next_s) WHERE next_s IS NOT NULL;
CREATE INDEX pages_article ON pages(article);
CREATE TABLE feed_log (
    at_s INTEGER NOT NULL,
    feed INTEGER NOT NULL,
    url TEXT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX feed_log_at ON feed_log(at_s);
CREATE INDEX feed_log_url ON feed_log(url);
CREATE TABLE removals (
    article TEXT PRIMARY KEY,
    at_s INTEGER NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX removals_at ON removals(at_s);
"""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed that is polled, and how it went so far.

    Attributes:
        number: Row; 0 before it is stored.
        url: The feed's present address.
        title: As the feed calls itself.
        site: Address of the site it belongs to, or "".
        source: Outlet that its articles are counted to, or "" for what each says itself.
        added_s: When it was subscribed to.
        next_s: When to poll it next.
        polled_s: When it was last polled, or None.
        full_s: When it was last read without asking for changes only, or None.
        new_s: When it last had a new entry, or None.
        usual_s: Seconds that usually lie between two of its entries; 0 while unknown.
        etag: Validator of what was read last, or "".
        last_modified: The same.
        digest: Of the bytes that were read last; empty for none.
        n_entries: How many entries it had when it was last read.
        rhythm: What it said then of when to come back, as `ingest.feeds` writes it.
        n_failed: Failed polls in a row.
        failed_s: When that row began, or None.
        failure: Why the last poll failed, or "".
    """

    number: int
    url: str
    title: str
    site: str
    source: str
    added_s: int
    next_s: int
    polled_s: int | None = None
    full_s: int | None = None
    new_s: int | None = None
    usual_s: int = 0
    etag: str = ""
    last_modified: str = ""
    digest: bytes = b""
    n_entries: int = 0
    rhythm: str = ""
    n_failed: int = 0
    failed_s: int | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """An entry that a feed had.

    Attributes:
        key: 16 bytes that identify it within its feed.
        url: Its article's canonical URL, or "".
        stamp: 8 bytes over what changes when the publisher updates it.
        outcome: What became of it, one of the fixed words of `ingest.watch_notes`.
        first_s: When it was first seen.
        last_s: When the feed was last seen to have it, to a day.
    """

    key: bytes
    url: str
    stamp: bytes
    outcome: str
    first_s: int
    last_s: int


@dataclass(frozen=True, slots=True)
class Queued:
    """An entry that waits for its article to be fetched; `entry` is its JSON."""

    number: int
    feed: int
    key: bytes
    entry: str
    n_tries: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page that an article came from, and when to look at it again.

    Attributes:
        url: Address that is asked for.
        feed: Number of the feed that named it.
        article: Id of its article, without the part of a live blog; "" for a page that was fetched and has none.
        entry: What the feed said of it, as JSON.
        text_from: Where its text came from: `page` or `feed`.
        etag: Validator, or "".
        last_modified: The same.
        fetched_s: When it was last fetched.
        n_checks: How often it was looked at again.
        next_s: When to look next, or None for never.
        gone_s: When it was first found to be gone, or None.
    """

    url: str
    feed: int
    article: str
    entry: str
    text_from: str
    etag: str
    last_modified: str
    fetched_s: int
    n_checks: int
    next_s: int | None
    gone_s: int | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """What happened to an address, and when; `url` is canonical."""

    at_s: int
    feed: int
    url: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """Why an article was retracted without a person asking for it."""

    article: str
    at_s: int
    reason: str


_FEED_COLUMNS = tuple(field.name for field in fields(Subscription))
_PAGE_COLUMNS = tuple(field.name for field in fields(Page))
_ENTRY_COLUMNS = ", ".join(field.name for field in fields(SeenEntry))


class FeedStore(Store):
    """An open corpus.db with its feed tables.

    Args:
        folder: The data folder.
        write: Open for writing, creating what is missing; the caller holds the ingest lock.

    Raises:
        StoreError: As for `Store`, or its feed tables are of a newer newsquote.
    """

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        super().__init__(folder, write=write)
        try:
            self._has_feeds = self._check_tables()
        except BaseException:
            self.close()
            raise

    def _check_tables(self) -> bool:
        found = self._number("SELECT value FROM meta WHERE key = ?", (_KEY,))
        if found > FEED_SCHEMA:
            raise StoreError(
                f"{self._path} has feed tables of schema {found} and this newsquote reads up to {FEED_SCHEMA}; "
                "upgrade newsquote."
            )
        if found or not self._write:
            return found == FEED_SCHEMA
        with self.transaction():
            self._make_tables(_TABLES)
            self._db.execute("INSERT INTO meta VALUES (?, ?)", (_KEY, str(FEED_SCHEMA)))
        return True

    # Subscriptions --------------------------------------------------------------------------------------

    def feeds(self) -> list[Subscription]:
        """Every subscription, in the order in which they were added."""
        return self._feeds("1 ORDER BY number", ())

    def due(self, now_s: int, horizon_s: int, limit: int) -> list[Subscription]:
        """Feeds to be polled now, those that waited longest first.

        Args:
            now_s: The present instant.
            horizon_s: No schedule lies further ahead than this; one that does was made by a clock that was wrong.
            limit: At most so many.
        """
        return self._feeds(
            "next_s <= ? OR next_s > ? ORDER BY next_s, number LIMIT ?", (now_s, now_s + horizon_s, limit)
        )

    def find(self, url: str) -> Subscription | None:
        """The subscription to an address, also to one that it had before it moved."""
        found = self._feeds("url = ? OR number IN (SELECT feed FROM feed_moves WHERE url = ?) LIMIT 1", (url, url))
        return found[0] if found else None

    def next_poll_s(self) -> int | None:
        """When the next feed, queued entry or page is due; None where nothing is."""
        if not self._has_feeds:
            return None
        row = self._one(
            "SELECT min(s) FROM (SELECT min(next_s) s FROM feeds UNION ALL SELECT min(due_s) FROM queue "
            "UNION ALL SELECT min(next_s) FROM pages WHERE next_s IS NOT NULL)"
        )
        return None if row is None or row[0] is None else int(row[0])

    def _feeds(self, condition: str, values: Sequence[object]) -> list[Subscription]:
        if not self._has_feeds:
            return []
        rows = self._rows(f"SELECT {', '.join(_FEED_COLUMNS)} FROM feeds WHERE {condition}", values)
        return [Subscription(*row) for row in rows]

    def subscribe(self, feed: Subscription) -> Subscription:
        """Store a new subscription, in a transaction of its own; what is there already under its address stays.

        Returns:
            The stored one.
        """
        before = self.find(feed.url)
        if before is not None:
            return before
        names = _FEED_COLUMNS[1:]
        with self.transaction():
            cursor = self._db.execute(
                f"INSERT INTO feeds ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
                [getattr(feed, name) for name in names],
            )
        assert cursor.lastrowid is not None
        return replace(feed, number=cursor.lastrowid)

    def unsubscribe(self, number: int) -> None:
        """Forget a subscription with what waits for it, in a transaction of its own; its articles stay."""
        with self.transaction():
            self._forget(number)

    def _forget(self, number: int) -> None:
        for table, column in (("feeds", "number"), ("feed_moves", "feed"), ("entries", "feed"), ("queue", "feed")):
            self._db.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))

    def save(self, feed: Subscription) -> None:
        """Write how a subscription went; inside a transaction. One that was removed meanwhile stays so."""
        # Whose articles they are only a person says, or another subscription that became this one.
        names = [name for name in _FEED_COLUMNS[1:] if name != "source"]
        self._db.execute(
            f"UPDATE feeds SET {', '.join(f'{name} = ?' for name in names)} WHERE number = ?",
            [*(getattr(feed, name) for name in names), feed.number],
        )

    def move(self, feed: Subscription, url: str) -> Subscription | None:
        """Give a subscription the address that its feed moved to; inside a transaction.

        Returns:
            The moved one; None where another one has that address already, which takes this one's entries and pages
            over, and its outlet where it has none.
        """
        other = self.find(url)
        if other is not None and other.number != feed.number:
            for table in ("entries", "queue"):
                self._db.execute(f"UPDATE OR IGNORE {table} SET feed = ? WHERE feed = ?", (other.number, feed.number))
            for table in ("feed_moves", "pages"):
                self._db.execute(f"UPDATE {table} SET feed = ? WHERE feed = ?", (other.number, feed.number))
            self._db.execute(
                "UPDATE feeds SET source = ? WHERE number = ? AND source = ''", (feed.source, other.number)
            )
            self._forget(feed.number)
            self._db.execute("INSERT OR REPLACE INTO feed_moves VALUES (?, ?)", (feed.url, other.number))
            return None
        self._db.execute("DELETE FROM feed_moves WHERE url = ?", (url,))
        self._db.execute("UPDATE feeds SET url = ? WHERE number = ?", (url, feed.number))
        self._db.execute("INSERT OR REPLACE INTO feed_moves VALUES (?, ?)", (feed.url, feed.number))
        return replace(feed, url=url)

    # Entries --------------------------------------------------------------------------------------------

    def seen(self, feed: int, keys: Sequence[bytes]) -> dict[bytes, SeenEntry]:
        """Those of `keys` that a feed had before, by key."""
        if not self._has_feeds:
            return {}
        rows = self._rows_in(f"SELECT {_ENTRY_COLUMNS} FROM entries WHERE feed = ? AND key", keys, feed)
        return {row[0]: SeenEntry(*row) for row in rows}

    def note(self, feed: int, entries: Iterable[SeenEntry]) -> None:
        """Remember entries of a feed, in the place of what was known of them; inside a transaction."""
        self._db.executemany(
            "INSERT INTO entries (feed, key, url, stamp, outcome, first_s, last_s) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET url = excluded.url, stamp = excluded.stamp, outcome = excluded.outcome, "
            "last_s = excluded.last_s",
            ((feed, e.key, e.url, e.stamp, e.outcome, e.first_s, e.last_s) for e in entries),
        )

    def touch(self, feed: int, keys: Iterable[bytes], now_s: int) -> None:
        """The feed still has these entries; inside a transaction. Written once a day, so that a poll writes little."""
        self._db.executemany(
            "UPDATE entries SET last_s = ? WHERE feed = ? AND key = ? AND last_s NOT BETWEEN ? AND ?",
            ((now_s, feed, key, now_s - DAY_S, now_s) for key in keys),
        )

    def settle_entry(self, feed: int, key: bytes, outcome: str) -> None:
        """What became of an entry; inside a transaction."""
        self._db.execute("UPDATE entries SET outcome = ? WHERE feed = ? AND key = ?", (outcome, feed, key))

    def n_sharing(self, feed: int, url: str) -> int:
        """How many entries of a feed have one canonical URL."""
        return self._number("SELECT count(*) FROM entries WHERE url = ? AND feed = ?", (url, feed))

    # The queue ------------------------------------------------------------------------------------------

    def enqueue(self, feed: int, key: bytes, entry: str, due_s: int) -> None:
        """Let an entry wait for its article; inside a transaction. One that waits already gets the newer words."""
        self._db.execute(
            "INSERT INTO queue (feed, key, entry, due_s, n_tries) VALUES (?, ?, ?, ?, 0) "
            "ON CONFLICT (feed, key) DO UPDATE SET entry = excluded.entry",
            (feed, key, entry, due_s),
        )

    def queued(self, now_s: int, horizon_s: int, limit: int, of_a_feed: int) -> list[Queued]:
        """Entries whose article is to be fetched now, the oldest first, so that no feed keeps the others waiting.

        Args:
            now_s: The present instant.
            horizon_s: As in `due`.
            limit: At most so many.
            of_a_feed: And of one feed so many.
        """
        if not self._has_feeds:
            return []
        rows = self._rows(
            "SELECT number, feed, key, entry, n_tries FROM queue WHERE number IN (SELECT number FROM (SELECT number,"
            " due_s, row_number() OVER (PARTITION BY feed ORDER BY due_s, number) AS place FROM queue "
            "WHERE due_s <= ? OR due_s > ?) WHERE place <= ? ORDER BY due_s, number LIMIT ?) ORDER BY due_s, number",
            (now_s, now_s + horizon_s, of_a_feed, limit),
        )
        return [Queued(*row) for row in rows]

    def n_queued(self) -> int:
        """How many entries wait."""
        return self._number("SELECT count(*) FROM queue") if self._has_feeds else 0

    def postpone(self, queued: Queued, due_s: int) -> None:
        """Try an entry again later; inside a transaction."""
        self._db.execute(
            "UPDATE queue SET due_s = ?, n_tries = ? WHERE number = ?", (due_s, queued.n_tries + 1, queued.number)
        )

    def dequeue(self, queued: Queued) -> None:
        """An entry is dealt with; inside a transaction. One that was updated meanwhile stays for its newer words."""
        self._db.execute("DELETE FROM queue WHERE number = ? AND entry = ?", (queued.number, queued.entry))

    def withdraw(self, feed: int, guids: Sequence[str]) -> None:
        """Entries of a feed that have one of these ids wait no more to be fetched; inside a transaction."""
        self._db.execute(
            "DELETE FROM queue WHERE feed = ? AND json_extract(entry, '$.guid') IN (SELECT value FROM json_each(?))",
            (feed, json.dumps(guids)),
        )

    # Pages ----------------------------------------------------------------------------------------------

    def page(self, url: str) -> Page | None:
        """What is known of a page by the address that is asked for."""
        found = self._pages("url = ?", (url,))
        return found[0] if found else None

    def article_at(self, *urls: str | None) -> str:
        """The id of the article whose page was asked for at one of these addresses; "" where none is known.

        Behind a redirect, or where the page names another, its own address is not the one that was asked for.
        """
        pages = (self.page(url) for url in urls if url)
        return next((page.article for page in pages if page is not None and page.article), "")

    def pages_due(self, now_s: int, horizon_s: int, limit: int) -> list[Page]:
        """Pages to be looked at again now; `horizon_s` as in `due`."""
        return self._pages(
            "next_s IS NOT NULL AND (next_s <= ? OR next_s > ?) ORDER BY next_s LIMIT ?",
            (now_s, now_s + horizon_s, limit),
        )

    def pages_of(self, feed: int, guids: Sequence[str]) -> list[Page]:
        """Pages of a feed whose entry has one of these ids and whose article is live."""
        return self._pages(
            "feed = ? AND json_extract(entry, '$.guid') IN (SELECT value FROM json_each(?)) AND EXISTS "
            "(SELECT 1 FROM articles a WHERE a.id = article AND a.retracted_s IS NULL) ORDER BY url",
            (feed, json.dumps(guids)),
        )

    def save_page(self, page: Page) -> None:
        """Write what is known of a page; inside a transaction."""
        self._db.execute(
            f"INSERT OR REPLACE INTO pages ({', '.join(_PAGE_COLUMNS)}) VALUES ({', '.join('?' * len(_PAGE_COLUMNS))})",
            [getattr(page, name) for name in _PAGE_COLUMNS],
        )

    def pages_with(self, article: str) -> list[Page]:
        """Pages that an article came from."""
        return self._pages("article = ? ORDER BY url", (article,))

    def has_other_page(self, page: Page) -> bool:
        """Whether the page's article stands on another page too that is not gone."""
        row = self._one(
            "SELECT 1 FROM pages WHERE article = ? AND url != ? AND gone_s IS NULL LIMIT 1", (page.article, page.url)
        )
        return row is not None

    def n_articles_of(self, feed: int) -> int:
        """How many live articles came by a feed's pages that are still remembered."""
        return self._number(
            "SELECT count(DISTINCT p.article) FROM pages p JOIN articles a ON a.id = p.article "
            "WHERE p.feed = ? AND a.retracted_s IS NULL",
            (feed,),
        )

    def _pages(self, condition: str, values: Sequence[object]) -> list[Page]:
        if not self._has_feeds:
            return []
        rows = self._rows(f"SELECT {', '.join(_PAGE_COLUMNS)} FROM pages WHERE {condition}", values)
        return [Page(*row) for row in rows]

    # Removals -------------------------------------------------------------------------------------------

    def remove_gone(self, article: str, reason: str, now_s: int) -> int:
        """Retract an article with the parts of its page and remember why, in transactions of its own; how many."""
        known = {one: self.known(one) for one in (article, *self.parts_of(article))}
        ids = [one for one, found in known.items() if found is not None and not found.is_retracted]
        # The reasons first: an article that is retracted without one would be a riddle, the other way round is none.
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO removals VALUES (?, ?, ?)", ((one, now_s, reason) for one in ids)
            )
        return sum(self.retract(one, now_s) for one in ids)

    def bring_back(self, ids: Sequence[str], lines: Iterable[LogLine], now_s: int) -> int:
        """Lift the tombstones of articles, log it, and forget why they were removed, in one transaction; how many.

        Their pages are new to the watcher: it looks at them in its next round, and asks for all that they say, since
        what they said meanwhile was not taken.
        """
        with self.transaction():
            n = self.restore(ids, now_s)
            self._db.executemany("DELETE FROM removals WHERE article = ?", ((one,) for one in ids))
            self._db.executemany(
                "UPDATE pages SET etag = '', last_modified = '', n_checks = 0, gone_s = NULL, "
                "next_s = CASE WHEN entry = '' THEN next_s ELSE ? END WHERE article = ?",  # "": no feed's
                ((now_s, one) for one in {page_of(one) or one for one in ids}),
            )
            self.log(lines)
        return n

    def is_kept(self, page: Page) -> bool:
        """Whether a person brought the page's article back, and the page was not seen since."""
        restored_s = self.restored_s(page.article)
        return restored_s is not None and page.fetched_s < restored_s

    def removal(self, article: str) -> Removal | None:
        """Why an article was retracted, where no person did it."""
        if not self._has_feeds:
            return None
        row = self._one("SELECT article, at_s, reason FROM removals WHERE article = ?", (article,))
        return None if row is None else Removal(*row)

    def n_removed_since(self, feed: int, since_s: int) -> int:
        """How many articles of a feed were removed as gone since an instant."""
        return self._number(
            "SELECT count(DISTINCT r.article) FROM removals r JOIN pages p ON p.article = r.article "
            "WHERE p.feed = ? AND r.at_s >= ?",
            (feed, since_s),
        )

    # The log --------------------------------------------------------------------------------------------

    def log(self, lines: Iterable[LogLine]) -> None:
        """Keep what happened; inside a transaction."""
        self._db.executemany(
            "INSERT INTO feed_log VALUES (?, ?, ?, ?, ?)",
            ((line.at_s, line.feed, line.url, line.outcome, line.detail) for line in lines),
        )

    def log_of(self, url: str) -> list[LogLine]:
        """What happened to a canonical URL, in order."""
        if not self._has_feeds:
            return []
        rows = self._rows(
            "SELECT at_s, feed, url, outcome, detail FROM feed_log WHERE url = ? ORDER BY at_s, rowid", (url,)
        )
        return [LogLine(*row) for row in rows]

    def entries_of(self, url: str) -> list[tuple[int, SeenEntry]]:
        """(feed, entry) of every entry that has a canonical URL."""
        if not self._has_feeds:
            return []
        rows = self._rows(f"SELECT feed, {_ENTRY_COLUMNS} FROM entries WHERE url = ? ORDER BY first_s, feed", (url,))
        return [(feed, SeenEntry(*entry)) for feed, *entry in rows]

    def refused_removals(self) -> list[tuple[int, str]]:
        """(feed, why) of the last removal that was held back, by feed, where the feed still has pages it held back."""
        if not self._has_feeds:
            return []
        rows = self._rows(
            "SELECT l.feed, l.detail FROM feed_log l JOIN (SELECT feed, max(rowid) AS last FROM feed_log "
            "WHERE outcome = 'removal refused' GROUP BY feed) n ON n.last = l.rowid JOIN feeds f ON f.number = l.feed "
            "WHERE EXISTS (SELECT 1 FROM pages p JOIN articles a ON a.id = p.article "
            "WHERE p.feed = l.feed AND p.gone_s <= l.at_s AND a.retracted_s IS NULL) ORDER BY l.feed"
        )
        return [(feed, detail) for feed, detail in rows]

    def forget_old(self, log_before_s: int, seen_before_s: int) -> int:
        """Drop log lines, entries and pages that are older than is useful, in a transaction of its own.

        Args:
            log_before_s: Log lines from before this instant go.
            seen_before_s: So do entries that no feed has had since this instant, and pages that are looked at no more.

        Returns:
            How many rows went.
        """
        with self.transaction():
            n = self._db.execute("DELETE FROM feed_log WHERE at_s < ?", (log_before_s,)).rowcount
            n += self._db.execute("DELETE FROM entries WHERE last_s < ?", (seen_before_s,)).rowcount
            n += self._db.execute(
                "DELETE FROM pages WHERE next_s IS NULL AND (gone_s IS NULL OR article = '') AND fetched_s < ?",
                (seen_before_s,),
            ).rowcount
        return n

    def feed_counts(self) -> dict[str, int]:
        """Rows of each feed table, for watching its growth."""
        if not self._has_feeds:
            return {}
        tables = ("feeds", "entries", "queue", "pages", "feed_log", "removals")
        return {table: self._number(f"SELECT count(*) FROM {table}") for table in tables}
