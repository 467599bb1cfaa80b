"""Two stories that give different values for what is asked, and all that only looks like it."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from bot.answer import Answerer
from bot.disagree import (
    _AMONG,
    _FURTHER_BEFORE,
    _MOMENT,
    _OTHER_TIME,
    _PART_ENDS,
    _PLACE,
    _SAID_FIRST,
    _SHARE_OF,
    _SOME_AFTER,
    find_disagreement,
    settle,
)
from bot.disagree_values import _COUNT_RATE, _FOLLOWING, _NUMBERED, _RATE, figures
from bot.kind import Kind
from bot.question import Question
from index.rerank import load_reranker
from index.snapshot import open_snapshot
from index.store import Store
from index.types import Article, Embedder, Quote
from ingest import sample
from tests.test_render import article, quote

ASKED = "How many people were injured in the ferry accident at Port Wessel?"
ACCIDENT = "the ferry accident at Port Wessel"
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
        ("180 people were injured.", "In excess of 140 people were injured."),
        ("143 people were injured.", "Close on 150 people were injured."),
        ("143 people were injured.", "~150 people were injured."),
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


@pytest.mark.parametrize(
    "sentence",
    [
        "More than 70 people work at the pier in Port Wessel.",  # none of the question's words beside it
        "The ferry was hit by 3 storms, injuring a crew.",  # another noun
        "Two boats carrying passengers were injured.",
        "Marla Quist, 42, was injured.",  # an age
        "A 42-year-old man was injured.",
        "The boat Heron 42 was injured.",  # the number of a name
        "COVID-19 injured the crew.",
        "Two of the people were injured.",  # a part of them
        "40 people a day were injured.",  # a rate
        "500 people were injured.",  # too far away to be of the same
        "In 2019, 17 people were injured.",  # of another year
        "17 people have been injured since the port opened.",  # of more than one event
        "17 people were injured this year.",
        "In the past ten years 17 people were injured.",
        "17 people were injured two years ago.",
        "12 were hurt and 17 people died where they were injured.",  # in another clause
        "Another 17 people were injured.",  # on top of others
        "An additional 17 people were injured.",
        "A further 17 people were injured.",
        "17 more people were injured.",
        "Police first said 17 people were injured.",  # replaced since
        "17 people were originally reported injured.",
        "Among those injured were 17 women.",  # some of them
        "The injured included 17 visitors.",
        "17 children were injured.",
        "17 were women who were injured.",
        "17 people were seriously injured.",  # the worst or the least of it
    ],
)
def test_a_figure_of_something_else_does_not_disagree(sentence: str) -> None:
    assert pair("number", ASKED, said(1, "14 people were injured."), said(2, sentence)) is None


@pytest.mark.parametrize(
    ("asked", "one", "other"),
    [
        ("How many more people were", "14 more people were injured.", "Another 17 people were injured."),
        ("How many people were seriously", "14 people were seriously injured.", "17 people were seriously injured."),
        ("How many children were", "14 children were injured.", "17 children were injured."),
        ("How many people were initially", "Initially 14 people were injured.", "17 people were initially injured."),
    ],
)
def test_a_part_that_is_asked_for_can_disagree(asked: str, one: str, other: str) -> None:
    whole = f"{asked} injured in the ferry accident at Port Wessel?"
    assert pair("number", whole, said(1, one), said(2, other)) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "verb"),
    [
        ("How many were injured in", "were injured"),
        ("how many injured in", "were injured"),
        ("number of injured in", "were injured"),
        ("what is the number of the injured in", "were injured"),
        ("How many people were hurt in", "were injured"),
        ("how many wounded in", "were wounded"),
        ("How many were killed in", "were killed"),
        ("How many died in", "were killed"),
        ("How many people died in", "were killed"),
        ("how many have died in", "died"),
        ("how many dead in", "were killed"),
        ("How many people were killed in", "died"),
        ("How many deaths were there in", "were confirmed dead"),
        ("how many were arrested after", "were arrested"),
        ("How many had been rescued after", "were rescued"),
    ],
)
def test_what_befalls_people_is_asked_for_in_many_ways(asked: str, verb: str) -> None:
    one, other = said(1, f"14 people {verb} and 20 taken ashore."), said(2, f"17 people {verb} and 20 taken ashore.")
    assert pair("number", f"{asked} {ACCIDENT}", one, other) == (0, 1)


@pytest.mark.parametrize(
    ("asked", "one", "other"),
    [
        ("How many died in", "14 people were killed.", "17 people were injured."),
        ("how many injured in", "14 people were injured.", "17 people were killed."),
        (
            "how many were hurt in",
            "14 people were hurt.",
            "17 people were injured.",
        ),  # not all who are hurt are injured
        ("How many died in", "14 people died.", "17 were hurt as he died."),  # whose figure is it?
        ("How many have been built after", "14 people were injured.", "17 people were injured."),
    ],
)
def test_a_figure_of_what_befell_others_does_not_disagree(asked: str, one: str, other: str) -> None:
    assert pair("number", f"{asked} {ACCIDENT}", said(1, one), said(2, other)) is None


@pytest.mark.parametrize("asked", ["How many people died in", "how many injured in", "How many were arrested after"])
def test_the_only_figure_of_people_is_not_that_of_the_dead_or_the_like_unsaid(asked: str) -> None:
    one = said(1, "220 residents were evacuated.", "220", title="Ferry accident at Port Wessel")
    other = said(2, "It was loud. 310 people had to leave.", "310", title="Ferry accident at Port Wessel")
    assert pair("number", f"{asked} {ACCIDENT}", one, other) is None
    assert pair("number", f"How many were evacuated after {ACCIDENT}", one, other) == (0, 1)


def test_what_was_first_planned_or_found_is_not_against_what_is() -> None:
    asked = "How much will the repair of the pier at Port Wessel cost?"
    cost = said(1, "The repair will cost $46 million.")
    assert pair("money", asked, cost, said(2, "The repair was originally to cost $38 million.")) is None
    both = said(2, "The repair was originally to cost $20 million and will cost $38 million.")
    assert pair("money", asked, cost, both) == (0, 1)
    found = "How many letters were found in the ferry at Port Wessel?"
    of_all = said(1, "In all 325 letters were found.")
    assert pair("number", found, of_all, said(2, "An initial collection of 184 letters was found.")) is None


@pytest.mark.parametrize(
    "sentence", ["3 hurricane, two laws on people", "two planes carrying migrants", "one of those"]
)
def test_what_a_figure_counts_is_the_first_noun_behind_it(sentence: str) -> None:
    assert not any(value.key == "" or value.key.startswith("people") for _, value in figures(f"{sentence}."))


def test_a_figure_of_a_moment_is_another_one_tomorrow() -> None:
    first, second = said(1, "By Wednesday 14 people were injured."), said(2, "17 people were injured.")
    assert pair("number", ASKED, first, second) == (0, 1)
    assert pair("number", ASKED, first, said(2, "17 people were injured.", published="2025-04-03")) is None
    for sentence in (
        "The number of injured people rose to 17.",
        "A man was found, bringing the total number of injured people to 17.",
    ):
        later = said(2, sentence, published="2025-04-03")
        assert pair("number", ASKED, said(1, "14 people were injured."), later) is None
    dead, toll = said(1, "14 people died."), said(2, "The death toll was 17.", published="2025-04-03")
    assert pair("number", f"How many died in {ACCIDENT}?", dead, toll) is None


def test_a_sum_is_not_compared_with_a_rate_or_with_a_rate_of_another_kind() -> None:
    asked = "How much did Quist Lines pay for the ferry Grey Heron?"
    whole = said(1, "The Port Wessel line paid $30 a share for it.")
    for sentence in (
        "It paid $44 for it.",
        "It paid $44 a month for it.",
        "It paid $44/month.",
        "It paid $44 monthly.",
    ):
        assert pair("money", asked, whole, said(2, sentence, title="Quist Lines and Grey Heron")) is None
    assert [
        value.key for _, value in figures("$8 a month, $8/month, $8-a-month, $8 monthly, $8 per share, $2.04B.")
    ] == [
        *["money: $ per month"] * 4,
        "money: $ per shar",
        "money: $",
    ]


def test_all_who_died_in_a_war_are_not_those_of_one_attack_in_it() -> None:
    attack = said(1, "The attack killed 12 people in Brunnick on Monday, Harbour Police in Tarn said.")
    war = said(2, "30 people have died in Brunnick since the war began, Harbour Police in Tarn said.")
    assert pair("number", "How many were killed in the attack in Brunnick?", attack, war) is None
    asked = "How many people have died in Brunnick since the war began?"
    other = said(3, "45 people have died in Brunnick since the war began, Harbour Police in Tarn said.")
    assert pair("number", asked, war, other) == (0, 1)


def test_one_word_of_a_long_question_beside_two_figures_ties_them_to_nothing() -> None:
    asked = (
        "What percentage of ferries is late or cancelled in Port Wessel, according to a study of accidents at piers?"
    )
    one, other = (said(n, f"{n}2% of ferries were late.", title="New study of accidents") for n in (1, 2))
    assert pair("percent", asked, one, other) is None
    assert pair("percent", "What percentage of ferries is late in Port Wessel?", one, other) == (0, 1)


def test_a_share_of_another_quarter_or_month_is_another_share() -> None:
    asked = "What percentage of the ferries in Port Wessel was late in the second quarter?"
    one, other = said(1, "12% of ferries were late."), said(2, "19% were late in the first quarter.")
    assert pair("percent", asked, one, other) is None
    assert pair("percent", asked, one, said(2, "19% were late in the second quarter.")) == (0, 1)
    counted = said(2, "A share of 19% of the ferries stayed in the harbour.")
    assert pair("percent", asked, one, counted) is None


@pytest.mark.parametrize(
    "asked", ["How much will the Orla Bridge repairs cost?", "how much will the orla bridge repairs cost"]
)
def test_reports_that_share_the_name_asked_for_alone_disagree_however_it_is_typed(asked: str) -> None:
    texts = ("Repairs of the Orla Bridge will cost $38 million.", "Mending the Orla Bridge will cost $46 million.")
    one, other = (
        quote(article(text, id=f"{text}{n}", title="", published=f"2025-04-{29 + n}"), text)
        for n, text in enumerate(texts)
    )
    assert pair("money", asked, one, other) == (1, 0)


def test_names_typed_small_are_names() -> None:
    asked = "how many people is quist lines laying off"
    own = said(1, "In Port Wessel Quist Lines is laying off 14 people.", title="Layoffs at Quist Lines")
    others = said(2, "In Port Wessel Brand Boats is laying off 17 people.", title="Layoffs at Brand Boats")
    assert pair("number", asked, own, others) is None
    also = said(2, "In Port Wessel the firm is laying off 17 people.", title="Layoffs at Quist Lines")
    assert pair("number", asked, own, also) == (0, 1)


def test_a_rival_of_a_place_that_the_other_report_does_not_know_changes_nothing() -> None:
    chosen = [said(1, "14 people were injured."), said(1, "It rained.")]
    rival = said(2, "Near the town of Tarn 17 people were injured.")
    assert settle("number", ASKED, chosen, [rival]) == (chosen, [rival], None)


def test_reports_that_count_people_once_disagree_without_the_words_of_the_question() -> None:
    asked = "How many people marched against the ferry accident at Port Wessel?"
    title = "March against ferry accident at Port Wessel"
    first = said(1, "It was loud. Police put the number of demonstrators at 200.", "200", title=title)
    second = said(2, "Organisers spoke of 450 participants.", "450", title=title)
    assert pair("number", asked, first, second) == (0, 1)
    twice = said(2, "Organisers spoke of 450 participants and 300 guests.", "450", title=title)
    assert pair("number", asked, first, twice) is None


def test_patterns_take_no_more_than_linear_time_on_hostile_text() -> None:
    for text in (
        "A’" * 20_000,
        "in a " * 8_000,
        "in a of " * 8_000,
        "rose " * 8_000,
        "bringing the " * 5_000,
        " a" * 20_000,
        "share of " * 5_000,
        "first earlier among of " * 5_000,
        "in the past a b " * 5_000,
    ):
        started = time.perf_counter()
        for pattern in (
            *(_NUMBERED, _PLACE, _MOMENT, _RATE, _COUNT_RATE, _SHARE_OF, _FOLLOWING),
            *(_AMONG, _FURTHER_BEFORE, _OTHER_TIME, _PART_ENDS, _SAID_FIRST, _SOME_AFTER),
        ):
            assert sum(1 for _ in pattern.finditer(text)) <= len(text)
        assert time.perf_counter() - started < 2


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
