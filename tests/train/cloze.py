"""Questions made of news: a name or a number of an article's opening sentence asked for, answered by other sentences.

An opening says what happened; the sentences that say it again, in the same article or another, are what a reader of
questions must find. The opening itself is never among them, and its headline is not shown: they hold the answer in
the question's own words.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from bot.choose import coverage, question_terms
from bot.windows import Sentences, sentences_of
from index.retrieve import Retriever
from index.snapshot import Snapshot, open_snapshot
from index.store import Store
from index.types import Article, Filters, Reading, end_of_day_s
from index.words import terms
from tests.train.groups import Group, by_words, labelled, passages

N_GROUPS = 1500
# Articles that speak of the same event come within days.
DAYS_AFTER = 7
MIN_WORDS, MAX_WORDS = 7, 24
# Share of the question's rare words that a sentence with the answer must have: the question is long, so it is high.
MIN_SUPPORT = 0.4
# A sentence that has so much of the question is the same sentence once more, and not learned from.
SAME = 0.95
N_NEAR = 2
_CLAUSE = re.compile(r"(?<=[a-z\d])[,;:–—] |[.?!][\"”’']?$")
_FIGURE = re.compile(
    r"(?P<money>[$£€]\d[\d,.]*(?: (?:million|billion|trillion))?)|(?P<percent>\d[\d.]*(?:%| percent))"
    r"|(?<![\w-])(?P<number>\d[\d,]*)(?![\w-])"
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w-]+(?: (?:(?:of|the|de|van) )?[A-Z][\w-]+)*(?![\w.-]|[’'][a-rt-z])")
_DAYS = frozenset(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
_NO_NEWS = ("Editor", "This story", "This article", "Sign up", "Click")
_ASKED = {"money": "how much", "percent": "what percentage", "number": "how many"}


def cloze_groups(folder: Path, until: str) -> list[Group]:
    """Some `N_GROUPS` groups of articles published before `until` (YYYY-MM-DD), the same ones every time.

    Args:
        folder: Where the articles are indexed by words, as `groups.quiz_groups` left it.
        until: See above.
    """
    rng = random.Random(0)
    groups: list[Group] = []
    with Store(folder) as store:
        snapshot = open_snapshot(folder)
        retriever = by_words(snapshot)
        versions = sorted(snapshot.versions["version"].tolist())
        rng.shuffle(versions)
        for version in versions:
            if len(groups) == N_GROUPS:
                break
            article = store.article(version)
            if article is not None and article.published and article.published[:10] < until:
                group = _group_of(article, store, snapshot, retriever, rng)
                groups += [] if group is None else [group]
    return groups


def _group_of(
    article: Article, store: Store, snapshot: Snapshot, retriever: Retriever, rng: random.Random
) -> Group | None:
    """The group of the first question of two, taken by chance, that another sentence answers."""
    assert article.published
    day = date.fromisoformat(article.published[:10]) + timedelta(DAYS_AFTER)
    asked = [question for question in questions(sentences_of(article)) if rng.random() < 0.5]
    found = (_group(question, answer, article, day, store, snapshot, retriever) for question, answer in asked[:2])
    return next((group for group in found if group is not None), None)


def questions(sentences: Sentences) -> Iterator[tuple[str, str]]:
    """Questions and answers from the first two sentences: the clause round a name or a number, which is asked for."""
    text = sentences.article.text
    for span in sentences.spans[:N_NEAR]:
        if span.of(text).startswith(_NO_NEWS):
            continue
        for clause in _clauses(span.of(text)):
            if MIN_WORDS <= len(clause.split()) <= MAX_WORDS:
                for match in _FIGURE.finditer(clause):
                    asked = _ASKED[match.lastgroup or "number"]
                    yield f"{clause[: match.start()]}{asked}{clause[match.end() :]}?", match.group()
                for match in _NAME.finditer(clause):
                    before = clause[: match.start()].split()
                    if match.group() not in _DAYS and (before[-1].endswith(",") or before[-1][0].islower()):
                        yield f"{clause[: match.start()]}who or what{clause[match.end() :]}?", match.group()


def _clauses(sentence: str) -> Iterator[str]:
    """The whole sentence without its mark, and what stands before its first break."""
    ends = [match.start() for match in _CLAUSE.finditer(sentence)]
    for end in dict.fromkeys([*ends[:1], *ends[-1:]]):
        yield sentence[:end].strip()


def _group(
    question: str, answer: str, article: Article, day: date, store: Store, snapshot: Snapshot, retriever: Retriever
) -> Group | None:
    idf = snapshot.words.idf
    asked = question_terms(question, "")
    opening = {span.of(article.text) for span in sentences_of(article).spans[:N_NEAR]}

    def others() -> Iterator[Reading]:
        for reading in passages(question, Filters(end_of_day_s(day)), store, retriever):
            sentences = tuple(sentence for sentence in reading.sentences if sentence not in opening)
            if sentences:
                yield Reading("" if reading.title == article.title else reading.title, sentences)

    def support(sentence: str, near: str) -> float:
        del near
        share = coverage(asked, set(terms(sentence)), idf)
        return share if share < SAME else 0.0

    positive, negative = labelled(others(), [answer], support, MIN_SUPPORT)
    return Group("cloze", question, (answer,), positive, negative) if positive and negative else None
