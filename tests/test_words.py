"""The word index against BM25 written out from its formula, and its filters against plain comparisons."""

from __future__ import annotations

import errno
import math
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import IndexCorrupt
from index.store import ALWAYS
from index.words import (
    NO_FILTERS,
    TITLE_WEIGHT,
    WordFilters,
    WordIndex,
    WordRow,
    build_words,
    content_terms,
    extend_words,
    terms,
    terms_among,
)

K1, B = 1.2, 0.75
# Up to this many words tantivy keeps a field's length exactly; a longer one is rounded down, by less than an eighth.
EXACT_LENGTH = 40
NOW_S = 1_000_000
VOCABULARY = [f"{a}{b}" for a in ("bor", "kul", "mip", "tav", "zed") for b in ("am", "ek", "on", "ur")]


def row_of(row: int, text: str, title: str = "", **changes: object) -> WordRow:
    fields: dict[str, object] = {
        "published_s": 0,
        "source": "Post",
        "language": "en",
    }
    return WordRow(row=row, title=title, text=text, **(fields | changes))  # type: ignore[arg-type]


def opened(folder: Path, rows: Sequence[WordRow]) -> WordIndex:
    build_words(folder, rows)
    return WordIndex(folder, len(rows))


def found(index: WordIndex, question: str, filters: WordFilters | None = None, k: int = 1000) -> dict[int, float]:
    rows, scores = index.search(content_terms(question), k, filters or NO_FILTERS)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)
    assert len(rows) == len({*rows.tolist()})
    return dict(zip(rows.tolist(), scores.tolist(), strict=True))


def bm25(fields: Sequence[Sequence[str]], term: str, at: int, length: float | None = None) -> float:
    """BM25 of one word in field `at` of all, after Robertson and Zaragoza (2009), idf smoothed to stay positive."""
    n_with = sum(term in field for field in fields)
    idf = math.log(1 + (len(fields) - n_with + 0.5) / (n_with + 0.5))
    mean = sum(map(len, fields)) / len(fields)
    tf = Counter(fields[at])[term]
    length = len(fields[at]) if length is None else length
    return idf * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / mean))


def written_out(rows: Sequence[WordRow], question: Sequence[str], shrunk: float = 1.0) -> dict[int, float]:
    """The score of every row that has a word of the question; lengths above `EXACT_LENGTH` times `shrunk`."""
    texts, titles = [terms(row.text) for row in rows], [terms(row.title) for row in rows]

    def length(field: Sequence[str]) -> float:
        return len(field) if len(field) <= EXACT_LENGTH else len(field) * shrunk

    scores = {}
    for at, row in enumerate(rows):
        score = sum(
            bm25(texts, term, at, length(texts[at])) + TITLE_WEIGHT * bm25(titles, term, at, length(titles[at]))
            for term in question
        )
        if score > 0:
            scores[row.row] = score
    return scores


def random_rows(n: int, longest: int, seed: int) -> list[WordRow]:
    rng = random.Random(seed)

    def words(n_words: int) -> str:
        return " ".join(rng.choices(VOCABULARY, weights=range(1, len(VOCABULARY) + 1), k=n_words))

    return [row_of(at, words(rng.randint(1, longest)), words(rng.randint(0, 8))) for at in range(n)]


QUESTIONS = ["borek", "borek kulon zedur", "tavam tavam mipon", "zedur boram kulek mipur tavon"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_scores_are_bm25_of_text_and_half_that_of_the_title(tmp_path: Path, question: str) -> None:
    rows = random_rows(120, EXACT_LENGTH, seed=1)
    expected = written_out(rows, content_terms(question))
    assert found(opened(tmp_path, rows), question) == pytest.approx(expected, rel=1e-4)


def test_scores_of_long_passages_differ_only_by_the_rounding_of_their_length(tmp_path: Path) -> None:
    rows = random_rows(150, 400, seed=2)
    index = opened(tmp_path, rows)
    for question in QUESTIONS:
        low = written_out(rows, content_terms(question))
        high = written_out(rows, content_terms(question), shrunk=7 / 8)
        scores = found(index, question)
        assert scores.keys() == low.keys()
        assert all(low[row] * (1 - 1e-4) <= score <= high[row] * (1 + 1e-4) for row, score in scores.items())


def test_the_k_best_are_the_first_k_of_all(tmp_path: Path) -> None:
    index = opened(tmp_path, random_rows(120, 30, seed=3))
    every = list(found(index, QUESTIONS[1]).values())
    assert list(found(index, QUESTIONS[1], k=10).values()) == every[:10]
    assert found(index, QUESTIONS[1], k=0) == {}


def test_idf_falls_with_the_number_of_passages_that_hold_the_word(tmp_path: Path) -> None:
    index = opened(tmp_path, [row_of(at, "borek kulon" if at < 3 else "borek") for at in range(10)])
    assert index.idf("borek") == pytest.approx(math.log(1 + 0.5 / 10.5))
    assert index.idf("kulon") == pytest.approx(math.log(1 + 7.5 / 3.5))
    assert index.idf("unseen") == pytest.approx(math.log(1 + 10.5 / 0.5))


def test_a_word_is_there_where_a_text_or_a_title_has_it(tmp_path: Path) -> None:
    index = opened(tmp_path, [row_of(0, "borek", title="kulon"), row_of(1, "mipam")])
    assert [index.has(term) for term in ("borek", "kulon", "mipam", "unseen")] == [True, True, True, False]


@pytest.fixture(scope="module")
def random_index(tmp_path_factory: pytest.TempPathFactory) -> WordIndex:
    return opened(tmp_path_factory.mktemp("words"), random_rows(300, 30, seed=6))


# Filters --------------------------------------------------------------------------------------------------

OUTLETS = ["Post", "POST", "Wire", "Île Hebdo"]
instants = st.integers(-3, 3).map(lambda day: NOW_S + day)
undated = st.just(ALWAYS)
rows_of_any_kind = st.lists(
    st.tuples(st.one_of(undated, instants), st.sampled_from(OUTLETS), st.sampled_from(["en", "de", ""])),
    min_size=1,
    max_size=30,
)
any_filters = st.builds(
    WordFilters,
    as_of_s=st.none() | instants,
    since_s=st.none() | instants,
    until_s=st.none() | instants,
    sources=st.frozensets(st.sampled_from([name.lower() for name in OUTLETS] + ["nobody"]), max_size=2),
    language=st.sampled_from(["", "en", "de"]),
    first_row=st.integers(0, 9),
)


def lets_through(filters: WordFilters, row: WordRow) -> bool:
    is_dated = row.published_s != ALWAYS
    return (
        (filters.as_of_s is None or row.published_s <= filters.as_of_s)
        and (filters.since_s is None or (is_dated and row.published_s >= filters.since_s))
        and (filters.until_s is None or (is_dated and row.published_s <= filters.until_s))
        and (not filters.sources or row.source.lower() in filters.sources)
        and (not filters.language or row.language == filters.language)
        and row.row >= filters.first_row
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_any_kind, st.lists(any_filters, min_size=1, max_size=12))
def test_filters_let_through_what_plain_comparisons_let_through(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: list[tuple[int, str, str]],
    every_filter: list[WordFilters],
) -> None:
    rows = [
        row_of(at, "borek kulon", published_s=published, source=name, language=code)
        for at, (published, name, code) in enumerate(kinds)
    ]
    index = opened(tmp_path_factory.mktemp("words"), rows)
    for filters in every_filter:
        assert {*found(index, "borek", filters)} == {row.row for row in rows if lets_through(filters, row)}


def test_a_filter_changes_no_score(tmp_path: Path) -> None:
    rows = [row._replace(language="de" if row.row % 3 else "en") for row in random_rows(90, 30, seed=4)]
    index = opened(tmp_path, rows)
    all_scores = found(index, QUESTIONS[1])
    filters = WordFilters(as_of_s=NOW_S, since_s=0, until_s=NOW_S, sources=frozenset({"post"}), language="en")
    expected = {row: score for row, score in all_scores.items() if rows[row].language == "en"}
    assert found(index, QUESTIONS[1], filters) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]), st.integers(1, 130), st.integers(0, 99))
def test_a_mask_leaves_the_k_best_of_what_it_allows(random_index: WordIndex, share: float, k: int, seed: int) -> None:
    allowed = np.random.default_rng(seed).random(random_index.n) < share
    every = found(random_index, QUESTIONS[1])
    expected = [score for row, score in every.items() if allowed[row]][:k]
    rows, scores = random_index.search(content_terms(QUESTIONS[1]), k, NO_FILTERS, allowed)
    assert allowed[rows].all()
    assert scores.tolist() == expected


# Going on -------------------------------------------------------------------------------------------------


def test_what_is_added_later_scores_as_if_it_had_been_there(tmp_path: Path) -> None:
    rows = random_rows(200, 60, seed=7)
    whole = tmp_path / "whole"
    whole.mkdir()
    expected = opened(whole, rows)
    folders = [tmp_path / str(at) for at in range(11)]
    for at, folder in enumerate(folders):  # enough for tantivy to merge some of them
        folder.mkdir()
        if at == 0:
            build_words(folder, rows[:100])
        else:
            extend_words(folders[at - 1], folder, rows[90 + 10 * at : 100 + 10 * at])
    index = WordIndex(folders[-1], 200)
    for question in QUESTIONS:
        assert found(index, question) == pytest.approx(found(expected, question), rel=1e-5)
        assert [index.idf(term) for term in terms(question)] == [expected.idf(term) for term in terms(question)]


def test_an_extended_index_shares_its_files_and_leaves_the_one_before_alone(tmp_path: Path) -> None:
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    earlier.mkdir()
    later.mkdir()
    reader = opened(earlier, random_rows(50, 30, seed=8))
    before = {path.name: path.read_bytes() for path in earlier.iterdir()}
    expected = found(reader, QUESTIONS[1])
    extend_words(earlier, later, [row_of(50, "zedur boram")])
    assert {path.name: path.read_bytes() for path in earlier.iterdir()} == before
    assert found(reader, QUESTIONS[1]) == found(WordIndex(earlier, 50), QUESTIONS[1]) == expected
    assert found(WordIndex(later, 51), "zedur boram").keys() >= {50}
    shared = [name for name in before if (later / name).exists() and (later / name).samefile(earlier / name)]
    assert any(name.endswith(".idx") for name in shared)
    assert not any(name.endswith(".json") for name in shared)


def test_files_that_cannot_be_linked_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(self: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    earlier, later = tmp_path / "earlier", tmp_path / "later"
    earlier.mkdir()
    later.mkdir()
    build_words(earlier, [row_of(0, "borek")])
    extend_words(earlier, later, [row_of(1, "borek kulon")])
    assert found(WordIndex(later, 2), "borek").keys() == {0, 1}


# Folding --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("Élysée Palace", "elysee"),
        ("ministers negotiating", "minister negotiates"),
        ("MOORBRÜCK", "moorbruck"),
        ("the U.S. Treasury", "treasury"),
        ("up 4,500 jobs", "4 500"),
        ("Kyiv\u2019s offer", "Kyiv"),
        ("北京 を 訪問", "北京"),
    ],
)
def test_words_are_found_across_case_accents_and_endings(tmp_path: Path, stored: str, asked: str) -> None:
    assert found(opened(tmp_path, [row_of(0, stored), row_of(1, "nothing of it")]), asked).keys() == {0}


_LETTERS = "aAdDiIlLnNsStTyYgG zZ0189 éÉüßøſİıµ'’-_.,\n\u0301\u0915\u093f\u4e2d\u0627\ufb01\uff11²KåⒶª×€™🎉\u200b“”"
_FORMS = (
    "dying lying ties tied ski skies happily café cafés naïve Straße ferries ferry’s U.S. 5,000 a_b 中国 العربية हिन्दी"
)


@given(
    st.lists(st.one_of(st.text(_LETTERS, max_size=12), st.sampled_from(_FORMS.split())), max_size=12).map(" ".join),
    st.lists(st.one_of(st.text(_LETTERS, max_size=6), st.sampled_from(_FORMS.split())), max_size=8),
)
def test_looking_words_up_finds_what_folding_the_whole_text_finds(text: str, asked: list[str]) -> None:
    wanted = {term for word in [*asked, *text.split()[:2]] for term in terms(word)}
    assert terms_among(wanted, text) == wanted.intersection(terms(text))


def test_stop_words_are_left_out_unless_there_is_nothing_else() -> None:
    assert content_terms("What did the minister say about the minister?") == terms("minister say")
    assert content_terms("Who was it?") == terms("who was it")
    assert content_terms("?! \u2026") == []
    assert content_terms("") == []


def test_a_question_without_words_finds_nothing(tmp_path: Path) -> None:
    assert found(opened(tmp_path, [row_of(0, "borek")]), "…") == {}


def test_an_empty_index_opens_and_finds_nothing(tmp_path: Path) -> None:
    index = opened(tmp_path, [])
    assert found(index, "borek") == {}
    assert index.idf("borek") >= 0


def test_operators_and_quotes_in_a_question_are_plain_words(tmp_path: Path) -> None:
    index = opened(tmp_path, [row_of(0, "borek"), row_of(1, "kulon")])
    assert found(index, 'title:borek AND -kulon OR "(x]^2 *').keys() == {0, 1}


def test_a_damaged_folder_and_a_wrong_count_are_corrupt_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    build_words(folder, [row_of(0, "borek")])
    with pytest.raises(IndexCorrupt, match="holds 1 passages and its manifest says 2; run `newsquote rollback`"):
        WordIndex(folder, 2)
    (folder / "meta.json").write_text("{")
    with pytest.raises(IndexCorrupt, match="cannot be read as a word index; run `newsquote rollback`"):
        WordIndex(folder, 1)
    with pytest.raises(IndexCorrupt):
        WordIndex(tmp_path / "missing", 1)
