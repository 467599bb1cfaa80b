"""A corpus of any size for measuring: real passages, multiplied.

The texts are those of an ingested corpus with the sentences of each article shuffled, so that words and lengths stay
natural and no two passages are the same. The first copy of a passage has its own vector. A further one has its
original's, turned towards the vector of some other passage by an angle drawn from those between real passages and
their nearest neighbours: directions and neighbourhoods stay like the real ones, which `neighbourhood` shows. What
comes out is no news, its vectors are no model's of its texts, and quality is not to be measured on it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.sentences import sentence_spans
from index.snapshot import model_entry
from index.store import NewVersion, PassageRow, Store
from index.types import Article, Embedder, Span, Vectors
from ingest.indexing import splitter_key

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Originals:
    """Real articles with their passages.

    Attributes:
        articles: In the order of the store.
        spans: Of the passages of each.
        vectors: (n, dim) of all passages, in that order.
        cosines: (m,) of passages with the nearest one of another article.
    """

    articles: list[Article]
    spans: list[list[tuple[Span, int]]]
    vectors: Vectors
    cosines: npt.NDArray[np.float32]

    @property
    def n(self) -> int:
        """How many passages."""
        return len(self.vectors)


def read_originals(folder: Path, embedder: Embedder, passage_tokens: int, at_most: int) -> Originals:
    """The passages of an ingested corpus that have vectors, whole articles, up to about `at_most`."""
    articles: list[Article] = []
    spans: list[list[tuple[Span, int]]] = []
    parts: list[Vectors] = []
    owners: list[int] = []
    with Store(folder) as store:
        splitter = store.splitter_id(splitter_key(embedder, passage_tokens))
        model = store.model_id(model_entry(embedder).key)
        after = (0, -1)
        while len(owners) < at_most:
            places, vectors, known = store.indexed_passages(splitter, model, embedder.dim, after, 1000)
            if not len(places):
                break
            after = (int(places[-1, 0]), int(places[-1, 1]))
            for version, start, end, n_tokens in places[known].tolist():
                if not articles or articles[-1].version != version:
                    article = store.article(version)
                    assert article is not None
                    articles.append(article)
                    spans.append([])
                spans[-1].append((Span(start, end), n_tokens))
                owners.append(len(articles))
            parts.append(vectors[known].astype(np.float32))
    every: Vectors = np.concatenate(parts)
    return Originals(articles, spans, every, _nearest(every, np.array(owners)))


def _nearest(vectors: Vectors, owners: Ints, n: int = 2000) -> npt.NDArray[np.float32]:
    rows = np.random.default_rng(0).choice(len(vectors), min(n, len(vectors)), replace=False)
    cosines = vectors[rows] @ vectors.T
    cosines[owners[rows][:, None] == owners[None, :]] = -1
    found: npt.NDArray[np.float32] = np.minimum(cosines.max(axis=1), 0.999)  # a reprint would be the same passage
    return found


def neighbourhood(vectors: Vectors, n: int = 300) -> str:
    """Median cosine of some vectors with their 1st, 10th and 100th nearest, for comparing real and made-up ones."""
    rows = np.random.default_rng(1).choice(len(vectors), min(n, len(vectors)), replace=False)
    best = np.zeros((len(rows), 0), np.float32)
    for start in range(0, len(vectors), 100_000):
        cosines = vectors[rows].astype(np.float32) @ vectors[start : start + 100_000].astype(np.float32).T
        best = np.sort(np.concatenate([best, cosines], axis=1), axis=1)[:, -101:]
    medians = (float(np.median(best[:, -1 - rank])) for rank in (1, 10, 100))
    return " / ".join(f"{median:.3f}" for median in medians)


def turned(originals: Originals, rows: Ints, rng: np.random.Generator) -> Vectors:
    """Vectors of further copies of passages: each at a real neighbour's angle from its original."""
    own = originals.vectors[rows]
    other = originals.vectors[rng.integers(originals.n, size=len(rows))]
    other = other - (own * other).sum(axis=1, keepdims=True) * own
    other /= np.maximum(np.linalg.norm(other, axis=1, keepdims=True), 1e-6)
    cosine = rng.choice(originals.cosines, len(rows))[:, None]
    made = cosine * own + np.sqrt(1 - cosine**2) * other
    unit: Vectors = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    return unit


def made_vectors(originals: Originals, n: int, seed: int = 0) -> npt.NDArray[np.float16]:
    """(n, dim) as `fill` would store them, without the texts."""
    rng = np.random.default_rng(seed)
    made = np.empty((n, originals.vectors.shape[1]), np.float16)
    for start in range(0, n, originals.n):
        rows = np.arange(min(originals.n, n - start))
        made[start : start + len(rows)] = originals.vectors[rows] if not start else turned(originals, rows, rng)
    return made


def fill(
    store: Store, embedder: Embedder, passage_tokens: int, originals: Originals, n: int, now_s: int, first: int = 0
) -> int:
    """Store articles of at least `n` passages in all, with their passages and vectors, as an ingest would.

    Args:
        store: Open for writing.
        embedder: Names the model; embeds nothing.
        passage_tokens: Names the splitting.
        originals: What is multiplied.
        n: Passages to add.
        now_s: The moment.
        first: Number of the first article made; articles of the same number are the same.

    Returns:
        The number after the last article made.
    """
    splitter = store.splitter_id(splitter_key(embedder, passage_tokens))
    model = store.model_id(model_entry(embedder).key)
    starts = np.cumsum([0, *(len(each) for each in originals.spans)])
    n_made, number = 0, first
    while n_made < n:
        rows: list[PassageRow] = []
        vectors: list[Vectors] = []
        with store.transaction():
            for _ in range(200):
                copy, at = divmod(number, len(originals.articles))
                rng = np.random.default_rng([copy, at])
                article, spans = shuffled(originals.articles[at], originals.spans[at], copy, rng)
                article = replace(article, id=f"{article.id}#{number}", copy_of=None)
                version = store.add(_new_version(article, number), None, now_s)
                rows += [PassageRow(version, span, n_tokens, _hash(number, span.start)) for span, n_tokens in spans]
                own = np.arange(starts[at], starts[at + 1])
                vectors.append(turned(originals, own, rng) if copy else originals.vectors[own])
                number += 1
                n_made += len(spans)
                if n_made >= n:
                    break
        store.add_embeddings(model, [row.hash for row in rows], np.concatenate(vectors))
        store.add_passages(splitter, rows[-1].version, rows)
    return number


def _hash(number: int, start: int) -> bytes:
    return hashlib.blake2b(f"{number} {start}".encode(), digest_size=16).digest()


def _new_version(article: Article, number: int) -> NewVersion:
    key = _hash(number, -1)
    return NewVersion(article, "record", "", b"", key, key)


def shuffled(
    article: Article, spans: list[tuple[Span, int]], copy: int, rng: np.random.Generator
) -> tuple[Article, list[tuple[Span, int]]]:
    """A copy of an article whose sentences have changed places; the original where `copy` is 0."""
    if not copy:
        return article, spans
    sentences = [span.of(article.text) for span in sentence_spans(article.text)]
    rng.shuffle(sentences)
    texts: list[str] = []
    bounds: list[tuple[Span, int]] = []
    at = taken = 0
    for place, (span, n_tokens) in enumerate(spans):
        some: list[str] = []
        while taken < len(sentences) and (place == len(spans) - 1 or sum(len(each) for each in some) < len(span)):
            some.append(sentences[taken])
            taken += 1
        text = " ".join(some) or "…"
        texts.append(text)
        bounds.append((Span(at, at + len(text)), n_tokens))
        at += len(text) + 2
    return replace(article, text="\n\n".join(texts), cuts=()), bounds
