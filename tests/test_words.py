"""The word index against BM25 written out from its formula, and its filters against plain comparisons."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.errors import IndexCorrupt
from index.store import ALWAYS, NEVER
from index.words import TITLE_WEIGHT, WordFilters, WordIndex, WordRow, build_words, content_terms, terms

K1, B = 1.2, 0.75
# Up to this many words tantivy keeps a field's length exactly; a longer one is rounded down, by less than an eighth.
EXACT_LENGTH = 40
NOW_S = 1_000_000
VOCABULARY = [f"{a}{b}" for a in ("bor", "kul", "mip", "tav", "zed") for b in ("am", "ek", "on", "ur")]


def row_of(row: int, text: str, title: str = "", **changes: object) -> WordRow:
    fields: dict[str, object] = {
        "published_s": 0,
        "valid_from_s": ALWAYS,
        "valid_to_s": NEVER,
        "source": "Post",
        "language": "en",
    }
    return WordRow(row=row, title=title, text=text, **(fields | changes))  # type: ignore[arg-type]


def opened(folder: Path, rows: Sequence[WordRow]) -> WordIndex:
    build_words(folder, rows)
    return WordIndex(folder, len(rows))


def found(index: WordIndex, question: str, filters: WordFilters | None = None, k: int = 1000) -> dict[int, float]:
    rows, scores = index.search(content_terms(question), k, filters or WordFilters(valid_at_s=NOW_S))
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


# Filters --------------------------------------------------------------------------------------------------

OUTLETS = ["Post", "POST", "Wire", "Île Hebdo"]
instants = st.integers(-3, 3).map(lambda day: NOW_S + day)
undated = st.just(ALWAYS)
spans = st.tuples(st.one_of(undated, instants), st.one_of(st.just(NEVER), instants))
rows_of_any_kind = st.lists(
    st.tuples(st.one_of(undated, instants), spans, st.sampled_from(OUTLETS), st.sampled_from(["en", "de", ""])),
    min_size=1,
    max_size=30,
)
any_filters = st.builds(
    WordFilters,
    valid_at_s=instants,
    since_s=st.none() | instants,
    until_s=st.none() | instants,
    sources=st.frozensets(st.sampled_from([name.lower() for name in OUTLETS] + ["nobody"]), max_size=2),
    language=st.sampled_from(["", "en", "de"]),
)


def lets_through(filters: WordFilters, row: WordRow) -> bool:
    is_dated = row.published_s != ALWAYS
    return (
        row.valid_from_s <= filters.valid_at_s < row.valid_to_s
        and row.published_s <= filters.valid_at_s
        and (filters.since_s is None or (is_dated and row.published_s >= filters.since_s))
        and (filters.until_s is None or (is_dated and row.published_s <= filters.until_s))
        and (not filters.sources or row.source.lower() in filters.sources)
        and (not filters.language or row.language == filters.language)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_any_kind, st.lists(any_filters, min_size=1, max_size=12))
def test_filters_let_through_what_plain_comparisons_let_through(
    tmp_path_factory: pytest.TempPathFactory,
    kinds: list[tuple[int, tuple[int, int], str, str]],
    every_filter: list[WordFilters],
) -> None:
    rows = [
        row_of(at, "borek kulon", published_s=published, valid_from_s=low, valid_to_s=high, source=name, language=code)
        for at, (published, (low, high), name, code) in enumerate(kinds)
    ]
    index = opened(tmp_path_factory.mktemp("words"), rows)
    for filters in every_filter:
        assert {*found(index, "borek", filters)} == {row.row for row in rows if lets_through(filters, row)}


def test_a_filter_changes_no_score(tmp_path: Path) -> None:
    rows = [replace(row, language="de" if row.row % 3 else "en") for row in random_rows(90, 30, seed=4)]
    index = opened(tmp_path, rows)
    all_scores = found(index, QUESTIONS[1])
    filters = WordFilters(valid_at_s=NOW_S, since_s=0, until_s=NOW_S, sources=frozenset({"post"}), language="en")
    expected = {row: score for row, score in all_scores.items() if rows[row].language == "en"}
    assert found(index, QUESTIONS[1], filters) == pytest.approx(expected, rel=1e-6)


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
