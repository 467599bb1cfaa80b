"""Small stand-ins for what is slow or large: an embedder without a model, a silent progress, an ingest of drafts.

Nothing here is a mock: each does its work for real, only simpler.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from index.store import Store
from index.types import Embedder, Vectors
from ingest.draft import Draft, Reject
from ingest.indexing import finish, recipe_for
from ingest.pipeline import store_articles
from ingest.report import Report

# The moment of every ingest in the tests: later than every date of the sample corpus.
NOW_S = 1_751_328_000  # 2025-07-01

_TOKEN = re.compile(r"\w+|[^\w\s]")
_CHARS_PER_TOKEN = 6


class HashingEmbedder:
    """Texts that share words have a high cosine: signed counts of hashed words, brought to unit norm.

    A token is a punctuation mark or up to six characters of a word, so that long words count for several as they do
    in a real model. Two embedders of another `revision` give the same vectors under another name.
    """

    name = "hashing"
    runtime = "numpy"
    dim = 64
    max_tokens = 256

    def __init__(self, revision: str = "1") -> None:
        self.revision = revision
        self.n_embedded = 0

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [sum(-(-len(token) // _CHARS_PER_TOKEN) for token in _TOKEN.findall(text)) for text in texts]

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.n_embedded += len(texts)
        return np.array([_hashed(text, self.dim) for text in texts], np.float32).reshape(-1, self.dim)

    def embed_query(self, text: str) -> Vectors:
        return _hashed(text, self.dim)


def _hashed(text: str, dim: int) -> Vectors:
    vector = np.zeros(dim, np.float32)
    vector[0] = 0.1  # a text without words has a direction too
    for word in _TOKEN.findall(text.lower()):
        key = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        vector[key % dim] += 1.0 if key & 0x8000_0000 else -1.0
    norm = float(np.linalg.norm(vector))
    if norm == 0:  # the words cancelled each other
        vector[0], norm = 1.0, 1.0
    unit: Vectors = (vector / norm).astype(np.float32)
    return unit


class SilentProgress:
    """Takes every report of progress and keeps the last of each kind."""

    def __init__(self) -> None:
        self.n_stored = 0
        self.n_embedded = 0
        self.n_built = 0

    def stored(self, n: int, n_same: int) -> None:
        self.n_stored = n

    def embedded(self, n: int, n_all: int) -> None:
        self.n_embedded = n

    def building(self, n_passages: int) -> None:
        self.n_built += 1


def ingest_drafts(
    folder: Path,
    drafts: Iterable[Draft | Reject],
    embedder: Embedder | None = None,
    *,
    now_s: int = NOW_S,
    passage_tokens: int = 160,
) -> Report:
    """Store drafts in a data folder and bring its snapshot up to date, the way the ingest job does.

    Args:
        folder: The data folder; made where it is missing.
        drafts: As a source would give them.
        embedder: A `HashingEmbedder` if not given.
        now_s: The moment of the run.
        passage_tokens: Longest passage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chosen = embedder or HashingEmbedder()
    progress = SilentProgress()
    with Store(folder, write=True) as store:
        report = store_articles(drafts, store, now_s, progress)
        recipe = recipe_for(chosen, passage_tokens, "test")
        report.n_embedded, report.snapshot = finish(folder, store, chosen, recipe, now_s, progress)
    return report
