"""Cards within Discord's limits, whatever an article, a title, a URL or a question holds."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cards import (
    CUSTOM_ID,
    MAX_ALL,
    MAX_BLOCKS,
    MAX_CONTENT,
    MAX_CUSTOM_ID,
    MAX_DESCRIPTION,
    MAX_TITLE,
    N_ON_PAGE,
    Block,
    Button,
    Card,
    answer_card,
    news_card,
    ordered,
    page_card,
    short_form,
    standing_card,
    standing_list_card,
)
from bot.discord_admin import MAX_SOURCES, settings_lines
from bot.markdown import NOON_S, day, link, plain, size, web_url, without_tags
from bot.question import Question
from bot.remembered import GuildSettings, Standing
from bot.understand import understand
from bot.words import languages, words_for
from bot.words.base import Words
from index.errors import BadInput
from index.retrieve import Searched
from index.terminal import safe
from index.types import DAY_S, Quote, Span
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
    rows = [[button for button in card.buttons if button.row == row] for row in range(5)]
    assert sum(map(len, rows)) == len(card.buttons)
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
        question=replace(question, text="who won?") if not understand_ok(question) else question,
        disagreement=(0, 1) if len(shown) > 1 else None,
    )
    answer = replace(answer, further=further)
    card = answer_card(answer, "abcDEF-_123", words, is_question_shown=is_shown, can_thread=True)
    cards = [card, short_form(card, words)]
    standing = Standing("abcd1234", 0, 10**9, 1, 2, 3, True, text[:2000], (), language, 1)
    cards.append(standing_card(standing, words))
    if answer.status == "answered":
        cards += further_pages(card, ordered(answer), words)
        news = news_card(answer, "abcDEF-_123", standing, words)
        cards += [news, short_form(news, words)]
    for one in cards:
        is_within_limits(one)
        for part in (one.content, *(block.title for block in one.blocks), *(b.description for b in one.blocks)):
            is_harmless(part)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=40), st.sampled_from(["en", "de"]))
def test_a_list_of_standing_questions_has_a_button_for_each_that_it_has_room_for(
    asked: list[str], language: str
) -> None:
    standing = Standing("abcd1234", 0, 10**9, 1, 10**18, 3, False, "", (), "", 1)
    listed = [replace(standing, text=text or "x", is_direct=bool(n % 2)) for n, text in enumerate(asked)]
    card = standing_list_card(listed, words_for(language))
    is_within_limits(card)
    n_shown = len(card.buttons)
    lines = [line.partition(". ") for line in card.content.split("\n")[1 : n_shown + 1]]
    assert [line[0] for line in lines] == [str(n) for n in range(1, n_shown + 1)]
    assert n_shown == len(listed) or n_shown == 25 or len(card.content) > 1500
    left_out = card.content.split("\n")[n_shown + 1 :]
    assert re.findall(r"\d+", " ".join(left_out)) == ([str(len(listed) - n_shown)] if n_shown < len(listed) else [])
    for _, _, line in lines:
        is_harmless(line.replace(f"<#{10**18}>", ""))


def understand_ok(question: Question) -> bool:
    try:
        understand(question.text, question.asked_on, [])
    except BadInput:
        return False
    return True


def further_pages(card: Card, every: Sequence[Quote | None], words: Words) -> list[Card]:
    """The pages that a reader gets who presses "more" until there is none; None for a quote that is gone by then."""
    found: list[Card] = []
    while more := [button.first for button in card.buttons if button.action == "more"]:
        card = page_card(every[more[0] : more[0] + N_ON_PAGE], more[0], len(every), "abcDEF-_123", words)
        found.append(card)
    return found


def test_news_that_takes_more_than_a_page_leads_on_to_the_rest() -> None:
    text = "(" * 1100  # escaped, twice as many
    found = quote(replace(article(), text=text), text)
    standing = Standing("abcd1234", 0, 10**9, 1, 2, 3, True, "who won?", (), "en", 1)
    for n in (1, 3):
        card = news_card(answer_with(*[found] * n), "abcDEF-_123", standing, EN)
        shown = len(card.blocks)
        is_within_limits(card)
        assert [button.first for button in card.buttons if button.action == "more"] == [shown] * (shown < n)
    assert shown == 2


@given(st.lists(st.tuples(quotes(), st.booleans()), min_size=1, max_size=12))
@settings(deadline=None)
def test_more_shows_every_quote_that_is_left_once_and_in_order(found: list[tuple[Quote, bool]]) -> None:
    of = [replace(one, article=replace(one.article, title=f"title {n}")) for n, (one, _) in enumerate(found)]
    answer = replace(answer_with(*of[:3]), further=tuple(of[3:]))
    first = answer_card(answer, "abcd", EN, is_question_shown=False)
    n_first = len(first.blocks) - 1
    left = [one if is_left else None for one, (_, is_left) in zip(of, found, strict=True)]
    cards = further_pages(first, left, EN)
    shown = [block.title for card in cards for block in card.blocks]
    assert shown == [one.article.title for one in left[n_first:] if one is not None]
    ends = re.findall(r"quotes (\d+) to (\d+) of", "\n".join(card.content for card in cards))
    assert [int(first) for first, _ in ends] == [n_first + 1, *(int(last) + 1 for _, last in ends[:-1])][: len(cards)]


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


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("<@1234> who won <:thonk:123456789012345678>?", "who won?"),
        ("<a:wave:987654321098765432> who won", "who won"),
        ("who won <@!1> <@&2>", "who won"),
        ("in <#3> they ask: who won <t:1746014400:R> <t:-5>", "in they ask: who won"),
        ("</ask:123> who won </standing add:123> <id:customize>", "who won"),
        ("<@1>\n<:a:2>", ""),
        ("who won? @everyone", "who won?"),
        ("@here who won <@1> @everyone?", "who won?"),
        ("who won @hereford, ann@here.example?", "who won @hereford, ann@here.example?"),
        ("who  won\nthe vote ?", "who won the vote ?"),
        ("is a < b, and <https://courier.example/1> true?", "is a < b, and <https://courier.example/1> true?"),
        ("<@ann> <:thonk:> <t:soon:R> </ask>", "<@ann> <:thonk:> <t:soon:R> </ask>"),
    ],
)
def test_what_discord_puts_into_a_message_is_no_word_of_a_question(typed: str, said: str) -> None:
    assert without_tags(typed) == without_tags(said) == said


@pytest.mark.parametrize("part", ["<", "<@", "<:a", "<:a:1", "</a ", "<t:1", "<@1> ", "@here "])
def test_tags_are_dropped_in_time_whatever_is_typed(part: str) -> None:
    started = time.perf_counter()
    without_tags(part * 20_000)
    assert time.perf_counter() - started < 1


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
    assert card.blocks[-1].description == "-# Newest article in the index: <t:1746014400:D>"


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


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "searched for “Okafor”: no article has “Okafar”"),
        ("de", "gesucht nach „Okafor“: „Okafar“ steht in keinem Artikel"),
    ],
)
def test_a_card_says_what_was_read_in_place_of_a_misspelt_word(language: str, said: str) -> None:
    question, words = Question("Who is Okafar?", date(2025, 4, 30)), words_for(language)
    read = understand(question.text, date(2025, 4, 30), respelt=(("Okafar", "Okafor"),))
    standing = Standing("abcd1234", 0, 10**9, 1, 2, 3, True, question.text, (), language, 1)
    for status in ("answered", "not_found"):
        answer = answer_with(quote(article(), "It rained."), question=question, status=cast(Any, status))
        answer = replace(answer, understood=read)
        card = answer_card(answer, "abcd", words, is_question_shown=True)
        assert card.content == f"**Who is Okafar?**\n-# {said}"
        assert "unfilter" not in [button.action for button in card.buttons]
        assert news_card(answer, "abcd", standing, words).content.endswith(f"\n-# {said}")


def test_a_card_names_three_misspelt_words_at_most() -> None:
    typed = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
    read = understand(" ".join(typed), date(2025, 4, 30), respelt=tuple((word, f"{word[:-1]}z") for word in typed))
    answer = replace(answer_with(question=Question(" ".join(typed), date(2025, 4, 30))), understood=read)
    card = answer_card(answer, "abcd", EN, is_question_shown=True)
    is_within_limits(card)
    assert "c” …" in card.content and "“d" not in card.content


def test_the_filter_that_was_understood_is_shown() -> None:
    question = Question("who closed the harbour since 5 April?", date(2025, 4, 30), sources=("Port Paper",))
    card = answer_card(
        answer_with(quote(article(), "It rained."), question=question), "abcd", EN, is_question_shown=True
    )
    assert card.content.split("\n")[1] == "-# Understood: since <t:1743854400:D>; only Port Paper"
    assert "unfilter" in [button.action for button in card.buttons]


def test_a_page_says_how_many_quotes_are_gone_and_leads_on() -> None:
    found = quote(article(), "It rained.")
    card = page_card([None, found, None], 3, 9, "abcd", EN)
    assert card.content == "-# quotes 4 to 6 of 9 · 2 left out: withdrawn, or no longer stored"
    assert len(card.blocks) == 1
    assert [(button.action, button.first) for button in card.buttons] == [("more", 6), ("report", 0)]
    card = page_card([None, None, None], 6, 9, "abcd", EN)
    assert card == Card("-# quotes 7 to 9 of 9 · 3 left out: withdrawn, or no longer stored")
    assert page_card([], 3, 2, "abcd", EN) == Card("This answer is no longer stored; ask again.")


def test_what_is_not_kept_offers_nothing_that_needs_the_words() -> None:
    question = Question("who closed the harbour since 5 April?", date(2025, 4, 30))
    answer = answer_with(quote(article(), "It rained."), question=question)
    card = answer_card(answer, "abcd", EN, is_question_shown=True, is_kept=False)
    assert [button.action for button in card.buttons] == ["up", "down", "report"]


# Days -----------------------------------------------------------------------------------------------------

APRIL_29 = 1_745_884_800


@pytest.mark.parametrize(
    ("first_s", "last_s", "shown"),
    [
        (APRIL_29, APRIL_29 + 55_800, f" of <t:{APRIL_29 + NOON_S}:D>."),
        (APRIL_29, APRIL_29 + DAY_S, f", <t:{APRIL_29 + NOON_S}:D> to <t:{APRIL_29 + DAY_S + NOON_S}:D>."),
        (APRIL_29 - 1, APRIL_29, f", <t:{APRIL_29 - 1}:D> to <t:{APRIL_29 + NOON_S}:D>."),
    ],
)
def test_the_days_searched_are_bare_days_at_noon_and_one_day_is_no_range(first_s: int, last_s: int, shown: str) -> None:
    answer = answer_with(status="not_found", searched=Searched(12, first_s, last_s))
    card = answer_card(answer, "abcd", EN, is_question_shown=False)
    assert card.blocks[0].description.startswith(f"**Not found** in 12 articles{shown}")


def test_the_newest_article_has_the_day_of_its_byline() -> None:
    found = quote(article(published="2025-04-29"), "It rained.")
    answer = answer_with(found, searched=Searched(1, APRIL_29, APRIL_29))
    card = answer_card(answer, "abcd", EN, is_question_shown=False)
    assert day("2025-04-29", "") in card.blocks[0].description
    assert day("2025-04-29", "") in card.blocks[-1].description


# The short form and settings ------------------------------------------------------------------------------


def test_the_short_form_leaves_a_link_out_before_it_leaves_a_quote_out() -> None:
    long, short = (
        Block("Harbour", "x" * 1_700, "https://a.example/" + "y" * 400),
        Block("Pier", "z", "https://b.example/"),
    )
    shown = short_form(Card("", (long, short)), EN)
    assert shown.content.split("\n")[1:] == ["Harbour", "x" * 1_700, "[Pier](<https://b.example/>)", "z"]
    assert size(shown.content) <= MAX_CONTENT


@pytest.mark.parametrize("code", sorted(languages()))
def test_the_fullest_settings_fit_one_message(code: str) -> None:
    full = GuildSettings(
        channels=tuple(range(10**19, 10**19 + 200)),
        sources=("*" * 60,) * MAX_SOURCES,
        person_cooldown_s=3_600,
        guild_per_minute=1_000,
        keep_days=3_650,
    )
    words = languages()[code]
    lines = f"{words.settings_saved}\n{settings_lines(full, words)}"
    assert size(lines) <= MAX_CONTENT
    assert f"<#{10**19 + 19}>, +180\n" in lines and ", +10\n" in lines


def test_a_buttons_id_reads_back() -> None:
    match = re.fullmatch(CUSTOM_ID, Button("more", "aB-_9xyz123", first=2).custom_id)
    assert match is not None
    assert match.groupdict() == {"action": "more", "answer": "aB-_9xyz123", "first": "2"}


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
def test_a_language_calls_commands_by_the_names_that_its_readers_see(code: str) -> None:
    words = languages()[code]
    paths = [("forget",), ("standing", "standing.list"), ("standing", "standing.add")]
    names = {"`/" + " ".join(words.commands[f"{part}.name"] for part in path) + "`" for path in paths}
    said = [getattr(words, name) for name in type(words).__dataclass_fields__ if name != "commands"]
    assert {name for text in said for name in re.findall(r"`/[^`]+`", text)} == names


@pytest.mark.parametrize("code", sorted(languages()))
def test_command_words_fit_discord(code: str) -> None:
    words = languages()[code]
    assert set(words.commands) <= set(EN.commands)
    for key, text in words.commands.items():
        if key.endswith(".name") and key != "find.name":
            assert re.fullmatch(r"[\w-]{1,32}", text) and text == text.lower(), key
        else:
            assert 1 <= len(text) <= (32 if key == "find.name" else 100), key
    for name in ("more", "follow_up", "unfilter", "thread", "report", "stand", "stop"):
        assert len(getattr(words, name)) <= 80
    for name in ("follow_up_title", "report_title", "follow_up_label", "report_label"):
        assert len(getattr(words, name)) <= 45
    assert max(len(words.follow_up_hint), len(words.report_hint)) <= 100


def test_an_unknown_language_is_english_and_a_region_is_its_language() -> None:
    assert words_for("xx", "") is EN
    assert words_for("", "de-AT").name == "Deutsch"


def test_a_card_says_that_its_quotes_are_from_another_time_than_was_asked_about() -> None:
    found = quote(article(published="2025-04-18"), "Marla Quist gave the order", "Marla Quist")
    answer = answer_with(found, question=Question("who closed the harbour last week?", date(2025, 4, 30)))
    assert EN.elsewhen in answer_card(answer, "a1", EN, is_question_shown=False).content
    asked_then = replace(answer, question=replace(answer.question, asked_on=date(2025, 4, 23)))
    now = replace(asked_then, understood=understand(asked_then.question.text, date(2025, 4, 23), []))
    assert EN.elsewhen not in answer_card(now, "a1", EN, is_question_shown=False).content
