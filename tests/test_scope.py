"""What may answer: masks worked out once, the same for all filters that come to the same, and exact with tombstones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index import scope
from index.scope import N_KEPT, Scopes
from index.snapshot import PASSAGE, VERSION
from index.store import ALWAYS, NEVER
from index.types import Filters
from index.vectors import SegmentFile, VectorIndex, build_vectors
from index.words import NO_FILTERS, WordFilters

SOURCES = ["Post", "Wire"]
LANGUAGES = ["", "en"]
NOW_S = 1000


def index_of(folder: Path, n: int) -> VectorIndex:
    build_vectors(folder / "v", np.full((n, 8), 8**-0.5, np.float32))
    return VectorIndex([SegmentFile(folder / "v", n)])


def scopes(folder: Path, rows: Sequence[tuple[int, ...]], n_passages: Sequence[int]) -> Scopes:
    """A snapshot of versions (article, source, language, published, from, to), each with so many passages."""
    versions = np.zeros(len(rows), VERSION)
    for at, (article, source, language, published, valid_from, valid_to) in enumerate(rows):
        versions[at] = (at + 1, article, article, source, language, published, valid_from, valid_to)
    passages = np.zeros(sum(n_passages), PASSAGE)
    passages["version_row"] = np.repeat(np.arange(len(rows)), n_passages)
    return Scopes(passages, versions, SOURCES, LANGUAGES, index_of(folder, len(passages)))


def rows_of(made: Scopes, filters: Filters, retracted: tuple[int, ...] = ()) -> npt.NDArray[np.int64]:
    found = made.of(filters, retracted)
    n = sum(made._n_by_version.tolist())
    rows = np.arange(n) if found.mask is None else np.flatnonzero(found.mask)
    assert found.n_passages == len(rows)
    assert (found.selection is None) == (found.mask is None)
    if found.selection is not None:
        assert found.selection.n == len(rows)
    return rows


PLAIN = [
    (1, 0, 1, 100, 100, NEVER),
    (2, 1, 1, 200, 200, 300),
    (2, 1, 0, 200, 300, NEVER),
    (3, 0, 0, ALWAYS, ALWAYS, NEVER),
]


def test_where_everything_may_answer_there_is_no_mask(tmp_path: Path) -> None:
    made = scopes(tmp_path, PLAIN[:1] + PLAIN[3:], [2, 1])
    found = made.of(Filters(NOW_S))
    assert (found.mask, found.selection, found.word_filters, found.n_passages) == (None, None, NO_FILTERS, 3)
    assert (found.n_articles, found.first_s, found.last_s) == (2, 100, 100)


def test_days_after_the_last_event_are_one_scope(tmp_path: Path) -> None:
    made = scopes(tmp_path, PLAIN, [1, 1, 1, 1])
    assert made.of(Filters(300)) is made.of(Filters(NOW_S)) is made.of(Filters(10**12))
    assert made.of(Filters(299)) is not made.of(Filters(300))
    assert rows_of(made, Filters(299)).tolist() == [0, 1, 3]
    assert rows_of(made, Filters(300)).tolist() == [0, 2, 3]


def test_a_tombstone_of_elsewhere_makes_no_difference(tmp_path: Path) -> None:
    made = scopes(tmp_path, PLAIN, [1, 1, 1, 1])
    assert made.of(Filters(NOW_S), [77, 5000]) is made.of(Filters(NOW_S))
    assert rows_of(made, Filters(NOW_S), (1,)).tolist() == [2, 3]
    assert rows_of(made, Filters(NOW_S), (1, 2, 3)).tolist() == []


def test_bounds_go_into_the_words_search_only_where_they_leave_little(tmp_path: Path) -> None:
    made = scopes(tmp_path, PLAIN, [8, 1, 1, 1])
    assert made.of(Filters(NOW_S, sources=frozenset({"post"}))).word_filters == NO_FILTERS
    assert made.of(Filters(NOW_S, sources=frozenset({"wire"}))).word_filters == WordFilters(
        as_of_s=300, sources=frozenset({"wire"})
    )
    assert made.of(Filters(NOW_S, after_version=1)).word_filters == WordFilters(as_of_s=300, first_row=8)


def test_the_last_few_scopes_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = scopes(tmp_path, PLAIN, [1, 1, 1, 1])
    first = made.of(Filters(NOW_S, since_s=0))
    for at in range(1, N_KEPT):
        made.of(Filters(NOW_S, since_s=at))
        assert made.of(Filters(NOW_S, since_s=0)) is first
    for at in range(N_KEPT, 2 * N_KEPT):
        made.of(Filters(NOW_S, since_s=at))
    assert made.of(Filters(NOW_S, since_s=0)) is not first
    assert len(made._kept) == scope.N_KEPT


def test_standing_questions_push_out_no_scope_that_people_ask_of(tmp_path: Path) -> None:
    made = scopes(tmp_path, PLAIN, [1, 1, 1, 1])
    people = [made.of(Filters(NOW_S, since_s=at)) for at in range(N_KEPT - 1)]
    for at in range(1, 2 * N_KEPT):
        standing = made.of(Filters(NOW_S, since_s=at, after_version=1))
        if at % 2:  # some are asked of once alone
            assert made.of(Filters(NOW_S, since_s=at, after_version=1)) is standing
    assert all(made.of(Filters(NOW_S, since_s=at)) is kept for at, kept in enumerate(people))
    assert len(made._kept) == N_KEPT


def test_of_nothing_nothing_may_answer(tmp_path: Path) -> None:
    found = scopes(tmp_path, [], []).of(Filters(NOW_S), [1])
    assert (found.n_passages, found.n_articles, found.first_s) == (0, 0, None)


instants = st.sampled_from([ALWAYS, 0, 100, 200, 300])
versions = st.lists(
    st.tuples(
        st.integers(1, 4), st.integers(0, 1), st.integers(0, 1), instants, instants, st.sampled_from([100, 300, NEVER])
    ),
    max_size=8,
)
bounds = st.one_of(st.none(), st.sampled_from([0, 100, 200]))


@settings(max_examples=60, deadline=None)
@given(
    versions,
    st.data(),
    st.sampled_from([-1, 0, 100, 250, 300, 5000]),
    bounds,
    bounds,
    st.frozensets(st.sampled_from(["post", "wire", "nobody"]), max_size=2),
    st.sampled_from(["", "en"]),
    st.frozensets(st.integers(1, 6), max_size=3),
    st.integers(0, 9),
)
def test_a_mask_is_what_plain_comparisons_say(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, ...]],
    data: st.DataObject,
    as_of_s: int,
    since_s: int | None,
    until_s: int | None,
    sources: frozenset[str],
    language: str,
    retracted: frozenset[int],
    after_version: int,
) -> None:
    n_passages = [data.draw(st.integers(0, 3)) for _ in rows]
    made = scopes(tmp_path_factory.mktemp("scope"), rows, n_passages)
    expected: list[int] = []
    at = 0
    for version, (row, n) in enumerate(zip(rows, n_passages, strict=True), 1):
        article, source, spoken, published, valid_from, valid_to = row
        may = (
            version > after_version
            and valid_from <= as_of_s < valid_to
            and published <= as_of_s
            and article not in retracted
        )
        may = may and (since_s is None or published >= since_s)
        may = may and (until_s is None or ALWAYS != published <= until_s)
        may = may and (not sources or SOURCES[source].lower() in sources)
        may = may and (not language or LANGUAGES[spoken] == language)
        expected += range(at, at + n) if may else []
        at += n
    filters = Filters(as_of_s, since_s, until_s, sources, language, after_version)
    assert rows_of(made, filters, tuple(retracted)).tolist() == expected
    assert made.of(filters).word_filters.first_row <= min(expected, default=at)
