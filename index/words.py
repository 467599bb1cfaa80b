"""The word index: question words in, passage rows and BM25 scores out. The only module that imports tantivy.

Words are folded for the index alone (lower case, accents off, English stems, pairs of characters where a script has no
spaces); the stored text is untouched.
What comes later is added to a copy whose files are links to the old ones: tantivy writes a file once and merges small
ones into new ones, and its statistics are those of the whole, so scores do not tell when a passage came.
Knows nothing about vectors, articles, or which version of one was valid when.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tantivy
from tantivy import FieldType, Filter, Occur, Query, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from index.errors import REPAIR, IndexCorrupt
from index.files import link
from index.scripts import searchable

_ANALYZER = "news"
_HEAP_BYTES = 128_000_000
# A word of the title says more about a passage than one of its text; 0.5 was best of 0…2 on held-out questions.
TITLE_WEIGHT = 0.5
MAX_KNOWN_IDF = 100_000

# Question and function words that would only blur BM25; an index of news knows their idf, but not that they ask.
_STOP_WORDS = """
a an and are as at be been being but by can could did do does for from had has have he her his how i if in into is
it its many me much my of on or our she should so than that the their them then there these they this those to us
was we were what when where which who whom whose why will with would you your about after before s t following
whats
"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


class WordRow(NamedTuple):
    """One passage as the word index takes it."""

    row: int
    title: str
    text: str
    published_s: int
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class WordFilters:
    """Bounds that hold inside the search.

    Attributes:
        as_of_s: Latest publication, inclusive; the undated stay. None for any.
        since_s: Earliest publication, inclusive; the undated drop out. None for any.
        until_s: Latest publication, inclusive; the undated drop out. None for any.
        sources: Lower-case outlets; empty for all.
        language: Code, or "" for all.
        first_row: Lowest row that may be found.
    """

    as_of_s: int | None = None
    since_s: int | None = None
    until_s: int | None = None
    sources: frozenset[str] = frozenset()
    language: str = ""
    first_row: int = 0


NO_FILTERS = WordFilters()


@lru_cache(maxsize=1)
def _analyzer() -> TextAnalyzer:
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(40))
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
        .filter(Filter.stemmer("english"))
        .build()
    )


def terms(text: str) -> list[str]:
    """The folded words of a text, in order, repeats and stop words included."""
    found: list[str] = _analyzer().analyze(searchable(text))
    return found


# Characters that no word has. Of the others, those of the Latin script lose an accent; where a text has any beyond, its
# words are folded all. The dotted capital I is two characters in small letters.
_BETWEEN_WORDS = frozenset(char for code in (*range(0xC0), *range(0x2010, 0x2070)) if not (char := chr(code)).isalnum())
_LAST_LATIN, _DOTTED = "\u024f", "\u0130"
_REST_OF_WORD = re.compile(r"[^\W_]*")


def terms_among(wanted: Collection[str], text: str) -> set[str]:
    """Which of some folded words a text has; what `terms` of it says too, in less than half the time."""
    accented = {char for char in set(text) - _BETWEEN_WORDS if char > "\x7f"}
    if _DOTTED in accented or any(char > _LAST_LATIN for char in accented):
        return set(wanted).intersection(terms(text))
    found: set[str] = set()
    if accented:
        words = [word for word in text.split() if not accented.isdisjoint(word)]
        found.update(set(wanted).intersection(terms(" ".join(words))))
    written = text.lower()
    return found.union(term for term in wanted if term not in found and _has_word(written, term))


def _has_word(written: str, term: str) -> bool:
    """Whether a text in small letters has a word of ASCII that is folded to `term`."""
    head = _head(term)
    at = written.find(head)
    while at >= 0:
        end = at + len(head)
        if not written[at - 1 : at].isalnum():
            found = _REST_OF_WORD.match(written, end)
            end = found.end() if found else end
            if _folded(written[at:end]) == term:
                return True
        at = written.find(head, end)
    return False


def _head(term: str) -> str:
    """What every word that is folded to `term` begins with: of its ending the last letter may be another ("happi")."""
    return term[0] if term in ("die", "lie", "tie", "vie") else term[: max(1, len(term) - 1)]  # "dying"


@lru_cache(maxsize=16_384)
def _folded(word: str) -> str:
    return next(iter(terms(word)), "")


@lru_cache(maxsize=1)
def _stop_terms() -> frozenset[str]:
    return frozenset(term for word in STOP_WORDS for term in terms(word))


def content_terms(text: str) -> list[str]:
    """The distinct folded words of a question that are worth searching, in order.

    A question of nothing but stop words keeps them all.
    """
    every = list(dict.fromkeys(terms(text)))
    return [term for term in every if term not in _stop_terms()] or every


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("title", tokenizer_name=_ANALYZER, index_option="freq")
    builder.add_text_field("text", tokenizer_name=_ANALYZER, index_option="freq")
    for name in ("row", "published"):
        builder.add_integer_field(name, fast=True)
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    return builder.build()


def build_words(folder: Path, rows: Iterable[WordRow]) -> None:
    """Write a word index into `folder`, which must exist and be empty."""
    _add(tantivy.Index(_schema(), path=str(folder)), rows)
    _open_up(folder)


def extend_words(earlier: Path, folder: Path, rows: Iterable[WordRow]) -> None:
    """Write into `folder`, which must exist and be empty, the word index `earlier` with further rows.

    `earlier` is left as it is: files that both have are one on the disk.
    """
    for path in earlier.iterdir():
        if path.suffix != ".lock":
            # The lists of files are replaced, not written to; copied all the same, as they are all that ever changes.
            (shutil.copyfile if path.suffix == ".json" else link)(path, folder / path.name)
    _add(tantivy.Index.open(str(folder)), rows)
    _open_up(folder)


def _add(index: tantivy.Index, rows: Iterable[WordRow]) -> None:
    index.register_tokenizer(_ANALYZER, _analyzer())
    writer = index.writer(_HEAP_BYTES, 1)  # one thread, one order: the same input gives the same scores
    for row in rows:
        entry = tantivy.Document(
            title=searchable(row.title),
            text=searchable(row.text),
            row=row.row,
            published=row.published_s,
            source=row.source.lower(),
            language=row.language,
        )
        writer.add_document(entry)
    writer.commit()
    writer.wait_merging_threads()


def _open_up(folder: Path) -> None:
    """tantivy makes some files for their owner alone; who may ask is the folder's matter."""
    mode = folder.stat().st_mode & 0o666
    for path in folder.iterdir():
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)


class WordIndex:
    """A word index opened for searching only.

    Raises:
        IndexCorrupt: The folder is not what tantivy wrote.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self._folder = folder
        with self._read():
            self._index = tantivy.Index.open(str(self._openable(folder)))
            self._index.register_tokenizer(_ANALYZER, _analyzer())
            self._schema = self._index.schema
            self._searcher = self._index.searcher()
        if self._searcher.num_docs != n:
            raise IndexCorrupt(
                f"{folder} holds {self._searcher.num_docs} passages and its manifest says {n}; {REPAIR}."
            )
        self.n = n
        self._idf: dict[str, float] = {}

    def _openable(self, folder: Path) -> Path:
        """The folder, or on a read-only disk a passing one of links to its files: tantivy opens no index without
        a lock file that it can write."""
        lock = folder / ".tantivy-meta.lock"
        if os.access(lock if lock.exists() else folder, os.W_OK):
            return folder
        links = Path(tempfile.mkdtemp(prefix="newsquote-words-"))
        weakref.finalize(self, shutil.rmtree, links, ignore_errors=True)
        for path in folder.iterdir():
            if path.suffix != ".lock":
                (links / path.name).symlink_to(path.absolute())
        return links

    @contextlib.contextmanager
    def _read(self) -> Iterator[None]:
        """Name what tantivy raises where a file holds something else than it wrote."""
        try:
            yield
        except BaseException as error:
            # A panic of its own is no `Exception`, and of a type that no module exports.
            if not isinstance(error, (ValueError, OSError, TypeError)) and type(error).__name__ != "PanicException":
                raise
            raise self._corrupt() from error

    def _corrupt(self) -> IndexCorrupt:
        return IndexCorrupt(f"{self._folder} cannot be read as a word index; {REPAIR}.")

    def has(self, term: str) -> bool:
        """Whether a folded word stands in any passage or title."""
        with self._read():
            return any(self._searcher.doc_freq(field, term) > 0 for field in ("text", "title"))

    def idf(self, term: str) -> float:
        """Inverse frequency of a folded word over passages, Robertson–Spärck Jones with BM25's smoothing; ≥ 0."""
        known = self._idf.get(term)
        if known is None:
            with self._read():
                n_with = self._searcher.doc_freq("text", term)
            known = math.log(1 + (self.n - n_with + 0.5) / (n_with + 0.5))
            if len(self._idf) >= MAX_KNOWN_IDF:
                self._idf.clear()
            self._idf[term] = known
        return known

    def search(
        self,
        question_terms: Iterable[str],
        k: int,
        filters: WordFilters = NO_FILTERS,
        allowed: npt.NDArray[np.bool_] | None = None,
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Rows of the `k` passages with the highest BM25 and their scores, best first.

        Args:
            question_terms: Folded words, see `content_terms`.
            k: At most so many.
            filters: Applied inside the search; cheap where they leave little.
            allowed: (n,) mask of the rows that may be found, applied to what the search finds; cheap where it leaves
                most. None for all.
        """
        with self._read():
            query = self._query(list(question_terms), filters)
        n_wanted = min(k, self.n)
        if query is None or n_wanted <= 0:  # tantivy panics at a limit of 0
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        n_asked = n_wanted
        while True:
            rows, scores = self._searched(query, n_asked)
            is_all = len(rows) < n_asked or n_asked >= self.n
            if allowed is not None:
                kept = allowed[rows]
                rows, scores = rows[kept], scores[kept]
            if len(rows) >= n_wanted or is_all:
                return rows[:n_wanted], scores[:n_wanted]
            n_asked = min(self.n, 4 * n_asked)

    def _searched(self, query: Query, k: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        with self._read():
            hits = self._searcher.search(query, k, count=False).hits
            rows = np.array(self._searcher.fast_field_values("row", [address for _, address in hits]), np.int64)
        scores = np.array([score for score, _ in hits], np.float32)
        if not (((rows >= 0) & (rows < self.n)).all() and np.isfinite(scores).all()):
            raise self._corrupt()
        return rows, scores

    def _query(self, question_terms: Sequence[str], filters: WordFilters) -> Query | None:
        wanted = [
            (Occur.Should, query)
            for term in question_terms
            for query in (
                Query.term_query(self._schema, "text", term),
                Query.boost_query(Query.term_query(self._schema, "title", term), TITLE_WEIGHT),
            )
        ]
        if not wanted:
            return None
        bounds = [(Occur.Must, Query.const_score_query(query, 0.0)) for query in self._bounds(filters)]
        query = Query.boolean_query(wanted)
        # Alone, a union of words skips what cannot come among the best.
        return Query.boolean_query([(Occur.Must, query), *bounds]) if bounds else query

    def _bounds(self, filters: WordFilters) -> Iterable[Query]:
        def published(low: int | None, high: int | None) -> Query:
            return Query.range_query(self._schema, "published", FieldType.Integer, low, high)

        if filters.as_of_s is not None:
            yield published(None, filters.as_of_s)
        if filters.since_s is not None:
            yield published(filters.since_s, None)
        if filters.until_s is not None:
            yield published(-(2**61), filters.until_s)  # an undated one sorts before that
        if filters.sources:
            yield self._any_of("source", sorted(filters.sources))
        if filters.language:
            yield self._any_of("language", [filters.language])
        if filters.first_row:
            yield Query.range_query(self._schema, "row", FieldType.Integer, filters.first_row, None)

    def _any_of(self, field: str, values: list[str]) -> Query:
        return Query.term_set_query(self._schema, field, values)
