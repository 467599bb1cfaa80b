"""corpus.db: every article version, passage, cached vector and tombstone. With `store_feeds` all SQL on this file.

A batch is one transaction: once it has ended, a kill or a full disk loses nothing of it. How the file is opened and
what its errors mean stands in `corpus_file`. Knows nothing about where articles come from or how they are searched.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from index.corpus_file import CorpusFile, Row
from index.errors import StoreError
from index.line_number import line_number
from index.types import Article, Span, instant_s

# Schema 1 counted lines by their texts.
SCHEMA = 2
# Sort before and after every real instant; an article that nobody dated is valid from the beginning.
ALWAYS = -(2**62)
NEVER = 2**62

_LINE_COUNTS = """
CREATE TABLE line_counts (
    source TEXT NOT NULL,
    line INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (source, line)
) WITHOUT ROWID
"""
_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE articles (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    url TEXT,
    first_seen_s INTEGER NOT NULL,
    current INTEGER,
    retracted_s INTEGER
);
CREATE TABLE versions (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    article INTEGER NOT NULL REFERENCES articles(number),
    title TEXT NOT NULL,
    published TEXT,
    published_s INTEGER,
    updated TEXT,
    date_from TEXT NOT NULL,
    source TEXT NOT NULL,
    authors TEXT NOT NULL,
    cuts TEXT NOT NULL,
    language TEXT NOT NULL,
    is_stub INTEGER NOT NULL,
    correction TEXT NOT NULL,
    extra TEXT NOT NULL,
    copy_of INTEGER REFERENCES articles(number),
    fingerprint BLOB NOT NULL,
    draft_hash BLOB NOT NULL,
    content_hash BLOB NOT NULL,
    valid_from_s INTEGER NOT NULL,
    valid_to_s INTEGER NOT NULL
);
CREATE INDEX versions_article ON versions(article);
CREATE INDEX versions_draft ON versions(draft_hash);
CREATE INDEX versions_published ON versions(published_s);
CREATE TABLE texts (version INTEGER PRIMARY KEY REFERENCES versions(version), text TEXT NOT NULL);
CREATE TABLE passages (
    splitter INTEGER NOT NULL,
    version INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    n_tokens INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (splitter, version, start)
) WITHOUT ROWID;
CREATE TABLE splitters (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE models (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE embeddings (
    model INTEGER NOT NULL,
    hash BLOB NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (model, hash)
) WITHOUT ROWID;
{_LINE_COUNTS};
CREATE TABLE sources (source TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
"""

# Those of `versions v` that are the current one of a live article `a`. By its number too: `current` has no index,
# and every article would be read.
_LIVE = "JOIN articles a ON a.number = v.article AND a.current = v.version WHERE a.retracted_s IS NULL"

# Of a version.
MAX_OTHER_DRAFTS = 8

# Made when a corpus is opened for writing, so that older ones get them too.
_LATER = (
    # Asked at every question; without it that reads every article.
    "CREATE INDEX IF NOT EXISTS articles_retracted ON articles(number) WHERE retracted_s IS NOT NULL",
    # Live articles that had a tombstone, and when it was lifted.
    "CREATE TABLE IF NOT EXISTS restored"
    " (article INTEGER PRIMARY KEY REFERENCES articles(number), at_s INTEGER NOT NULL)",
    # What else an article came as, beside a version's own draft, without a new version: as a list names it twice. Of
    # version 0 is what turned out to be no article.
    "CREATE TABLE IF NOT EXISTS other_drafts"
    " (version INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (version, hash)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS other_drafts_hash ON other_drafts(hash)",
    # What computed with floats before ONNX Runtime did gave the same vectors, to six decimals: they are kept.
    "UPDATE OR IGNORE models SET key = replace(key, '/openvino-fp32/', '/onnx-fp32/')"
    " WHERE key LIKE '%/openvino-fp32/%'",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store holds of one article, for deciding what an incoming draft means."""

    number: int
    version: int
    draft_hash: bytes
    content_hash: bytes
    is_retracted: bool
    valid_from_s: int
    updated_s: int | None
    is_stub: bool


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version to be stored; `article.version` is ignored and assigned.

    `valid_from_s` is when it took the place of the one before, where a backup says so; else None.
    """

    article: Article
    date_from: str
    extra: str
    fingerprint: bytes
    draft_hash: bytes
    content_hash: bytes
    valid_from_s: int | None = None


class PassageRow(NamedTuple):
    """A passage as stored; `hash` identifies its embedding text."""

    version: int
    span: Span
    n_tokens: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class VersionRow:
    """What a snapshot needs to know of one version."""

    version: int
    article: int
    group: int
    source: str
    language: str
    title: str
    published: str | None
    published_s: int | None
    valid_from_s: int
    valid_to_s: int


@dataclass(frozen=True, slots=True)
class SourceCount:
    """One outlet's share of the corpus."""

    source: str
    n_articles: int
    first: str | None
    last: str | None


class Store(CorpusFile):
    """An open corpus.db.

    Args:
        folder: The data folder.
        write: Open for writing and create it where it is missing; the caller holds the ingest lock.

    Raises:
        StoreError: Missing (for reading), damaged, of a newer schema, or not readable.
    """

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        super().__init__(folder, write=write)
        try:
            with self._translating():
                schema = self._checked_schema()
                if write:  # not before: a database that is not ours stays as it is
                    self._db.execute("PRAGMA journal_mode = WAL")
                    self._db.execute("PRAGMA synchronous = FULL")
                    # Pages of the indexes by hash and by line are hit at random: 2 MB, the default, is too little.
                    self._db.execute("PRAGMA cache_size = -32768")
                    # Pages, 32 MB: vectors go to places all over the file, and a page that several transactions
                    # touch is then written to its place once.
                    self._db.execute("PRAGMA wal_autocheckpoint = 8000")
                    for statement in _LATER:
                        self._db.execute(statement)
                    if schema < SCHEMA:
                        self._upgrade()
        except BaseException:
            self._db.close()
            raise

    def _checked_schema(self) -> int:
        """The file's schema, which can be read; an empty file becomes a corpus."""
        schema = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if 0 < schema <= SCHEMA:
            return schema
        if schema > SCHEMA:
            raise StoreError(
                f"{self._path} has schema {schema} and this newsquote reads up to {SCHEMA}; upgrade newsquote."
            )
        n_tables = int(self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
        if not n_tables and not self._write:  # a first ingest died before it made the tables
            raise self._missing()
        if n_tables:
            raise StoreError(
                f"{self._path} is no corpus of newsquote (schema {schema}); name another folder with --data."
            )
        with self.transaction():
            self._make_tables(_TABLES)
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")
        return SCHEMA

    def _upgrade(self) -> None:
        """From schema 1; what it counted goes on to count."""
        self._db.create_function("line_number", 1, line_number, deterministic=True)
        with self.transaction():
            self._make_tables(_LINE_COUNTS)
            self._db.execute(
                "INSERT INTO line_counts SELECT source, line_number(key), n FROM lines WHERE true "
                "ON CONFLICT DO UPDATE SET n = n + excluded.n"
            )
            self._db.execute("DROP TABLE lines")
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")

    # Articles in ----------------------------------------------------------------------------------------

    def known_drafts(self, hashes: Sequence[bytes]) -> dict[bytes, int | None]:
        """Those of `hashes` that are the draft of a live article's current version: nothing to do for them.

        Returns:
            By hash, the article's number where it has past versions too, else None.
        """
        past = (
            "CASE WHEN EXISTS (SELECT 1 FROM versions o WHERE o.article = a.number AND o.version != v.version) "
            "THEN a.number END"
        )
        own = self._rows_in(f"SELECT v.draft_hash, {past} FROM versions v {_LIVE} AND v.draft_hash", hashes)
        others = self._rows_in(
            f"SELECT d.hash, {past} FROM other_drafts d JOIN versions v ON v.version = d.version {_LIVE} AND d.hash",
            hashes,
        )
        return dict([*own, *others])

    def stored_drafts(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` that came before: as a version, a past or retracted one too, or as what is no article."""
        own = self._rows_in("SELECT draft_hash FROM versions WHERE draft_hash", hashes)
        others = self._rows_in("SELECT hash FROM other_drafts WHERE hash", hashes)
        return {row[0] for row in (*own, *others)}

    def number_of(self, article_id: str) -> int | None:
        """The number of the article with an id, None where there is none."""
        known = self.known(article_id)
        return None if known is None else known.number

    def known(self, article_id: str) -> Known | None:
        """What is stored under an id; None for nothing."""
        row = self._one(
            "SELECT a.number, v.version, v.draft_hash, v.content_hash, a.retracted_s, v.valid_from_s, v.updated, "
            "v.is_stub FROM articles a JOIN versions v ON v.version = a.current WHERE a.id = ?",
            (article_id,),
        )
        if row is None:
            return None
        return Known(row[0], row[1], row[2], row[3], row[4] is not None, row[5], instant_s(row[6]), bool(row[7]))

    def ids_between(self, low: str, high: str) -> list[str]:
        """Ids of articles, retracted or not, from `low` on and before `high`, ascending."""
        return [
            row[0] for row in self._rows("SELECT id FROM articles WHERE id >= ? AND id < ? ORDER BY id", (low, high))
        ]

    def parts_of(self, page_id: str) -> list[str]:
        """Ids of the articles that are parts of a page (updates of a live blog), by the page's own id."""
        rows = self._rows(
            "SELECT id FROM articles WHERE id > ? AND id < ? AND substr(id, ?, 1) != '!' ORDER BY id",
            (f"{page_id}#", f"{page_id}$", len(page_id) + 2),  # `$` comes next to `#`; `#!` is another page
        )
        return [row[0] for row in rows]

    def is_retracted(self, article_id: str) -> bool:
        """Whether an article, or the page that it is a part of, has a tombstone."""
        row = self._one(
            "SELECT 1 FROM articles WHERE id IN (?, ?) AND retracted_s IS NOT NULL", (article_id, page_of(article_id))
        )
        return row is not None

    def ids_at(self, url: str) -> list[str]:
        """Ids of the articles that came with this very address, be it one or not."""
        return [row[0] for row in self._rows("SELECT id FROM articles WHERE url = ? ORDER BY id", (url,))]

    def add(self, new: NewVersion, known: Known | None, now_s: int) -> int:
        """Store a version as its article's current one; inside a transaction.

        The version before stops being valid where the new one begins: at the update the publisher names, else now.
        One that the publisher says was updated before the stored one takes its place before it; where it names no
        update, a page may have ceased to say it, and what is seen later is later.

        Returns:
            The version's number.
        """
        article = new.article
        valid_from_s = self._valid_from_s(new, known, now_s)
        if known is None:
            number = self._db.execute(
                "INSERT INTO articles (id, url, first_seen_s) VALUES (?, ?, ?)", (article.id, article.url, now_s)
            ).lastrowid
            assert number is not None
        else:
            number = known.number
        version = self._db.execute(
            "INSERT INTO versions (article, title, published, published_s, updated, date_from, source, authors, cuts,"
            " language, is_stub, correction, extra, copy_of, fingerprint, draft_hash, content_hash, valid_from_s,"
            " valid_to_s) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT number FROM articles WHERE id = ?),?,?,?,?,?)",
            (
                number,
                article.title,
                article.published,
                instant_s(article.published),
                article.updated,
                new.date_from,
                article.source,
                json.dumps(article.authors, ensure_ascii=False),
                json.dumps(article.cuts),
                article.language,
                int(article.is_stub),
                article.correction,
                new.extra,
                article.copy_of,
                new.fingerprint,
                new.draft_hash,
                new.content_hash,
                valid_from_s,
                NEVER,
            ),
        ).lastrowid
        assert version is not None
        self._db.execute("INSERT INTO texts VALUES (?, ?)", (version, article.text))
        if known is None:
            self._db.execute("UPDATE articles SET current = ? WHERE number = ?", (version, number))
        else:
            self._chain(number)
        self._bump()
        return version

    def _valid_from_s(self, new: NewVersion, known: Known | None, now_s: int) -> int:
        """Since when a version to be stored is valid; see `add`."""
        published_s, updated_s = instant_s(new.article.published), instant_s(new.article.updated)
        if known is None:
            # A text that was published is as old as the article, for want of the one before its update; of one that
            # nobody dated, the update is all that is known.
            begins_s = published_s if published_s is not None else updated_s
            return ALWAYS if begins_s is None else begins_s
        if new.valid_from_s is not None:
            return new.valid_from_s
        if known.updated_s is not None and updated_s is not None and updated_s < known.updated_s:
            self._begin_at_their_updates(known.number)
            return updated_s
        return max(now_s if updated_s is None else updated_s, known.valid_from_s + 1)

    def _begin_at_their_updates(self, article: int) -> None:
        """Let stored versions be valid from their own updates on, no sooner: there was another before them."""
        stored = self._db.execute("SELECT version, updated FROM versions WHERE article = ?", (article,)).fetchall()
        self._db.executemany(
            "UPDATE versions SET valid_from_s = max(valid_from_s, ?) WHERE version = ?",
            [(instant_s(updated), version) for version, updated in stored if updated is not None],
        )

    def _chain(self, article: int) -> None:
        """Let each version of an article end where the next begins, and the last be the current one."""
        versions = self._db.execute(
            "SELECT version, valid_from_s FROM versions WHERE article = ? ORDER BY valid_from_s, version", (article,)
        ).fetchall()
        ends = [valid_from for _, valid_from in versions[1:]] + [NEVER]
        self._db.executemany(
            "UPDATE versions SET valid_to_s = ? WHERE version = ?",
            [(end, version) for (version, _), end in zip(versions, ends, strict=True)],
        )
        self._db.execute("UPDATE articles SET current = ? WHERE number = ?", (versions[-1][0], article))

    def has_version(
        self, known: Known, content_hash: bytes, draft_hash: bytes, valid_from_s: int | None = None
    ) -> bool:
        """Whether any version of the article, current or past, has this content or came of this draft.

        The draft counts too, since what is learned of an outlet's boilerplate later can change what a draft gives.
        Where `valid_from_s` is given, only a version that is valid from then on counts: an article that was changed
        back has its first content twice.
        """
        found = self._one(
            "SELECT 1 FROM versions v WHERE article = ? AND (content_hash = ? OR draft_hash = ? OR EXISTS "
            "(SELECT 1 FROM other_drafts d WHERE d.version = v.version AND d.hash = ?)) "
            "AND valid_from_s = coalesce(?, valid_from_s) LIMIT 1",
            (known.number, content_hash, draft_hash, draft_hash, valid_from_s),
        )
        return found is not None

    def original(self, article_id: str) -> str:
        """The article at the end of the chain of copies that `article_id` stands in; itself where it is no copy."""
        seen = {article_id}
        while True:
            row = self._one(
                "SELECT o.id FROM articles a JOIN versions v ON v.version = a.current "
                "JOIN articles o ON o.number = v.copy_of WHERE a.id = ?",
                (article_id,),
            )
            if row is None or row[0] in seen:
                return article_id
            article_id = row[0]
            seen.add(article_id)

    def same_content(self, known: Known, draft_hash: bytes) -> None:
        """Another draft gives the content already stored: remember it, so that next time is quick.

        The one before is not forgotten: what is learned of an outlet's boilerplate later can change what it gives. Of a
        page that is another each time the first ones are kept.
        """
        is_other = self._one("SELECT 1 FROM other_drafts WHERE version = ? AND hash = ?", (known.version, draft_hash))
        if draft_hash == known.draft_hash or is_other is not None:
            return
        self._db.execute(
            "INSERT OR IGNORE INTO other_drafts SELECT version, draft_hash FROM versions WHERE version = ? "
            "AND (SELECT count(*) FROM other_drafts WHERE version = ?) < ?",
            (known.version, known.version, MAX_OTHER_DRAFTS),
        )
        self._db.execute("UPDATE versions SET draft_hash = ? WHERE version = ?", (draft_hash, known.version))

    def no_article(self, draft_hash: bytes) -> None:
        """Nothing is left of a draft: remember it, so that its lines are not counted again when it comes again."""
        self._db.execute("INSERT OR IGNORE INTO other_drafts VALUES (0, ?)", (draft_hash,))

    def count_lines(self, source: str, counts: Mapping[int, int], n_articles: int) -> None:
        """Add to how often each line, by its number, occurred in articles of a source; inside a transaction."""
        self._db.executemany(
            "INSERT INTO line_counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            # One after the other as they stand in the table: several go to the same page.
            ((source, line, n) for line, n in sorted(counts.items())),
        )
        self._db.execute(
            "INSERT INTO sources VALUES (?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n", (source, n_articles)
        )

    def line_counts(self, source: str, lines: Iterable[int]) -> tuple[dict[int, int], int]:
        """Those of some lines that were counted, in how many articles of a source, and of how many in all."""
        rows = self._rows(
            "SELECT line, n FROM line_counts WHERE source = ? AND line IN (SELECT value FROM json_each(?))",
            (source, json.dumps(list(lines))),
        )
        return dict(rows), self._number("SELECT n FROM sources WHERE source = ?", (source,))

    def fingerprints(self) -> Iterator[tuple[str, int | None, bytes]]:
        """(article id, published instant, fingerprint) of every live current version, oldest first."""
        sql = (
            "SELECT a.id, v.published_s, v.fingerprint FROM articles a JOIN versions v ON v.version = a.current "
            "WHERE a.retracted_s IS NULL ORDER BY v.published_s, a.number"
        )
        yield from self._stream(sql)

    def retract(self, article_id: str, now_s: int) -> bool:
        """Tombstone an article: it answers nothing from now on and is not ingested again. False if unknown.

        With the last part of a page that is stored as parts only, the page gets a tombstone too: there is nothing else
        to stand for it when other parts, or the whole, are ingested.
        """
        with self.transaction():
            done = self._db.execute(
                "UPDATE articles SET retracted_s = ? WHERE id = ? AND retracted_s IS NULL", (now_s, article_id)
            )
            if done.rowcount:
                self._db.execute(
                    "DELETE FROM restored WHERE article = (SELECT number FROM articles WHERE id = ?)", (article_id,)
                )
                self._bury_page(page_of(article_id), now_s)
                self._bump()
            return bool(done.rowcount)

    def retracted_s(self, article_id: str) -> int | None:
        """When this very id was retracted, be there an article of it here or not; None where it is not."""
        row = self._one("SELECT retracted_s FROM articles WHERE id = ?", (article_id,))
        return row[0] if row else None

    def is_page_of_parts(self, article_id: str) -> bool:
        """Whether a tombstone stands for a page of which only parts were ever articles."""
        row = self._one("SELECT 1 FROM articles WHERE id = ? AND current IS NULL AND url IS NULL", (article_id,))
        return row is not None

    def restore(self, ids: Iterable[str], now_s: int) -> int:
        """Lift tombstones; inside a transaction. How many articles answer again.

        With a part of a page that is stored as parts only, the page's own goes: other parts keep theirs, and later ones
        are ingested again; and so is what has a tombstone without an article.
        """
        n = 0
        for article_id in ids:
            done = self._db.execute(
                "UPDATE articles SET retracted_s = NULL "
                "WHERE id = ? AND retracted_s IS NOT NULL AND current IS NOT NULL",
                (article_id,),
            )
            if done.rowcount:
                n += 1
                self._db.execute(
                    "INSERT OR REPLACE INTO restored SELECT number, ? FROM articles WHERE id = ?", (now_s, article_id)
                )
            # Not kept without its tombstone: an article without a version is none that `add` knows.
            self._db.execute("DELETE FROM articles WHERE id = ? AND current IS NULL", (article_id,))
            if page := page_of(article_id):
                self._db.execute("DELETE FROM articles WHERE id = ? AND current IS NULL AND url IS NULL", (page,))
        if n:
            self._bump()
        return n

    def restored_s(self, article_id: str) -> int | None:
        """When an article, or a part of it, was last restored; None for never, or where it was retracted since."""
        if self._one("SELECT 1 FROM sqlite_master WHERE name = 'restored'") is None:  # nobody has written here since
            return None
        row = self._one(
            "SELECT max(r.at_s) FROM restored r JOIN articles a ON a.number = r.article "
            "WHERE a.id IN (SELECT value FROM json_each(?))",
            (json.dumps([article_id, *self.parts_of(article_id)]),),
        )
        return row[0] if row else None

    def bury(self, article_id: str, url: str | None, retracted_s: int, now_s: int) -> None:
        """Set a tombstone where no article is, so that it is not ingested; inside a transaction."""
        self._db.execute(
            "INSERT INTO articles (id, url, first_seen_s, retracted_s) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (article_id, url, now_s, retracted_s),
        )

    def tombstones(self) -> list[tuple[str, str | None, int]]:
        """(id, URL, when) of all that is retracted, stored here or not, in the order of their numbers."""
        rows = self._rows("SELECT id, url, retracted_s FROM articles WHERE retracted_s IS NOT NULL ORDER BY number")
        return [(one, url, at_s) for one, url, at_s in rows]

    def _bury_page(self, page_id: str, now_s: int) -> None:
        """Tombstone a page that was never an article and has no part left; inside a transaction."""
        if page_id and all(map(self.is_retracted, self.parts_of(page_id))):
            self.bury(page_id, None, now_s, now_s)

    def _bump(self) -> None:
        """Count a change of what may answer; a manifest records the number it reflects."""
        self._db.execute(
            "INSERT INTO meta VALUES ('change', '1') "
            "ON CONFLICT DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
        )

    def change(self) -> int:
        """The number of the last change."""
        return self._number("SELECT value FROM meta WHERE key = 'change'")

    def content_hash(self, version: int) -> bytes:
        """What stands for the content of a version; empty where there is none of that number."""
        row = self._one("SELECT content_hash FROM versions WHERE version = ?", (version,))
        return bytes(row[0]) if row else b""

    def contents(self, after: int, upto: int) -> Iterator[bytes]:
        """Number and content hash of every version after one, up to another, in their order, for a digest.

        A version is never changed or deleted, so they stay what they are.
        """
        rows = self._stream(
            "SELECT version, content_hash FROM versions WHERE version > ? AND version <= ? ORDER BY version",
            (after, upto),
        )
        for version, content_hash in rows:
            yield version.to_bytes(8, "little") + content_hash

    # Articles out ---------------------------------------------------------------------------------------

    def article(self, version: int) -> Article | None:
        """One version with its text; None where it is unknown or retracted."""
        return next(iter(self._articles("v.version = ?", (version,))), None)

    def articles(self, versions: Iterable[int]) -> dict[int, Article]:
        """Versions by their numbers, each with its text, without those that are unknown or retracted."""
        numbers = json.dumps(list(versions))
        found = self._articles("v.version IN (SELECT value FROM json_each(?))", (numbers,))
        return {article.version: article for article in found}

    def versions(self, article_id: str) -> list[tuple[Article, int, int]]:
        """(version, valid from, valid to) of every version of an article, in the order of their validity.

        Empty where it is unknown or retracted; `ALWAYS` and `NEVER` stand for no bound.
        """
        rows = self._rows(
            "SELECT v.version, v.valid_from_s, v.valid_to_s FROM versions v JOIN articles a ON a.number = v.article "
            "WHERE a.id = ? ORDER BY v.valid_from_s, v.version",
            (article_id,),
        )
        found = ((self.article(version), first_s, last_s) for version, first_s, last_s in rows)
        return [(article, first_s, last_s) for article, first_s, last_s in found if article is not None]

    def valid_from_s(self, version: int) -> int | None:
        """Since when a version is valid; None where it was from the start, or since the update its publisher names."""
        row = self._one("SELECT valid_from_s, published_s, updated FROM versions WHERE version = ?", (version,))
        if row is None or row[2] is not None or row[0] in (ALWAYS, row[1]):
            return None
        return int(row[0])

    def export(self, *, all_versions: bool = True) -> Iterator[tuple[Article, str]]:
        """(article, extra fields as JSON or "") of every live article, versions in their order."""
        condition = "1" if all_versions else "v.version = a.current"
        last = 0
        while True:  # short reads, so that a slow consumer never holds the write-ahead log back
            rows = self._rows(
                "SELECT v.version, v.extra FROM versions v JOIN articles a ON a.number = v.article "
                f"WHERE a.retracted_s IS NULL AND {condition} AND v.version > ? ORDER BY v.version LIMIT 200",
                (last,),
            )
            if not rows:
                return
            for version, extra in rows:
                article = self.article(version)
                if article is not None:
                    yield article, extra
            last = rows[-1][0]

    def _articles(self, condition: str, values: Sequence[object]) -> Iterator[Article]:
        rows = self._rows(
            "SELECT a.id, v.version, a.url, v.title, v.published, v.updated, v.source, v.authors, t.text, v.cuts,"
            " v.language, v.is_stub, v.correction, c.id, (SELECT min(w.valid_from_s) FROM versions w"
            " WHERE w.article = v.article AND w.valid_from_s > v.valid_from_s"
            " AND w.correction NOT IN ('', v.correction)) FROM versions v JOIN articles a ON a.number = v.article "
            "JOIN texts t ON t.version = v.version LEFT JOIN articles c ON c.number = v.copy_of "
            f"WHERE a.retracted_s IS NULL AND {condition}",
            values,
        )
        for row in rows:
            yield Article(
                id=row[0],
                version=row[1],
                url=row[2],
                title=row[3],
                published=row[4],
                updated=row[5],
                source=row[6],
                authors=tuple(json.loads(row[7])),
                text=row[8],
                cuts=tuple(json.loads(row[9])),
                language=row[10],
                is_stub=bool(row[11]),
                correction=row[12],
                copy_of=row[13],
                corrected_s=row[14],
            )

    def retracted(self) -> frozenset[int]:
        """Numbers of the articles that may not answer."""
        rows = self._rows("SELECT number FROM articles WHERE retracted_s IS NOT NULL AND current IS NOT NULL")
        return frozenset(row[0] for row in rows)

    def article_ids(self, numbers: Sequence[int]) -> dict[int, tuple[str, str | None]]:
        """(id, URL) by article number."""
        rows = self._rows_in("SELECT number, id, url FROM articles WHERE number", numbers)
        return {number: (article_id, url) for number, article_id, url in rows}

    def source_counts(self) -> list[SourceCount]:
        """Outlets with their live articles and dates, largest first."""
        rows = self._rows(
            "SELECT v.source, count(*), min(v.published), max(v.published) FROM articles a "
            "JOIN versions v ON v.version = a.current WHERE a.retracted_s IS NULL "
            "GROUP BY v.source ORDER BY count(*) DESC, v.source"
        )
        return [SourceCount(*row) for row in rows]

    def counts(self) -> Mapping[str, int]:
        """How many live articles, versions, copies, stubs and retracted articles there are."""
        row = self._one(
            "SELECT count(*), sum(v.copy_of IS NOT NULL), sum(v.is_stub) FROM articles a "
            "JOIN versions v ON v.version = a.current WHERE a.retracted_s IS NULL"
        )
        n_versions = self._one(
            "SELECT count(*) FROM versions v JOIN articles a ON a.number = v.article WHERE a.retracted_s IS NULL"
        )
        assert row is not None and n_versions is not None
        return {
            "articles": row[0],
            "versions": n_versions[0],
            "copies": row[1] or 0,
            "stubs": row[2] or 0,
            "retracted": len(self.retracted()),
        }

    def newest(self, as_of_s: int) -> tuple[str, str] | None:
        """(title, published) of the newest live article not after an instant."""
        row = self._one(
            f"SELECT v.title, v.published FROM versions v {_LIVE} AND v.published_s <= ? "
            "ORDER BY v.published_s DESC LIMIT 1",
            (as_of_s,),
        )
        return (row[0], row[1]) if row else None

    def oldest(self) -> str | None:
        """Publication of the oldest dated live article."""
        row = self._one(
            f"SELECT v.published FROM versions v {_LIVE} AND v.published_s IS NOT NULL ORDER BY v.published_s LIMIT 1"
        )
        return row[0] if row else None

    def text_size(self, n_samples: int) -> tuple[int, list[str]]:
        """Code points of all texts, and some of the texts, evenly taken."""
        row = self._one("SELECT coalesce(sum(length(text)), 0), count(*) FROM texts")
        assert row is not None
        step = max(1, row[1] // n_samples)
        rows = self._rows("SELECT text FROM texts WHERE version % ? = 0 LIMIT ?", (step, n_samples))
        return row[0], [text for (text,) in rows]

    def n_passages(self, splitter: int, after_version: int = 0) -> int:
        """Passages stored under a way of splitting, of versions after one."""
        return self._number(
            "SELECT count(*) FROM passages WHERE splitter = ? AND version > ?", (splitter, after_version)
        )

    # Passages and vectors -------------------------------------------------------------------------------

    def _key_id(self, table: str, key: str) -> int:
        row = self._one(f"SELECT id FROM {table} WHERE key = ?", (key,))
        if row is not None:
            return int(row[0])
        if not self._write:
            return 0
        with self.transaction():
            cursor = self._db.execute(f"INSERT INTO {table} (key) VALUES (?)", (key,))
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def splitter_id(self, key: str) -> int:
        """Number of a way of splitting, made on first use; for a reader 0, under which nothing is stored."""
        return self._key_id("splitters", key)

    def splitter_keys(self) -> list[str]:
        """Keys of the ways of splitting that there are passages of, the newest first."""
        rows = self._rows(
            "SELECT key FROM splitters s WHERE EXISTS (SELECT 1 FROM passages p WHERE p.splitter = s.id) "
            "ORDER BY id DESC"
        )
        return [row[0] for row in rows]

    def model_id(self, key: str) -> int:
        """Number of a model, likewise."""
        return self._key_id("models", key)

    def unsplit(self, splitter: int, limit: int, after: int = 0) -> list[Article]:
        """Live versions behind number `after` without passages under `splitter`, in their order; at most `limit`."""
        rows = self._rows(
            "SELECT v.version FROM versions v JOIN articles a ON a.number = v.article WHERE a.retracted_s IS NULL "
            "AND v.version > max(?, coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?), 0)) "
            "ORDER BY v.version LIMIT ?",
            (after, f"split.{splitter}", limit),
        )
        return self._versions_in(rows)

    def unsplit_before(self, splitter: int) -> list[Article]:
        """Versions of restored articles that were passed over when the versions around them were split, in their order.

        What is retracted is not split, and with a change of the passage length its old passages go.
        """
        rows = self._rows(
            "SELECT v.version FROM restored r JOIN versions v ON v.article = r.article "
            "WHERE v.version <= (SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?) "
            "AND NOT EXISTS (SELECT 1 FROM passages p WHERE p.splitter = ? AND p.version = v.version) "
            "ORDER BY v.version",
            (f"split.{splitter}", splitter),
        )
        return self._versions_in(rows)

    def _versions_in(self, rows: Iterable[Row]) -> list[Article]:
        """The versions whose numbers come first in rows, without those that may not be shown."""
        numbers = [row[0] for row in rows]
        found = self.articles(numbers)
        return [found[number] for number in numbers if number in found]

    def add_passages(self, splitter: int, upto: int, rows: Sequence[PassageRow]) -> None:
        """Store the passages of versions up to number `upto`, which then count as split; one transaction.

        What counted as split before goes on doing so.
        """
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO passages VALUES (?, ?, ?, ?, ?, ?)",
                ((splitter, r.version, r.span.start, r.span.end, r.n_tokens, r.hash) for r in rows),
            )
            self._db.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value "
                "WHERE CAST(excluded.value AS INTEGER) > CAST(value AS INTEGER)",
                (f"split.{splitter}", str(upto)),
            )

    def n_unembedded(self, splitter: int, model: int) -> int:
        """Distinct embedding texts of live passages that have no cached vector."""
        return self._number(f"SELECT count(DISTINCT p.hash) {_UNEMBEDDED}", (model, splitter))

    def unembedded(self, splitter: int, model: int, after: tuple[int, int], limit: int) -> list[PassageRow]:
        """The next live passages without a cached vector, in the order (version, start), at most `limit`."""
        rows = self._rows(
            f"SELECT p.version, p.start, p.end, p.n_tokens, p.hash {_UNEMBEDDED} AND (p.version, p.start) > (?, ?) "
            "ORDER BY p.version, p.start LIMIT ?",
            (model, splitter, *after, limit),
        )
        return [PassageRow(r[0], Span(r[1], r[2]), r[3], r[4]) for r in rows]

    def add_embeddings(
        self, model: int, hashes: Sequence[bytes], vectors: npt.NDArray[np.float16 | np.float32]
    ) -> None:
        """Cache vectors, (n, dim), at half precision; one transaction."""
        halves = vectors.astype(np.float16, copy=False)
        # In the order of the table: neighbours go to the same page.
        rows = sorted(zip(hashes, halves, strict=True), key=itemgetter(0))
        with self.transaction():
            self._db.executemany(
                "INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", ((model, key, row.tobytes()) for key, row in rows)
            )

    def version_rows(self) -> Iterator[VersionRow]:
        """Every live version, ascending."""
        sql = (
            "SELECT v.version, v.article, coalesce(o.copy_of, v.copy_of, v.article), v.source, v.language, v.title,"
            " v.published, v.published_s, v.valid_from_s, v.valid_to_s FROM versions v "
            "JOIN articles a ON a.number = v.article "
            "LEFT JOIN articles oa ON oa.number = v.copy_of LEFT JOIN versions o ON o.version = oa.current "
            "WHERE a.retracted_s IS NULL ORDER BY v.version"
        )
        for row in self._stream(sql):
            yield VersionRow(*row)

    def indexed_passages(
        self, splitter: int, model: int, dim: int, after: tuple[int, int], limit: int
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float16], npt.NDArray[np.bool_]]:
        """The next live passages, in the order (version, start), with the vectors that are cached.

        Returns:
            (n, 4) int64 of version, start, end, n_tokens; (n, dim) float16, zero where no vector is cached; and the
            (n,) mask of where one is.
        """
        rows = self._rows(
            "SELECT p.version, p.start, p.end, p.n_tokens, e.vector FROM passages p "
            "LEFT JOIN embeddings e ON e.model = ? AND e.hash = p.hash "
            "JOIN versions v ON v.version = p.version JOIN articles a ON a.number = v.article "
            "WHERE p.splitter = ? AND (p.version, p.start) > (?, ?) AND a.retracted_s IS NULL "
            "ORDER BY p.version, p.start LIMIT ?",
            (model, splitter, *after, limit),
        )
        places = np.array([row[:4] for row in rows], np.int64).reshape(-1, 4)
        none = bytes(2 * dim)
        vectors = np.frombuffer(bytearray().join(row[4] or none for row in rows), np.float16)
        has_vector = np.array([row[4] is not None for row in rows], bool)
        return places, vectors.reshape(-1, dim), has_vector

    def cached(self) -> tuple[int, int]:
        """How many vectors are cached, and their bytes in the file."""
        row = self._one("SELECT count(*), coalesce(sum(length(vector) + length(hash)), 0) FROM embeddings")
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def drop_cache(self) -> None:
        """Forget every cached vector and give their room back to the disk; takes as long as copying the file twice.

        What stays is written to a passing file, and from there to the log, both beside the corpus.

        Raises:
            StoreError: There is no room for that, and every vector stays; or it could not be written.
        """
        needed = 2 * (self.size_bytes() - self.cached()[1])
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            raise StoreError(
                f"Dropping the cache needs {needed / 1e6:,.0f} MB of disk in {self.folder} for a while and "
                f"{free / 1e6:,.0f} MB are free; free some space and run the same command again."
            )
        with self.transaction():
            self._db.execute("DELETE FROM embeddings")
        beside = str(self.folder.absolute()).replace("'", "''")
        with self._translating():
            # Else the passing file goes to the system's temporary folder, which may be small, or memory.
            self._db.execute(f"PRAGMA temp_store_directory = '{beside}'")
            try:
                self._db.execute("VACUUM")
            finally:
                self._db.execute("PRAGMA temp_store_directory = ''")

    def forget_other_splitters(self, splitter: int) -> None:
        """Drop the passages of every other way of splitting; after a re-index has been switched to."""
        with self.transaction():
            self._db.execute("DELETE FROM passages WHERE splitter != ?", (splitter,))
            self._db.execute(
                "DELETE FROM meta WHERE key LIKE 'split.%' AND key != ?",
                (f"split.{splitter}",),
            )


_UNEMBEDDED = (
    "FROM passages p JOIN versions v ON v.version = p.version JOIN articles a ON a.number = v.article "
    "LEFT JOIN embeddings e ON e.model = ? AND e.hash = p.hash "
    "WHERE p.splitter = ? AND e.hash IS NULL AND a.retracted_s IS NULL"
)


def page_of(article_id: str) -> str:
    """The id of the page that an article is a part of; "" for a whole page."""
    page, _, part = article_id.rpartition("#")
    return "" if part.startswith("!") else page
