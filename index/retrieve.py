"""From a question to ranked passages: words and vectors, filters, recency.

`fuse` is pure arithmetic over candidates; `Retriever` gathers them from one snapshot. Knows nothing about
sentences, quotes or how an answer looks.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.session import n_cores
from index.snapshot import Snapshot
from index.store import ALWAYS
from index.types import DAY_S, Embedder, Filters, Hit, Span, Vectors
from index.words import content_terms

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each sign counts.

    Attributes:
        words: Share of BM25 in the fused score, after both are brought to [0, 1]; the rest is the cosine's.
        recency: What an article of the question's own moment gains over an old one.
        recency_days: Days after which that gain has fallen to 1/e.
        age: What it gains beside that over one that is years old: of two past events the newer is meant.
        age_days: Days after which that gain has fallen to 1/e.
        window: What an article inside an inferred time window gains.
        window_days: Days outside the window after which that gain has fallen to 1/e.
    """

    words: float = 0.4
    recency: float = 0.25
    recency_days: float = 14.0
    age: float = 0.15
    age_days: float = 365.0
    window: float = 0.25
    window_days: float = 7.0


N_CANDIDATES = 200
MIN_TOP_COSINE = 0.1


@dataclass(frozen=True, slots=True)
class Searched:
    """What a question was asked of, for saying so where nothing was found.

    Attributes:
        n_articles: Articles that were allowed to answer.
        first_s: Oldest publication among them, or None where none is dated.
        last_s: Newest publication among them, or None.
    """

    n_articles: int
    first_s: int | None
    last_s: int | None


def fuse(
    cosines: Floats, bm25: Floats, published_s: Ints, now_s: int, window: tuple[int, int] | None, weights: Weights
) -> tuple[Floats, Floats]:
    """Scores of candidates, higher is better, and the part of each that its date gave.

    Args:
        cosines: (n,) cosine with the question.
        bm25: (n,) BM25 score, 0 where unknown.
        published_s: (n,) instants, `ALWAYS` for unknown.
        now_s: The question's moment.
        window: Inferred time as inclusive instants, or None.
        weights: See there.
    """
    best = float(bm25.max()) if len(bm25) else 0.0
    by_words = bm25 / best if best > 0 else bm25
    # Cosines of news passages with a question lie in .2 … .8; stretching by the best found keeps weak questions
    # from being ruled by their words alone. Below .1 nothing is near, and stretching would only magnify noise.
    by_vectors = cosines / max(float(cosines.max(initial=0.0)), MIN_TOP_COSINE)
    dated = published_s != ALWAYS
    age_days = np.where(dated, np.maximum(0, now_s - published_s) / DAY_S, np.inf)
    by_date = weights.recency * np.exp(-age_days / weights.recency_days)
    by_date += weights.age * np.exp(-age_days / weights.age_days)
    if window is not None:
        since, until = window
        outside = np.maximum(0, np.maximum(since - published_s, published_s - until)) / DAY_S
        inside = np.where(dated, weights.window * np.exp(-outside / weights.window_days), 0.0)
        by_date = by_date + inside
    return weights.words * by_words + (1 - weights.words) * by_vectors + by_date, by_date


class Retriever:
    """Finds passages in one snapshot.

    Args:
        snapshot: Opened for searching.
        embedder: The one the snapshot was made with.
    """

    def __init__(self, snapshot: Snapshot, embedder: Embedder, weights: Weights | None = None) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._weights = weights or Weights()
        # Words are searched while the question is embedded; neither holds the interpreter.
        self._beside = ThreadPoolExecutor(n_cores(), thread_name_prefix="words")

    def retrieve(
        self,
        topic: str,
        filters: Filters,
        *,
        window: tuple[int, int] | None = None,
        retracted: Collection[int] = (),
        k: int = 50,
        query: Vectors | None = None,
    ) -> list[Hit]:
        """The `k` best passages for a question, best first; [] where nothing is allowed.

        Args:
            topic: The words to search with.
            filters: Applied inside both searches.
            window: Inferred time, inclusive instants; moves the ranking only.
            retracted: Numbers of articles that may not answer.
            k: At most so many.
            query: The topic's vector, where the caller has it.
        """
        snapshot = self._snapshot
        scope = snapshot.scopes.of(filters, retracted)
        if not scope.n_passages:
            return []
        by_words = self._beside.submit(
            snapshot.words.search, content_terms(topic), N_CANDIDATES, scope.word_filters, scope.mask
        )
        if query is None:
            query = self._embedder.embed_query(topic)
        near, cosines = snapshot.vectors.search(query, N_CANDIDATES, scope.selection)
        worded, bm25 = by_words.result()
        rows = np.union1d(near, worded)
        missing = np.setdiff1d(worded, near)
        all_cosines = np.zeros(len(rows), np.float64)
        all_cosines[np.searchsorted(rows, near)] = cosines
        all_cosines[np.searchsorted(rows, missing)] = snapshot.vectors.cosines(query, missing)
        all_bm25 = np.zeros(len(rows), np.float64)
        all_bm25[np.searchsorted(rows, worded)] = bm25
        passages = snapshot.passages[rows]
        versions = snapshot.versions[passages["version_row"]]
        published = versions["published_s"].astype(np.int64)
        scores, by_date = fuse(all_cosines, all_bm25, published, filters.as_of_s, window, self._weights)
        order = np.lexsort((rows, -scores))[:k]
        columns = (
            rows[order],
            versions["version"][order],
            passages["start"][order],
            passages["end"][order],
            scores[order],
            all_cosines[order],
            all_bm25[order],
            by_date[order],
        )
        return [
            Hit(row, version, Span(start, end), score, cosine, words, recency)
            for row, version, start, end, score, cosine, words, recency in zip(
                *(column.tolist() for column in columns), strict=True
            )
        ]

    def searched(self, filters: Filters, retracted: Collection[int] = ()) -> Searched:
        """What these filters leave of the corpus."""
        scope = self._snapshot.scopes.of(filters, retracted)
        return Searched(scope.n_articles, scope.first_s, scope.last_s)
