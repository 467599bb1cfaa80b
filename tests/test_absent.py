"""Well-known outlets that are asked for and not there: which words ask for one, and what each edge says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any, cast

import pytest

from bot.answer import Answer
from bot.cards import answer_card
from bot.chat import conversation
from bot.conversation import Before, filled_in, with_bounds_of
from bot.desk import Desk, Where
from bot.explain import explanation
from bot.memory import Memory
from bot.question import Question
from bot.render import as_json, as_lines
from bot.understand import understand
from bot.words import words_for
from tests.cli import run
from tests.test_render import answer_with, article, quote

DAY = date(2025, 4, 30)
SAID = "No articles from Reuters in this corpus; all outlets were searched."
ASKED = Question("according to Reuters, who closed the harbour?", DAY)


def absent(question: str, *outlets: str) -> tuple[str, ...]:
    return understand(question, DAY, outlets).absent


# What asks for an outlet ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "missing", "topic"),
    [
        ("according to Reuters, how many people died?", ("Reuters",), "how many people died?"),
        ("how many died according to reuters", ("Reuters",), "how many died"),
        ("according to reuters how many died", ("Reuters",), "how many died"),
        ("WHO WON, ACCORDING TO CNN?", ("CNN",), "WHO WON?"),
        ("Who won, as reported by the Washington Post?", ("The Washington Post",), "Who won?"),
        ("Who won per the AP?", ("Associated Press",), "Who won?"),
        ("Who won, according to the Guardian?", ("The Guardian",), "Who won?"),
        ("Who won, according to “The Guardian”?", ("The Guardian",), "Who won?"),
        ("According to *Reuters*, who won?", ("Reuters",), "who won?"),
        ("According to USA Today, who won?", ("USA Today",), "who won?"),
        ("According to Reuters and the BBC, who won?", ("Reuters", "BBC"), "who won?"),
        ("According to Reuters/AFP, who won?", ("Reuters", "Agence France-Presse"), "who won?"),
        ("source: Reuters, what happened in Tarn?", ("Reuters",), "what happened in Tarn?"),
        ("what does the bbc say about the ferry", ("BBC",), "what about the ferry"),
        ("What did the NY Times report about the ferry?", ("The New York Times",), "What about the ferry?"),
        ("Did Reuters report that the ferry sank?", ("Reuters",), "that the ferry sank?"),
    ],
)
def test_an_outlet_that_is_asked_for_and_not_there_is_named_and_not_searched_for(
    question: str, missing: tuple[str, ...], topic: str
) -> None:
    understood = understand(question, DAY, ["Port Paper"])
    assert (missing, topic) == (understood.absent, understood.topic)
    assert (understood.sources, understood.window) == ((), None)


@pytest.mark.parametrize(
    "question",
    [
        # persons, places and institutions
        "According to the White House, who won?",
        "According to Musk, who won?",
        "According to Reuter, who won?",
        "According to Fox, who won?",
        "What did Biden tell reporters?",
        "Who was reported by the FBI?",
        "According to the AFP, who was arrested in Sydney?",
        "According to the CBS, how fast do prices rise in Israel?",
        "According to the Guardian Council, who may stand?",
        "According to the Atlantic Council, who won?",
        "According to the Independent Office for Police Conduct, who fired?",
        "According to the Times Square Alliance, how many came?",
        "According to Telegraph Hill residents, who won?",
        "According to the Reuters Institute, who avoids the news?",
        "What does Bloomberg say about running for president?",
        # ordinary words
        "According to independent experts, how many died?",
        "according to the guardian of the child, who left?",
        "According to her legal guardian, who left?",
        "according to the mirror, who is the fairest?",
        "according to the economist, will rates rise?",
        "ACCORDING TO THE ECONOMIST, WILL RATES RISE?",
        "According to the sun's position, what time is it?",
        "How many cases per ap are there?",
        "WHAT DOES A PIPE COST PER FT?",
        # what belongs to an outlet or speaks in it
        "According to a Reuters poll, who leads?",
        "According to Reuters data, who leads?",
        "According to BBC presenter Ada Quill, what is next?",
        "According to CNN's Ada Quill, who won?",
        "According to the BBC’s chairman, what is next?",
        "According to BBC-commissioned research, who smokes?",
        "According to the New York Times best-seller list, which book leads?",
        "According to the AP Stylebook, what is right?",
        "According to Sky News Australia host Ada Quill, who won?",
        "According to the head of the Associated Press, who leaves?",
        # outlets in the news
        "Who resigned from the BBC?",
        "Who was reported by the BBC to the police?",
        "Which presenter was fired from CNN?",
        "Who wrote the essay published in the New York Times?",
        "What did the BBC say about its licence fee?",
        "What does the BBC say about its licence fee?",
        "What did Fox News report about its losses?",
        "What loss did ITV report?",
        "Did CNN publish its list?",
        "What did the mayor say about CNN?",
        "Who bought Reuters?",
    ],
)
def test_whoever_else_is_asked_about_is_no_outlet_that_is_missing(question: str) -> None:
    understood = understand(question, DAY, ["Port Paper"])
    assert ((), question) == (understood.absent, understood.topic)


@pytest.mark.parametrize(
    ("question", "outlet"),
    [
        ("According to Reuters, who won?", "reuters.com"),
        ("According to Reuters, who won?", "Reuters (UK)"),
        ("According to the AP, who won?", "apnews.com"),
        ("According to the AP, who won?", "The Associated Press"),
        ("According to the BBC, who won?", "BBC Sport"),
        ("According to BBC News, who won?", "www.bbc.co.uk"),
        ("according to the guardian who won?", "theguardian.com"),
        ("According to the Times, who won?", "nytimes.com"),
        ("what does reuters say about the vote", "reuters.com"),
        ("According to DW, who won?", "www.dw.com"),
        ("According to the South China Morning Post, who won?", "scmp.com"),
    ],
)
def test_nothing_is_missing_that_the_corpus_has_under_some_name(question: str, outlet: str) -> None:
    assert absent(question, outlet) == ()


def test_a_short_name_inside_another_outlets_name_is_not_that_outlet() -> None:
    assert absent("According to the AP, who won?", "Apex Daily") == ("Associated Press",)


def test_of_two_outlets_only_the_one_that_is_not_there_is_missing_and_the_words_stay() -> None:
    understood = understand("According to Reuters and the BBC, who won?", DAY, ["bbc.com"])
    assert understood.absent == ("Reuters",)
    assert understood.topic == understood.question


def test_of_several_outlets_those_that_are_there_answer_and_the_others_are_missing() -> None:
    understood = understand("According to the BBC, and Reuters/CNN, who won?", DAY, ["bbc.com"])
    assert (understood.sources, understood.absent) == (("bbc.com",), ("Reuters", "CNN"))
    assert understood.topic == "who won?"


def test_nothing_is_read_out_of_words_that_are_taken_as_they_are() -> None:
    understood = understand(ASKED.text, DAY, filters=False)
    assert (understood.absent, understood.topic) == ((), ASKED.text)


@pytest.mark.parametrize("piece", ["according to ", "Reuters and ", "according to Reuters/", "does the ", "“*", "the "])
def test_no_words_take_long(piece: str) -> None:
    absent(("According to " + piece * 2_000)[:1_990])


# What each edge says --------------------------------------------------------------------------------------


def test_the_terminal_says_so_above_an_answer_and_above_a_refusal() -> None:
    found = quote(article(), "It rained.")
    assert as_lines(answer_with(found, question=ASKED), colour=False).startswith(f"{SAID}\n\n“It rained.”")
    refused = as_lines(answer_with(question=ASKED, status="not_found"), colour=False)
    assert refused.startswith(f"{SAID}\n\nNot found in 1,234 articles")
    assert "No articles" not in as_lines(answer_with(found), colour=False)


def test_where_some_outlets_alone_were_searched_all_are_not_said_to_be() -> None:
    bound = Question(ASKED.text, DAY, sources=("Port Paper",))
    answer = answer_with(quote(article(), "It rained."), question=bound)
    assert as_lines(answer, colour=False).startswith("No articles from Reuters in this corpus.\n\n“")
    card = answer_card(answer, "abcd", words_for("en"), is_question_shown=False)
    assert card.content == "-# Understood: only Port Paper\n-# No articles from Reuters in this corpus."


def test_json_names_them_beside_what_was_understood() -> None:
    shown = as_json(answer_with(quote(article(), "It rained."), question=ASKED))["understood"]
    assert shown == {
        "topic": "who closed the harbour?",
        "kind": "person",
        "since": None,
        "until": None,
        "window": None,
        "sources": [],
        "notes": [],
        "absent": ["Reuters"],
        "respelt": {},
    }


def test_explain_says_so() -> None:
    lines = explanation(answer_with(quote(article(), "It rained."), question=ASKED)).split("\n")
    assert lines[2:4] == ["understood  no times and no outlets", f"absent      {SAID}"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "-# No articles from Reuters or CNN in this corpus; all outlets were searched."),
        ("de", "-# Von Reuters oder CNN gibt es hier keine Artikel; durchsucht wurden alle Medien."),
    ],
)
def test_a_card_says_so_and_offers_no_search_without_a_filter(language: str, said: str) -> None:
    question = Question("Who closed the harbour according to Reuters or CNN?", DAY)
    for status in ("answered", "not_found"):
        answer = answer_with(quote(article(), "It rained."), question=question, status=cast(Any, status))
        card = answer_card(answer, "abcd", words_for(language), is_question_shown=False)
        assert card.content == said
        assert "unfilter" not in [button.action for button in card.buttons]


def test_a_card_names_five_of_them_at_most() -> None:
    question = Question("Who won according to Reuters/CNN/BBC/NPR/NBC News/Axios?", DAY)
    card = answer_card(answer_with(question=question), "abcd", words_for("en"), is_question_shown=False)
    assert "from Reuters or CNN or BBC or NPR or NBC … in" in card.content


def test_a_follow_up_that_names_one_is_not_answered_by_the_outlet_of_the_question_before() -> None:
    before = Before("What happened in Tarn?", "other", None, None, None, ("Valley Wire",))
    asked = Question(filled_in("and according to Reuters?", before), DAY)
    assert with_bounds_of(before, asked, "and according to Reuters?", ["Valley Wire"]).sources == ()


def test_chat_says_so() -> None:
    def answer(question: Question) -> Answer:
        return answer_with(quote(article(), "It rained."), question=question)

    lines = ["According to Port Paper, who closed the harbour?", "and according to Reuters?"]
    shown = list(conversation(lines, answer, lambda: DAY))
    assert shown[1].startswith(f"Searched: who closed the harbour according to Reuters?\n\n{SAID}\n\n“")


def test_a_question_put_in_other_words_keeps_the_note() -> None:
    class Rewording:
        async def filled_in(self, said: str, by_rules: str, *_: object) -> str:
            return by_rules

        async def in_other_words(self, question: str, asked_on: date) -> str:
            return "Who shut the harbour, in Reuters' words?"

    class Asking:
        outlets = ("Port Paper",)

        async def ask(self, asked: Question | Callable[[], Question]) -> Answer:
            question = asked() if callable(asked) else asked
            is_found = "shut" in question.text
            return answer_with(
                quote(article(), "It rained."), question=question, status="answered" if is_found else "not_found"
            )

    with Memory(None) as memory:
        desk = Desk(cast(Any, Asking()), memory, lambda: 1_746_000_000.0, cast(Any, Rewording()))
        answer = asyncio.run(desk.answered(ASKED.text, Where(0, 1, 2))).answer
    assert (answer.status, answer.understood.absent) == ("answered", ("Reuters",))


def test_the_command_answers_as_if_the_outlet_had_not_been_named_and_says_so(sample_data: Any) -> None:
    done = run(
        "--data", str(sample_data), "ask", "according to Reuters, how many people were injured in the ferry accident?"
    )
    assert done.code == 0
    assert done.out.startswith(f"{SAID}\n\n“") and "*17* people" in done.out
