"""Follow-ups keep the subject, and a question that stands on its own is left alone."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import MAX_WORDS, Before, filled_in, goes_on_from, is_filled, with_bounds_of
from bot.kind import kind_of
from bot.question import Question
from index.errors import BadInput
from ingest import sample

FERRY = Before("How many people were injured in the ferry accident?", "number", "17")
MAYOR = Before("Who is challenging Ines Halloran for mayor?", "person", "Osric Dunne")
FILM = Before("Which film won the Golden Lantern?", "name", "The Salt Road")
CUP = Before("Who won the Harbour Cup in 2018?", "person")
SPOKE = Before("Who spoke at Customs Quay on Monday?", "person")
CLOSED = Before("Which ports closed since 5 April?", "other")
LED = Before("Who led in Tarn before last week's vote?", "person")
BOUGHT = Before("What did Northgate buy?", "other")
STORM = Before("How many people died when Hurricane Edna hit Cuba?", "number")
PAID = Before("How much did Quist pay for Tallypay?", "money")
RAIDED = Before("When did the QBI search Marlow Lodge?", "date")
TOLD = Before("What did Marla Quist say about Ukraine?", "quote")
WON = Before("Did Petra Valcic win?", "yes_no")
SANK = Before("What happened to the ferry?", "other")
OPEN = Before("Who won the Estmere Open?", "person")
AGED = Before("How old is Quist?", "number")
REP = Before("Why did Rep. Marla Quist resign?", "reason")
DEAR = Before("Why did the price rise?", "reason")
JUNIOR = Before("When was Osric J. Dunne in St. Alder?", "date")


@pytest.mark.parametrize(
    ("before", "said", "searched", "kind"),
    [
        (Before("When was Idris Vanterpool arrested?", "date"), "why?", "Why was Idris Vanterpool arrested?", "reason"),
        (
            Before("How many jobs did Skerry Air cut?", "number"),
            "where?",
            "Where did Skerry Air cut jobs?",
            "place",
        ),
        (Before("Who closed the harbour?", "person"), "when?", "When was it that closed the harbour?", "date"),
        (FERRY, "and when?", "When were people injured in the ferry accident?", "date"),
        (FERRY, "Where?", "Where were people injured in the ferry accident?", "place"),
        (FERRY, "why", "Why were people injured in the ferry accident?", "reason"),
        (FERRY, "what about last week?", "How many people were injured in the ferry accident last week?", "number"),
        (FERRY, "and on Tuesday?", "How many people were injured in the ferry accident on Tuesday?", "number"),
        (MAYOR, "And how old is he?", "how old is Osric Dunne?", "number"),
        (MAYOR, "what about him?", "Osric Dunne: challenging Ines Halloran for mayor", None),
        (MAYOR, "What is his plan?", "What is Osric Dunne's plan?", None),
        (MAYOR, "what about Petra Valcic?", "Who is challenging Petra Valcic for mayor?", "person"),
        (FILM, "And for how long?", "For how long was it that film won the Golden Lantern?", "duration"),
        (FILM, "how much did it cost?", "how much did it cost: film won the Golden Lantern?", "money"),
        (CUP, "and in 2022?", "Who won the Harbour Cup in 2022?", "person"),
        (CUP, "what about 2022?", "Who won the Harbour Cup in 2022?", "person"),
        (CUP, "and in Tarn?", "Who won the Harbour Cup in 2018 in Tarn?", "person"),
        (SPOKE, "and on Tuesday?", "Who spoke at Customs Quay on Tuesday?", "person"),
        (SPOKE, "what about Tuesday?", "Who spoke at Customs Quay on Tuesday?", "person"),
        (SPOKE, "what about Tarn Hall?", "Who spoke at Tarn Hall on Monday?", "person"),
        (CLOSED, "and before 5 April?", "Which ports closed before 5 April?", None),
        (LED, "and in March?", "Who led in Tarn before last week's vote in March?", "person"),
        (FERRY, "and how many on Friday?", "how many on Friday: people injured in the ferry accident?", "number"),
        (FERRY, "n how many on Friday?", "how many on Friday: people injured in the ferry accident?", "number"),
        (BOUGHT, "how did they pay for it?", "how did they pay for it: Northgate buy?", None),
        (BOUGHT, "what did it sell last year?", "what did it sell last year: Northgate buy?", None),
        (MAYOR, "and his wife?", "Osric Dunne's wife?", None),
        (MAYOR, "what about his opponent?", "Osric Dunne's opponent?", None),
        (TOLD, "and her husband?", "Marla Quist's husband?", None),
        (FERRY, "and then?", "What happened then: people injured in the ferry accident?", None),
        (WON, "and Will Tarn?", "Did Will Tarn win?", "yes_no"),
        (WON, "And Will Tarn Resign?", "Will Tarn Resign: Petra Valcic win?", "yes_no"),
        (TOLD, "And Did Quist Resign?", "Did Quist Resign: Marla say about Ukraine?", "yes_no"),
        (TOLD, "AND DID SHE RESIGN?", "DID Marla Quist RESIGN?", "yes_no"),
        (SPOKE, "and at Tarn Hall?", "Who spoke at Tarn Hall on Monday?", "person"),
        (Before("How many died in Tarn?", "number"), "and in Marlow?", "How many died in Marlow?", "number"),
        (Before("who won the vote in brazil?", "person"), "what about italy?", "who won the vote in italy?", "person"),
        (
            Before("who won the vote in brazil?", "person"),
            "and in new zealand?",
            "who won the vote in new zealand?",
            "person",
        ),
        # "He" is the subject of the question before, not what it says something about.
        (STORM, "how old is he?", "how old is he: people died when Hurricane Edna hit Cuba?", "number"),
        (PAID, "how old is she?", "how old is Quist?", "number"),
        (RAIDED, "what did he say?", "what did he say: the QBI search Marlow Lodge?", "quote"),
        (TOLD, "how old is she?", "how old is Marla Quist?", "number"),
        (OPEN, "how old is he?", "how old is he: won the Estmere Open?", "number"),
        (Before("Why did the Queen resign?", "reason"), "how old was she?", "how old was the Queen?", "number"),
        (Before("When did British prime minister Vosse go?", "date"), "how old is she?", "how old is Vosse?", "number"),
        (Before("What is Marla Quist's plan?", "other"), "how old is she?", "how old is Marla Quist?", "number"),
        (Before("Who is Dunne's son?", "person"), "how old is he?", "how old is he: Dunne's son?", "number"),
        # A stop belongs to a title, to an initial or to a name.
        (REP, "how old is she?", "how old is Rep. Marla Quist?", "number"),
        (REP, "and Gov. Ines Halloran?", "Why did Gov. Ines Halloran resign?", "reason"),
        (JUNIOR, "how old is he?", "how old is Osric J. Dunne?", "number"),
        (JUNIOR, "and Ines Halloran?", "When was Ines Halloran in St. Alder?", "date"),
        (JUNIOR, "and in Tarn?", "When was Osric J. Dunne in Tarn?", "date"),
        # A name does not say what "it" is.
        (STORM, "when did it hit Florida?", "when did it hit Florida: people died Hurricane Edna Cuba?", "date"),
        (
            STORM,
            "What did he say about Ukraine?",
            "What did he say about Ukraine: people died when Hurricane Edna hit Cuba?",
            None,
        ),
        (PAID, "What did Dunne say about it?", "What did Dunne say about it: Quist pay for Tallypay?", "quote"),
        # One name gives way to another of its sort alone.
        (STORM, "what about Florida?", "How many people died when Hurricane Edna hit Florida?", "number"),
        (STORM, "and in Florida?", "How many people died when Hurricane Edna hit Cuba in Florida?", "number"),
        (RAIDED, "what about Dunne?", "When did the QBI search Marlow Lodge: Dunne?", "date"),
        (OPEN, "and Dunne?", "Who won the Estmere Open: Dunne?", "person"),
        (OPEN, "and Osric Dunne?", "Who won the Estmere Open: Osric Dunne?", "person"),
        (WON, "and Ines Halloran?", "Did Ines Halloran win?", "yes_no"),
        (AGED, "and Dunne?", "How old is Dunne?", "number"),
        (AGED, "and the crew?", "How old is Quist: the crew?", "number"),
        (AGED, "and Germany?", "How old is Quist: Germany?", "number"),
        (BOUGHT, "and Tallypay?", "What did Tallypay buy?", None),
        (PAID, "and Dunne?", "How much did Quist pay for Tallypay: Dunne?", "money"),
        (
            Before("What is Russia's inflation rate?", "percent"),
            "and Cuba's?",
            "What is Cuba's inflation rate?",
            "percent",
        ),
        (TOLD, "and Dunne?", "What did Dunne say about Ukraine?", "quote"),
        (TOLD, "what about the QBI?", "What did the QBI say about Ukraine?", "quote"),
        (TOLD, "and about China?", "What did Marla Quist say about China?", "quote"),
        (Before("What happened in Russia?", "other"), "and in Ukraine?", "What happened in Ukraine?", None),
        (
            TOLD,
            "and according to the Valley Wire?",
            "What did Marla Quist say about Ukraine according to the Valley Wire?",
            None,
        ),
        # No auxiliary is left over.
        (WON, "when?", "When did Petra Valcic win?", "date"),
        (WON, "how old is she?", "how old is Petra Valcic?", "number"),
        (SANK, "why?", "Why did it happen to the ferry?", "reason"),
        (SANK, "where exactly?", "Where did it happen to the ferry?", "place"),
        (SANK, "who was hurt?", "who was hurt: the ferry?", "person"),
        (Before("Who's the new mayor?", "person"), "since when?", "Since when was it that the new mayor?", "date"),
        # Who reacted says not to what.
        (SANK, "What did Dunne say?", "What did Dunne say: the ferry?", "quote"),
        (SANK, "how did the White House respond?", "how did the White House respond: ferry?", None),
        (SANK, "has Marla Quist commented?", "has Marla Quist commented: the ferry?", "yes_no"),
        (SANK, "What did Dunne say about Cuba?", "What did Dunne say about Cuba?", "quote"),
        # An attribute is asked for, and not the question before.
        (OPEN, "and the score?", "What is the score: won Estmere Open?", "number"),
        (FERRY, "and the cause?", "What is the cause: people injured in ferry accident?", "reason"),
        (FILM, "what about its budget?", "What is its budget: film won the Golden Lantern?", "money"),
        (OPEN, "and the date?", "What is the date: won Estmere Open?", "date"),
        (OPEN, "and the MVP?", "Who won the Estmere Open: the MVP?", "person"),
        (OPEN, "and the Harbour Cup?", "Who won the Estmere Open: the Harbour Cup?", "person"),
        (FERRY, "and the death toll?", "How many people were injured in the ferry accident: the death toll?", "number"),
        (DEAR, "and the rate?", "Why did the price rise: the rate?", "reason"),
        # Words that ask for something without a question word.
        (FERRY, "any deaths?", "any deaths: people injured in the ferry accident?", None),
        (FERRY, "and any arrests?", "any arrests: people injured in the ferry accident?", None),
        (MAYOR, "anyone else?", "anyone else: challenging Ines Halloran for mayor?", None),
        (FERRY, "tell me more", "What else is known: people injured in the ferry accident?", None),
        (SANK, "Give us more details about it!", "What else is known: the ferry?", None),
        (SANK, "more info", "What else is known: the ferry?", None),
        (FERRY, "Ukraine?", "Ukraine: people injured in the ferry accident?", None),
        (FERRY, "2019?", "2019: people injured in the ferry accident?", None),
        (FERRY, "and the crew?", "How many people were injured in the ferry accident: the crew?", "number"),
    ],
)
def test_a_follow_up_is_filled_in(before: Before, said: str, searched: str, kind: str | None) -> None:
    assert filled_in(said, before) == searched
    if kind is not None:
        assert kind_of(searched) == kind


def test_both_ends_of_a_time_give_way_to_another_time() -> None:
    before = Before("What closed between March and May in Tarn?", "other")
    assert filled_in("and in June?", before) == "What closed in Tarn in June?"


@pytest.mark.parametrize(
    "said",
    [
        "Which cities in north-eastern Ukraine have been attacked?",
        "What does Zelensky want from Washington before he accepts a truce?",
        "Who speaks for the Kremlin on the negotiations?",
        "How many bus drivers are on strike?",
        "What happened at the port this week?",
        "What happened at Tarn Hall this week?",
        "Is it true that Dunne won?",
        "Who is Osric Dunne and what is he known for?",
        "Which city in Tarn removed its last statue of Ormond?",
        "A storm hit Port Wessel on Friday. What was its name?",
        "Did Northgate say it would close the mine?",
        "How many people are there in Tarn?",
        "gas prices",
    ],
)
def test_a_question_that_names_its_subject_stands_on_its_own(said: str) -> None:
    assert filled_in(said, FERRY) == said


def test_a_question_opened_with_and_that_names_enough_is_no_follow_up() -> None:
    said = "And who won the mayoral election in Port Wessel?"
    assert filled_in(said, FERRY) == "who won the mayoral election in Port Wessel?"
    assert not is_filled(said, filled_in(said, FERRY))


def test_her_is_whom_the_question_itself_asks_for() -> None:
    before = Before("What did Marla Quist say?", "quote")
    said = "Which singer will go on her last tour this year?"
    assert filled_in(said, before) == said
    assert filled_in("Who is her husband?", before) == "Who is Marla Quist's husband?"
    assert filled_in("Who beat her?", before) == "Who beat Marla Quist?"
    assert (
        filled_in("What did the judge say about her plan?", before)
        == "What did the judge say about Marla Quist's plan?"
    )


def test_no_question_of_fact_in_the_sample_is_taken_for_a_follow_up() -> None:
    lines = (Path(sample.__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    facts = [row["question"] for row in map(json.loads, lines) if row["kind"] == "fact"]
    changed = [said for said in facts if filled_in(said, Before("What deadline did Bessent mention?", "date")) != said]
    assert len(facts) > 50
    assert changed == []


@pytest.mark.parametrize("said", ["thanks!", "Cool", "lol", "really?", "OK", "ok, thanks", "more", "more!", "anytime!"])
def test_a_word_that_asks_nothing_is_not_searched(said: str) -> None:
    with pytest.raises(BadInput, match="that asks nothing: go on with a question"):
        filled_in(said, FERRY)


def test_a_question_for_the_bot_is_none_for_the_news() -> None:
    with pytest.raises(BadInput, match="names nothing to search for"):
        filled_in("what can you do?", FERRY)
    assert filled_in("where can you see it?", FERRY) == "where can you see it: people injured in the ferry accident?"


@pytest.mark.parametrize(
    ("asked", "marked", "person"),
    [
        ("Who is Leon Marchetti?", "Port Wessel", "Leon Marchetti"),
        ("Who's Leon Marchetti?", "the court", "Leon Marchetti"),
        ("who was Leon Marchetti", None, "Leon Marchetti"),
        ("Who is the mayor of Tarn?", "Ines Halloran", "Ines Halloran"),
        ("Who is Leon Marchetti's daughter?", "Ada Quill", "Ada Quill"),
    ],
)
def test_who_is_somebody_is_about_that_person_and_not_about_what_is_marked(
    asked: str, marked: str | None, person: str
) -> None:
    before = Before(asked, "person", marked)
    assert filled_in("and what did he do?", before) == f"what did {person} do?"


def test_a_place_that_was_marked_is_nobody() -> None:
    before = Before("Who won the vote?", "person", "Cuba")
    assert filled_in("how old is he?", before) == "how old is he: won the vote?"


def gone_on(before: Before, *asked: tuple[str, str | None, bool]) -> Before:
    """What is gone on from after questions, each typed, with the person found and whether it was answered."""
    for said, answer, is_found in asked:
        text = filled_in(said, before)
        now = Before(text, kind_of(text), answer)
        before = goes_on_from(before, now, is_filled=is_filled(said, text), is_found=is_found)
    return before


def test_follow_ups_go_on_from_the_last_question_that_stands_on_its_own() -> None:
    assert gone_on(SANK, ("why?", None, True), ("who was hurt?", None, True)) == SANK
    after = gone_on(SANK, ("why?", None, True))
    assert filled_in("when will it sail again?", after) == "when will it sail again: the ferry?"
    assert gone_on(WON, ("and Ines Halloran?", None, True)).question == "Did Ines Halloran win?"
    assert gone_on(SANK, ("Who won the Estmere Open?", None, False)).question == "Who won the Estmere Open?"


def test_the_person_that_a_follow_up_found_is_spoken_of_next() -> None:
    after = gone_on(SANK, ("who steered it?", "Osric Dunne", True), ("when?", None, True))
    assert (after.question, after.answer) == (SANK.question, "Osric Dunne")
    assert filled_in("how old is he?", after) == "how old is Osric Dunne?"


def test_nothing_goes_on_from_a_filling_that_found_nothing() -> None:
    assert gone_on(WON, ("and Ines Halloran?", None, False)) == WON


def test_a_follow_up_keeps_days_and_outlets_unless_it_brings_its_own() -> None:
    day, outlets = date(2025, 4, 30), ["Valley Wire", "Harbor Courier"]
    before = Before("What happened in Tarn?", "other", None, date(2025, 4, 28), None, ("Valley Wire",))

    def bounds(said: str, **own: object) -> tuple[date | None, date | None, tuple[str, ...]]:
        asked = Question(filled_in(said, before), day, **own)  # type: ignore[arg-type]
        kept = with_bounds_of(before, asked, said, outlets)
        return kept.since, kept.until, kept.sources

    assert bounds("and in Ukraine?") == (date(2025, 4, 28), None, ("Valley Wire",))
    assert bounds("and last week?") == (None, None, ("Valley Wire",))
    assert bounds("and before 5 April?") == (None, None, ("Valley Wire",))  # read out of the words
    assert bounds("and according to the Harbor Courier?") == (date(2025, 4, 28), None, ())
    for said in ("and the Harbor Courier?", "what about Harbor Courier?", "from the harbor courier?"):
        assert bounds(said) == (date(2025, 4, 28), None, ("Harbor Courier",))
        asked = Question(filled_in(said, before), day)
        assert with_bounds_of(before, asked, said, outlets).text == before.question
    assert bounds("and the courier?") == (date(2025, 4, 28), None, ("Valley Wire",))
    unbound = replace(before, sources=())
    for said, sources in (("what about Harbor Courier?", ()), ("and from Harbor Courier?", ("Harbor Courier",))):
        assert with_bounds_of(unbound, Question(filled_in(said, unbound), day), said, outlets).sources == sources
    assert bounds("and before that?") == (None, date(2025, 4, 27), ("Valley Wire",))
    assert bounds("what happened earlier?") == (None, date(2025, 4, 27), ("Valley Wire",))
    assert bounds("what did he say later?") == (date(2025, 4, 28), None, ("Valley Wire",))
    before = replace(before, since=None, until=date(2025, 4, 9))
    assert bounds("and before that?") == (None, date(2025, 4, 9), ("Valley Wire",))
    assert bounds("and after that?") == (date(2025, 4, 10), None, ("Valley Wire",))
    assert bounds("why?", until=date(2025, 4, 2), sources=("Harbor Courier",)) == (
        None,
        date(2025, 4, 2),
        ("Harbor Courier",),
    )


@pytest.mark.parametrize(
    "piece", ["A ", "A b ", "the ", "it ", "did it ", "A of ", "what happened ", "'", "? ", "in A ", "did the A's "]
)
def test_no_words_take_long(piece: str) -> None:
    question = (piece * 2_000)[:1_990]
    followed = [
        "why?",
        "and Osric Dunne?",
        "and in Cuba?",
        "how old is she?",
        "did it hit A?",
        (piece.strip() * 999)[:1_990],
    ]
    started = time.perf_counter()
    for said in followed:
        for opening in ("", "What did ", "Did "):
            with contextlib.suppress(BadInput):
                filled_in(said, Before(opening + question, "quote"))
    assert time.perf_counter() - started < 5


@given(st.text(max_size=80))
def test_without_a_question_before_the_words_stay(said: str) -> None:
    assert filled_in(said, None).split() == said.split()


@given(st.text(max_size=80), st.text(min_size=1, max_size=80), st.none() | st.text(max_size=20))
def test_any_words_give_words(said: str, before: str, answer: str | None) -> None:
    try:
        filled = filled_in(said, Before(before, "person", answer))
    except BadInput:
        return
    assert bool(filled.strip()) >= bool(said.strip())
    if len(said.split()) > MAX_WORDS:
        assert filled.split() == said.split()


def test_a_follow_up_too_long_to_be_read_is_asked_as_it_was_said() -> None:
    before = Before("What did " + "old " * 494 + "Marla Quist say?", "person")
    assert filled_in("and when?", before) == "and when?"
    assert len(filled_in("and when?", Before("What did Marla Quist say?", "person"))) > len("and when?")
