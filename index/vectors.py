"""The vector index: unit vectors in, rows and cosines out. The only module that imports faiss.

An index is a few *segments*, each one file over consecutive rows: a large main one, and what came later. A small
segment is searched exactly at half precision. A large one is kept twice: at 4 bits for every three or four components,
which are scanned whole at some 150 rows a microsecond, and at 8 bits a component, by which the best of that scan are
put in order. All use the inner product of unit vectors, which is the cosine: higher is better, and no distance leaves
this module. A file is mapped into memory and never written once it is searched; of a large segment the short codes
alone are held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from index.errors import REPAIR, IndexCorrupt
from index.types import Vectors

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
Cosines = npt.NDArray[np.float32]

# The store keeps half precision, so half precision loses nothing; searching so many takes some 2 ms on one core.
EXACT_BELOW = 10_000
# So many times the rows that are wanted are taken from the scan; see EXPERIMENTS.md, "Scale".
CANDIDATES = 8
# With a mask the scan must give as many more; below this share comparing what is allowed at 8 bits is quicker.
LEAST_SHARE = 0.2
# Up to so many allowed rows are compared one by one.
ONE_BY_ONE = 1000
# Vectors that training sees: sixteen centroids a part need few, the bounds of 8 bits want many.
TRAIN_CODES = 4096
TRAIN_BOUNDS = 65_536
TRAIN_ROUNDS = 6
_BATCH = 16_384


def index_kind(n: int, dim: int) -> str:
    """The faiss factory string for `n` vectors of a length, as the manifest records it."""
    if n < EXACT_BELOW:
        return "SQfp16"
    for part in (3, 4):
        if dim % part == 0:
            return f"PQ{dim // part}x4fs,Refine(SQ8)"
    return "SQ8"


def bytes_a_vector(n: int, dim: int) -> int:
    """What one of `n` vectors of a length takes in a segment of its own, headers apart."""
    return int(faiss.index_factory(dim, index_kind(n, dim), faiss.METRIC_INNER_PRODUCT).sa_code_size())


def build_vectors(
    path: Path, vectors: npt.NDArray[np.floating[Any]], kind: str | None = None, like: Path | None = None
) -> str:
    """Write one segment.

    Args:
        path: File to write.
        vectors: (n, dim) of any float type, unit norm; may be a mapped file, and is read in order and in parts.
        kind: A faiss factory string instead of the one chosen by size.
        like: A segment of the same model; where it is of the same kind, its training serves again.

    Returns:
        The kind written.
    """
    n, dim = vectors.shape
    kind = kind or index_kind(n, dim)
    index = faiss.index_factory(dim, kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained and not (like is not None and _take_training(index, like)):
        _train(index, vectors)
    for batch in _batches(vectors):
        index.add(batch)
    faiss.write_index(index, str(path))
    return kind


def _train(index: Any, vectors: npt.NDArray[np.floating[Any]]) -> None:
    if not isinstance(index, faiss.IndexRefine):
        index.train(_sample(vectors, TRAIN_BOUNDS))
        return
    codes = faiss.downcast_index(index.base_index)
    codes.pq.cp.niter = TRAIN_ROUNDS
    codes.pq.cp.min_points_per_centroid = 1  # else it complains on stderr of few
    codes.train(_sample(vectors, TRAIN_CODES))
    index.refine_index.train(_sample(vectors, TRAIN_BOUNDS))
    index.is_trained = True


def _take_training(index: Any, like: Path) -> bool:
    """Copy what another segment's training found; False where it is of another kind."""
    other = faiss.read_index(str(like), faiss.IO_FLAG_MMAP_IFC)
    if not (isinstance(index, faiss.IndexRefine) and isinstance(other, faiss.IndexRefine)):
        return False
    to, of = faiss.downcast_index(index.base_index), faiss.downcast_index(other.base_index)
    if (to.pq.M, to.pq.nbits, to.d) != (of.pq.M, of.pq.nbits, of.d):
        return False
    faiss.copy_array_to_vector(faiss.vector_to_array(of.pq.centroids), to.pq.centroids)
    to_fine, of_fine = faiss.downcast_index(index.refine_index), faiss.downcast_index(other.refine_index)
    faiss.copy_array_to_vector(faiss.vector_to_array(of_fine.sq.trained), to_fine.sq.trained)
    to.is_trained = to_fine.is_trained = index.is_trained = True
    return True


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
        self.mask = mask
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
        try:
            self._index: Any = faiss.read_index(str(file.path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise IndexCorrupt(f"{file.path} cannot be read as a vector index; {REPAIR}.") from error
        if self._index.ntotal != file.n:
            raise IndexCorrupt(
                f"{file.path} holds {self._index.ntotal} vectors and its manifest says {file.n}; {REPAIR}."
            )
        self.n = file.n
        self._is_coded = isinstance(self._index, faiss.IndexRefine)
        self._fine = faiss.downcast_index(self._index.refine_index) if self._is_coded else self._index

    def search(self, query: Vectors, k: int, part: _Part | None) -> tuple[Rows, Cosines]:
        """The nearest rows and their cosines, best first."""
        n_allowed = self.n if part is None else part.n
        k = min(k, n_allowed)
        if k <= 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        if part is None or part.is_all:
            parameters = faiss.IndexRefineSearchParameters(k_factor=CANDIDATES) if self._is_coded else None
            return _found(self._index, query, k, parameters)
        if part.rows is not None:
            cosines = _products(self.vectors(part.rows), query)
            best = np.argsort(-cosines, kind="stable")[:k]
            return part.rows[best], cosines[best]
        if self._is_coded and n_allowed >= LEAST_SHARE * self.n:
            # The scan knows no mask: it gives as many more as the mask will take away.
            wanted = min(self.n, CANDIDATES * k * self.n // n_allowed)
            rows, cosines = _found(self._index, query, wanted, faiss.IndexRefineSearchParameters(k_factor=1))
            allowed = part.mask[rows]
            if np.count_nonzero(allowed) >= min(2 * k, n_allowed):
                return rows[allowed][:k], cosines[allowed][:k]
        # Few are allowed, or all that is lies far from the question (another year, another outlet).
        return _found(self._fine, query, k, faiss.SearchParameters(sel=part.selector))

    def vectors(self, rows: Rows) -> Vectors:
        """(m, dim), as precise as the segment keeps them."""
        found: Vectors = self._fine.reconstruct_batch(rows)
        return found


def _found(index: Any, query: Vectors, k: int, parameters: Any) -> tuple[Rows, Cosines]:
    cosines, rows = index.search(query.reshape(1, -1), k, params=parameters)
    found = rows[0] >= 0  # faiss fills up with -1
    return rows[0][found], cosines[0][found]


def _products(vectors: Vectors, query: Vectors) -> Cosines:
    with np.errstate(invalid="ignore"):  # `VectorIndex` looks for what is no number
        found: Cosines = vectors @ query
    return found


class VectorIndex:
    """Segments opened for searching as one; immutable, so that threads may share it.

    Args:
        files: In the order of their rows.

    Raises:
        IndexCorrupt: A file is missing or not what faiss wrote.
    """

    def __init__(self, files: Sequence[SegmentFile]) -> None:
        self._files = files
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

        Raises:
            IndexCorrupt: A file holds something else than faiss wrote.
        """
        found = [
            segment.search(query, k, None if allowed is None else allowed.part(at))
            for at, segment in enumerate(self._segments)
        ]
        for _, cosines in found:
            self._check(cosines)
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
        """Cosines of the query with given rows, in their order; for passages that only their words found.

        Raises:
            IndexCorrupt: A file holds something else than faiss wrote.
        """
        if not len(rows):
            return np.zeros(0, np.float32)
        found = _products(self.vectors(rows), query)
        self._check(found)
        return found

    def _check(self, cosines: Cosines) -> None:
        if not np.isfinite(cosines).all():
            names = " or ".join(str(file.path) for file in self._files)
            raise IndexCorrupt(f"{names} was altered after it was written; {REPAIR}.")
