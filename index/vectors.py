"""The vector index: unit vectors in, rows and cosines out. The only module that imports faiss.

An index is a few *segments*, each one file over consecutive rows: a large main one, and what came later. Small
segments are searched exactly, middling ones at 8 bits a component, large ones through an inverted file at 8 bits.
All use the inner product of unit vectors, which is the cosine: higher is better, and no distance leaves this module.
A file is mapped into memory, read where a search touches it, and never written once it is searched.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index.errors import IndexCorrupt
from index.types import Vectors

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Cosines = npt.NDArray[np.float32]

# The store keeps half precision, so half precision loses nothing; searching so many takes some 2 ms on one core.
EXACT_BELOW = 20_000
# Every row at 8 bits a component takes some 4 ms here; an inverted file is ten times faster and must be trained.
INVERTED_FROM = 50_000
# Share of an inverted file's lists that a search without a mask looks into; see EXPERIMENTS.md, "Scale".
PROBED_SHARE = 1 / 16
LEAST_PROBED = 32
# Vectors a list that training sees, and in all: the latter bounds the memory of a build.
TRAIN_PER_LIST = 64
TRAIN_AT_MOST = 131_072
TRAIN_ROUNDS = 6
# Up to so many allowed rows are compared one by one: quicker than any list, and exact.
ONE_BY_ONE = 4096
_BATCH = 16_384


def index_kind(n: int) -> str:
    """The faiss factory string for `n` vectors, as the manifest records it."""
    if n < EXACT_BELOW:
        return "SQfp16"
    if n < INVERTED_FROM:
        return "SQ8"
    n_lists = 2 ** round(math.log2(2 * math.sqrt(n)))
    return f"IVF{n_lists},SQ8"


def build_vectors(path: Path, vectors: npt.NDArray[np.floating[Any]], kind: str | None = None) -> str:
    """Write one segment.

    Args:
        path: File to write.
        vectors: (n, dim) of any float type, unit norm; may be a mapped file, and is read in order and in parts.
        kind: A faiss factory string instead of the one chosen by size.

    Returns:
        The kind written.
    """
    n, dim = vectors.shape
    kind = kind or index_kind(n)
    index = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if isinstance(index, faiss.IndexIVF):
        index.cp.niter = TRAIN_ROUNDS
        index.cp.min_points_per_centroid = 1  # else it complains on stderr of the bound above
        index.train(_sample(vectors, min(TRAIN_PER_LIST * index.nlist, TRAIN_AT_MOST)))
        _add_inverted(index, vectors)
    else:
        if not index.is_trained:
            index.train(_sample(vectors, TRAIN_AT_MOST))
        for batch in _batches(vectors):
            index.add(batch)
    faiss.write_index(index, str(path))
    return kind


def _add_inverted(index: Any, vectors: npt.NDArray[np.floating[Any]]) -> None:
    """Fill an inverted file whose lists are given their size first: growing ones would take twice the memory."""
    assigned = np.zeros(len(vectors), np.int64)
    at = 0
    for batch in _batches(vectors):
        assigned[at : at + len(batch)] = index.quantizer.assign(batch, 1)[:, 0]
        at += len(batch)
    for place, size in enumerate(np.bincount(assigned, minlength=index.nlist).tolist()):
        index.invlists.resize(place, size)
        index.invlists.resize(place, 0)
    at = 0
    for batch in _batches(vectors):
        rows = np.arange(at, at + len(batch), dtype=np.int64)
        places = np.ascontiguousarray(assigned[at : at + len(batch)])
        index.add_core(len(batch), faiss.swig_ptr(batch), faiss.swig_ptr(rows), faiss.swig_ptr(places), None)
        at += len(batch)


def _batches(vectors: npt.NDArray[np.floating[Any]]) -> Iterator[Vectors]:
    for start in range(0, len(vectors), _BATCH):
        yield np.ascontiguousarray(vectors[start : start + _BATCH], np.float32)


def _sample(vectors: npt.NDArray[np.floating[Any]], wanted: int) -> Vectors:
    """Some of them, evenly over all, so that no period of the news is left out of the training."""
    n = len(vectors)
    if n <= wanted:
        return np.ascontiguousarray(vectors, np.float32)
    rows = np.sort(np.random.default_rng(0).choice(n, wanted, replace=False))
    sample: Vectors = np.ascontiguousarray(vectors[rows], np.float32)
    return sample


class Selection:
    """Rows that may be found, prepared once for any number of searches.

    Attributes:
        mask: (n,) over the rows of the whole index.
        n: How many are allowed.
    """

    def __init__(self, mask: Mask, ends: Sequence[int]) -> None:
        self.mask = mask
        self.n = int(np.count_nonzero(mask))
        starts = [0, *ends[:-1]]
        self._parts = [_Part(mask[start:end]) for start, end in zip(starts, ends, strict=True)]

    def part(self, at: int) -> _Part:
        """What it means for one segment."""
        return self._parts[at]


class _Part:
    """A selection within one segment; rows are counted from the segment's first."""

    def __init__(self, mask: Mask) -> None:
        self.n = int(np.count_nonzero(mask))
        self.is_all = self.n == len(mask)
        self.rows: Rows | None = np.flatnonzero(mask) if self.n <= ONE_BY_ONE else None
        # faiss reads the bits where they lie; they live as long as the selector does
        self._bits = np.packbits(mask, bitorder="little")
        self.selector: Any = faiss.IDSelectorBitmap(self._bits)


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """A file of vectors, and how many its manifest says it holds."""

    path: Path
    n: int


class _Segment:
    """One file opened for searching; rows are counted from its first."""

    def __init__(self, file: SegmentFile) -> None:
        remedy = "run `newsquote rollback` or `newsquote reindex`"
        try:
            self._index: Any = faiss.read_index(str(file.path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexCorrupt(f"{file.path} cannot be read as a vector index; {remedy}.") from error
        if self._index.ntotal != file.n:
            raise IndexCorrupt(
                f"{file.path} holds {self._index.ntotal} vectors and its manifest says {file.n}; {remedy}."
            )
        self.n = file.n
        self._n_lists = self._index.nlist if isinstance(self._index, faiss.IndexIVF) else 0
        self._mapping = threading.Lock()

    def search(self, query: Vectors, k: int, part: _Part | None) -> tuple[Rows, Cosines]:
        """The nearest rows and their cosines, best first."""
        n_allowed = self.n if part is None else part.n
        k = min(k, n_allowed)
        if k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if part is not None and part.rows is not None and not part.is_all:
            cosines = self.cosines(query, part.rows)
            best = np.argsort(-cosines, kind="stable")[:k]
            return part.rows[best], cosines[best]
        selector = None if part is None or part.is_all else part.selector
        if not self._n_lists:
            return self._searched(query, k, faiss.SearchParameters(sel=selector))
        probe = max(LEAST_PROBED, int(self._n_lists * PROBED_SHARE))
        # A narrow filter leaves few rows in each list: probe as many more.
        probe = min(self._n_lists, math.ceil(probe * self.n / n_allowed))
        rows, cosines = self._searched(query, k, faiss.SearchParametersIVF(sel=selector, nprobe=probe))
        if len(rows) < k and probe < self._n_lists:
            # All that is allowed lies far from the question (another year, another outlet): look everywhere.
            rows, cosines = self._searched(query, k, faiss.SearchParametersIVF(sel=selector, nprobe=self._n_lists))
        return rows, cosines

    def _searched(self, query: Vectors, k: int, parameters: Any) -> tuple[Rows, Cosines]:
        cosines, rows = self._index.search(query.reshape(1, -1), k, params=parameters)
        found = rows[0] >= 0  # faiss fills up with -1
        return rows[0][found], cosines[0][found]

    def vectors(self, rows: Rows) -> Vectors:
        """(m, dim), as precise as the segment keeps them."""
        if self._n_lists and self._index.direct_map.type != faiss.DirectMap.Array:
            with self._mapping:  # from a row to its place in the lists: 8 bytes a row, made when first needed
                if self._index.direct_map.type != faiss.DirectMap.Array:
                    self._index.make_direct_map()
        found: Vectors = self._index.reconstruct_batch(rows)
        return found

    def cosines(self, query: Vectors, rows: Rows) -> Cosines:
        """Of the query with given rows, in their order."""
        found: Cosines = self.vectors(rows) @ query
        return found


class VectorIndex:
    """Segments opened for searching as one; immutable, so that threads may share it.

    Args:
        files: In the order of their rows.

    Raises:
        IndexCorrupt: A file is missing or not what faiss wrote.
    """

    def __init__(self, files: Sequence[SegmentFile]) -> None:
        self._segments = [_Segment(file) for file in files]
        self._ends = np.cumsum([file.n for file in files]).tolist()
        self.n: int = self._ends[-1] if self._ends else 0

    def selection(self, mask: Mask) -> Selection:
        """A mask of length `n`, prepared for searching."""
        return Selection(mask, self._ends)

    def search(self, query: Vectors, k: int, allowed: Selection | None = None) -> tuple[Rows, Cosines]:
        """The `k` nearest rows and their cosines, best first; fewer where fewer are allowed.

        Args:
            query: (dim,) float32, unit norm.
            k: At most so many.
            allowed: The rows that may be found; None for all.
        """
        found = [
            segment.search(query, k, None if allowed is None else allowed.part(at))
            for at, segment in enumerate(self._segments)
        ]
        if len(found) == 1:
            return found[0]
        rows = np.concatenate(
            [np.zeros(0, np.int64), *(r + s for (r, _), s in zip(found, self._starts(), strict=True))]
        )
        cosines = np.concatenate([np.zeros(0, np.float32), *(c for _, c in found)])
        best = np.argsort(-cosines, kind="stable")[:k]
        return rows[best], cosines[best]

    def _starts(self) -> list[int]:
        return [0, *self._ends[:-1]]

    def vectors(self, rows: Rows) -> Vectors:
        """(m, dim) float32 of given rows, in their order, as precise as the index keeps them."""
        parts = np.searchsorted(self._ends, rows, side="right")
        found: Vectors | None = None
        for at, segment in enumerate(self._segments):
            here = np.flatnonzero(parts == at)
            if not len(here):
                continue
            vectors = segment.vectors(rows[here] - self._starts()[at])
            if found is None:
                found = np.empty((len(rows), vectors.shape[1]), np.float32)
            found[here] = vectors
        return np.zeros((0, 0), np.float32) if found is None else found

    def cosines(self, query: Vectors, rows: Rows) -> Cosines:
        """Cosines of the query with given rows, in their order; for passages that only their words found."""
        if not len(rows):
            return np.zeros(0, np.float32)
        found: Cosines = self.vectors(rows) @ query
        return found
