"""The vector index against plain matrix products: rows and cosines, with and without masks, in one segment and more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import IndexCorrupt
from index.types import Vectors
from index.vectors import (
    EXACT_BELOW,
    LEAST_SHARE,
    ONE_BY_ONE,
    Mask,
    SegmentFile,
    VectorIndex,
    build_vectors,
    bytes_a_vector,
    index_kind,
)

DIM = 48
CODED = "PQ24x4fs,Refine(SQ8)"
N_CLUSTERED = 24_000


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    scaled: Vectors = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def clustered(n: int, seed: int = 0) -> Vectors:
    """Vectors round 300 centres, as passages lie round topics."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(300, DIM))
    return unit(centres[rng.integers(300, size=n)] + 0.6 * rng.normal(size=(n, DIM)))


def built(folder: Path, *segments: Vectors, kind: str | None = None) -> VectorIndex:
    files = []
    for at, vectors in enumerate(segments):
        files.append(SegmentFile(folder / f"{at}.faiss", len(vectors)))
        build_vectors(files[-1].path, vectors, kind)
    return VectorIndex(files)


def search(index: VectorIndex, query: Vectors, k: int, allowed: Mask | None) -> tuple[list[int], list[float]]:
    rows, cosines = index.search(query, k, None if allowed is None else index.selection(allowed))
    return rows.tolist(), cosines.tolist()


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
    return built(tmp_path_factory.mktemp("flat"), vectors, kind="Flat"), vectors


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> tuple[VectorIndex, Vectors]:
    vectors = clustered(N_CLUSTERED)
    return built(tmp_path_factory.mktemp("coded"), vectors, kind=CODED), vectors


@pytest.mark.parametrize("name", list(masks(10)))
def test_exact_search_finds_what_brute_force_finds(flat: tuple[VectorIndex, Vectors], name: str) -> None:
    index, vectors = flat
    allowed = masks(len(vectors))[name]
    for query in clustered(12, seed=1):
        for k in (1, 50, 4000):
            rows, cosines = search(index, query, k, allowed)
            expected_rows, expected = nearest(vectors, query, k, allowed)
            assert len({*rows}) == len(rows) == len(expected_rows)
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


def test_coded_search_recalls_98_of_the_100_nearest(coded: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = coded
    recalls = []
    for query in clustered(40, seed=3):
        rows, cosines = index.search(query, 100)
        assert np.all(np.diff(cosines) <= 0)
        np.testing.assert_allclose(cosines, vectors[rows] @ query, atol=0.02)  # 8 bits a component
        recalls.append(len({*rows.tolist()} & {*nearest(vectors, query, 100, None)[0]}) / 100)
    assert np.mean(recalls) >= 0.98


def test_coded_search_finds_all_that_a_narrow_mask_leaves(coded: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = coded
    rng = np.random.default_rng(4)
    for n_allowed in (1, 7, 200, ONE_BY_ONE, ONE_BY_ONE + 1, int(LEAST_SHARE * len(vectors)) + 1, 20_000):
        allowed = np.zeros(len(vectors), bool)
        allowed[rng.choice(len(vectors), n_allowed, replace=False)] = True
        for query in clustered(5, seed=n_allowed):
            k = min(200, n_allowed)
            rows, _ = search(index, query, 200, allowed)
            assert len(rows) == k
            assert allowed[rows].all()
            best = nearest(vectors, query, k, allowed)[0]
            assert len({*rows} & {*best}) >= 0.95 * k


def test_coded_search_finds_enough_when_all_that_is_allowed_lies_far_away(
    coded: tuple[VectorIndex, Vectors],
) -> None:
    index, vectors = coded
    query = clustered(1, seed=6)[0]
    allowed = vectors @ query < np.quantile(vectors @ query, 0.25)  # a quarter of the corpus, none of it near
    assert allowed.sum() > ONE_BY_ONE
    rows, cosines = search(index, query, 100, allowed)
    assert len(rows) == 100
    assert allowed[rows].all()
    assert min(cosines) > nearest(vectors, query, 1000, allowed)[1][-1]


def test_coded_search_of_nothing_allowed_is_empty(coded: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = coded
    assert search(index, vectors[0], 10, np.zeros(len(vectors), bool)) == ([], [])


def test_coded_cosines_of_given_rows_are_right_wherever_they_lie(coded: tuple[VectorIndex, Vectors]) -> None:
    index, vectors = coded
    query = clustered(1, seed=7)[0]
    rows = np.random.default_rng(8).permutation(len(vectors))[:300]
    np.testing.assert_allclose(index.cosines(query, rows), vectors[rows] @ query, atol=0.02)


def test_an_empty_index_opens_and_finds_nothing(tmp_path: Path) -> None:
    index = built(tmp_path, np.zeros((0, DIM), np.float32))
    rows, cosines = index.search(clustered(1)[0], 10)
    assert (rows.tolist(), cosines.tolist()) == ([], [])


def test_the_kind_is_chosen_by_size_and_length(tmp_path: Path) -> None:
    assert index_kind(0, 384) == index_kind(EXACT_BELOW - 1, 384) == "SQfp16"
    assert index_kind(EXACT_BELOW, 384) == index_kind(1_000_000, 384) == "PQ128x4fs,Refine(SQ8)"
    assert index_kind(EXACT_BELOW, 1024) == "PQ256x4fs,Refine(SQ8)"
    assert index_kind(EXACT_BELOW, 1025) == "SQ8"
    assert build_vectors(tmp_path / "a", clustered(10)) == "SQfp16"


def test_a_segment_of_the_same_kind_lends_its_training(tmp_path: Path) -> None:
    vectors = clustered(5000)
    build_vectors(tmp_path / "main", vectors[:3000], CODED)
    for name, part, like in (("own", vectors[3000:], None), ("lent", vectors[3000:3010], tmp_path / "main")):
        build_vectors(tmp_path / name, part, CODED, like)
    lent = VectorIndex([SegmentFile(tmp_path / "lent", 10)])
    main = VectorIndex([SegmentFile(tmp_path / "main", 3000)])
    assert lent.search(vectors[3005], 1)[0].tolist() == [5]
    # The same bounds give the same code for the same vector.
    build_vectors(tmp_path / "again", vectors[:10], CODED, tmp_path / "main")
    again = VectorIndex([SegmentFile(tmp_path / "again", 10)])
    assert np.array_equal(again.vectors(np.arange(10)), main.vectors(np.arange(10)))
    build_vectors(tmp_path / "small", vectors[:10], "SQfp16", tmp_path / "main")
    build_vectors(tmp_path / "other", vectors[:3000], CODED, tmp_path / "small")
    assert VectorIndex([SegmentFile(tmp_path / "other", 3000)]).search(vectors[7], 1)[0].tolist() == [7]


def test_half_precision_loses_nothing_of_what_the_store_keeps(tmp_path: Path) -> None:
    kept = clustered(500).astype(np.float16)
    index = built(tmp_path, kept.astype(np.float32), kind="SQfp16")
    assert np.array_equal(index.vectors(np.arange(500)), kept.astype(np.float32))


# Several segments -----------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sizes=st.lists(st.integers(0, 60), min_size=1, max_size=5),
    share=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    k=st.integers(1, 80),
    seed=st.integers(0, 1000),
)
def test_segments_find_what_one_segment_finds(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], share: float, k: int, seed: int
) -> None:
    vectors = clustered(sum(sizes), seed)
    ends = np.cumsum(sizes).tolist()
    parts = [vectors[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    folder = tmp_path_factory.mktemp("segments")
    one, several = built(tmp_path_factory.mktemp("one"), vectors), built(folder, *parts)
    mask = np.random.default_rng(seed).random(len(vectors)) < share
    query = clustered(1, seed + 1)[0]
    for allowed in (None, mask):
        expected_rows, expected = search(one, query, k, allowed)
        rows, cosines = search(several, query, k, allowed)
        np.testing.assert_allclose(cosines, expected, atol=1e-6)
        assert sorted(rows) == sorted(expected_rows)
    some = np.random.default_rng(seed).permutation(len(vectors))[:20]
    np.testing.assert_array_equal(one.cosines(query, some), several.cosines(query, some))


def test_an_coded_segment_and_an_exact_one_are_searched_as_one(tmp_path: Path) -> None:
    vectors = clustered(N_CLUSTERED + 900)
    build_vectors(tmp_path / "main", vectors[:N_CLUSTERED], CODED)
    build_vectors(tmp_path / "recent", vectors[N_CLUSTERED:])
    index = VectorIndex([SegmentFile(tmp_path / "main", N_CLUSTERED), SegmentFile(tmp_path / "recent", 900)])
    recent = np.arange(len(vectors)) >= N_CLUSTERED
    for query in clustered(10, seed=11):
        rows, cosines = index.search(query, 100)
        assert len({*rows.tolist()} & {*nearest(vectors, query, 100, None)[0]}) >= 97
        assert np.all(np.diff(cosines) <= 0)
        rows, cosines = index.search(query, 50, index.selection(recent))
        assert recent[rows].all()
        np.testing.assert_allclose(cosines, nearest(vectors, query, 50, recent)[1], atol=1e-3)
        mixed = np.array([N_CLUSTERED + 5, 3, N_CLUSTERED - 1, N_CLUSTERED, 0])
        np.testing.assert_allclose(index.cosines(query, mixed), vectors[mixed] @ query, atol=0.02)


def test_a_truncated_file_and_a_wrong_count_are_corrupt_in_words(tmp_path: Path) -> None:
    vectors = clustered(100)
    path = tmp_path / "vectors.faiss"
    build_vectors(path, vectors)
    with pytest.raises(IndexCorrupt, match="holds 100 vectors and its manifest says 99; run `newsquote rollback`"):
        VectorIndex([SegmentFile(path, 99)])
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(IndexCorrupt, match="cannot be read as a vector index; run `newsquote rollback`"):
        VectorIndex([SegmentFile(path, 100)])
    with pytest.raises(IndexCorrupt):
        VectorIndex([SegmentFile(tmp_path / "missing", 100)])


@pytest.mark.parametrize("n", [2_000, N_CLUSTERED])
def test_the_bytes_of_a_vector_are_those_that_a_segment_takes(tmp_path: Path, n: int) -> None:
    made = built(tmp_path, clustered(n))
    assert made.n == n
    taken = (tmp_path / "0.faiss").stat().st_size / n
    # Scans go over blocks of rows, and what was trained lies in front.
    assert bytes_a_vector(n, DIM) <= taken <= 1.1 * bytes_a_vector(n, DIM) + 4
