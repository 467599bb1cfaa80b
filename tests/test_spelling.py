"""Misspelt words, and what is read in their place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.spelling import Respelt, in_spelling, is_one_letter_off, respelt, words_to_check

PASSAGES = [
    ("Parking: Okafor to Speak", "Diane Okafor opened the bypass. OKAFOR: it is the parking that matters."),
    ("", "The county's parking charges rise; Zelenskyy thanked the Grand Hotel. A hotel, my hotel, your hotel."),
    ("", "Arrabal said so. VOSSBERG: He likes a dance, and dances."),
]


@pytest.mark.parametrize(
    ("one", "other", "is_off"),
    [
        ("okafar", "okafor", True),
        ("zelensky", "zelenskyy", True),
        ("parkng", "parking", True),
        ("hotle", "hotel", True),
        ("bypasss", "bypass", True),
        ("bypass", "bypass", False),
        ("hotlee", "hotel", False),
        ("htole", "hotel", False),
        ("tohel", "hotel", False),  # another first letter
        ("ohtel", "hotel", False),
        ("parking", "park", False),
        ("a", "a", False),
        ("ab", "a", True),
    ],
)
def test_one_letter_off_is_one_left_out_put_in_or_replaced_or_two_swapped_behind_the_first(
    one: str, other: str, is_off: bool
) -> None:
    assert is_one_letter_off(one, other) == is_one_letter_off(other, one) == is_off


@given(st.text("ab", min_size=1, max_size=6), st.text("ab", min_size=1, max_size=6))
def test_it_says_what_trying_every_change_says(one: str, other: str) -> None:
    parts = [(one[:at], one[at:]) for at in range(len(one) + 1)]
    changed = {head + tail[1:] for head, tail in parts if tail}
    changed |= {head + tail[1] + tail[0] + tail[2:] for head, tail in parts if len(tail) > 1}
    changed |= {head + char + tail[1:] for head, tail in parts if tail for char in "ab"}
    changed |= {head + char + tail for head, tail in parts for char in "ab"}
    assert is_one_letter_off(one, other) == (other in changed - {one} and one[0] == other[0])


def test_longer_words_of_latin_letters_are_checked_and_no_small_words() -> None:
    question = "Where did Okafar's Müler-Arabal drive, Müler? Бахмуд 岸田文雄 covid19 x_abcde their bans LVIII xxviii"
    assert words_to_check(question) == ["Okafar", "Müler", "Arabal", "drive"]


@pytest.mark.parametrize(
    ("question", "misspelt", "read"),
    [
        ("what did okafar say", ["okafar"], (("okafar", "Okafor"),)),
        ("What did Okafar's son say?", ["Okafar"], (("Okafar", "Okafor"),)),
        ("WHAT DID OKAFAR SAY?", ["OKAFAR"], (("OKAFAR", "OKAFOR"),)),
        ("Parkng charges?", ["Parkng"], (("Parkng", "Parking"),)),
        ("who is arabal and who zelensky", ["arabal", "zelensky"], (("arabal", "Arrabal"), ("zelensky", "Zelenskyy"))),
        ("who is vosberg", ["vosberg"], (("vosberg", "Vossberg"),)),
        ("who likes a dnace", ["dnace"], (("dnace", "dance"),)),
        ("who likes a dence", ["dence"], ()),  # ordinary words are other words by a letter
        ("who was the thanker", ["thanker"], ()),
        ("Did Diane Okafor see the zelensky?", ["zelensky"], ()),  # whoever writes capitals means no name
        ("Who is Parkin?", ["Parkin"], ()),  # somebody's name, and no misspelt "parking"
        ("Who is Speek?", ["Speek"], ()),
        ("Who was Arabal?", ["Arabal"], (("Arabal", "Arrabal"),)),
        ("Who bought the Grand Hotle?", ["Hotle"], (("Hotle", "Hotel"),)),
        ("who is parkin?", ["parkin"], (("parkin", "parking"),)),
        ("who is lindqvist", ["lindqvist"], ()),
    ],
)
def test_the_word_one_letter_off_that_is_written_most_often_is_read(
    question: str, misspelt: list[str], read: Respelt
) -> None:
    assert respelt(question, misspelt, PASSAGES) == read


def test_of_two_that_are_written_as_often_the_first_is_read() -> None:
    assert respelt("who is maren", ["maren"], [("", "Maron met Mares.")]) == (("maren", "Maron"),)


def test_whole_words_are_respelt_wherever_they_stand() -> None:
    words = (("okafar", "Okafor"), ("parkng", "parking"))
    said = "did okafar's parkng, okafars and okafar-parkng?"
    assert in_spelling(said, words) == "did Okafor's parking, okafars and Okafor-parking?"
    assert in_spelling(said, ()) == said
