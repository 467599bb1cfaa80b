"""The vector index: unit vectors in, rows and cosines out. The only module that imports faiss.

Small corpora are searched exactly; from `EXACT_BELOW` passages an inverted file with 8-bit scalar quantisation
takes over. All indexes here use the inner product of unit vectors, which is the cosine: higher is better, and no
distance leaves this module. An index is never written once it is searched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index.errors import IndexCorrupt
from index.types import Vectors

# Exact search of 100,000 × 384 floats takes some 14 ms on one core and 150 MB; beyond, IVF is 20 times faster.
EXACT_BELOW = 100_000
# Recall@100 against exact search was .99 with 1/16 of the lists probed, at 300k passages of news.
PROBED_SHARE = 1 / 16
# Samples a list that the training of an inverted file sees; more moved recall by less than .002.
TRAIN_PER_LIST = 64


def index_kind(n: int) -> str:
    """The faiss factory string for `n` vectors, as the manifest records it."""
    if n < EXACT_BELOW:
        return "Flat"
    n_lists = 2 ** round(math.log2(4 * math.sqrt(n)))
    return f"IVF{n_lists},SQ8"


def build_vectors(
    path: Path, dim: int, n: int, batches: Callable[[], Iterator[Vectors]], kind: str | None = None
) -> str:
    """Write an index over `n` unit vectors, in the order of the batches.

    Args:
        path: File to write.
        dim: Length of a vector.
        n: How many there will be.
        batches: Called once, or twice where the index must be trained; yields (m, dim) float32.
        kind: A faiss factory string instead of the one chosen by size.

    Returns:
        The kind written.
    """
    kind = kind or index_kind(n)
    index = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(_sample(batches(), n, TRAIN_PER_LIST * index.nlist))
    for batch in batches():
        index.add(np.ascontiguousarray(batch, np.float32))
    faiss.write_index(index, str(path))
    return kind


def _sample(batches: Iterator[Vectors], n: int, wanted: int) -> Vectors:
    """An even sample over all batches, so that no period of the news is left out of the training."""
    keep = min(1.0, wanted / max(1, n))
    rng = np.random.default_rng(0)
    parts = [batch[rng.random(len(batch)) < keep] for batch in batches]
    sample: Vectors = np.concatenate(parts)
    return sample


class VectorIndex:
    """A vector index opened for searching only.

    Raises:
        IndexCorrupt: The file is missing or not what faiss wrote.
    """

    def __init__(self, path: Path, n: int) -> None:
        try:
            self._index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexCorrupt(
                f"{path} cannot be read as a vector index; run `newsquote rollback` or `newsquote reindex`."
            ) from error
        if self._index.ntotal != n:
            raise IndexCorrupt(
                f"{path} holds {self._index.ntotal} vectors and its manifest says {n}; run `newsquote rollback` "
                "or `newsquote reindex`."
            )
        self.n = n
        self._n_lists = getattr(faiss.downcast_index(self._index), "nlist", 0)

    def search(
        self, query: Vectors, k: int, allowed: npt.NDArray[np.bool_] | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The `k` nearest rows and their cosines, best first; fewer where fewer are allowed.

        Args:
            query: (dim,) float32, unit norm.
            k: At most so many.
            allowed: (n,) mask of the rows that may be found; None for all.
        """
        n_allowed = self.n if allowed is None else int(allowed.sum())
        k = min(k, n_allowed)
        if k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        selector = None
        if allowed is not None and n_allowed < self.n:
            selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
        if not self._n_lists:
            return self._searched(query, k, faiss.SearchParameters(sel=selector))
        probe = max(32, int(self._n_lists * PROBED_SHARE))
        # A narrow filter leaves few rows in each list: probe as many more.
        probe = min(self._n_lists, math.ceil(probe * self.n / n_allowed))
        rows, cosines = self._searched(query, k, faiss.SearchParametersIVF(sel=selector, nprobe=probe))
        if len(rows) < k and probe < self._n_lists:
            # All that is allowed lies far from the question (another year, another outlet): look everywhere.
            rows, cosines = self._searched(query, k, faiss.SearchParametersIVF(sel=selector, nprobe=self._n_lists))
        return rows, cosines

    def _searched(
        self, query: Vectors, k: int, parameters: Any
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        cosines, rows = self._index.search(query.reshape(1, -1), k, params=parameters)
        found = rows[0] >= 0  # faiss fills up with -1
        return rows[0][found], cosines[0][found]

    def cosines(self, query: Vectors, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Cosines of the query with given rows, in their order; for passages that only their words found."""
        if not len(rows):
            return np.zeros(0, np.float32)
        selector = faiss.IDSelectorBatch(rows)
        if self._n_lists:
            parameters: Any = faiss.SearchParametersIVF(sel=selector, nprobe=self._n_lists)
        else:
            parameters = faiss.SearchParameters(sel=selector)
        cosines, found = self._index.search(query.reshape(1, -1), len(rows), params=parameters)
        by_row = dict(zip(found[0].tolist(), cosines[0].tolist(), strict=True))
        return np.array([by_row.get(row, 0.0) for row in rows.tolist()], np.float32)
