"""Cleaning: what is stored is the source's own lines, without those that every page carries."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from index.line_number import is_short, line_number
from ingest.boilerplate import learned_lines, number_of, numbers_of
from ingest.clean import clean, normalise, reread

EVAL = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))

PASTED = """Harbour Council Votes To Reopen The North Pier Harbour Council Votes To Reopen The North Pier

0



The council of Brightwater voted nine to four on Tuesday to reopen the north pier to the public.

Also read out was the letter in which the harbour master had asked for two more inspectors.

Also Read: Brightwater’s Ferry Is Late Again, And Nobody Knows Why

Work on the railings could be finished by May 12, the mayor said.

Read Next:

Image: Shutterstock/Keel

Market News and Data brought to you by Tidewire APIs



Source link

You might also like
Leave A Reply

Your email address will not be published."""

STORY = "The mayor opened the bridge on Monday.\n\nTraffic was light all day, the police said."

awkward = st.text(
    st.one_of(
        st.sampled_from("ab \n\r\t\u00a0’e\u0301\u200b\u200c\u200d\ufeff\u00ad\u2028\x0b\x00\x85👩क्\u2126\u0958"),
        st.characters(codec="utf-8"),
    ),
    max_size=60,
)


@given(awkward)
@example("\u2126\u200d\u0915")
@example("e\u200d\u0301")
@example("\u0915\u200b\u200d\u0915")
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "\n\n\n" not in once
    assert all(line == line.rstrip() for line in once.split("\n"))


@given(st.text("abcxyz ,.’“”\u00a0äß", max_size=80))
def test_visible_characters_inside_a_line_are_kept(line: str) -> None:
    assert normalise("start" + line + "end") == "start" + line + "end"


def test_every_kind_of_line_break_becomes_one_line_feed() -> None:
    assert normalise("a\r\nb\rc\u2028d\u2029e\x0bf\x0cg\x85h") == "a\nb\nc\nd\ne\nf\ng\nh"
    assert normalise("\n\na  \n \n\t\n\n b\n\n") == "a\n\n b"


def test_characters_that_nobody_sees_are_dropped() -> None:
    assert (
        normalise("zero\u200bwidth so\u00adft \ufeffbom\u2060 nul\x00 bell\x07 c1\x93")
        == "zerowidth soft bom nul bell c1"
    )


def test_joiners_stay_where_they_join_and_go_where_they_hide() -> None:
    family, persian = "👩\u200d👩\u200d👧", "می\u200cخواهم"
    assert normalise(f"{family} {persian}") == f"{family} {persian}"
    assert normalise("wa\u200dter\u200cmark \u200dend\u200c") == "watermark end"


def test_broken_surrogates_are_repaired_or_replaced() -> None:
    assert normalise("ok \ud83d\ude00 and \ud83d alone") == "ok 😀 and \ufffd alone"


@pytest.mark.parametrize("text", ["It’s “open” – says José.", "“Müller”\x81", "Пожар в порту", "橋は開いている"])
def test_utf8_that_was_read_as_windows_1252_is_read_again(text: str) -> None:
    wrong = text
    for _ in range(3):
        raw = wrong.encode()
        wrong = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in raw)
        assert reread(wrong) == reread(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words.",
        "It’s open, says José.",
        "An Ã and an Â, says “Ã”.",
        "The page showed â€™ for an apostrophe.",  # one is talked about
        "It â€™ s open, and the “bridge” stays â€“ for now.",  # not throughout
        "Naïve façade: Â« Ã© »",
        "NÃO É",
        "It â€ s shut, it â€ s open.",  # a byte was lost
        "\udce2\udc80",
    ],
)
def test_what_may_be_meant_as_it_stands_is_not_read_again(text: str) -> None:
    assert reread(text) == text


def test_a_name_is_read_again_for_a_single_character() -> None:
    assert (reread("JosÃ©", 1), reread("JosÃ©"), reread("José", 1)) == ("José", "JosÃ©", "José")


@given(st.text(max_size=40))
def test_reading_again_leaves_nothing_to_read_again(text: str) -> None:
    assert reread(reread(text)) == reread(text)


def test_pasted_page_keeps_every_sentence_and_loses_every_leftover() -> None:
    cleaned = clean("", PASTED)
    assert cleaned.title == "Harbour Council Votes To Reopen The North Pier"
    assert cleaned.text == (
        "The council of Brightwater voted nine to four on Tuesday to reopen the north pier to the public.\n\n"
        "Also read out was the letter in which the harbour master had asked for two more inspectors.\n\n"
        "Work on the railings could be finished by May 12, the mayor said."
    )
    assert cleaned.cuts == (cleaned.text.index("Work"), len(cleaned.text))
    assert cleaned.removed[0] == "0"
    assert len(cleaned.removed) == 9
    assert not cleaned.is_stub


def test_real_pasted_page_comes_out_clean() -> None:
    page = EVAL / "web-text" / "benzinga-ukraine-talks.txt"
    if not page.exists():
        pytest.skip(f"no evaluation data at {EVAL}")
    source = page.read_text(encoding="utf-8")
    cleaned = clean("", source)
    assert cleaned.title == "Trump May ‘Take a Pass’ on Russia-Ukraine Peace Talks Without Progress"
    sentences = [line for line in source.split("\n")[1:] if line.endswith(".") and not line.startswith("Your email")]
    assert len(sentences) == 13
    assert cleaned.text == "\n\n".join(sentences)


@pytest.mark.parametrize(
    "line",
    [
        "Also Read: Why The Ferry Is Late",
        "READ MORE | Why the ferry is late",
        "Related:Why the ferry is late",
        "MORE: ‘It was late’: passengers on the ferry",
        "Lire aussi : Le bac est encore en retard",
        "Lesen Sie auch: Die Fähre ist wieder zu spät",
        "Te puede interesar: El ferry llega tarde",
        "Photo by Ann Lee/Getty Images",
        "(Image credit: Ann Lee/AFP via Getty Images)",
        "Foto: Ann Lee/dpa",
        "Sign up for our morning newsletter",
        "Why is the ferry late?Sign up for our harbour newsletter to read of it first.",
        "Curious about ferries? Sign up for the weekly newsletter",
        "Video Ad Feedback Why is the ferry late? 02:41 - Source: TWN",
        "Video Ad Feedback 02:41 - Source: TWN The ferry that came too late",
        "More:Why is the ferry late?",
        "More:The ferry is late. Here is why.",
        "Get our free weekly newsletter Sign up here.",
        "Get the news in your inbox every morning",
        "Follow Ann Lee on Twitter: @annlee",
        "Follow reporter Ann Lee on Twitter @annlee.",
        "Follow us on X, Facebook and Instagram for more",
        "Like The Paper on Facebook",
        "Copyright 2025 by Tidewire",
        "(c) 2025 Tidewire",
        "Are you a robot?",
        "This website uses cookies to improve your experience.",
        "Advertisement",
        "scroll down to continue reading" + "." * 60,
        "Anzeige",
        "Publicité",
        "Share this article",
        "© 2025 Tidewire. All rights reserved.",
        "You may also like",
        "Article continues below advertisement",
    ],
)
def test_boilerplate_line_goes_and_leaves_a_cut(line: str) -> None:
    first, second = STORY.split("\n\n")
    cleaned = clean("Bridge", f"{first}\n\n{line}\n\n{second}")
    assert cleaned.text == STORY
    assert cleaned.removed == (line,)
    assert cleaned.cuts == (STORY.index("Traffic"),)


@pytest.mark.parametrize(
    "line",
    [
        "Also read out was the letter from the harbour master.",
        "Read next to the others, the report looks mild.",
        "Related charges were dropped in May.",
        "More: the company said it would hire 400 people by June.",
        "Watch: the minister is expected to speak at noon.",
        "More: Will the company hire? It would not say.",
        "Why did she go? Sign up for our newsletter was all that the page said. Nobody knew more.",
        "Did they sign up? Sign up for the newsletter, she said.",
        "Video Ad Feedback was the name of the firm, founded in 2019.",
        "Image recognition was used by the police.",
        "Photo: the suspect was seen leaving the bank at about nine in the evening",
        "Share prices fell by 4 percent on Friday.",
        "Subscribers to the service will pay 12 dollars a month.",
        "Already a member of the board, she was named its chair.",
        "Advertisement spending fell for a third year.",
        "Sign up sheets were found in the office, the police said.",
        "Get out the vote, she told the crowd.",
        "Follow the money, he said.",
        "Follow the money on X and you will find the bank",
        "Like his predecessor, the minister announced his resignation on X.",
        "Like Ann Lee, he apologised on Facebook within the hour.",
        "Join forces with the harbour master on X, he said.",
        "(c) commits an act of violence against a person protected by this article;",
        "Copyright 2024 rules that took effect on Monday oblige platforms to pay publishers.",
        "Get this wrong and voters will fill your inbox, the adviser warned the mayor on Monday.",
        "Receive money from abroad and you end up in a police inbox.",
        "Subscribe or go was the slogan with which the paper filled the inbox of every voter.",
        "Sign up at the town hall, residents were told by email alerts on Friday.",
        "Support local journalism, the mayor said, or lose it.",
        "Already a member? The island's return to the union would take a decade, by all accounts.",
        "To continue reading the will, the notary had to ask for a lamp.",
        "Are you a robot? The question that a café asks of its guests is meant seriously.",
        "Before you continue to judge him, know this: he was nine.",
        "You have reached the limit of what one person can do, the judge told the defendant.",
        "Cookies were handed out to the children on the square.",
        "“Read more: it makes you kinder,” he told the class.",
        "1,000+",
        "2019",
    ],
)
def test_news_that_looks_like_boilerplate_stays(line: str) -> None:
    first, second = STORY.split("\n\n")
    text = f"{first}\n\n{line}\n\n{second}"
    cleaned = clean("Bridge", text)
    assert cleaned.text == text
    assert cleaned.cuts == ()
    assert cleaned.removed == ()


def test_lone_numbers_go_only_above_the_story_or_among_leftovers() -> None:
    assert clean("T", f"0\n\n{STORY}\n\nShare\n\n12").text == STORY
    in_between = "The number of the day comes from the port, as always:\n\n46\n\nThat is how many boats sank in May."
    assert clean("T", STORY + "\n\n" + in_between).text == STORY + "\n\n" + in_between
    table = "Home\n2\nAway\n1"
    assert clean("T", table).text == table


def test_links_listed_under_a_bare_heading_go_with_it() -> None:
    links = "Read Next:\n- Ferry late again\n- Pier closed for a week"
    assert clean("Bridge", f"{STORY}\n\n{links}").text == STORY
    news = "- The pier opens on Friday.\n- The ferry sails hourly."
    assert clean("Bridge", f"{STORY}\n\n{news}").text == f"{STORY}\n\n{news}"


def test_learned_lines_go_whatever_their_case_and_spacing() -> None:
    learned = frozenset({number_of("From wire reports and our own staff")})
    cleaned = clean("Bridge", f"FROM wire  reports and our own staff\n{STORY}", learned=learned)
    assert cleaned.text == STORY
    assert cleaned.cuts == ()


def test_a_line_is_learned_by_its_share_and_a_short_one_only_by_a_large_share() -> None:
    wire, maryland, cnn, rare = map(number_of, ("From wire reports and our staff", "Maryland", "CNN —", "a b c d"))
    counts = {wire: 40, maryland: 60, cnn: 200, rare: 9}
    assert learned_lines(counts, 1000) == {wire, cnn}
    assert learned_lines(counts, 1001) == set()
    assert learned_lines({rare: 9}, 9) == set()
    assert learned_lines({}, 0) == set()


def test_only_countable_lines_are_counted_once() -> None:
    assert numbers_of("Read  THIS\n\nread this\n12\n— —\n" + "x" * 501) == {number_of("read this")}
    assert number_of("12") == 0


def test_the_number_of_a_line_is_the_one_under_which_it_was_counted() -> None:
    numbers = {
        "sign up here": -1538322761994198667,
        "sign up here now": 8996884379116481804,
        "cnn —": 3351942634143814695,
    }
    assert {key: line_number(key) for key in numbers} == numbers
    assert [is_short(number) for number in numbers.values()] == [True, False, True]


def test_first_line_becomes_the_title_only_if_it_reads_like_one() -> None:
    assert clean("", f"Bridge opens at last\n\n{STORY}").title == "Bridge opens at last"
    assert clean("", f"Bridge opens at last\n\n{STORY}").text == STORY
    for first in ("The bridge opened on Monday.", "By Ann Lee", "word " * 26 + "end", "- Bridge opens"):
        assert clean("", f"{first}\n\n{STORY}").title == ""
    assert clean("", "Bridge opens at last").text == "Bridge opens at last"


def test_repeated_title_leaves_the_text() -> None:
    doubled = "Bridge opens at last Bridge opens at last"
    for title, first in [
        ("Bridge opens at last", "Bridge opens at last"),
        (doubled, "Bridge opens at last"),
        ("Bridge ‘opens’ at last | Tidewire", "Bridge 'opens' at last"),
        ("Bridge opens at last", doubled),
    ]:
        cleaned = clean(title, f"{first}\n\n{STORY}")
        assert cleaned.text == STORY
        assert cleaned.cuts == ()
    assert clean(doubled, STORY).title == "Bridge opens at last"
    assert clean("Duran Duran", STORY).title == "Duran Duran"


def test_a_headline_that_stands_there_several_times_goes_at_once() -> None:
    text = f"Bridge opens at last - The Paper\nShare\nBridge opens at last\n\nBridge opens at last\n\n{STORY}"
    for title in ("", "Bridge opens at last"):
        assert clean(title, text).text == STORY


@given(
    st.sampled_from(["", "Bridge opens at last"]),
    st.lists(
        st.sampled_from(
            [
                *PASTED.split("\n")[1:],
                *STORY.split("\n"),
                "Bridge opens at last",
                "Bridge opens at last Bridge opens at last",
                "Bridge opens at last - The Paper",
                " ".join(["Bridge opens at last"] * 4),
                "Share this article Share this article",
                "12",
                "- Ferry late again",
            ]
        ),
        max_size=8,
    ),
)
def test_cleaning_what_was_cleaned_changes_nothing(title: str, lines: list[str]) -> None:
    once = clean(title, "\n".join(lines))
    again = clean(once.title, once.text)
    assert (again.title, again.text) == (once.title, once.text)


def test_doubled_first_line_that_is_not_the_title_is_halved_with_a_cut() -> None:
    cleaned = clean("Another title", f"Bridge opens today Bridge opens today\n{STORY}")
    assert cleaned.text == f"Bridge opens today\n{STORY}"
    assert cleaned.cuts == (len("Bridge opens today\n"),)


def test_what_is_left_of_a_doubled_line_is_looked_at_as_if_it_had_stood_there_once() -> None:
    assert clean("Another title", f"{' '.join(['Bread and work'] * 4)}\n{STORY}").text == f"Bread and work\n{STORY}"
    doubled = "Share this article Share this article"
    for title in ("", "Another title"):
        cleaned = clean(title, f"{doubled}\n{STORY}")
        assert (cleaned.title, cleaned.text, cleaned.removed) == (title, STORY, (doubled,))
    assert clean("", doubled).text == ""


@pytest.mark.parametrize(
    "text",
    [
        "The mayor resigned on Monday.\n\nSubscribe to continue reading",
        "The mayor resigned on Monday.\n\nAlready a subscriber? Log in",
        "Le maire a démissionné.\n\nIl vous reste 80% de cet article à lire.",
        "1. How relevant is this ad to you?\n\nVideo player was slow to load content Video",
        "The mayor resigned on Monday after a long night of talks with…",
    ],
)
def test_stub_is_found(text: str) -> None:
    assert clean("Mayor resigns", text).is_stub


def test_full_text_with_a_leftover_wall_is_no_stub() -> None:
    assert not clean("Mayor resigns", STORY * 12 + "\n\nSubscribe to continue reading").is_stub
    assert not clean("", STORY).is_stub
    assert clean("", STORY, is_stub=True).is_stub


def test_a_text_without_spaces_between_words_is_no_stub_for_ending_in_dots() -> None:
    assert not clean("", "市长表示，工程将于三月开工，工期约三年。" * 6 + "下一场风暴不会等我们…").is_stub
    assert clean("", "市长表示，工程将于三月开工…").is_stub


@pytest.mark.parametrize(
    "note",
    [
        "Correction: The bridge is 40 metres long.",
        "Correction (May 3, 2025): The bridge is 40 metres long.",
        "Corrections & Clarifications: The bridge is 40 metres long.",
        "CLARIFICATION: The bridge is 40 metres long.",
        "An earlier version of this article gave the wrong length.",
        "(A previous version of this story misspelled the mayor’s name.)",
        "This story has been corrected to give the right length.",
        "This article was amended on 3 May.",
        "Correction:\nThe bridge is 40 metres long.",
    ],
)
def test_correction_note_is_found_and_stays(note: str) -> None:
    cleaned = clean("Bridge", f"{STORY}\n\n{note}")
    assert cleaned.correction == note
    assert cleaned.text == f"{STORY}\n\n{note}"


def test_news_about_corrections_is_no_correction_note() -> None:
    for line in (
        "Correction officers went on strike.",
        "A previous version of the bill failed.",
        "This story has been told for a century: it is a myth.",
        "This article was written in 1912.",
    ):
        assert clean("Bridge", f"{STORY}\n\n{line}").correction == ""


@given(st.lists(st.sampled_from([*PASTED.split("\n")[1:], *STORY.split("\n"), "  x", "Advertisement"]), max_size=14))
def test_cleaning_only_ever_removes_whole_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    cleaned = clean("Some title", text)
    source = [line for line in normalise(text).split("\n") if line]
    kept = [line for line in cleaned.text.split("\n") if line]
    assert sorted([*kept, *cleaned.removed]) == sorted(source)
    assert list(cleaned.cuts) == sorted(set(cleaned.cuts))
    assert normalise(cleaned.text) == cleaned.text
    for cut in cleaned.cuts:
        assert cut == len(cleaned.text) or cleaned.text[cut - 1] == "\n" != cleaned.text[cut]
    assert bool(cleaned.cuts) <= bool(cleaned.removed)
