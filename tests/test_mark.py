"""Which words are marked as the answer, and that a mark is always a clean part of its quote."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kind import kind_of
from bot.mark import MAX_MARK_WORDS, mark_answer
from bot.mark_candidates import candidates
from bot.quote_words import Page, asked_of

EVALUATION = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
# Measured: 71.5 % of 940 quotes in 2023 (fitted on), 76.6 % of 231 in 2022 (held out). The floors lie below.
FLOOR = {"2022": 70.0, "2023": 67.0}


def marked(question: str, quote: str) -> str | None:
    span = mark_answer(question, kind_of(question), quote)
    return None if span is None else quote[span[0] : span[1]]


# --- Examples --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "quote", "answer"),
    [
        (
            "What deadline did the harbour master mention?",
            "Ships must leave the inner basin by April 26, harbour master Ada Lind told reporters on Monday.",
            "April 26",
        ),
        (
            "Who signed the harbour bill?",
            "Governor Maria Lopez signed the harbour bill on Friday in Portville.",
            "Maria Lopez",
        ),
        (
            "Which company bought the shipyard?",
            "The shipyard was bought by Norsund Marine, a maker of ferries.",
            "Norsund Marine",
        ),
        (
            "Which country left the fishing pact?",
            "Iceland has left the fishing pact, the commission said on Tuesday.",
            "Iceland",
        ),
        ("How much did the tunnel cost?", "The tunnel cost $6.6 billion, twice the first estimate.", "$6.6 billion"),
        ("How many ships were damaged?", "The storm damaged 14 ships in two harbours.", "14"),
        ("What percentage of voters backed the plan?", "About 62% of voters backed the plan in May.", "62%"),
        ("How long was the bridge closed?", "The bridge was closed for three weeks in 2024.", "three weeks"),
        (
            "What time does the ferry leave?",
            "It leaves pier 4 at 7:30 p.m. ET on Friday, an hour late.",
            "7:30 p.m. ET",
        ),
        ("At what time did the quake strike?", "It struck at 04:17 local time, 30 km away.", "04:17 local time"),
        ("By what time must residents leave?", "All 300 must leave by noon on May 3.", "noon"),
        ("What hour did the lights go out?", "At 11.45pm 1.30 million homes lost power.", "11.45pm"),
        (
            "Why did the ferry turn back?",
            "The ferry turned back because of thick fog, its captain said.",
            "thick fog",
        ),
        (
            "What did the mayor say about the fire?",
            "The mayor said of the fire: “We were lucky this time,” and left.",
            "We were lucky this time",
        ),
        (
            "The strike was called by which union?",
            "The strike was called by the Dockers’ Alliance after talks failed.",
            "Alliance",
        ),
    ],
)
def test_answer_is_among_the_marked_words(question: str, quote: str, answer: str) -> None:
    found = marked(question, quote)
    assert found is not None
    assert answer in found
    assert len(found.split()) <= len(answer.split()) + 3


def test_words_of_the_question_alone_are_never_marked() -> None:
    question = "Which port did Ada Lind close?"
    assert marked(question, "Ada Lind closed the port.") is None
    assert "Portville" in (marked(question, "Ada Lind closed the port of Portville on her first day.") or "")


def test_of_two_names_the_one_nearer_to_the_words_of_the_question_is_marked() -> None:
    quote = "Ada Lind praised the crew at dinner on Monday, and Jon Berg repaired the engine of the old ferry."
    assert marked("Who repaired the engine of the ferry?", quote) == "Jon Berg"
    assert marked("Who praised the crew at dinner?", quote) == "Ada Lind"


def test_of_two_that_would_do_the_one_that_a_reader_points_at_is_marked() -> None:
    question, quote = (
        "When does the sale end?",
        "The sale was announced on May 2 and ends, it was said later, on June 9.",
    )
    for answer in ("May 2", "June 9"):
        at = quote.index(answer)
        marked = mark_answer(question, "date", quote, (at, at + len(answer)))
        assert marked is not None
        assert quote[slice(*marked)] == answer


@pytest.mark.parametrize(
    ("quote", "mark"),
    [
        ('"It is a bad pier," the mayor said. "We shall not sail from it in any weather."', "It is a bad pier"),
        (
            'The mayor called it a "pillar" and said: "We shall never bow, we shall never break, we shall never leave '
            'this pier."',
            "We shall never bow",
        ),
        ('The mayor called it a "pillar" on Monday.', "pillar"),
    ],
)
def test_what_somebody_said_is_a_quotation_and_not_what_stands_between_two(quote: str, mark: str) -> None:
    found = marked("What did the mayor say about the pier?", quote)
    assert found == mark


@pytest.mark.parametrize(
    ("question", "quote", "pointed", "wrong"),
    [
        ("Who arrested Berg?", "Berg was arrested in Russia, and Ada Lind had him flown home.", "Russia", "Russia"),
        ("Who hit Berg?", "Berg was hit in his San Francisco home by Ole Strand.", "San Francisco home", "Francisco"),
        ("Who shot Jon Berg?", "The captain Jon Berg died after Ole Strand shot him.", "captain Jon Berg died", "Berg"),
    ],
)
def test_who_is_no_place_and_not_the_one_that_is_asked_about(
    question: str, quote: str, pointed: str, wrong: str
) -> None:
    assert marked(question, quote) in ("Ada Lind", "Ole Strand")
    at = quote.index(pointed)
    found = mark_answer(question, kind_of(question), quote, (at, at + len(pointed)))
    assert found is None or wrong not in quote[slice(*found)]


def test_what_is_pointed_at_outside_of_the_quote_changes_nothing() -> None:
    question, quote = "When does the sale end?", "The sale was announced on May 2 and ends on June 9."
    assert mark_answer(question, "date", quote, (-40, -30)) == mark_answer(question, "date", quote)


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        (
            "How many members joined the club?",
            "The club was joined by 43 members on Monday, its chair said.",
            "43 members",
        ),
        ("How many men were rescued?", "Lifeboats rescued three men from the barge on Monday.", "three men"),
        ("How many people came?", "The fair drew 3 million people, its founder said.", "3 million people"),
        ("How much was the fine?", "The court set a fine of $3,000, to be paid in May.", "$3,000"),
        ("How much was the fine?", "The court set a fine of $5 m, to be paid in May.", "$5 m"),
        ("How much was the fine?", "The court set a fine of $5m, to be paid in May.", "$5m"),
        ("How much was the fine?", "The court set a fine of 3,000 dollars, to be paid in May.", "3,000 dollars"),
        ("How many notes were counted?", "The bank counted 1,00,000 notes, it said in May.", "1,00,000 notes"),
    ],
)
def test_a_figure_is_marked_with_its_scale_and_cuts_no_word(question: str, quote: str, mark: str) -> None:
    assert marked(question, quote) == mark


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        (
            "In which year did the ferry sink?",
            "On Monday, 5 June, she said that the ferry sank in the late 1990s.",
            "late 1990s",
        ),
        ("How hot was it?", "It was 38.7C in the shade at noon, the harbour master said.", "38.7C"),
        ("How hot was it?", "It was 38.7 °C in the shade at noon, the harbour master said.", "38.7 °C"),
        ("How far did it sail?", "The ferry sailed 4,500km, its captain said.", "4,500km"),
        ("How much was the fine?", "The court set a fine of $1.2tn, to be paid in May.", "$1.2tn"),
        ("How much was the fine?", "The court set a fine of $10-15 million, to be paid in May.", "$10-15 million"),
        ("How many people came?", "The fair drew tens of thousands of people, its founder said.", "tens of thousands"),
        ("How old is the winner?", "A 15-year-old girl won the regatta, the club said.", "15-year-old"),
        (
            "How old is the winner?",
            "Lind won 6–4, 3–6, 7–5 on Sunday. The 19-year-old, ranked last, had a cold.",
            "19-year-old",
        ),
        (
            "How old is Jon Berg?",
            "Berg, 42, took the helm after seven short weeks of rain and 17 million tonnes.",
            "42",
        ),
        ("How old was Jon Berg?", "Berg, who sold more than 17 million tickets, died at 59.", "59"),
        ("How old is the quay?", "The quay was built 130 years ago and has cost $3 million since.", "130 years"),
        ("What is the winner’s age?", "Lind won in 31 days. The 19-year-old did not eat for three.", "19-year-old"),
        (
            "How long was his sentence?",
            "The 40-year-old was given nine years and six months.",
            "nine years and six months",
        ),
        ("How many ships sank?", "Ships sank at 10:30, and by noon it was 14 ships, she said.", "14 ships"),
        ("How many votes did Lind get?", "On Nov. 9 Lind got 312 votes, she said.", "312 votes"),
        ("How many agents came?", "On August 8, 2022, some 30 agents came to the quay.", "some 30 agents"),
        ("How many agents came?", "2. Some agents, 30 in all, came to the quay.", "30"),
        ("How many homes were hit?", "The Category 1 storm hit homes, 40 of them.", "40"),
        ("How many ships sank?", "It was one of the worst days: ships sank, 14 in all.", "14"),
        ("How many jobs will go at the yard?", "Of 46 yards that of Lind is the oldest; 1,150 jobs go.", "1,150 jobs"),
    ],
)
def test_no_figure_is_cut_nor_taken_out_of_a_date_a_list_or_a_name(question: str, quote: str, mark: str) -> None:
    assert marked(question, quote) == mark


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        ("How fast was the ferry?", "The ferry made 9.4 knots when it struck pier 3.", "9.4 knots"),
        (
            "How fast was the wind?",
            "Pier 3 closed as the wind reached 128 kilometres an hour.",
            "128 kilometres an hour",
        ),
        ("How heavy are the gates?", "The two gates weigh about 190 tonnes.", "about 190 tonnes"),
        ("How much rain fell?", "In two days 62 millimetres of rain fell.", "62 millimetres"),
        ("How hot was it?", "At 14 stations it was at least 40 degrees Celsius.", "at least 40 degrees Celsius"),
        ("How many beads were in the boat?", "In the boat lay 26 amber beads and a razor.", "26 amber beads"),
        ("How many drivers are on strike?", "In the 48-hour strike some 640 drivers stopped.", "some 640 drivers"),
        ("How many bus drivers struck?", "At the depot 640 striking bus drivers struck.", "640 striking bus drivers"),
        ("How many gas stations closed?", "In all 300 gas stations closed.", "300 gas stations"),
        ("How many US troops left?", "About 1,500 US troops left in May.", "About 1,500 US troops"),
        ("How many ships sank?", "Then 14\u00a0ships sank off the quay.", "14\u00a0ships"),
        ("How many ships sank?", "At 14, ships sank and more were lost at sea.", "14"),
        ("How many ships sank?", "Lind counted 14 (ships alone) that sank.", "14"),
        ("How many ships sank?", "Lind counted 14 of the old ships that sank.", "14"),
        ("How many ships sank?", "Lind counted 14 rusty old fishing ships that sank.", "14"),
        ("How many seasons did it run?", "It ran for seven seasons and won 12 awards.", "seven seasons"),
        ("How many died?", "In two days some 40 died.", "some 40"),
        ("How many years will he serve?", "Lind will serve 18 months, it was ruled.", "18 months"),
        ("How much is the fuel?", "The fuel sells for more than $4 a gallon in town.", "more than $4 a gallon"),
        ("How much did Lind earn?", "Lind earned $5 million a year ago.", "$5 million"),
        ("How long is his sentence?", "Lind was given six years in prison on Friday.", "six years in prison"),
        ("How many votes did Lind get?", "Lind got 312 in prison alone.", "312"),
        ("How long was it down?", "The site was down for almost five hours.", "almost five hours"),
        ("How many stores will close?", "They will close no more than 200 stores.", "no more than 200 stores"),
        ("How much was the damage?", "The damage added up to $3 million.", "$3 million"),
        ("How much was the damage?", "The damage was up to about $3 million.", "up to about $3 million"),
        ("How many brothers are in it?", "It is a film about two brothers who fish.", "two brothers"),
        ("How many stores will close?", "Between 150 and 200 stores will close.", "Between 150 and 200 stores"),
        ("What share agreed?", "Between 40% and 45% of them agreed.", "Between 40% and 45%"),
        ("What share agreed?", "They say that between 40 and 45 percent agreed.", "between 40 and 45 percent"),
        ("How much rain fell?", "In May 4 to 6 inches of rain fell.", "4 to 6 inches"),
        ("How many came?", "It was 1,000 to 2,000, she said.", "1,000 to 2,000"),
        ("What share agreed?", "Between 40% and 45, she said, agreed.", "Between 40% and 45"),
        ("How much rain fell?", "Rain rose from 4 to 6 inches.", "6 inches"),
        ("How cold was it?", "At the quay it was almost minus 40 degrees.", "almost minus 40 degrees"),
        ("How far did it sail?", "It sailed 12 nautical miles off the quay.", "12 nautical miles"),
        ("What share agreed?", "In Winsome 41% agreed, she said.", "41%"),
    ],
)
def test_a_figure_is_marked_with_what_it_counts_or_measures_and_how_sure_it_is(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        ("How many jobs will Lind Marine cut?", "Lind Marine will cut 85 of its 340 jobs by May.", "85"),
        ("How many ferries will stop?", "In fog about 12 out of the 47 ferries will stop.", "about 12"),
        ("How many bridges has Portville repaired?", "Portville has repaired 9 of 14 bridges so far.", "9"),
        ("How many crews struck?", "On the quay 1,200 of more than 5,000 crews struck.", "1,200"),
        ("How many jobs does Lind Marine have?", "Lind Marine will cut 85 of its 340 jobs by May.", "340 jobs"),
        ("How many jobs are there?", "In the yard 85 of the 340 jobs will go.", "340 jobs"),
        ("How many skippers were polled?", "Of the fog spoke 12 of the 90 skippers polled.", "90 skippers"),
        ("How many passengers were on the ferry?", "It saved 85 of the 340 passengers on the ferry.", "340 passengers"),
        ("How many passengers were on board?", "It saved 85 of 340 passengers who were on board.", "340 passengers"),
        ("How many seats are in the council?", "Lind’s party won 48 of the 120 seats in the council.", "120 seats"),
        ("How many homes are in the village?", "The fire burned 40 of the 200 homes in the village.", "200 homes"),
        ("How many homes in the village burned?", "On Monday, 40 of the 200 homes in the village burned.", "40"),
        ("How many homes in the village burned?", "In the fire 40 of the 200 homes in the village were burned.", "40"),
        ("How many passengers on the ferry were saved?", "It saved 85 of the 340 passengers on the ferry.", "85"),
        ("How many games has Tarn played?", "Tarn has won 9 of the 12 games it has played.", "12 games"),
        ("How many games has Tarn won?", "Tarn has won 9 of the 12 games it has played.", "9"),
        (
            "How many people took part in the survey?",
            "In all, 120 of 1,000 people who took part in the survey said no.",
            "1,000 people",
        ),
        (
            "How many people said no in the survey?",
            "In all, 120 of 1,000 people who took part in the survey said no.",
            "120",
        ),
        ("How many pupils attend the school?", "85 of the 340 pupils who attend the school are ill.", "340 pupils"),
        ("How many pupils are ill?", "85 of the 340 pupils who attend the school are ill.", "85"),
        ("How many pupils who attend the school failed?", "85 of the 340 pupils who attend the school failed.", "85"),
        ("How many states make up the union?", "He won 30 of the 50 states that make up the union.", "50 states"),
        ("How many states make up the union?", "Of the union 30 of the 50 states that make up the union quit.", "30"),
        ("How many cases were studied?", "In 12 of the 300 cases studied, the patients died.", "300 cases"),
        ("How many homes were burned?", "In the village 85 of the 340 homes burned.", "85"),
        ("How many homes had a fire?", "It says that in 85 of the 340 homes there was a fire.", "85"),
        ("How many seats in the council are in doubt?", "Of it 48 of the 120 seats in the council are in doubt.", "48"),
        ("How many workers went on strike?", "In all 1,200 of the 5,000 workers went on strike.", "1,200"),
    ],
)
def test_of_a_part_and_its_whole_the_part_is_marked_unless_the_question_asks_for_the_whole(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        ("How much will a ticket cost?", "Portville raised a ticket from £1.20 to £1.80 in May.", "£1.80"),
        ("How much is the dividend?", "It lifted the dividend from €2.10 to €2.40, it said.", "€2.40"),
        ("What is the key rate?", "The bank cut its key rate from 5.25% to a new 4.75% in May.", "4.75%"),
        ("What is the toll?", "The toll rose from about 41 on Sunday to more than 58, he said.", "more than 58"),
        ("What was inflation in June?", "Inflation fell from 9.1% in May to 6.4% in June.", "6.4%"),
        ("What was inflation in May?", "Inflation fell from 9.1% in May to 6.4% in June.", "9.1%"),
        ("What is the jobless rate?", "The jobless rate rose to 7.2% from 6.9%.", "7.2%"),
        ("What is the jobless rate?", "The rate was 7.2% in May, up from a jobless rate of 6.9%.", "6.9%"),
        ("What is the jobless rate?", "It was 7.2% in May, up from 6.9%, a jobless rate that he liked.", "7.2%"),
        ("How many countries sent crews?", "Prizes went to 12 crews from 4 countries.", "4 countries"),
        ("How much did a ticket cost before?", "Portville raised a ticket from £1.20 to £1.80 in May.", "£1.20"),
        ("What was the former rate?", "The bank cut the rate from 5.25% to 4.75% in May.", "5.25%"),
        ("How high was the rate a year ago?", "The rate fell to 4.1% from 5.2% a year ago.", "5.2%"),
        ("How high was the rate a year ago?", "The rate fell to 4.1% from 5.2% a decade ago.", "4.1%"),
        ("How high was the rate last month?", "The rate fell to 4.1% last month from 5.2% last year.", "4.1%"),
        ("How many jobs did Norvik have a decade ago?", "Norvik went from 400 jobs a decade ago to 90.", "400 jobs"),
        ("What was the price in the first quarter?", "It rose from £1.20 in the first quarter to £1.80.", "£1.20"),
        (
            "What was the price in the second quarter?",
            "The price rose from £1.20 in the first quarter to £1.80 in the second.",
            "£1.80",
        ),
        ("How much did a ticket cost last year?", "A ticket rose from £1.20 last year to £1.80.", "£1.20"),
        ("What was the price yesterday?", "The price fell from $80 yesterday to $75.", "$80"),
        ("What was the inflation rate in May?", "Inflation fell to 6.4% from 9.1% in May.", "9.1%"),
        ("What was inflation in May?", "Inflation fell from 9.1% in May last year to 6.4% in May.", "6.4%"),
        ("What was inflation in May last year?", "Inflation fell from 9.1% in May last year to 6.4% in May.", "9.1%"),
    ],
)
def test_of_a_former_value_and_the_new_one_the_new_one_is_marked_unless_the_question_asks_for_the_former(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


def test_a_figure_grows_over_no_line_and_not_to_the_whole_quote() -> None:
    assert marked("How many ships sank?", "The sea was calm. It was about\n14\nships that sank.") == "14"
    assert marked("How many ships?", "About 14 ships.") == "14 ships"
    assert marked("How much did it cost?", "It cost\n$14 a\nmonth.") == "$14"


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How much is parking at the quay?", "The town will begin to ask for parking tags at the quay in March."),
        ("How many ships sank?", "On Nov. 9 the first ships sank at the quay."),
        ("How many ships sank?", "It was one of the worst days; no one knows which ships sank."),
        ("When did the port close?", "The port was closed by Ada Lind, who spoke of fog."),
        ("What percentage of voters agreed?", "Most voters agreed, Ada Lind said."),
        ("What did the mayor say about the fire?", "The mayor spoke of the fire at length on Monday."),
        ("How old is Jon Berg?", "Berg took the helm after seven short weeks of rain and 17 million tonnes."),
        ("Who attacked the ferry?", "The ferry was attacked off Barcelona, it was said there."),
        ("Where was the summit held?", "Of the summit spoke Prime Minister Ada Lind."),
        ("In which year did the ferry sink?", "It was on a Monday in June that the ferry sank."),
        ("What percentage of voters agreed?", "Among the half-million voters most agreed."),
        ("What time did the ferry land?", "The ferry landed on Monday, 20 minutes late, with a load of 2.30 tons."),
    ],
)
def test_where_nothing_has_the_form_that_is_asked_for_nothing_is_marked(question: str, quote: str) -> None:
    assert marked(question, quote) is None


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who repaired the ferry?", "Jon Berg\n\nPortville Post\n\nThe ferry was repaired by Ada Lind."),
        ("Who spoke for the ferry?", "Spoke for the ferry: Jon Berg\n\nPortville Post"),
        ("What did Jon Berg call it?", "Jon Berg called it “a sad\nday for ferries” and left."),
    ],
)
def test_a_mark_stands_on_one_line(question: str, quote: str) -> None:
    assert "\n" not in (marked(question, quote) or "")


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        (
            "Who opened the trial?",
            "It was on Monday that Judge Ada Lind took the chair and opened the trial.",
            "Judge Ada Lind",
        ),
        ("Who repaired the ferry?", "(CNN) The ferry was repaired by Ada Lind.", "Ada Lind"),
        ("Where was the mayor shot?", "London CNN — The mayor was shot in Portville, a witness said.", "Portville"),
        ("Which town was flooded?", "ESTMERE, Ohio (AP) — The town of Portville was flooded.", "Portville"),
        ("Who repaired the ferry?", "However, repaired it was, the old ferry, and by Ada Lind.", "Ada Lind"),
        ("Who repaired the ferry?", "What’s more, the ferry was repaired by Ada Lind.", "Ada Lind"),
        (
            "Which court sentenced Lind?",
            "Skipper Ada Lind was sentenced by the Harbour Court in May.",
            "the Harbour Court",
        ),
        ("Who criticised lind's plan?", "The plan of Mayor Ada Lind was criticised by Jon Berg.", "Jon Berg"),
        ("Who is Lind's wife?", "Lind lives in Portville with his wife, Ada Lind, a skipper.", "Ada Lind"),
        ("Who won the race?", "In the final, which was won by a length, Ada Lind beat Jon Berg.", "Ada Lind"),
        ("Who won?", "Ada Lind defeated the incumbent Jon Berg.", "Ada Lind"),
        ("Which region is on alert?", "A large swath of Northern Estmere remained on alert.", "Northern Estmere"),
        ("What did the court overturn?", "The court overturned Berg v. Lind, a case of 1973.", "Berg v. Lind"),
        ("Which carrier was hit?", "AT&T said on Monday that it was hit.", "AT&T"),
        ("Which carrier’s network was hit?", "On Monday AT&T’s network was hit.", "AT&T"),
        ("Which company sued AT&T?", "AT&T was sued by Verizon on Friday.", "Verizon"),
        ("Which channel is for sale?", "The ministry put Channel 4, the broadcaster, up for sale.", "Channel 4"),
    ],
)
def test_a_name_is_marked_whole_and_neither_whence_it_was_written_nor_whom_the_question_names(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        (
            "Why did it stop?",
            "It stopped because of fog at 5 a.m. near the quay, he said.",
            "fog at 5 a.m. near the quay",
        ),
        (
            "Why did it stop?",
            "It stopped because of fog near Norsund Inc. yards. He left.",
            "fog near Norsund Inc. yards",
        ),
        ("Why did it stop?", "It stopped because of a strike in the U.S. The crew left.", "a strike in the U.S."),
        ("Why did it stop?", "“It stopped because of fog near the quay.” He left.", "fog near the quay"),
        ("Why did it stop?", "It stopped because of fog near the quay... Then it left.", "fog near the quay"),
        ("Which company built it?", "It was built by Norsund Motor Co. in Portville.", "Norsund Motor Co."),
        ("Which company built it?", "It was built by Norsund Marine. A crew came.", "Norsund Marine"),
        ("Who repaired the ferry?", "The ferry was repaired by Ada Lind Jr.", "Ada Lind Jr."),
    ],
)
def test_a_mark_ends_in_no_abbreviation_and_takes_the_full_stop_of_its_last(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


def test_a_phrase_holds_no_part_of_a_name_without_the_rest_of_it() -> None:
    quote = "On Monday Estmere crews of Mayor Lind family boats and the Harbour Hall staff of former Skipper Ada Berg."
    asked = asked_of("Whom did the harbour crews meet?", "other")
    found = {quote[c.start : c.end] for c in candidates(Page.of(quote, asked), asked)}
    assert {"Estmere crews", "Mayor Lind family boats", "the Harbour Hall staff"} <= found
    assert {"Lind family boats", "Hall staff"} <= found  # behind a title, and behind a word of the question
    assert found.isdisjoint({"former Skipper", "former Skipper Ada"})


@pytest.mark.parametrize(
    ("question", "quote", "mark"),
    [
        ("Who repaired the ferry?", "The ferry was repaired by Ada May Lind.", "Ada May Lind"),
        ("Who repaired the ferry?", "The ferry was repaired by Ines May, a skipper.", "Ines May"),
        ("Who repaired the ferry?", "It was Ines May’s crew that repaired the ferry.", "Ines May"),
        ("Who repaired the ferry?", "Will Lind repaired the ferry in a day.", "Will Lind"),
        ("Who opened the bridge?", "The bridge was opened by Ines May with Jon Berg.", "Ines May"),
        ("Who repaired the ferry?", "The ferry was repaired in May Ada Lind said.", "Ada Lind"),
        ("Who repaired the ferry?", "The ferry was repaired by Ada Lind May 3.", "Ada Lind"),
        ("Who repaired the ferry?", "On Monday May would see Ada Lind, who repaired the ferry.", "Ada Lind"),
        ("Who may repair the ferry?", "Will Lind repair the ferry?", "Lind"),
        ("Who may repair the ferry?", "The ferry may be repaired by Ada Lind.", "Ada Lind"),
    ],
)
def test_may_and_will_are_parts_of_a_name_beside_one_and_a_month_or_a_verb_elsewhere(
    question: str, quote: str, mark: str
) -> None:
    assert marked(question, quote) == mark


def test_what_was_asked_for_is_no_part_of_a_full_name_and_a_title_is() -> None:
    question = "Which goalkeeper moved from Lisbon to Osaka?"
    assert marked(question, "Goalkeeper Ada Lind has moved from Lisbon to Osaka for three years.") == "Ada Lind"
    assert marked("Which prince was absent?", "Prince Ada William was absent on Monday.") == "Prince Ada William"


def test_an_agency_in_brackets_is_not_marked() -> None:
    quote = "Estmere (CNN) Jon Berg was shot on Friday in a hall in Portville."
    found = marked("Where was Jon Berg shot?", quote)
    assert found is not None
    assert quote.index(found) > quote.index(")")


def test_a_name_before_a_dash_is_no_dateline() -> None:
    assert marked("Who closed the port?", "ADA LIND – the mayor – closed the port.") == "ADA LIND"


def test_a_mark_of_a_reader_that_hardly_anything_speaks_for_is_left_out() -> None:
    question, quote = "Who closed the port?", "Some of the nets that had been drying there were taken in at last."
    assert mark_answer(question, "person", quote, (0, 4)) is None


@pytest.mark.parametrize(
    "piece",
    [
        "1,",
        "1-",
        "$1-",
        "half a ",
        "tens of ",
        "A ",
        "AB ",
        "(A ",
        "NY — A ",
        "\n1. ",
        "defeated ",
        "A v. ",
        "’s ",
        "to a ",
    ],
)
def test_the_work_grows_with_the_quote_and_not_with_a_high_power_of_it(piece: str) -> None:
    def least_s(n_chars: int) -> float:
        quote = (piece * n_chars)[:n_chars]
        took_s = []
        for _ in range(3):
            began = time.perf_counter()
            mark_answer("Who won?", "person", quote)
            took_s.append(time.perf_counter() - began)
        return min(took_s)

    # Four times as long: a square takes 16 times as long.
    assert least_s(1_600) < 60 * max(least_s(400), 0.000_5)


def test_yes_no_question_and_empty_quote_get_no_mark() -> None:
    assert marked("Did the port close?", "The port of Portville closed on Monday.") is None
    assert mark_answer("Who won?", "person", "") is None


def test_possessive_is_left_out_of_a_mark() -> None:
    quote = "Sweden’s singer won the song contest for the second time on Saturday."
    assert marked("Which country’s singer won the contest?", quote) == "Sweden"


# --- Any text --------------------------------------------------------------------------------------

_SCRAPS = (
    "\n 38.7C (AP) Ada Lind President of the and port in April 26 $6.6 billion 62% three weeks because “We were lucky” "
    "said , . — ( ) closed U.S. Sen. ’s 2024 a 🎉 ß İ Ünïcode"
)
_QUOTE = st.one_of(st.text(max_size=120), st.lists(st.sampled_from(_SCRAPS.split(" ")), max_size=60).map(" ".join))
_QUESTION = st.sampled_from(
    [
        "Who closed the port?",
        "When did it close?",
        "How many ships sank?",
        "How much did it cost?",
        "What did Lind say?",
        "Why did it close?",
        "Which two ports closed?",
        "closed port",
    ]
)


@given(_QUESTION, _QUOTE)
def test_mark_is_a_short_clean_part_of_the_quote(question: str, quote: str) -> None:
    span = mark_answer(question, kind_of(question), quote)
    if span is None:
        return
    start, end = span
    words = quote[start:end]
    assert 0 <= start < end <= len(quote)
    assert words == words.strip()
    assert words != quote
    assert "\n" not in words
    assert len(words.split()) <= MAX_MARK_WORDS
    asked = set(re.findall(r"\w+", question.lower()))
    assert set(re.findall(r"\w+", words.lower())) - asked


@given(_QUOTE)
def test_a_percentage_is_marked_wherever_one_is_asked_for_and_given(quote: str) -> None:
    found = marked("What percentage of voters agreed?", f"{quote} It was 41% of them, she said.")
    assert found is None or re.search(r"\d%|half|third|quarter|per ?cent", found, re.IGNORECASE)


# --- Real questions --------------------------------------------------------------------------------


def words_of(text: str) -> list[str]:
    """Words as the quiz counts them: lower case, currency and percent kept on their figure, no thousands' comma."""
    text = re.sub(r"\s*(?:per cent|percent|%)", "%", text.lower())
    text = re.sub(r"([$£€])\s+(?=\d)", r"\1", text)
    found = re.findall(r"[$£€]?\d[\d,.]*%?|\w+", text)
    return [word.rstrip(".,").replace(",", "") for word in found]


def holds(text: str, answers: list[str]) -> bool:
    words = f" {' '.join(words_of(text))} "
    return any(f" {' '.join(words_of(answer))} " in words for answer in answers if words_of(answer))


def quotes_with_answers(year: str) -> Iterator[tuple[str, str, list[str]]]:
    """Question, the sentence of its evidence that holds the answer (the one nearest to it), answers."""
    with gzip.open(EVALUATION / "news-quiz" / year / "questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            sentences = re.split(r"(?<=[a-z0-9)”\"’%][.?!])[”\"’]?\s+(?=[A-Z“\"‘])|\n+", row["evidence"] or "")
            holding = [s.strip() for s in sentences if s and holds(s, row["answers"])]
            asked = {w for w in words_of(row["question"]) if len(w) > 3}
            if holding:
                yield row["question"], max(holding, key=lambda s: len(asked & set(words_of(s)))), row["answers"]


@pytest.mark.parametrize("year", sorted(FLOOR))
@pytest.mark.skipif(not (EVALUATION / "news-quiz").is_dir(), reason=f"no evaluation data at {EVALUATION}")
def test_answers_of_real_questions_are_marked(year: str) -> None:
    n = right = exact = n_words = n_marks = 0
    for question, quote, answers in quotes_with_answers(year):
        found = marked(question, quote)
        n += 1
        if found is None:
            continue
        n_marks += 1
        n_words += len(found.split())
        right += len(found.split()) <= 8 and holds(found, answers)
        exact += any(words_of(found) == words_of(answer) for answer in answers)
    print(f"{year}: n={n} right={100 * right / n:.1f} exact={100 * exact / n:.1f} words={n_words / n_marks:.2f}")
    assert 100 * right / n >= FLOOR[year]
