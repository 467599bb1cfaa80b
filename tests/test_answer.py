"""The whole of a question on the sample corpus, with the real model: who is quoted, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from datetime import date
from math import nextafter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.answer import Answerer
from bot.question import Question
from bot.rank import COVERAGE_SHARE
from index.errors import UnverifiableQuote
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Article, Embedder, Hit, Judged, Quote, Reading
from ingest.draft import Draft
from tests.fakes import HashingEmbedder, ingest_drafts

FERRY = "How many people were injured in the ferry accident?"
LAST_DAY = date(2025, 4, 30)


class Listening:
    """A reranker that remembers what it was asked, and finds all sentences alike."""

    name, revision, runtime = "listening", "1", "none"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def reads(self, question: str) -> bool:
        return True

    def judge(self, question: str, readings: Sequence[Reading]) -> Judged:
        self.asked.append(question)
        n = sum(len(reading.sentences) for reading in readings)
        return Judged(np.zeros(n), (None,) * n)


@pytest.fixture(scope="module")
def answerer(sample_data: Path, embedder: Embedder) -> Iterator[Answerer]:
    with Store(sample_data) as store:
        yield Answerer(store, open_snapshot(sample_data), embedder, load_reranker())


def test_the_deadline_that_bessent_mentioned_is_april_26(answerer: Answerer) -> None:
    answer = answerer.answer(Question("what deadline did Bessent mention?", LAST_DAY))
    assert answer.status == "answered"
    first = answer.quotes[0]
    assert first.answer is not None
    assert first.answer.of(first.article.text) == "April 26"


def test_a_misspelt_word_is_read_as_the_word_that_passages_have(answerer: Answerer) -> None:
    right, misspelt = (
        answerer.answer(Question(question, LAST_DAY))
        for question in ("what deadline did Bessent mention?", "what deadlien did Bessnet mention?")
    )
    assert misspelt.understood.respelt == (("deadlien", "deadline"), ("Bessnet", "Bessent"))
    assert misspelt.understood.topic == right.understood.topic
    assert misspelt.question.text == "what deadlien did Bessnet mention?"
    assert (misspelt.confidence, misspelt.quotes) == (right.confidence, right.quotes)


@pytest.mark.parametrize(
    "question",
    [
        "what deadline did Bessent mention?",
        "Which eastern women scored?",  # no article has "eastern": a word for all that
        "what deadline did Tolvanqu mention?",  # a name that nobody knows
    ],
)
def test_no_other_word_is_respelt_and_nothing_is_searched_twice(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch, question: str
) -> None:
    searched: list[str] = []
    retrieve = answerer._retriever.retrieve

    def counted(topic: str, *args: Any, **options: Any) -> list[Hit]:
        searched.append(topic)
        return retrieve(topic, *args, **options)

    monkeypatch.setattr(answerer._retriever, "retrieve", counted)
    assert answerer.answer(Question(question, LAST_DAY)).understood.respelt == ()
    assert searched == [question]


def test_a_word_is_respelt_only_from_what_may_answer(answerer: Answerer) -> None:
    question = Question("what deadline did Bessnet mention?", LAST_DAY)
    assert answerer.answer(replace(question, respells=False)).understood.respelt == ()
    assert answerer.answer(replace(question, asked_on=date(2025, 4, 1))).understood.respelt == ()
    assert answerer.answer(replace(question, read_filters=False)).understood.respelt == (("Bessnet", "Bessent"),)


def test_a_story_told_by_a_copy_too_is_quoted_once_from_the_original(answerer: Answerer) -> None:
    answer = answerer.answer(Question(FERRY, LAST_DAY))
    quoted = [quote.article.source for quote in answer.quotes]
    assert "Valley Wire" in quoted
    assert "Northgate Ledger" not in quoted
    wire = answer.quotes[quoted.index("Valley Wire")]
    assert [url.split("/")[2] for url in wire.also] == ["northgate-ledger.example"]


def test_asked_of_the_copys_outlet_alone_the_copy_is_quoted(answerer: Answerer) -> None:
    answer = answerer.answer(Question(FERRY, LAST_DAY, sources=("northgate ledger",)))
    assert {quote.article.source for quote in answer.quotes} == {"Northgate Ledger"}


def test_nothing_published_after_the_day_of_asking_is_used(answerer: Answerer) -> None:
    answer = answerer.answer(Question(FERRY, date(2025, 4, 1), always=True))
    assert all((quote.article.published or "") <= "2025-04-01T23:59:59" for quote in answer.quotes)
    assert answer.searched.n_articles < answerer.answer(Question(FERRY, LAST_DAY)).searched.n_articles


def test_what_nobody_reported_is_not_found_and_the_nearest_article_is_named(answerer: Answerer) -> None:
    answer = answerer.answer(Question("Which goalkeeper moved from Lisbon to Osaka?", LAST_DAY))
    assert answer.status == "not_found"
    assert answer.nearest is not None
    assert answer.searched.n_articles == 59


def test_the_reranker_is_asked_what_is_asked_before_what_led_up_to_it(sample_data: Path, embedder: Embedder) -> None:
    listening = Listening()
    with Store(sample_data) as store:
        answerer = Answerer(store, open_snapshot(sample_data), embedder, listening)
        answerer.answer(Question("A ferry had an accident this week. How many people were injured?", LAST_DAY))
    assert listening.asked == ["How many people were injured? A ferry had an accident this week."]


def test_never_refusing_changes_the_status_and_nothing_else(answerer: Answerer) -> None:
    question = "Which goalkeeper moved from Lisbon to Osaka?"
    refusing, answering = (answerer.answer(Question(question, LAST_DAY, always=always)) for always in (False, True))
    assert answering.status == "answered"
    assert (refusing.confidence, refusing.quotes) == (answering.confidence, answering.quotes)


def test_as_sure_as_the_threshold_is_sure_enough(tmp_path: Path) -> None:
    embedder, question = HashingEmbedder(), Question("When did the harbour close?", LAST_DAY)
    text = "The harbour of Tarn closed on Friday. The ferries stay in Marlow until the ice has gone."
    ingest_drafts(tmp_path, [Draft(text=text, url="https://a.example/1", title="Harbour closed", origin="x")], embedder)
    with Store(tmp_path) as store:
        snapshot = open_snapshot(tmp_path)
        sure = Answerer(store, snapshot, embedder).answer(question).confidence
        found = [
            Answerer(store, snapshot, embedder, threshold=threshold).answer(question).status
            for threshold in (sure, nextafter(sure, 1))
        ]
    assert found == ["answered", "not_found"]


def test_a_retracted_article_takes_nobodys_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["The harbour of Tarn closed on Friday.", "Marlow, too, has a harbour, and says nothing of closing it."]
    drafts = [
        Draft(text=text, url=f"https://a.example/{n}", title="Harbours", origin="x") for n, text in enumerate(texts)
    ]
    ingest_drafts(tmp_path, drafts)
    monkeypatch.setattr("bot.answer.N_HITS", 1)
    with Store(tmp_path) as store:
        answerer = Answerer(store, open_snapshot(tmp_path), HashingEmbedder())
        question = Question("When did the harbour of Tarn close?", LAST_DAY, always=True)
        assert [source.url for source in answerer.answer(question).sources] == ["https://a.example/0"]
        with Store(tmp_path, write=True) as writer:
            writer.retract("https://a.example/0", 1)
        answer = answerer.answer(question)
    assert [source.url for source in answer.sources] == ["https://a.example/1"]
    assert answer.searched.n_articles == 1


def test_nothing_that_the_last_check_refuses_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(quote: Quote, stored: Article | None) -> None:
        raise UnverifiableQuote("the stored article has other words there")

    towns = ("Tarn", "Marlow", "Osk", "Vell", "Brae", "Holm")
    texts = [f"The harbour of {town} closed on {day} May." for day, town in enumerate(towns, 1)]
    ingest_drafts(
        tmp_path, [Draft(text=text, url=f"https://a.example/{n}", origin="x") for n, text in enumerate(texts)]
    )
    with Store(tmp_path) as store:
        answerer = Answerer(store, open_snapshot(tmp_path), HashingEmbedder())
        question = Question("When did the harbour close?", LAST_DAY, always=True, n_further=2)
        answer = answerer.answer(question)
        assert answer.quotes and answer.further
        monkeypatch.setattr("bot.verify.check_quote", refused)
        answer = answerer.answer(question)
    assert (answer.status, answer.quotes, answer.further) == ("not_found", (), ())


def test_the_version_of_an_article_that_was_valid_then_is_quoted(answerer: Answerer) -> None:
    question = "How many beds will the new hospital wing have?"
    before, after = (
        " ".join(quote.text for quote in answerer.answer(Question(question, day, always=True)).quotes)
        for day in (date(2025, 4, 10), LAST_DAY)
    )
    assert "120" in before
    assert "140" in after
    assert "140" not in before


def test_sources_are_in_the_order_of_the_scores_beside_them(answerer: Answerer) -> None:
    for question in (FERRY, "how many beds does the new wing have?", "what deadline did Bessent mention?"):
        scores = [source.score for source in answerer.answer(Question(question, LAST_DAY)).sources]
        assert len(scores) > 1
        assert scores == sorted(scores, reverse=True)


def test_an_article_without_the_names_of_the_question_ranks_below_one_that_has_them(answerer: Answerer) -> None:
    best, *_ = answerer.answer(Question("what deadline did Bessent mention?", LAST_DAY)).sources
    assert best.title == "U.S. and Ukraine say investment deal is close"


def test_a_live_blog_that_says_every_word_somewhere_is_not_the_article(tmp_path: Path) -> None:
    story = "Reservoir engineers at Tarn reported a cracked spillway and closed the lower valley road."
    other = "The council talked about the budget of the library and nothing else of note that morning. "
    blog = "Live: the day as it happened"
    ingest_drafts(
        tmp_path,
        [
            Draft(
                text=story,
                url="https://a.example/story",
                title="Tarn spillway cracked",
                published="2025-04-20",
                origin="x",
            ),
            Draft(
                text=other * 80 + "\n" + story,
                url="https://b.example/blog",
                title=blog,
                published="2025-04-20",
                origin="x",
            ),
        ],
        HashingEmbedder(),
    )
    with Store(tmp_path) as store:
        found = Answerer(store, open_snapshot(tmp_path), HashingEmbedder())
        best, second = found.answer(Question("which reservoir has a cracked spillway?", LAST_DAY, always=True)).sources
    assert best.url == "https://a.example/story"
    assert best.score > second.score + 0.5 * COVERAGE_SHARE


def test_how_recent_an_article_is_makes_no_answer_surer(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    text = "The harbour of Tarn closed on Friday. The ferries stay in Marlow until the ice has gone."
    draft = Draft(text=text, url="https://a.example/1", title="Harbour closed", published="2025-04-25", origin="x")
    ingest_drafts(tmp_path, [draft], embedder)
    with Store(tmp_path) as store:
        answerer = Answerer(store, open_snapshot(tmp_path), embedder)
        soon, late = (
            answerer.answer(Question("When did the harbour close?", day)) for day in (LAST_DAY, date(2026, 4, 30))
        )
    assert astuple(soon.evidence) == pytest.approx(astuple(late.evidence))
    assert soon.evidence.sentence > 1
    assert soon.evidence.coverage > 0


def test_an_article_that_was_no_candidate_ranks_as_one_that_was_and_was_not_read(
    sample_data: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all readings alike, how many passages are candidates changes no article's score."""
    question = Question(FERRY, LAST_DAY, always=True)
    with Store(sample_data) as store:
        found = Answerer(store, open_snapshot(sample_data), embedder, Listening())
        every = [source.score for source in found.answer(question).sources]
        monkeypatch.setattr("bot.answer.N_PASSAGES", 1)
        few = [source.score for source in found.answer(question).sources]
    assert len(few) > 3
    assert few == pytest.approx(every)
