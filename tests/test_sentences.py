"""Sentence boundaries: a table of what news looks like, and what holds for every text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import crosses, n_words, sentence_spans, word_spans
from index.types import Span

# A bar stands where one sentence ends and the next begins.
EXAMPLES = [
    # Titles, ranks, initials
    "Mr. Halloran met Mrs. Brandt and Dr. A. Osei on Tuesday.|Ms. Lind did not attend.",
    "J. D. Marsh thanked G.W. Holt.|Both left.",
    "Lt. Gov. Ana Ruiz, Rep. Tom Hale (D., Ohio) and Maj. Gen. Karl Voss spoke.|Sen. Kay Dunn did not.",
    "Samuel L. Price Jr. sued.|His father, Samuel Price Sr., did not.|He never would.",
    "Rev. The-Anh Bui spoke.",
    # Countries, states, companies
    "The U.S. Treasury declined.|Talks went on in the U.S. and abroad.",
    "He left the U.S.|The deal was signed without him.",
    "Shares of Halden Inc. rose.|Brandt & Co. fell, and Orrin Corp. (ORR) was flat.",
    "She works for Halden Inc.|The firm said so.",
    "A fire near Redding, Calif. Tuesday spread.|Ga. Gov. Lee Moss sent help.",
    "STAMFORD, Conn. — The port reopened.|It was busy.",
    "They live in Washington, D.C.|Now they move.",
    "The mill is ill.|Bad luck for Miss Ore.|She knew.",
    "The court overturned Roe v. Wade in June.|Liverpool vs. Everton was off.",
    # Dates, times, numbers
    "Talks began on Jan. 6 at No. 10 Downing St. in London.|They end on Feb. 3.|No one knows.",
    "It opened at 5 p.m. Monday and shut at 9 p.m. EST.|Nobody came.",
    "Doors open at 5 p.m.|Gates shut at 9 a.m.|Bring shoes.",
    "It is due at 3 p.m. (1400 GMT).|It began at 11 a.m. London time.",
    "Prices rose 3.5 percent to $4.2 billion.|In 2024, they fell.|That was in 2023.|Nobody minded.",
    "The 1980s.|Records show more.|He isn’t.|They were 'the 50s.'|Maybe.",
    "See Fig. 3 and pp. 4 f.|The rest is in vol. 2 of it.",
    "It was approx. 40 kg, i.e. The Stone itself weighed it.",
    "1. Sign the deal.|2. Publish it.",
    # What a line of a ticker or a list opens with
    "9:30 a.m. The river has risen.|Nobody is hurt.|At 5 p.m.|Doors open.",
    "At 8 p.m. Crews left.|They came at 9 p.m.|Nobody saw them.",
    "11.45pm. Lights are out.|They stay out.",
    "3. Trains. No trains run on Sunday.|12 buses do.",
    "4) And now? A peacock was found.|It is well.",
    "5. The crews of the harbour pilots have left the quay.|Nobody knows why.",
    # Quotation marks and brackets
    "He said: “We will sign by April 26.”|Then he left.",
    '"Will we sign?" he asked.|"No!" she said.',
    "“Will we sign?” Ms. Ortega asked.|“Never!”|Ortega left.",
    "'We may.'|'When?'|(He did not say.)|Nobody did.",
    "“So what?!”|They left.|Why?|No reason!",
    "“It was cold,” he said.|“Very cold.”",
    # Ellipses and gaps
    "Wait … and see.|So…|They left.",
    "We . . . will go.|They stay.",
    "It ended .|The link was cut.",
    "It sold well, at last! — and then sold out.|It is back.",
    # Things that are no ends
    "Read it on example.com.|It costs 3.50 at node.js shops.",
    "The firm asked Yahoo! about it.|Others did too, e.g. Smith, cf. Jones.",
    # Other languages
    "Der 3. Platz ging am 3. Oktober an z. B. Bremen, d. h. an Dr. Voss.|Das ist gut.",
    "Er sagte: „Das kostet 3 Mio. Euro.“|Dann ging er.|Sie blieb.",
    "»Ja.«|Sie ging.",
    "Il a dit : « Nous signerons. »|Puis il est parti.|Et vous ?|« Oui », dit-il.",
    "El Sr. López y la Sra. Díaz hablaron.|¿Qué pasó?|¡Nada!",
    "これは文です。|次の文です！|「はい。」と言った。|終わり。",
    "यह एक वाक्य है।|दूसरा वाक्य।",
    "هل هذا صحيح؟|نعم.",
]


def split(text: str) -> list[str]:
    return [span.of(text) for span in sentence_spans(text)]


@pytest.mark.parametrize("marked", EXAMPLES)
def test_news_is_split_where_its_sentences_end(marked: str) -> None:
    sentences = marked.split("|")
    assert split(" ".join(sentences)) == sentences
    assert split("\u00a0 ".join(sentences)) == sentences


def test_a_line_break_always_ends_a_sentence() -> None:
    assert split("Talks near an end\n\nMr.\nSmith said so\n") == ["Talks near an end", "Mr.", "Smith said so"]


def test_white_space_has_no_sentences() -> None:
    assert sentence_spans("") == sentence_spans(" \n\t\u00a0\n") == []


PIECES = [
    *(
        ". ",
        "...",
        "… ",
        "! ",
        '?" ',
        ".” ",
        "。",
        "\n",
        "\n\n",
        "\u2028",
        " ",
        "\u00a0",
        "Mr. ",
        "3. ",
        "U.S. ",
        "p.m. ",
    ),
    *("a", "The ", "e\u0301", "\U0001f469\u200d\U0001f680", "\u202e", "שלום ", "x" * 300),
]
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=60).map("".join)


@given(hostile)
def test_sentences_cover_all_but_white_space_once_and_stay_inside_their_line(text: str) -> None:
    spans = sentence_spans(text)
    covered = [False] * len(text)
    for span in spans:
        assert span.of(text) == span.of(text).strip() != ""
        assert "\n" not in span.of(text)
        for at in range(span.start, span.end):
            assert not covered[at]
            covered[at] = True
    assert spans == sorted(spans)
    assert all(covered[at] or char.isspace() for at, char in enumerate(text))


@given(hostile, hostile)
def test_lines_are_split_independently_of_each_other(one: str, other: str) -> None:
    assert split(f"{one}\n{other}") == split(one) + split(other)


@pytest.mark.parametrize(
    "piece", [".", ". ", '."', "a", " ", "x AM 1. ", "Mr. ", "1. ", "1. a. ", '"?" A b c ', "p.m. A", "。」"]
)
def test_a_megabyte_without_a_sentence_is_no_trap(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))  # a rule of quadratic time would outlast the test's time limit
    spans = sentence_spans(text)
    assert sum(map(len, spans)) >= len(text.replace(" ", ""))


@given(st.text(st.sampled_from("ab \n\t\u00a0\u3000é"), max_size=60))
def test_word_spans_are_the_words_that_the_budget_counts(text: str) -> None:
    words = [span.of(text) for span in word_spans(text, Span(0, len(text)))]
    assert words == text.split()
    assert n_words(text) == len(words)


def test_word_spans_stay_inside_the_span() -> None:
    assert [span.of("one two three") for span in word_spans("one two three", Span(2, 9))] == ["e", "two", "t"]


@given(st.lists(st.integers(0, 50), max_size=8).map(sorted), st.integers(0, 50), st.integers(0, 50))
def test_a_span_crosses_a_cut_that_lies_strictly_inside_it(cuts: list[int], start: int, length: int) -> None:
    assert crosses(cuts, start, start + length) == any(start < cut < start + length for cut in cuts)
