"""Where a link lands, checked with a matcher of its own that follows the specification's search."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.links import MAX_LINK_CHARS, fragment_link, site_name

URL = "https://harbor-courier.example/2025/port"
PORT = (
    "The port closed on Monday. Workers had asked for more pay.\n"
    "The port closed again on Friday, and the mayor – a former docker – said she would not step in. "
    "“It is a matter for the port,” she said, “and for the port alone.” Workers had asked for more pay.\n"
    "The harbour board, which owns the port, declined to say how long the closure would last, how much it "
    "costs each day, or who will pay for the ships that had to turn round at sea.\n"
)


# --- A browser's search, written from the specification --------------------------------------------


def words(text: str) -> list[tuple[str, int, int]]:
    """Alphanumeric runs (with inner apostrophes, commas and points) and every other visible character."""
    token = re.compile(r"[\w\u0300-\u036f]+(?:['’.,:;·][\w\u0300-\u036f]+)*|[^\w\s]")
    return [(m[0], *m.span()) for m in token.finditer(text)]


def same(a: str, b: str) -> bool:
    def primary(word: str) -> str:
        return "".join(c for c in unicodedata.normalize("NFD", word.lower()) if unicodedata.category(c) != "Mn")

    return primary(a) == primary(b)


def select(text: str, link: str) -> str | None:
    """What a browser would highlight for `link`; None for nothing."""
    span = select_span(text, link)
    return None if span is None else text[span[0] : span[1]]


def select_span(text: str, link: str) -> tuple[int, int] | None:
    if ":~:text=" not in link:
        return None
    pieces = link.split(":~:text=")[1].split(",")
    prefix = unquote(pieces.pop(0)[:-1]) if pieces[0].endswith("-") else ""
    suffix = unquote(pieces.pop()[1:]) if pieces[-1].startswith("-") else ""
    assert 1 <= len(pieces) <= 2
    first, last = unquote(pieces[0]), unquote(pieces[1]) if len(pieces) == 2 else ""
    page = words(text)

    def at(i: int, piece: str) -> int | None:
        """Index after `piece` if its words stand at word `i`, all in one block."""
        wanted = words(piece)
        here = page[i : i + len(wanted)]
        if len(here) < len(wanted) or not all(same(a[0], b[0]) for a, b in zip(here, wanted, strict=True)):
            return None
        if "\n" in text[here[0][1] : here[-1][2]]:
            return None
        gaps = [text[a[2] : b[1]] != "" for a, b in pairwise(here)]
        wanted_gaps = [piece[a[2] : b[1]] != "" for a, b in pairwise(wanted)]
        return i + len(wanted) if gaps == wanted_gaps else None

    def ends(i: int) -> bool:
        return not suffix or at(i, suffix) is not None

    for i in range(len(page)):
        begin = i
        if prefix:
            after = at(i, prefix)
            if after is None:
                continue
            begin = after
        end = at(begin, first)
        if end is None:
            continue
        if not last:
            if ends(end):
                return page[begin][1], page[end - 1][2]
            continue
        for j in range(end, len(page)):
            stop = at(j, last)
            if stop is not None and ends(stop):
                return page[begin][1], page[stop - 1][2]
    return None


def link_to(text: str, wanted: str, nth: int = 0) -> str:
    start = -1
    for _ in range(nth + 1):
        start = text.index(wanted, start + 1)
    return fragment_link(URL, text, start, start + len(wanted))


# --- Examples --------------------------------------------------------------------------------------


def test_short_quote_is_named_whole() -> None:
    link = link_to(PORT, "Workers had asked for more pay.")
    assert f"{URL}#:~:text=Workers%20had%20asked%20for%20more%20pay." == link


def test_long_quote_is_named_by_its_first_and_last_words() -> None:
    wanted = PORT.splitlines()[2]
    link = link_to(PORT, wanted)
    assert f"{URL}#:~:text=The%20harbour%20board%2C%20which%20owns%20the,had%20to%20turn%20round%20at%20sea." == link
    assert wanted == select(PORT, link)


def test_words_that_occur_before_get_a_prefix() -> None:
    link = link_to(PORT, "Workers had asked for more pay.", nth=1)
    assert "-,Workers" in link
    start = PORT.rindex("Workers")
    assert (start, start + len("Workers had asked for more pay.")) == select_span(PORT, link)


def test_quote_at_the_start_of_a_paragraph_gets_no_prefix() -> None:
    wanted = "The port closed again on Friday, and the mayor"
    link = link_to(PORT, wanted)
    assert "-," not in link
    assert wanted == select(PORT, link)


def test_words_of_the_paragraph_before_are_no_prefix() -> None:
    text = "Rain fell.\nSnow came at last.\nRain fell.\nFog came at last."
    link = fragment_link(URL, text, text.rindex("Rain"), text.rindex("Rain") + len("Rain fell."))
    assert f"{URL}#:~:text=Rain%20fell." == link, "equal places: the first is opened, without a false prefix"


INTERVIEW = "Ada Lind:\n\nRain fell.\n\nJon Berg:\n\nWhen?\n\nAda Lind:\n\nFog came on Friday.\n\nJon Berg:\n\nWhy?"


@pytest.mark.parametrize(
    ("wanted", "directive"),
    [
        ("Ada Lind:\n\nFog came on Friday.", "When%3F-,Ada%20Lind%3A,Fog%20came%20on%20Friday."),
        ("Ada Lind:\n\nFog came on Friday.\n\nJon Berg:", "When%3F-,Ada%20Lind%3A,Jon%20Berg%3A"),
        ("When?\n\nAda Lind:", "When%3F,Ada%20Lind%3A"),  # told apart by itself
    ],
)
def test_a_quote_that_begins_with_a_repeated_line_is_told_apart_by_the_line_before(wanted: str, directive: str) -> None:
    start = INTERVIEW.index(wanted)
    link = fragment_link(URL, INTERVIEW, start, start + len(wanted))
    assert f"{URL}#:~:text={directive}" == link
    assert wanted == select(INTERVIEW, link)


def test_no_words_are_taken_from_beyond_a_removed_line() -> None:
    wanted = "Ada Lind:\n\nFog came on Friday."
    start = INTERVIEW.index(wanted)
    assert fragment_link(URL, INTERVIEW, start, start + len(wanted), cuts=(start,)) == URL
    assert fragment_link(URL, INTERVIEW, start, start + len(wanted), cuts=(start - len("When?\n\n"),)) != URL


def test_repeated_opening_of_a_paragraph_gets_words_after_it() -> None:
    link = link_to(PORT, "The port closed", nth=1)
    start = PORT.index("The port closed again")
    assert (start, start + len("The port closed")) == select_span(PORT, link)


def test_no_piece_of_a_directive_crosses_a_line_break() -> None:
    start, end = PORT.index("Workers"), PORT.index("again on Friday") + len("again on Friday")
    link = fragment_link(URL, PORT, start, end)
    pieces = [unquote(p).strip("-") for p in link.split("text=")[1].split(",")]
    assert len([p for p in pieces if p]) == 2
    assert all(any(p in line for line in PORT.splitlines()) for p in pieces)
    assert PORT[start:end] == select(PORT, link)


def test_hyphen_comma_and_ampersand_are_encoded() -> None:
    text = "A well-known firm, Smith & Sons, failed."
    link = fragment_link(URL, text, 0, len(text))
    assert f"{URL}#:~:text=A%20well%2Dknown%20firm%2C%20Smith%20%26%20Sons%2C%20failed." == link


@pytest.mark.parametrize(
    ("url", "opening"),
    [
        ("https://a.example/x#part", "https://a.example/x#part:~:text="),
        ("https://a.example/x#", "https://a.example/x#:~:text="),
        ("https://a.example/x#:~:text=old", "https://a.example/x#:~:text="),
        ("https://a.example/x#part:~:text=old,words", "https://a.example/x#part:~:text="),
        ("https://a.example/x?a=1&b=%20", "https://a.example/x?a=1&b=%20#:~:text="),
        ("HTTP://a.example/", "HTTP://a.example/#:~:text="),
    ],
)
def test_own_fragment_is_kept_and_an_old_directive_replaced(url: str, opening: str) -> None:
    assert opening + "One%20word." == fragment_link(url, "One word.", 0, 9)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "local:abc",
        "ftp://a.example/x",
        "javascript:alert(1)",
        "https://",
        "https://[x",
        "https://a b.example/",
        "https://a.example/\x07b",
        "https://ü..example/",
    ],
)
def test_what_is_no_web_address_gets_no_link(url: str) -> None:
    assert fragment_link(url, "One word.", 0, 9) == ""


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("  https://a.example/7 \n", "https://a.example/7"),
        ("https://a.example/the story?q=a b", "https://a.example/the%20story?q=a%20b"),
        ("https://müller.example/straße ü%20?", "https://xn--mller-kva.example/stra%C3%9Fe%20%C3%BC%20?"),
        ("http://Straße.example:8080/x", "http://xn--strae-oqa.example:8080/x"),
    ],
)
def test_a_link_is_made_of_the_address_that_a_browser_asks_for(url: str, asked: str) -> None:
    assert fragment_link(url, "One word.", 0, 9) == asked + "#:~:text=One%20word."


def test_quote_without_visible_characters_links_the_page() -> None:
    assert fragment_link(URL, "One \n word.", 3, 6) == URL


def test_quote_that_begins_inside_a_word_takes_the_whole_word() -> None:
    text = "They don't know the well-being of 3,000 ships."
    start, end = text.index("'t know"), text.index("000") + 1
    assert select(text, fragment_link(URL, text, start, end)) == "don't know the well-being of 3,000"


def test_long_words_and_scripts_of_many_bytes_stay_within_the_limit() -> None:
    text = " ".join(["достопримечательности", "международного", "значения"] * 30)
    link = fragment_link(URL, text, 0, len(text))
    assert len(link) <= MAX_LINK_CHARS
    span = select_span(text, link)
    assert span is not None
    assert span[0] == 0


def test_hopelessly_long_address_is_returned_bare() -> None:
    url = URL + "?q=" + "a" * 600
    assert url == fragment_link(url, "One word.", 0, 9)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.harbor-courier.example/x", "harbor-courier.example"),
        ("https://News.Harbor-Courier.example:8080/", "news.harbor-courier.example"),
        ("https://wwwhale.example", "wwwhale.example"),
        ("local:abc", ""),
        ("https://[x", ""),
    ],
)
def test_site_name_is_the_host_without_www(url: str, name: str) -> None:
    assert name == site_name(url)


# --- Hostile texts ---------------------------------------------------------------------------------

_WORD = st.sampled_from(
    [
        "a",
        "A",
        "port",
        "Port",
        "port,",
        "port-",
        "-port",
        "&",
        "don't",
        "“Port”",
        "é",
        "e",
        "3,000",
        "x—y",
        "-",
        ",",
    ]
)
_LINE = st.lists(_WORD, min_size=1, max_size=30).map(" ".join)
_TEXT = st.lists(_LINE, min_size=1, max_size=4).map("\n".join)


@given(_TEXT, st.data())
def test_link_selects_the_quote_or_equal_words(text: str, data: st.DataObject) -> None:
    tokens = [m.span() for m in re.finditer(r"\S+", text)]
    first = data.draw(st.integers(0, len(tokens) - 1))
    last = data.draw(st.integers(first, len(tokens) - 1))
    start, end = tokens[first][0], tokens[last][1]
    link = fragment_link(URL, text, start, end)
    assert len(link) <= MAX_LINK_CHARS
    if link == URL:
        assert "\n" in text[start:end], "only a quote of several paragraphs may be impossible to tell apart"
        return
    span = select_span(text, link)
    assert span is not None
    if span[0] != start:
        own, found = (text[a:b].lower().replace("é", "e").split() for a, b in ((start, end), span))
        assert own == found


@given(
    st.permutations([f"word{i}" for i in range(60)]),
    st.integers(0, 59),
    st.integers(1, 60),
    st.integers(0, 59),
)
@example([f"word{i}" for i in range(60)], 0, 60, 30)
def test_words_that_occur_once_are_selected_exactly(order: list[str], first: int, n_words: int, break_at: int) -> None:
    text = " ".join(order[:break_at]) + "\n" + " ".join(order[break_at:])
    tokens = [m.span() for m in re.finditer(r"\S+", text)]
    start, end = tokens[first][0], tokens[min(first + n_words, 60) - 1][1]
    link = fragment_link(URL, text, start, end)
    assert text[start:end] == select(text, link)
    assert "-," not in link
    assert ",-" not in link


@given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60), st.text(max_size=20))
def test_any_text_and_address_give_a_clean_link(text: str, a: int, b: int, tail: str) -> None:
    link = fragment_link(URL + tail, text, min(a, b), max(a, b))
    assert not any(c.isspace() for c in link)
    _, _, directive = link.partition(":~:text=")
    assert re.fullmatch(r"(?:%[\dA-F]{2}|[\w.~,-])*", directive, re.ASCII)
