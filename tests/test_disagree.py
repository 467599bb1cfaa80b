"""Two stories that give different values for what is asked, and all that only looks like it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Answerer
from bot.disagree import find_disagreement, settle
from bot.kind import Kind
from bot.question import Question
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Article, Embedder, Quote
from ingest import sample
from tests.test_render import article, quote

ASKED = "How many people were injured in the ferry accident at Port Wessel?"
REPORT = "{lead}\n\nThe ferry accident happened at Customs Quay in Port Wessel, where the Grey Heron hit a pier."


def said(number: int, sentence: str, answer: str = "", *, published: str = "2025-04-02", **changes: object) -> Quote:
    of: Article = article(
        REPORT.format(lead=sentence), id=f"https://{number}.example/", url=f"https://{number}.example/", **changes
    )
    return quote(replace(of, published=published), sentence, answer)


def pair(kind: Kind, asked: str, *quotes: Quote) -> tuple[int, int] | None:
    found = find_disagreement(kind, asked, quotes)
    return None if found is None else found.pair


def test_two_numbers_disagree_the_newer_first_and_both_are_marked() -> None:
    quotes = (
        said(1, "Fourteen people were injured in Port Wessel.", "Fourteen"),
        said(
            2,
            "A ferry carrying more than 200 people rammed a pier during the morning rush, injuring 17 people.",
            "200",
            published="2025-04-03",
        ),
    )
    found = find_disagreement("number", ASKED, quotes)
    assert found is not None
    assert found.pair == (1, 0)
    assert [q.answer.of(q.article.text) for q in found.marked(quotes) if q.answer] == ["Fourteen", "17"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14 people were injured.", "Fourteen people were injured."),
        ("14 people were injured.", "At least 12 people were injured."),
        ("14 people were injured.", "Up to 20 people were injured."),
        ("About 15 people were injured.", "14 people were injured."),
        ("212 people were injured.", "200 people were injured."),
        ("14 people were injured.", "It took 35 minutes to free the injured."),
        ("14 people were injured.", "People were injured at 8:30 on April 2, 2025."),
        ("14 people were injured, three fewer than 17 people as first said to be injured.", "17 people were injured."),
        ("14 people were injured.", "Many people were injured."),
        ("20 people were injured.", "No fewer than 14 people were injured."),
        ("20 people were injured.", "A minimum of 14 people were injured."),
        ("20 people were injured.", "14 or more people were injured."),
        ("20 people were injured.", "14 people or more were injured."),
        ("20 people were injured.", "14+ people were injured."),
        ("9 people were injured.", "No more than 14 people were injured."),
        ("15 people were injured.", "14 to 17 people were injured."),
        ("15 people were injured.", "14–17 people were injured."),
        ("15 people were injured.", "Fourteen to seventeen people were injured."),
        ("20 people were injured.", "Between 14 and 17 people were injured."),
        ("14 people were injured.", "13 or 15 people were injured."),
        ("120 people were injured.", "One hundred and twenty people were injured."),
        ("2,506 people were injured.", "Two thousand five hundred and six people were injured."),
        ("212 people were injured.", "Two hundred people were injured."),
    ],
)
def test_figures_that_may_both_be_right_do_not_disagree(one: str, other: str) -> None:
    assert pair("number", ASKED, said(1, one), said(2, other)) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14 people were injured.", "One hundred and twenty people were injured."),
        ("14 people were injured.", "No fewer than 20 people were injured."),
        ("14 people were injured.", "No more than 9 people were injured."),
        ("14 people were injured.", "20 or more people were injured."),
    ],
)
def test_figures_that_cannot_both_be_right_disagree(one: str, other: str) -> None:
    assert pair("number", ASKED, said(1, one), said(2, other)) == (0, 1)


def test_one_story_and_its_copies_do_not_disagree() -> None:
    one, other = "14 people were injured.", "17 people were injured."
    assert pair("number", ASKED, said(1, one), said(1, other)) is None
    assert pair("number", ASKED, said(1, one), said(2, other, copy_of="https://1.example/")) is None
    assert pair("number", ASKED, said(1, one, copy_of="x"), said(2, other, copy_of="x")) is None


def test_reports_of_other_days_do_not_disagree() -> None:
    one, other = said(1, "14 people were injured."), said(2, "17 people were injured.", published="2025-05-02")
    assert pair("number", ASKED, one, other) is None
    assert pair("number", ASKED, one, said(2, "17 people were injured.", published="")) is None


def test_reports_of_another_matter_do_not_disagree() -> None:
    of = article("17 people were injured when a bus hit a tree in Tarn.", id="9")
    elsewhere = quote(of, "17 people were injured")
    assert pair("number", ASKED, said(1, "14 people were injured."), elsewhere) is None


def test_sums_shares_and_dates_disagree_too() -> None:
    cost = "How much will the repair of the pier at Port Wessel cost?"
    dear = said(2, "The repair will cost $46m.")
    assert pair("money", cost, said(1, "Repair will cost $38 million."), dear) == (0, 1)
    assert pair("money", cost, said(1, "Repair will cost $46 million."), dear) is None
    assert pair("money", cost, said(1, "Repair will cost $4.1 million."), said(2, "It will cost $4,100,000.")) is None
    assert pair("money", cost, said(1, "Repair will cost $2.5 million."), said(2, "It will cost €2.3 million.")) is None
    both = said(2, "The repair will cost $46m (€43m).")
    assert pair("money", cost, said(1, "Repair will cost $38 million."), both) == (0, 1)
    share = "What percentage of the ferries in Port Wessel was late?"
    assert pair("percent", share, said(1, "12% of ferries were late."), said(2, "19 per cent were late.")) == (0, 1)
    when = "When does the ferry in Port Wessel sail again?"
    first, second = said(1, "It sails again on May 6.", "May 6"), said(2, "It will sail on 9 May.", "9 May")
    assert pair("date", when, first, second) == (0, 1)
    assert pair("date", when, first, said(2, "It sails on Tuesday, May 6, 2025.", "May 6, 2025")) is None


def test_two_names_disagree_only_where_both_sentences_say_all_that_is_asked() -> None:
    asked = "Who steered the ferry Grey Heron?"
    one = said(1, "Marla Quist steered the ferry Grey Heron.", "Marla Quist")
    assert pair("person", asked, one, said(2, "Otto Brand steered the ferry Grey Heron.", "Otto Brand")) == (0, 1)
    assert pair("person", asked, one, said(2, "Quist steered the ferry Grey Heron.", "Quist")) is None
    assert pair("person", asked, one, said(2, "Otto Brand saw it.", "Otto Brand")) is None


def test_the_other_side_takes_the_last_place_where_it_was_not_chosen() -> None:
    chosen = [said(1, "14 people were injured."), said(1, "It rained."), said(1, "The pier held.")]
    rival = said(2, "It was loud. In all 17 people were injured.")
    quotes, left, found = settle("number", ASKED, chosen, [rival])
    assert [q.text for q in quotes] == ["14 people were injured.", "It rained.", "In all 17 people were injured."]
    assert left == [chosen[2]]
    assert found == (0, 2)
    assert all(q.article.text[q.span.start : q.span.end] == q.text for q in quotes)


def test_a_rival_without_the_question_beside_its_figure_changes_nothing() -> None:
    chosen = [said(1, "14 people were injured."), said(1, "It rained.")]
    rival = said(2, "On board were 212 people.", "212")
    assert settle("number", ASKED, chosen, [rival]) == (chosen, [rival], None)


def test_all_disagreements_of_the_sample_are_found_and_nothing_else(sample_data: Path, embedder: Embedder) -> None:
    lines = (Path(sample.__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    # A follow-up ("And how much will it cost?") asks nothing by itself.
    rows = [row for line in lines if (row := json.loads(line))["kind"] != "follow_up"]
    with Store(sample_data) as store:
        answerer = Answerer(store, open_snapshot(sample_data), embedder, load_reranker())
        for row in rows:
            answer = answerer.answer(Question(row["question"], date.fromisoformat(row["asked_on"])))
            marked = [answer.quotes[at] for at in answer.disagreement or ()]
            values = {q.answer.of(q.article.text) for q in marked if q.answer}
            assert bool(values) == (row["kind"] == "disagreement"), row["question"]
            if values:
                assert values <= set(row["answers"]), row["question"]
