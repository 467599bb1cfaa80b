"""Follow-ups keep the subject, and a question that stands on its own is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation import MAX_WORDS, Before, filled_in
from bot.kind import kind_of
from ingest import sample

FERRY = Before("How many people were injured in the ferry accident?", "number", "17")
MAYOR = Before("Who is challenging Ines Halloran for mayor?", "person", "Osric Dunne")
FILM = Before("Which film won the Golden Lantern?", "name", "The Salt Road")
CUP = Before("Who won the Harbour Cup in 2018?", "person")
SPOKE = Before("Who spoke at Customs Quay on Monday?", "person")
CLOSED = Before("Which ports closed since 5 April?", "other")
LED = Before("Who led in Tarn before last week's vote?", "person")
BOUGHT = Before("What did Northgate buy?", "other")


@pytest.mark.parametrize(
    ("before", "said", "searched", "kind"),
    [
        (FERRY, "and when?", "When was it that people injured in the ferry accident?", "date"),
        (FERRY, "Where?", "Where was it that people injured in the ferry accident?", "place"),
        (FERRY, "why", "Why was it that people injured in the ferry accident?", "reason"),
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
        (BOUGHT, "how did they pay for it?", "how did they pay for it: Northgate buy?", None),
        (BOUGHT, "what did it sell last year?", "what did it sell last year: Northgate buy?", None),
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
    ],
)
def test_a_question_that_names_its_subject_stands_on_its_own(said: str) -> None:
    assert filled_in(said, FERRY) == said


def test_no_question_of_fact_in_the_sample_is_taken_for_a_follow_up() -> None:
    lines = (Path(sample.__file__).parent / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    facts = [row["question"] for row in map(json.loads, lines) if row["kind"] == "fact"]
    changed = [said for said in facts if filled_in(said, Before("What deadline did Bessent mention?", "date")) != said]
    assert len(facts) > 50
    assert changed == []


@given(st.text(max_size=80))
def test_without_a_question_before_the_words_stay(said: str) -> None:
    assert filled_in(said, None).split() == said.split()


@given(st.text(max_size=80), st.text(min_size=1, max_size=80), st.none() | st.text(max_size=20))
def test_any_words_give_words(said: str, before: str, answer: str | None) -> None:
    filled = filled_in(said, Before(before, "person", answer))
    assert bool(filled.strip()) >= bool(said.strip())
    if len(said.split()) > MAX_WORDS:
        assert filled.split() == said.split()


def test_a_follow_up_too_long_to_be_read_is_asked_as_it_was_said() -> None:
    before = Before("What did " + "old " * 494 + "Marla Quist say?", "person")
    assert filled_in("and when?", before) == "and when?"
    assert len(filled_in("and when?", Before("What did Marla Quist say?", "person"))) > len("and when?")
