"""What is news to a question that stands, and what was told already."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Answer, Answerer
from bot.question import Question
from bot.remembered import Standing
from bot.standing import REST_S, SURE, is_told, marks_of, news_of, question_of, until_of
from index.snapshot import open_snapshot
from index.store import Store
from index.types import DAY_S, Article, Embedder, Quote, Span
from tests.bot_support import FERRY, NOW_S

TODAY = date(2025, 4, 30)
STANDING = Standing("abcd1234", NOW_S, until_of(NOW_S), 1, 2, 3, True, "who won?", ("Post",), "de", 41)


def quote_of(text: str, marked: str = "", published: str | None = "2025-04-30") -> Quote:
    article = Article("https://post.example/a", 1, None, "", published, None, "Post", (), text)
    at = text.index(marked)
    return Quote(article, Span(0, len(text)), text, 1.0, Span(at, at + len(marked)) if marked else None)


@pytest.fixture
def answer(sample_data: Path, embedder: Embedder) -> Answer:
    with Store(sample_data) as store:
        answerer = Answerer(store, open_snapshot(sample_data), embedder, threshold=0.0)
        found = answerer.answer(Question(FERRY, date(2025, 4, 30)))
    assert len(found.quotes) > 1
    return replace(found, confidence=SURE, disagreement=None)


def test_it_is_asked_of_what_came_in_since_and_of_no_archive() -> None:
    asked = question_of(STANDING, NOW_S + 5 * DAY_S)
    assert asked == Question(
        "who won?",
        date(2025, 5, 6),  # what is dated a day ahead is asked of with what came in beside it
        since=date(2025, 4, 23),
        sources=("Post",),
        read_filters=False,
        after_version=41,
    )


def test_it_is_asked_with_misspelt_words_respelt() -> None:
    assert question_of(STANDING, NOW_S).respells


def test_the_same_words_and_the_same_answer_of_these_days_are_no_news() -> None:
    told = marks_of([quote_of("The vote is on Friday, she said.", "Friday", "2025-04-02")], TODAY)
    assert is_told(quote_of("the VOTE is on friday: she said"), told)
    assert is_told(quote_of("It will be held Friday.", "Friday", "2025-05-08"), told)
    assert not is_told(quote_of("It will be held Friday.", "Friday", "2025-05-12"), told)  # another Friday
    assert not is_told(quote_of("It will be held Friday.", "Friday", "2025-04-27"), told)
    assert not is_told(quote_of("It will be held Friday.", "Friday", None), told)
    assert not is_told(quote_of("It will be held Sunday.", "Sunday"), told)
    assert not is_told(quote_of("It will be held Friday."), told)


def test_what_is_told_on_a_monday_is_no_news_in_another_article_of_that_sunday() -> None:
    told = marks_of([quote_of("Osric Dunne won the vote.", "Osric Dunne", "2025-04-27")], date(2025, 4, 28))
    assert is_told(quote_of("The winner is Osric Dunne.", "Osric Dunne", "2025-04-27T23:00:00Z"), told)
    assert is_told(quote_of("The winner is Osric Dunne.", "Osric Dunne", "2025-05-11"), told)
    assert not is_told(quote_of("The winner is Osric Dunne.", "Osric Dunne", "2025-04-20"), told)


def test_what_is_remembered_of_news_holds_none_of_its_words() -> None:
    told = json.dumps(marks_of([quote_of("Osric Dunne won the vote.", "Osric Dunne")], TODAY))
    assert not any(word in told for word in ("Osric", "osric", "dunn", "vote"))


def test_only_what_is_new_is_left_of_an_answer(answer: Answer) -> None:
    assert news_of(answer, ()) == answer
    first, *others = answer.quotes
    left = news_of(answer, marks_of([replace(first, answer=None)], TODAY))
    assert left is not None and left.quotes == tuple(others)
    assert news_of(answer, marks_of((replace(one, answer=None) for one in answer.quotes), TODAY)) is None


def test_sources_that_disagree_do_so_only_where_both_are_news(answer: Answer) -> None:
    quotes = tuple(quote_of(f"{n} people came.", str(n)) for n in (7, 8, 9))
    answer = replace(answer, quotes=quotes, disagreement=(2, 1))
    shown = news_of(answer, marks_of(quotes[:1], TODAY))
    assert shown is not None and shown.disagreement == (1, 0)
    shown = news_of(answer, marks_of(quotes[1:2], TODAY))
    assert shown is not None and shown.disagreement is None


def test_what_is_unsure_or_not_found_is_no_news(answer: Answer) -> None:
    assert news_of(replace(answer, confidence=SURE - 0.01), ()) is None
    assert news_of(replace(answer, status="not_found"), ()) is None


def test_it_ends_and_rests() -> None:
    assert until_of(0) == 90 * DAY_S
    assert REST_S < DAY_S
