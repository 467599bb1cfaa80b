"""Cards within Discord's limits, whatever an article, a title, a URL or a question holds."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.answer import Question
from bot.cards import (
    CUSTOM_ID,
    MAX_ALL,
    MAX_BLOCKS,
    MAX_CONTENT,
    MAX_CUSTOM_ID,
    MAX_DESCRIPTION,
    MAX_TITLE,
    Button,
    Card,
    answer_card,
    ordered,
    page_card,
    pages,
    short_form,
)
from bot.markdown import day, link, plain, size, web_url
from bot.understand import understand
from bot.words import languages, words_for
from index.errors import BadInput
from index.terminal import safe
from index.types import Quote, Span
from tests.test_render import answer_with, article, quote

EN = words_for("en")

HOSTILE = [
    "**bold** __under__ ~~gone~~ ||spoiler|| `code` ```block```",
    "@everyone @here <@123456789012345678> <@&1234> <#99> <t:0:R> <:a:1> <a:b:2> </ask:3>",
    "[click](https://evil.example) [x](<https://evil.example>) <https://evil.example> https://evil.example",
    "discord.gg/abc discord.com/invite/abc HTTP://EVIL.EXAMPLE",
    "# heading\n> quote\n- list\n1. number\n-# small",
    "\\ \\* \\[ \\\\** a\\",
    "“quote” *half **open ‘x’ _",
    "\u202eevil\u202c \x1b[2J \u200b@everyone zero\u200bwidth",
    "🏳️‍🌈👨‍👩‍👧‍👦 e\u0301 " * 5,
    "](https://evil.example)",
    "**",
    "`",
    "",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(alphabet=st.sampled_from("*_~`|<>[]()#@:/+-\\ \n.1ab“”é🙂\u202e"), max_size=120),
    st.text(max_size=200),
)
URLS = st.one_of(
    st.none(),
    st.sampled_from(
        [
            "https://a.example/1",
            "https://a.example/a(b)_[c]*d*?q=<x>&y=`z`",
            "https://a.example/" + "x" * 3000,
            "javascript:alert(1)",
            "https://a.example/ x) [evil](https://evil.example",
            "ftp://a.example/1",
            "https://a.example/ü/é?ñ=%20",
            "http://[::1",
        ]
    ),
    TEXTS,
)


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    """A quote of a hostile article; half of them long, as far as a quote may be."""
    text = draw(TEXTS) or "x"
    if draw(st.booleans()):
        text = (text * (900 // len(text) + 1))[:900]
    of = article(
        text,
        id=draw(TEXTS) or "local:1",
        url=draw(URLS),
        title=draw(TEXTS) * draw(st.sampled_from([1, 40])),
        source=draw(TEXTS) or "x",
        published=draw(st.sampled_from([None, "2025-04-18", "2025-04-18T09:30:00+02:00", "0001-01-01", "9999-12-31"])),
        correction=draw(TEXTS),
        is_stub=draw(st.booleans()),
    )
    start = draw(st.integers(0, len(text) - 1))
    answer = text[start : draw(st.integers(start + 1, len(text)))]
    copies = draw(st.lists(URLS.map(lambda url: url or "local:c3"), max_size=9))
    found = quote(of, text, "", draw(st.booleans()), draw(st.booleans()), tuple(copies))
    if draw(st.booleans()):
        found = replace(found, answer=Span(start, start + len(answer)))
    return found


# What Discord takes out of a text before it looks for markup: a backslash and what it protects, which then counts as a
# letter, and masked links that are ours: a label without brackets over an address without anything that ends it.
ESCAPED = re.compile(r"\\[^0-9A-Za-z\s]")
OUR_LINK = re.compile(r"\[(?P<label>[^\[\]]*)\]\(<(?P<url>https?://[^\s<>()]+)>\)")
STAMP = re.compile(r"<t:-?\d+:[DR]>")


def markup_of(text: str) -> str:
    """What is left of a line for Discord to read as markup."""
    return STAMP.sub("", OUR_LINK.sub(lambda m: m["label"], ESCAPED.sub("x", text)))


def is_harmless(text: str) -> None:
    assert "@everyone" not in text.lower() and "@here" not in text.lower()
    assert not re.search(r"<(?:@[!&]?|#|:|a:|/)", text), text
    for line in text.split("\n"):
        left = markup_of(line.removeprefix("-# ").removeprefix("**").removesuffix("**"))
        left = left.replace("**", "", 2)
        assert not re.search(r"[*_~`|<>\[\]@]|https?://|discord\.gg/", left, re.IGNORECASE), (line, left)
        assert not re.match(r"\s*(?:#{1,3}\s|>\s|[-*+]\s|\d+\.\s)", left), line
    assert "\u202e" not in text and "\x1b" not in text


def is_within_limits(card: Card) -> None:
    assert size(card.content) <= MAX_CONTENT
    assert len(card.blocks) <= MAX_BLOCKS
    assert sum(block.size for block in card.blocks) <= MAX_ALL
    for block in card.blocks:
        assert size(block.title) <= MAX_TITLE
        assert 0 < size(block.description) <= MAX_DESCRIPTION
        assert block.url is None or (len(block.url) <= 2048 and re.fullmatch(r"https?://[!-~]+", block.url))
    assert card.content or card.blocks
    rows = [[button for button in card.buttons if button.row == row] for row in (0, 1)]
    assert all(len(row) <= 5 for row in rows)
    for button in card.buttons:
        assert len(button.custom_id) <= MAX_CUSTOM_ID
        assert re.fullmatch(CUSTOM_ID, button.custom_id)
        assert button.label or button.sign


@settings(max_examples=120, deadline=None)
@given(
    st.lists(quotes(), max_size=12),
    TEXTS,
    st.sampled_from(["answered", "not_found"]),
    st.booleans(),
    st.sampled_from(["en", "de"]),
)
def test_no_article_and_no_question_breaks_a_card_pings_or_forges_a_link(
    found: list[Quote], asked: str, status: str, is_shown: bool, language: str
) -> None:
    words = words_for(language)
    text = asked if any(char.isalnum() for char in asked) else f"who {asked}"
    question = Question(text[:2000], date(2025, 4, 30), since=date(2025, 1, 1), sources=(asked, "x"))
    shown, further = tuple(found[:3]), tuple(found[3:])
    answer = answer_with(
        *shown,
        status="answered" if status == "answered" and shown else "not_found",
        question=replace(question, text="who?") if not understand_ok(question) else question,
        disagreement=(0, 1) if len(shown) > 1 else None,
    )
    answer = replace(answer, further=further)
    card = answer_card(answer, "abcDEF-_123", words, is_question_shown=is_shown, can_thread=True)
    cards = [card, short_form(card, words)]
    if answer.status == "answered":
        every = ordered(answer)
        cards += [page_card(every, page, "abcDEF-_123", words) for page in range(len(pages(every, words)) + 1)]
    for one in cards:
        is_within_limits(one)
        for part in (one.content, *(block.title for block in one.blocks), *(b.description for b in one.blocks)):
            is_harmless(part)


def understand_ok(question: Question) -> bool:
    try:
        understand(question.text, question.asked_on, [])
    except BadInput:
        return False
    return True


@given(st.lists(quotes(), max_size=12))
@settings(deadline=None)
def test_pages_hold_every_quote_once_and_in_order(found: list[Quote]) -> None:
    parts = pages(found, EN)
    assert [at for first, end in parts for at in range(first, end)] == list(range(len(found)))
    assert all(1 <= end - first <= 3 for first, end in parts)


@given(TEXTS)
def test_escaped_text_reads_as_it_was_written(text: str) -> None:
    read = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", plain(text)).replace("@\u200b", "@")
    invisible = "\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u00ad\u115f\u1160\u3164\uffa0"
    assert read == "".join(char for char in " ".join(safe(text).split()) if char not in invisible)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("2. The mayor resigned", r"2\. The mayor resigned"),
        ("2) The mayor resigned", r"2\) The mayor resigned"),
        ("12.", r"12\."),
        ("2.5 million came", "2.5 million came"),
    ],
)
def test_a_number_in_front_makes_no_list_and_shows_no_backslash(text: str, escaped: str) -> None:
    assert plain(text) == escaped


@given(TEXTS, st.integers(2, 60))
def test_a_cut_text_is_short_enough_and_never_ends_in_half_an_escape(text: str, most: int) -> None:
    cut = plain(text * 3, most)
    assert size(cut) <= most
    trailing = re.search(r"\\*$", cut.removesuffix(" …"))
    assert trailing is not None and len(trailing[0]) % 2 == 0


@given(URLS.filter(bool))
def test_a_links_target_is_an_address_of_the_web_or_nothing(url: str) -> None:
    target = web_url(url)
    if target is None:
        assert link("x", url) == "x"
    else:
        assert re.fullmatch(r"https?://[!-~]+", target, re.IGNORECASE)
        assert not set(target) & set('<>()[]`\\" ')


def test_a_card_shows_quote_mark_day_outlet_link_and_copies() -> None:
    found = quote(article(), "Marla Quist gave the order", "Marla Quist", also=("https://b.example/2", "local:c3"))
    card = answer_card(answer_with(found), "abcd", EN, is_question_shown=False)
    assert card.content == ""
    block = card.blocks[0]
    assert block.title == "Harbour closed"
    assert block.url == "https://a.example/1#:~:text=Marla%20Quist%20gave%20the%20order"
    assert block.description == (
        "“**Marla Quist** gave the order”\n"
        "-# Port Paper · <t:1744961400:D>\n"
        "-# also in: [b.example](<https://b.example/2>), local\\:c3"
    )
    assert card.blocks[-1].description == "-# Newest article in the index: <t:1745971200:D>"


def test_two_sources_that_disagree_stand_first_the_newer_before_the_older() -> None:
    older = quote(article(id="1", published="2025-04-02"), "The harbour closed on Friday.", "Friday")
    newer = quote(article(id="2", published="2025-04-03"), "It rained.", "rained")
    third = quote(article(id="3"), "Marla Quist")
    answer = answer_with(third, older, newer, disagreement=(2, 1))
    assert ordered(answer) == (newer, older, third)
    card = answer_card(answer, "abcd", EN, is_question_shown=False)
    assert card.blocks[0].description == (
        "**The sources disagree.**\n"
        "**rained** — Port Paper · <t:1743681600:D>\n"
        "**Friday** — Port Paper · <t:1743595200:D>"
    )


def test_a_bare_day_is_the_same_day_from_hawaii_to_new_zealand() -> None:
    noon = int(day("2025-04-18", "undated").split(":")[1])
    assert noon % 86_400 == 43_200
    assert day(None, "undated") == "undated"


def test_the_filter_that_was_understood_is_shown() -> None:
    question = Question("who closed the harbour since 5 April?", date(2025, 4, 30), sources=("Port Paper",))
    card = answer_card(
        answer_with(quote(article(), "It rained."), question=question), "abcd", EN, is_question_shown=True
    )
    assert card.content.split("\n")[1] == "-# Understood: since <t:1743854400:D>; only Port Paper"
    assert "unfilter" in [button.action for button in card.buttons]


def test_a_page_says_how_many_quotes_were_withdrawn_and_one_without_any_says_so() -> None:
    found = [quote(article(), "It rained.")] * 4
    card = page_card(found, 1, "abcd", EN, n_gone=1)
    assert card.content == "-# quotes 4 to 4 of 4 · A quote is left out: its article has been withdrawn."
    assert page_card([], 1, "abcd", EN).content == "The articles of this answer have been withdrawn."


def test_a_buttons_id_reads_back() -> None:
    match = re.fullmatch(CUSTOM_ID, Button("more", "aB-_9xyz123", page=2).custom_id)
    assert match is not None
    assert match.groupdict() == {"action": "more", "answer": "aB-_9xyz123", "page": "2"}


# Words ----------------------------------------------------------------------------------------------------


def fields(text: str) -> set[str]:
    return set(re.findall(r"{(\w*)}", text))


@pytest.mark.parametrize("code", sorted(set(languages()) - {"en"}))
def test_a_language_has_every_sentence_with_the_same_fields(code: str) -> None:
    words = languages()[code]
    for name in type(words).__dataclass_fields__:
        if name not in ("commands", "name"):
            assert fields(getattr(words, name)) == fields(getattr(EN, name)), name


@pytest.mark.parametrize("code", sorted(languages()))
def test_command_words_fit_discord(code: str) -> None:
    words = languages()[code]
    assert set(words.commands) <= set(EN.commands)
    for key, text in words.commands.items():
        if key.endswith(".name") and key != "find.name":
            assert re.fullmatch(r"[\w-]{1,32}", text) and text == text.lower(), key
        else:
            assert 1 <= len(text) <= (32 if key == "find.name" else 100), key
    for name in ("more", "follow_up", "unfilter", "thread", "up", "down", "report"):
        assert len(getattr(words, name)) <= 80
    for name in ("follow_up_title", "report_title", "follow_up_label", "report_label"):
        assert len(getattr(words, name)) <= 45
    assert max(len(words.follow_up_hint), len(words.report_hint)) <= 100


def test_an_unknown_language_is_english_and_a_region_is_its_language() -> None:
    assert words_for("xx", "") is EN
    assert words_for("", "de-AT").name == "Deutsch"
