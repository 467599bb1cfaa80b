"""The word index: question words in, passage rows and BM25 scores out. The only module that imports tantivy.

Words are folded for the index alone (lower case, accents off, English stems); the stored text is untouched.
Knows nothing about vectors or articles.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tantivy
from tantivy import FieldType, Filter, Occur, Query, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

from index.errors import IndexCorrupt

_ANALYZER = "news"
_HEAP_BYTES = 128_000_000
# A word of the title says more about a passage than one of its text; 0.5 was best of 0…2 on held-out questions.
TITLE_WEIGHT = 0.5

# Question and function words that would only blur BM25; an index of news knows their idf, but not that they ask.
STOP_WORDS = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "being",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "many",
        "me",
        "much",
        "my",
        "of",
        "on",
        "or",
        "our",
        "she",
        "should",
        "so",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
        "about",
        "after",
        "before",
        "s",
        "t",
        "following",
        "whats",
    ]
)


@dataclass(frozen=True, slots=True)
class WordRow:
    """One passage as the word index takes it."""

    row: int
    title: str
    text: str
    published_s: int
    valid_from_s: int
    valid_to_s: int
    source: str
    language: str


@dataclass(frozen=True, slots=True)
class WordFilters:
    """Bounds that hold inside the search; instants inclusive, `valid_at_s` inside [valid_from, valid_to)."""

    valid_at_s: int
    since_s: int | None = None
    until_s: int | None = None
    sources: frozenset[str] = frozenset()
    language: str = ""


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
    found: list[str] = _analyzer().analyze(text)
    return found


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
    for name in ("row", "published", "valid_from", "valid_to"):
        builder.add_integer_field(name, fast=True)
    builder.add_text_field("source", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("language", tokenizer_name="raw", index_option="basic")
    return builder.build()


def build_words(folder: Path, rows: Iterable[WordRow]) -> None:
    """Write a word index into `folder`, which must exist and be empty."""
    index = tantivy.Index(_schema(), path=str(folder))
    index.register_tokenizer(_ANALYZER, _analyzer())
    writer = index.writer(_HEAP_BYTES, 1)  # one thread, one order: the same input gives the same scores
    for row in rows:
        entry = tantivy.Document(
            title=row.title,
            text=row.text,
            row=row.row,
            published=row.published_s,
            valid_from=row.valid_from_s,
            valid_to=row.valid_to_s,
            source=row.source.lower(),
            language=row.language,
        )
        writer.add_document(entry)
    writer.commit()
    writer.wait_merging_threads()
    mode = folder.stat().st_mode & 0o666
    # tantivy makes some of them for their owner alone; who may ask is the folder's matter.
    for path in folder.iterdir():
        path.chmod(mode)


class WordIndex:
    """A word index opened for searching only.

    Raises:
        IndexCorrupt: The folder is not what tantivy wrote.
    """

    def __init__(self, folder: Path, n: int) -> None:
        try:
            self._index = tantivy.Index.open(str(self._openable(folder)))
            self._index.register_tokenizer(_ANALYZER, _analyzer())
            self._schema = self._index.schema
            self._searcher = self._index.searcher()
        except (ValueError, OSError) as error:
            raise IndexCorrupt(
                f"{folder} cannot be read as a word index; run `newsquote rollback` or `newsquote reindex`."
            ) from error
        if self._searcher.num_docs != n:
            raise IndexCorrupt(
                f"{folder} holds {self._searcher.num_docs} passages and its manifest says {n}; run "
                "`newsquote rollback` or `newsquote reindex`."
            )
        self.n = n

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

    def idf(self, term: str) -> float:
        """Inverse frequency of a folded word over passages, Robertson–Spärck Jones with BM25's smoothing; ≥ 0."""
        n_with = self._searcher.doc_freq("text", term)
        return float(np.log(1 + (self.n - n_with + 0.5) / (n_with + 0.5)))

    def search(
        self, question_terms: Iterable[str], k: int, filters: WordFilters
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Rows of the `k` passages with the highest BM25 and their scores, best first.

        Args:
            question_terms: Folded words, see `content_terms`.
            k: At most so many.
            filters: Applied inside the search.
        """
        wanted = [
            (Occur.Should, query)
            for term in question_terms
            for query in (
                Query.term_query(self._schema, "text", term),
                Query.boost_query(Query.term_query(self._schema, "title", term), TITLE_WEIGHT),
            )
        ]
        k = min(k, self.n)
        if not wanted or k <= 0:  # tantivy panics at a limit of 0
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        bounds = [(Occur.Must, Query.const_score_query(query, 0.0)) for query in self._bounds(filters)]
        query = Query.boolean_query([(Occur.Must, Query.boolean_query(wanted)), *bounds])
        hits = self._searcher.search(query, k, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.array(rows, np.int64), np.array([score for score, _ in hits], np.float32)

    def _bounds(self, filters: WordFilters) -> Iterable[Query]:
        def between(field: str, low: int | None, high: int | None) -> Query:
            return Query.range_query(self._schema, field, FieldType.Integer, low, high)

        yield between("valid_from", None, filters.valid_at_s)
        yield between("valid_to", filters.valid_at_s + 1, None)
        yield between("published", None, filters.valid_at_s)
        if filters.since_s is not None:
            yield between("published", filters.since_s, None)
        if filters.until_s is not None:
            yield between("published", -(2**61), filters.until_s)  # an undated one sorts before that
        if filters.sources:
            yield self._any_of("source", sorted(filters.sources))
        if filters.language:
            yield self._any_of("language", [filters.language])

    def _any_of(self, field: str, values: list[str]) -> Query:
        return Query.term_set_query(self._schema, field, values)
