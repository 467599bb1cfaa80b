"""An answer for the terminal: what is marked, what is made harmless, what fits the width."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.answer import Answer, SourceArticle
from bot.cards import quote_text
from bot.confidence import Evidence
from bot.explain import explanation
from bot.question import Question
from bot.render import as_json, as_lines, quote_lines, table
from bot.understand import understand
from bot.words import words_for
from index.retrieve import Searched
from index.terminal import safe
from index.types import Article, Filters, Quote, Span, Status

TEXT = "The harbour closed on Friday.\n\nMarla Quist gave the order, said the port. It rained."


def article(text: str = TEXT, **changes: object) -> Article:
    values: dict[str, object] = {
        "id": "https://a.example/1",
        "version": 1,
        "url": "https://a.example/1",
        "title": "Harbour closed",
        "published": "2025-04-18T09:30:00+02:00",
        "updated": None,
        "source": "Port Paper",
        "authors": (),
        "text": text,
    }
    return Article(**(values | changes))  # type: ignore[arg-type]


def quote(
    of: Article,
    words: str,
    answer: str = "",
    cut_left: bool = False,
    cut_right: bool = False,
    also: tuple[str, ...] = (),
) -> Quote:
    start = of.text.index(words)
    at = of.text.index(answer, start) if answer else 0
    return Quote(
        article=of,
        span=Span(start, start + len(words)),
        text=words,
        score=1.0,
        answer=Span(at, at + len(answer)) if answer else None,
        cut_left=cut_left,
        cut_right=cut_right,
        also=also,
    )


def answer_with(
    *quotes: Quote,
    status: Status = "answered",
    question: Question | None = None,
    searched: Searched | None = None,
    nearest: Article | None = None,
    disagreement: tuple[int, int] | None = None,
) -> Answer:
    asked = question or Question("who closed the harbour?", date(2025, 4, 30))
    shown = nearest or (quotes[0].article if quotes else None)
    sources: tuple[SourceArticle, ...] = ()
    if shown:
        sources = (SourceArticle(shown.id, shown.url, shown.title, shown.source, shown.published, 1.0),)
    return Answer(
        question=asked,
        status=status,
        confidence=0.75,
        understood=understand(asked.text, asked.asked_on, ["Port Paper"]),
        filters=Filters(as_of_s=0),
        quotes=quotes,
        disagreement=disagreement,
        sources=sources,
        searched=searched or Searched(1234, 1_741_651_200, 1_745_971_200),
        snapshot="000001",
        evidence=Evidence(),
    )


def test_an_answer_shows_quote_mark_outlet_day_title_and_link() -> None:
    found = quote(article(), "Marla Quist gave the order, said the port.", "Marla Quist")
    assert as_lines(answer_with(found), colour=False) == (
        "“*Marla Quist* gave the order, said the port.”\n"
        "  Port Paper · 2025-04-18 · Harbour closed\n"
        "  https://a.example/1#:~:text=Marla%20Quist%20gave%20the%20order%2C%20said%20the%20port."
    )


def test_colour_marks_the_answer_and_dims_what_is_beside_it() -> None:
    found = quote(article(), "Marla Quist gave the order", "Marla Quist")
    lines = quote_lines(found, colour=True, width=80).split("\n")
    assert lines[0] == "“\x1b[1mMarla Quist\x1b[0m gave the order”"
    assert lines[1] == "\x1b[2m  Port Paper · 2025-04-18 · Harbour closed\x1b[0m"


def test_without_colour_no_escape_sequence_is_printed() -> None:
    found = quote(article(correction="Correction: \x1b[2Jno"), "Marla Quist gave the order", "Marla Quist")
    assert "\x1b" not in as_lines(answer_with(found), colour=False)


def test_a_line_break_inside_a_quote_shows_as_one_space() -> None:
    found = quote(article(), "on Friday.\n\nMarla Quist gave")
    assert quote_lines(found, colour=False, width=80).startswith("“on Friday. Marla Quist gave”\n")


def test_a_cut_is_shown_by_an_ellipsis_outside_the_quotation_marks() -> None:
    found = quote(article(), "gave the order", cut_left=True, cut_right=True)
    assert quote_lines(found, colour=False, width=80).startswith("… “gave the order” …\n")


def test_an_article_without_address_title_or_date_says_what_there_is() -> None:
    bare = article(id="local:ab12", url=None, title="", published=None)
    shown = quote_lines(quote(bare, "It rained."), colour=False, width=80)
    assert shown == "“It rained.”\n  Port Paper · undated\n  local:ab12"


def test_stub_correction_and_copies_are_told() -> None:
    of = article(is_stub=True, correction="Correction: an earlier version named the wrong day.")
    shown = quote_lines(quote(of, "It rained.", also=("https://b.example/2", "local:c3")), colour=False, width=80)
    assert shown.split("\n")[2:] == [
        "  Only the beginning of this article is known.",
        "  Correction: an earlier version named the wrong day.",
        "  https://a.example/1#:~:text=It%20rained.",
        "  also in: https://b.example/2, local:c3",
    ]


def test_a_correction_that_is_quoted_itself_stands_there_once() -> None:
    note = "Correction: an earlier version named the wrong day."
    of = article(f"It rained on Friday. {note}", correction=note)
    for found in (quote(of, of.text), quote(of, note)):
        assert quote_lines(found, colour=False, width=200).count(note) == 1
        assert quote_text(found, words_for("en")).count("an earlier version") == 1
    assert quote_text(quote(of, "It rained on Friday."), words_for("en")).count("an earlier version") == 1


def test_what_was_understood_stands_first() -> None:
    question = Question("according to Port Paper, who closed the harbour?", date(2025, 4, 30))
    shown = as_lines(answer_with(quote(article(), "It rained."), question=question), colour=False)
    assert shown.startswith("Understood: only Port Paper\n\n“It rained.”")


def test_a_disagreement_is_named() -> None:
    found = (quote(article(), "The harbour closed on Friday.", "Friday"), quote(article(published=None), "It rained."))
    shown = as_lines(answer_with(*found, disagreement=(0, 1)), colour=False)
    assert shown.endswith("\n\nThese sources disagree: “Friday” (Port Paper, 2025-04-18) and (Port Paper,\nundated).")


# Not found ------------------------------------------------------------------------------------------------


def test_a_refusal_says_what_was_searched_and_shows_the_nearest_as_such() -> None:
    refused = answer_with(quote(article(), "It rained."), status="not_found")
    assert as_lines(refused, colour=False) == (
        "Not found in 1,234 articles, 2025-03-11 to 2025-04-30.\n"
        "The nearest article, which does not seem to answer:\n"
        "  Port Paper · 2025-04-18 · Harbour closed\n"
        "  https://a.example/1"
    )


def test_a_refusal_shows_no_quote() -> None:
    refused = answer_with(quote(article(), "It rained."), status="not_found")
    assert "It rained" not in as_lines(refused, colour=False)
    assert [found["text"] for found in as_json(refused)["quotes"]] == ["It rained."]  # type: ignore[attr-defined]


def test_a_refusal_names_the_outlets_it_was_bound_to() -> None:
    question = Question("who won?", date(2025, 4, 30), sources=("Port Paper", "Post"))
    one = Searched(1, 1_741_651_200, 1_741_651_200)
    shown = as_lines(answer_with(status="not_found", question=question, searched=one), colour=False)
    assert shown == "Not found in 1 article from Port Paper or Post of 2025-03-11."


def test_with_nothing_to_search_a_refusal_names_the_bounds() -> None:
    nothing = Searched(0, None, None)
    question = Question("who won?", date(2025, 4, 30), since=date(2025, 4, 20), sources=("Port Paper",), language="fr")
    assert as_lines(answer_with(status="not_found", question=question, searched=nothing), colour=False, width=200) == (
        "Not found: the corpus holds no article from Port Paper in the language “fr” since 2025-04-20 until "
        "2025-04-30, the day of asking."
    )


def test_a_refusal_whose_window_ends_after_the_day_of_asking_names_that_day() -> None:
    question = Question("who won?", date(2025, 4, 1), since=date(2025, 4, 1), until=date(2025, 4, 2))
    nothing = answer_with(status="not_found", question=question, searched=Searched(0, None, None))
    assert as_lines(nothing, colour=False, width=200) == (
        "Not found: the corpus holds no article since 2025-04-01 until 2025-04-01, the day of asking."
    )


def test_what_an_option_overrules_is_not_shown_as_understood() -> None:
    words = "Who resigned between 3 and 9 March, according to Port Paper?"
    asked = Question(words, date(2025, 4, 30))
    understood = understand(words, date(2025, 4, 30), ["Port Paper"])
    overruled = [
        asked,
        replace(asked, since=date(2025, 3, 1)),
        replace(asked, until=date(2025, 3, 5)),
        replace(asked, sources=("Post",)),
    ]
    notes = [as_json(replace(answer_with(question=one), understood=understood))["understood"] for one in overruled]
    assert [found["notes"] for found in notes] == [  # type: ignore[index]
        ["from 3–9 March 2025", "only Port Paper"],
        ["until 9 March 2025", "only Port Paper"],
        ["since 3 March 2025", "only Port Paper"],
        ["from 3–9 March 2025"],
    ]


def test_undated_articles_alone_make_no_dates_up() -> None:
    shown = as_lines(answer_with(status="not_found", searched=Searched(2, None, None)), colour=False)
    assert shown == "Not found in 2 articles."


# What a terminal would obey -------------------------------------------------------------------------------

HOSTILE = "\x1b[31mred\x1b[0m \u202egnissim\u202c \x07\x9b2J\u2066iso\u2069\r\ud800"


def test_escapes_and_direction_overrides_are_shown_and_not_obeyed() -> None:
    assert safe(HOSTILE) == "�[31mred�[0m �gnissim� ��2J�iso���"
    assert safe("a\n\n\tb\u2028c") == "a b c"


@pytest.mark.parametrize("text", ["naïve “quotes” – 東京", "שלום עולם", "👩‍👩‍👧 🇺🇦", "a  b"])
def test_ordinary_text_of_any_script_is_left_alone(text: str) -> None:
    assert safe(text) == text


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", safe(text))
    assert safe(safe(text)) == safe(text)


def test_no_field_of_an_article_reaches_the_terminal_unchecked() -> None:
    of = article(
        f"Before {HOSTILE} after.",
        title=HOSTILE,
        source=HOSTILE,
        correction=HOSTILE,
        url="https://a.example/\x1b[2J",
        id="https://a.example/\x1b[2J",
    )
    question = Question(f"who {HOSTILE}", date(2025, 4, 30), sources=(HOSTILE,), language=HOSTILE)
    found = quote(of, of.text, "after", also=(HOSTILE,))
    answered = answer_with(found, question=question)
    refused = answer_with(found, status="not_found", question=question)
    empty = answer_with(status="not_found", question=question, searched=Searched(0, None, None), nearest=of)
    shown = [as_lines(each, colour=False) for each in (answered, refused, empty)]
    shown.append(explanation(answered))
    for text in shown:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_json_carries_every_character_as_stored() -> None:
    of = article(f"Before {HOSTILE} after.", title=HOSTILE)
    row = as_json(answer_with(quote(of, of.text)))
    assert row["quotes"][0]["text"] == of.text  # type: ignore[index]
    assert row["quotes"][0]["title"] == HOSTILE  # type: ignore[index]


# Width ----------------------------------------------------------------------------------------------------


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12), min_size=1),
    st.integers(40, 100),
    st.data(),
)
def test_no_line_but_a_link_is_wider_than_asked(words: list[str], width: int, data: st.DataObject) -> None:
    of = article(" ".join(words), title=" ".join(words), correction=" ".join(words))
    marked = data.draw(st.sampled_from(words))
    lines = quote_lines(quote(of, of.text, marked), colour=False, width=width).split("\n")
    assert [line for line in lines if len(line) > width and "https://" not in line] == []
    shown = re.sub(r"\s+", " ", "\n".join(lines))
    assert f"*{marked}*" in shown


def test_colour_does_not_move_a_line_break() -> None:
    of = article("word " * 40 + "end", title="t")
    found = quote(of, of.text, "word word")
    plain = quote_lines(found, colour=False, width=60)
    coloured = quote_lines(found, colour=True, width=60)
    assert re.sub("\x1b\\[[0-9]m", "", coloured) == plain.replace(
        "*", ""
    )  # asterisks are as wide as what stands for them


def test_a_table_is_aligned_and_has_no_trailing_blanks() -> None:
    assert table([("a", "1"), ("bbb", "22"), ("", "")]) == "a    1\nbbb  22\n"
    assert table([]) == ""


# Explain --------------------------------------------------------------------------------------------------


def test_an_explanation_holds_every_score_once() -> None:
    found = quote(article(), "It rained.")
    assert explanation(answer_with(found)) == (
        "topic       who closed the harbour?\n"
        "kind        person\n"
        "understood  no times and no outlets\n"
        "searched    1,234 articles, index 000001\n"
        "\n"
        "Articles\n"
        "  1.  1.000  2025-04-18  Harbour closed\n"
        "\n"
        "Quote 1, score 1.000\n"
        "“It rained.”\n"
        "  Port Paper · 2025-04-18 · Harbour closed\n"
        "  https://a.example/1#:~:text=It%20rained.\n"
        "\n"
        "Confidence 0.750, from\n" + table([(f"  {sign}", "0.000") for sign in asdict(Evidence())])
    )


def test_an_explanation_of_nothing_is_still_one() -> None:
    shown = explanation(answer_with(status="not_found", searched=Searched(0, None, None)))
    assert "searched    0 articles" in shown
    assert "Articles\n  none" in shown


@pytest.mark.parametrize(
    ("published", "asked", "is_said"),
    [
        ("2025-04-18", "who closed the harbour last week?", True),
        ("2025-04-23", "who closed the harbour last week?", False),
        ("2025-04-29T23:00:00Z", "who closed the harbour last week?", False),
        (None, "who closed the harbour last week?", False),
        ("2025-04-18", "who closed the harbour?", False),
    ],
)
def test_quotes_of_another_time_than_was_asked_about_are_said_to_be(
    published: str | None, asked: str, is_said: bool
) -> None:
    found = quote(article(published=published), "Marla Quist gave the order", "Marla Quist")
    answer = answer_with(found, question=Question(asked, date(2025, 4, 30)))
    assert answer.is_elsewhen is is_said
    assert ("none of these quotes is from then" in as_lines(answer, colour=False, width=200)) is is_said
    assert not replace(answer, question=replace(answer.question, since=date(2025, 4, 1))).is_elsewhen


def test_a_refusal_says_nothing_of_the_time_of_quotes_that_it_does_not_show() -> None:
    found = quote(article(), "Marla Quist gave the order", "Marla Quist")
    question = Question("who closed the harbour last week?", date(2025, 4, 30))
    assert "from then" not in as_lines(answer_with(found, question=question, status="not_found"), colour=False)
