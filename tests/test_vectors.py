"""The vector index against plain matrix products: rows and cosines, with and without masks, exact and inverted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from index.errors import IndexCorrupt
from index.types import Vectors
from index.vectors import EXACT_BELOW, VectorIndex, build_vectors, index_kind

Mask = npt.NDArray[np.bool_]
DIM = 48
# An inverted file large enough that a sixteenth of its lists, 32, is really only a part of it.
INVERTED = "IVF512,SQ8"
N_CLUSTERED = 24_000


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    scaled: Vectors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def clustered(n: int, seed: int = 0) -> Vectors:
    """Vectors round 300 centres, as passages lie round topics."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(300, DIM))
    return unit(centres[rng.integers(300, size=n)] + 0.6 * rng.normal(size=(n, DIM)))


def in_batches(vectors: Vectors, size: int = 700) -> Iterator[Vectors]:
    for start in range(0, len(vectors), size):
        yield vectors[start : start + size]


def built(folder: Path, vectors: Vectors, kind: str | None = None) -> VectorIndex:
    path = folder / "vectors.faiss"
    build_vectors(path, DIM, len(vectors), lambda: in_batches(vectors), kind)
    return VectorIndex(path, len(vectors))


def nearest(vectors: Vectors, query: Vectors, k: int, allowed: Mask | None) -> tuple[list[int], list[float]]:
    """By brute force: the product of all with the query, sorted."""
    cosines = vectors.astype(np.float64) @ query.astype(np.float64)
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    best = rows[np.argsort(-cosines[rows], kind="stable")][:k]
    return best.tolist(), cosines[best].tolist()


def masks(n: int) -> dict[str, Mask | None]:
    rng = np.random.default_rng(5)
    narrow = np.zeros(n, bool)
    narrow[rng.choice(n, 7, replace=False)] = True
    edges = np.zeros(n, bool)
    edges[[0, n - 1]] = True
    return {
        "none": None,
        "all": np.ones(n, bool),
        "half": rng.random(n) < 0.5,
        "narrow": narrow,
        "first and last": edges,
        "nothing": np.zeros(n, bool),
    }


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, Vectors]:
    vectors = clustered(3001)
    return built(tmp_path_factory.mktemp("flat"), vectors), vectors


@pytest.fixture(scope="module")
def inverted(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, Vectors]:
    vectors = clustered(N_CLUSTERED)
    return built(tmp_path_factory.mktemp("inverted"), vectors, INVERTED), vectors


@pytest.mark.parametrize("name", list(masks(10)))
def test_exact_search_finds_what_brute_force_finds(flat: tuple[VectorIndex, Vectors], name: str) -> None:
    index, vectors = flat
    allowed = masks(len(vectors))[name]
    for query in clustered(12, seed=1):
        for k in (1, 50, 4000):
            rows, cosines = index.search(query, k, allowed)
            expected_rows, expected = nearest(vectors, query, k, allowed)
            assert len({*rows.tolist()}) == len(rows) == len(expected_rows)
            np.testing.assert_allclose(cosines, expected, atol=1e-5)
            # Neighbours less than a float's precision apart may change places; no other may.
            np.testing.assert_allclose(vectors[rows] @ query, expected, atol=1e-6)


def test_a_stored_vector_finds_itself_first_with_cosine_one(flat: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = flat
    for row in (0, 699, 700, 3000):
        rows, cosines = index.search(vectors[row], 1)
        assert rows.tolist() == [row]
        assert cosines[0] == pytest.approx(1.0, abs=1e-5)


def test_cosines_of_given_rows_come_in_their_order(flat: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = flat
    query = clustered(1, seed=2)[0]
    rows = np.array([3000, 5, 17, 4, 2999])
    np.testing.assert_allclose(index.cosines(query, rows), vectors[rows] @ query, atol=1e-5)
    assert index.cosines(query, rows[:0]).tolist() == []


def test_inverted_search_recalls_98_of_the_100_nearest(inverted: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = inverted
    recalls = []
    for query in clustered(40, seed=3):
        rows, cosines = index.search(query, 100)
        assert np.all(np.diff(cosines) <= 0)
        np.testing.assert_allclose(cosines, vectors[rows] @ query, atol=0.02)  # 8 bits a component
        recalls.append(len({*rows.tolist()} & {*nearest(vectors, query, 100, None)[0]}) / 100)
    assert np.mean(recalls) >= 0.98


def test_inverted_search_finds_all_that_a_narrow_mask_leaves(inverted: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = inverted
    rng = np.random.default_rng(4)
    for n_allowed in (1, 7, 200, len(vectors) // 20):
        allowed = np.zeros(len(vectors), bool)
        allowed[rng.choice(len(vectors), n_allowed, replace=False)] = True
        for query in clustered(5, seed=n_allowed):
            k = min(200, n_allowed)
            rows, _ = index.search(query, 200, allowed)
            assert len(rows) == k
            assert allowed[rows].all()
            best = nearest(vectors, query, k, allowed)[0]
            assert len({*rows.tolist()} & {*best}) >= 0.97 * k


def test_inverted_search_finds_enough_when_all_that_is_allowed_lies_far_away(
    inverted: tuple[VectorIndex, Vectors],
) -> None:
    index, vectors = inverted
    query = clustered(1, seed=6)[0]
    allowed = vectors @ query < np.quantile(vectors @ query, 0.25)  # a quarter of the corpus, none of it near
    rows, cosines = index.search(query, 100, allowed)
    assert len(rows) == 100
    assert allowed[rows].all()
    assert cosines.min() > nearest(vectors, query, 1000, allowed)[1][-1]


def test_inverted_search_of_nothing_allowed_is_empty(inverted: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = inverted
    rows, cosines = index.search(vectors[0], 10, np.zeros(len(vectors), bool))
    assert (rows.tolist(), cosines.tolist()) == ([], [])


def test_inverted_cosines_of_given_rows_are_right_wherever_they_lie(inverted: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = inverted
    query = clustered(1, seed=7)[0]
    rows = np.random.default_rng(8).permutation(len(vectors))[:300]
    np.testing.assert_allclose(index.cosines(query, rows), vectors[rows] @ query, atol=0.02)


def test_an_empty_index_opens_and_finds_nothing(tmp_path: Path) -> None:
    index = built(tmp_path, np.zeros((0, DIM), np.float32))
    rows, cosines = index.search(clustered(1)[0], 10)
    assert (rows.tolist(), cosines.tolist()) == ([], [])


def test_the_kind_is_chosen_by_size(tmp_path: Path) -> None:
    assert index_kind(0) == index_kind(EXACT_BELOW - 1) == "Flat"
    assert index_kind(EXACT_BELOW) == "IVF1024,SQ8"
    assert index_kind(1_000_000) == "IVF4096,SQ8"
    vectors = clustered(10)
    assert build_vectors(tmp_path / "a", DIM, 10, lambda: in_batches(vectors)) == "Flat"


def test_a_truncated_file_and_a_wrong_count_are_corrupt_in_words(tmp_path: Path) -> None:
    vectors = clustered(100)
    path = tmp_path / "vectors.faiss"
    build_vectors(path, DIM, 100, lambda: in_batches(vectors))
    with pytest.raises(IndexCorrupt, match="holds 100 vectors and its manifest says 99; run `newsquote rollback`"):
        VectorIndex(path, 99)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(IndexCorrupt, match="cannot be read as a vector index; run `newsquote rollback`"):
        VectorIndex(path, 100)
    with pytest.raises(IndexCorrupt):
        VectorIndex(tmp_path / "missing", 100)
