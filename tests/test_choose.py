"""Choosing quotes from scored sentences: budgets, diversity, no overlap; and the signs of an answering sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.choose import (
    ALL_WORDS,
    FEATURES,
    FIRST_LOOK,
    LEADING_UP,
    MAX_DROP,
    MAY_HOLD,
    N_QUOTES,
    QUOTE_WORDS,
    READING,
    WEIGHTS,
    Candidate,
    Floats,
    Likeness,
    answers_kind,
    bounded,
    choose,
    covered,
    features,
    grow,
    likeliest,
    question_terms,
    read_into,
    scored,
    weighed,
    words_of,
)
from bot.windows import sentences_of
from index.types import Article, Hit, Span
from index.words import terms

TEXT = (
    "The council met on Monday. It approved the budget of $4.2 million. Mayor Ines Halloran called it fair. "
    "Critics said it was late. The vote was nine to four. A second reading follows in May."
)


def article(text: str = TEXT, version: int = 1, cuts: tuple[int, ...] = ()) -> Article:
    return Article(
        id=f"https://a.example/{version}",
        version=version,
        url=f"https://a.example/{version}",
        title="Council approves budget",
        published="2025-04-01",
        updated=None,
        source="a.example",
        authors=(),
        text=text,
        cuts=cuts,
    )


def candidates_of(*articles: Article) -> list[Candidate]:
    found = []
    for story, each in enumerate(articles):
        sentences = sentences_of(each)
        hit = Hit(0, each.version, Span(0, len(each.text)), 1.0, 0.5, 3.0, 0.0)
        found += [Candidate(story, sentences, at, hit) for at in range(len(sentences.spans))]
    return found


def far_apart(n: int) -> Floats:
    return np.eye(n)


def test_the_best_sentence_anchors_the_first_quote() -> None:
    candidates = candidates_of(article())
    chosen = choose(candidates, [0.1, 0.9, 0.2, 0.1, 0.1, 0.1], far_apart(6))
    assert chosen[0].candidate.at == 1
    assert chosen[0].score == 0.9


def test_a_quote_grows_towards_the_better_neighbour() -> None:
    candidates = candidates_of(article())
    by_place = {(1, 0): 0.1, (1, 1): 0.9, (1, 2): 0.5}
    assert grow(candidates[1], by_place, room=15) == (1, 2)
    assert grow(candidates[1], {**by_place, (1, 0): 0.8}, room=15) == (0, 1)
    assert grow(candidates[1], by_place, room=13) == (1, 2)  # its words and no more
    assert grow(candidates[1], by_place, room=12) == (0, 1)


def test_a_quote_does_not_grow_over_a_removed_line() -> None:
    cut = TEXT.index("Mayor")
    candidates = candidates_of(article(cuts=(cut,)))
    assert grow(candidates[1], {}, room=60)[1] == 1


def test_a_far_weaker_further_quote_is_left_out() -> None:
    candidates = candidates_of(article(version=1), article(version=2))
    scores = [3.0, *[3.0 - MAX_DROP - 0.1] * (len(candidates) - 1)]
    assert len(choose(candidates, scores, far_apart(len(candidates)))) == 1


def test_a_sentence_that_says_nearly_the_same_gives_way_to_one_that_adds() -> None:
    candidates = candidates_of(article(version=1), article(version=2), article(version=3))
    anchors = [candidates[0], candidates[6], candidates[12]]
    alike = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, 0.0], [0.0, 0.0, 1.0]])
    chosen = choose(anchors, [1.0, 0.95, 0.9], alike)
    assert [each.candidate.story for each in chosen] == [0, 2, 1]


def test_the_same_sentence_is_not_quoted_from_two_articles() -> None:
    said = "The council of Ostermoor approved a budget of $4.2 million on Monday."
    candidates = candidates_of(article(said, 1), article(f"(WIRE) {said}", 2), article("It is late.", 3))
    words, _ = words_of(candidates)
    chosen = choose(candidates, [1.0, 1.0, 0.1], Likeness(words, lambda _: 1.0))
    assert [each.candidate.story for each in chosen] == [0, 2]


def test_what_a_quote_grew_over_is_not_said_again_by_a_further_one() -> None:
    said = "The council of Ostermoor approved a budget of $4.2 million on Monday."
    candidates = candidates_of(
        article(f"It was late. {said}", 1), article(f"(WIRE) {said}", 2), article("Fog came.", 3)
    )
    words, _ = words_of(candidates)
    chosen = choose(candidates, [1.0, 0.9, 0.9, 0.1], Likeness(words, lambda _: 1.0))
    assert [(each.candidate.story, each.first, each.last) for each in chosen] == [(0, 0, 1), (2, 0, 0)]


def test_a_further_quote_knows_a_name_of_the_question_that_the_first_ones_article_knows() -> None:
    said, other = "Ines Halloran set the deadline at noon.", "The deadline for nominations is August 1."
    candidates = candidates_of(article(said, 1), article(other, 2), article("Halloran spoke of an end.", 3))
    scores = [1.0, 0.9, 0.8]

    def stories(question: str) -> list[int]:
        return [each.candidate.story for each in choose(candidates, scores, far_apart(3), question=question)]

    assert stories("What deadline did Halloran set?") == stories("what deadline did halloran set?") == [0, 2]
    assert stories("What deadline did Dunne set?") == stories("") == [0, 1, 2]


LISTED = "The council met on Monday.\n\nWhat was decided\n\nThe budget is $4.2 million."


def test_a_heading_is_not_joined_to_the_sentences_round_it() -> None:
    candidates = candidates_of(article(LISTED))
    assert [candidate.text for candidate in candidates][1] == "What was decided"
    scores = {candidate.place: 1.0 for candidate in candidates}
    assert [grow(candidate, scores, 60) for candidate in candidates] == [(0, 0), (1, 1), (2, 2)]


LINK = "Read on: how the mayor of a small harbour town won the vote that nobody thought she could win"
CREDIT = "The hall was full. Jon Berg/Harbor Agency"


@pytest.mark.parametrize(
    ("text", "at", "grown"),
    [
        (f"It was fair.\n\n{LINK}\n\nCritics said it was late.", 0, (0, 0)),
        (f"It was fair.\n\n{LINK}\n\nCritics said it was late.", 2, (2, 2)),
        (f"{LINK}\n\nIt was fair.", 0, (0, 0)),
        (f"It was fair.\n\n{LINK}", 0, (0, 0)),
        (f"{CREDIT}\n\nIt was fair.", 1, (0, 1)),  # what is left of its own paragraph still joins
        (f"{CREDIT}\n\nIt was fair.", 2, (2, 2)),
        (f"It was fair.\n\n{CREDIT}", 1, (0, 2)),
        ("It was fair.\n\nCritics said it was late.", 0, (0, 1)),
        ("“It was fair”\n\nCritics said it was late:\n\nNobody knew.", 1, (0, 2)),
        (f"It was fair.\n{LINK}\nor that is what they say.", 1, (0, 2)),  # lines broken by hand
    ],
)
def test_a_paragraph_that_ends_like_no_sentence_is_not_taken_in_nor_gone_on_from(
    text: str, at: int, grown: tuple[int, int]
) -> None:
    assert grow(candidates_of(article(text))[at], {}, 60) == grown


@pytest.mark.parametrize(
    ("text", "at", "grown"),
    [
        ("It was fair.\n\nWho voted against it?\n\nNobody did.", 0, (0, 0)),
        ("It was fair.\n\nWho voted against it?\n\nNobody did.", 2, (0, 2)),
        ("It was fair.\nWho voted against it?\nNobody did.", 0, (0, 0)),
        ("It was fair.\n\nWho voted against it? Nobody did.", 0, (0, 2)),
        (f"It was fair.\n\n{'Who ' * 12}voted?\n\nNobody did.", 0, (0, 2)),
        (f"Was it fair {'of anybody ' * 6}to\nvote against it?\nNobody knew.", 0, (0, 2)),  # lines broken by hand
    ],
)
def test_a_quote_does_not_end_in_the_question_of_the_next_section(text: str, at: int, grown: tuple[int, int]) -> None:
    assert grow(candidates_of(article(text))[at], {}, 60) == grown


def test_a_heading_scores_below_a_sentence_with_the_same_signs() -> None:
    scores = scored(np.ones((3, len(FEATURES))), candidates_of(article(LISTED)))
    assert scores[0] == scores[2] > scores[1]


def test_a_sentence_that_points_back_scores_below_one_that_names() -> None:
    said = "Ines Halloran resigned. She resigned. “This is fair.” Thistle Road is closed. Itzel Ruiz agreed."
    scores = scored(np.ones((5, len(FEATURES))), candidates_of(article(said)))
    assert scores[0] == scores[3] == scores[4] > scores[1] == scores[2]


def test_no_candidates_give_no_quotes() -> None:
    assert choose([], [], np.zeros((0, 0))) == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 70), min_size=1, max_size=12),
    st.lists(st.floats(0, 2), min_size=24, max_size=24),
)
def test_quotes_keep_the_budgets_and_never_overlap(lengths: list[int], scores: list[float]) -> None:
    text = " ".join("W" + "ord " * (n - 1) + "end." for n in lengths)
    candidates = candidates_of(article(text, 1), article(text, 2))[:24]
    chosen = choose(candidates, scores[: len(candidates)], far_apart(len(candidates)))
    assert 1 <= len(chosen) <= N_QUOTES or not candidates
    words = [min(QUOTE_WORDS, len(bounded(c).of(text).split())) for c in chosen]
    assert sum(words) <= ALL_WORDS
    places = [(c.candidate.sentences.article.version, at) for c in chosen for at in range(c.first, c.last + 1)]
    assert len(places) == len(set(places))


def test_coverage_weighs_rare_words_more() -> None:
    def idf(term: str) -> float:
        return {"rare": 9.0, "common": 1.0}[term]

    assert covered(weighed(["rare", "common"], idf), {"rare"}) == pytest.approx(0.9)
    assert covered(weighed(["rare", "common"], idf), {"common"}) == pytest.approx(0.1)
    assert covered(weighed([], idf), {"rare"}) == 0.0


def test_words_that_only_frame_a_question_are_not_asked_of_the_sentence() -> None:
    assert question_terms("what deadline did Bessent mention?", "date") == ["bessent"]
    assert question_terms("what was mentioned?", "other") == ["mention"]


def test_a_number_that_the_question_holds_itself_is_no_answer() -> None:
    assert answers_kind("number", "Some 17 people were hurt.", "How many people were hurt?")
    assert not answers_kind("number", "All 49 left.", "How many of the 49 left?")


@pytest.mark.parametrize(
    ("kind", "text", "question", "expected"),
    [
        ("person", "On Monday Ines Halloran won.", "Who won?", 1.0),
        ("person", "On Monday Ines J. Halloran won.", "Who won against Halloran?", 1.0),
        ("person", "On Monday Halloran won.", "Who won?", MAY_HOLD),
        ("person", "Then Halloran won.", "Who won?", MAY_HOLD),
        ("person", "Then Ines Halloran’s rival Bo won.", "Who won against Ines Halloran?", MAY_HOLD),
        ("person", "Today Ines Halloran won.", "Who won against Ines Halloran?", 0.0),
        ("person", "On Monday she won.", "Who won on Monday?", 0.0),
        ("place", "They met in New York.", "Where did they meet?", 1.0),
        ("place", "They met the Chinese.", "Which country's minister did they meet?", 1.0),
        ("place", "They met in Ostermoor.", "Where did they meet?", MAY_HOLD),
        ("place", "They met in China’s capital with Halloran.", "Where in China did they meet?", MAY_HOLD),
        ("place", "They met there.", "Where did they meet?", 0.0),
        ("organisation", "They sold it to Ostermoor.", "Which company bought it?", 1.0),
        ("other", "They met there.", "How did they meet?", 1.0),
    ],
)
def test_a_full_name_and_a_known_place_answer_better_than_what_may_be_one(
    kind: str, text: str, question: str, expected: float
) -> None:
    assert answers_kind(kind, text, question) == expected


def test_words_that_lead_up_to_the_question_count_half_in_the_sentence_itself() -> None:
    candidates = candidates_of(article())
    question = "Mayor Halloran spoke of the budget. What was the vote?"
    terms_of_all, words, around = ["mayor", "halloran", "budget", "vote"], *words_of(candidates)
    signs = features("other", question, terms_of_all, candidates, words, around, lambda term: 1.0)
    leading_up, asking = signs[2, 0], signs[4, 0]
    assert leading_up == pytest.approx(2 * LEADING_UP / (1 + 3 * LEADING_UP))
    assert asking == pytest.approx(1 / (1 + 3 * LEADING_UP))
    alone = features("other", question[36:], ["vote"], candidates, words, around, lambda term: 1.0)
    assert alone[4, 0] == pytest.approx(1.0)


def test_of_two_that_answer_alike_the_newer_scores_higher() -> None:
    old, new = candidates_of(article("Halloran won.", 1), article("Halloran won.", 2))
    new = replace(new, hit=replace(new.hit, recency=0.2))
    both = [old, new]
    signs = features("person", "Who won?", ["won"], both, *words_of(both), lambda term: 1.0)
    scores = scored(signs, both)
    assert scores[1] - scores[0] == pytest.approx(0.2 * WEIGHTS[FEATURES.index("recency")])
    assert likeliest(signs) == [1, 0]


def test_words_are_those_of_the_sentence_and_of_what_stands_round_it() -> None:
    candidates = candidates_of(article())
    own, around = words_of(candidates)
    assert own[1] == frozenset(terms(candidates[1].text))
    assert around[1] == frozenset(terms("Council approves budget. " + candidates[1].sentences.joined(0, 2).of(TEXT)))
    assert around[-1] == frozenset(terms("Council approves budget. " + candidates[-1].sentences.joined(4, 5).of(TEXT)))


def test_every_feature_has_a_weight_and_a_better_sentence_scores_higher() -> None:
    candidates = candidates_of(article())
    signs = features(
        "money", "How much is the budget?", ["budget"], candidates, *words_of(candidates), lambda term: 1.0
    )
    assert signs.shape == (6, len(FEATURES)) == (6, len(WEIGHTS)) == (6, len(FIRST_LOOK))
    assert int((signs @ FIRST_LOOK).argmax()) == 1
    assert int((signs @ WEIGHTS).argmax()) == 1


def test_what_the_reranker_read_counts_and_what_it_did_not_read_counts_as_its_worst() -> None:
    candidates = candidates_of(article())
    signs = features("other", "Who was late?", ["late"], candidates, *words_of(candidates), lambda term: 1.0)
    read_into(signs, [3, 1], np.array([2.0, -1.0]))
    readings = signs[:, READING]
    assert int(readings.argmax()) == 3
    assert 0 <= readings.min() < readings.max() <= 1
    assert set(np.delete(readings, 3)) == {readings[1]}


def test_a_reading_beyond_all_bounds_stays_within_its_unit() -> None:
    candidates = candidates_of(article())
    signs = np.zeros((len(candidates), len(FEATURES)))
    read_into(signs, [0, 1], np.array([1e9, -1e9]))
    assert signs[:, READING].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]


def test_sentences_of_the_same_rare_words_are_alike_and_others_are_not() -> None:
    alike = Likeness([frozenset({"a", "b"}), frozenset({"a", "b"}), frozenset({"c"}), frozenset()], lambda term: 2.0)
    assert alike[0].tolist() == pytest.approx([1.0, 1.0, 0.0, 0.0])
    assert not alike[3].any()
