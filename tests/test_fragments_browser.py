"""A quote's link opens a saved page at the quote: judged in Chromium, by where it scrolls to.

Each page goes the whole way: saved HTML → extracted and cleaned text → link → the page in the browser.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[browser]'")

from playwright.sync_api import Browser, Page, TimeoutError

from bot.links import fragment_link
from ingest.clean import clean
from ingest.extract import extract
from tests.browser import chromium

LIMIT_MS = 5_000
# The page has scrolled, and the whole quote is in the window.
SETTLED = """() => {
  const box = document.getElementById("quote").getBoundingClientRect();
  return scrollY > 0 && box.top >= 0 && box.bottom <= innerHeight;
}"""


@dataclass(frozen=True, slots=True)
class Case:
    """A page and the quote on it.

    Attributes:
        body: HTML of the article; the quote's element has the id `quote`.
        quote: The quote as the stored text has it.
        css: A style sheet, for pages that show text otherwise than it is written.
        anchor: A fragment that the article's address has of its own.
    """

    body: str
    quote: str
    css: str = ""
    anchor: str = ""


def filler(topic: str) -> str:
    """Some four screens of paragraphs that say other things."""
    sentences = [
        f"Paragraph {n} of the report on the {topic} describes meeting {n}, at which nobody agreed on point {n}, and "
        f"closes with the remark that the next meeting would be held in room {n} of the old customs house."
        for n in range(1, 41)
    ]
    return "".join(f"<p>{sentence}</p>\n" for sentence in sentences)


SAID_TWICE = "The ferry will not sail before the spring."
CASES = {
    "plain": Case(
        "<p>The harbour was full. <span id=quote>The crane lifted eleven containers on Tuesday morning.</span> "
        "Nobody was hurt.</p>",
        "The crane lifted eleven containers on Tuesday morning.",
    ),
    "commas, dashes, ampersands and signs of the address": Case(
        "<p><span id=quote>Smith &amp; Sons – founded 1901 – paid 50% of the fee, #2 on the list, twenty-one days "
        "late, or so it said?</span></p>",
        "Smith & Sons – founded 1901 – paid 50% of the fee, #2 on the list, twenty-one days late, or so it said?",
    ),
    "hyphens at both ends of the words": Case(
        "<p>The price moved. <span id=quote>-12 degrees stopped the pumps, the operator said of plant X-</span></p>",
        "-12 degrees stopped the pumps, the operator said of plant X-",
    ),
    "markup inside the sentence": Case(
        "<p>It was late. <span id=quote>The <a href='/b'>bridge</a> over the <em>Al<b>bor</b>a</em> closes for "
        "<strong>nine</strong> weeks<sup>2</sup>, the council said.</span> Traffic is led round.</p>",
        "The bridge over the Albora closes for nine weeks2, the council said.",
    ),
    "the same sentence in two paragraphs, the second is meant": Case(
        f"<p>On Monday the mayor spoke. {SAID_TWICE} She left at noon.</p>{filler('ferry')}"
        f"<p>On Friday the owner repeated it. <span id=quote>{SAID_TWICE}</span> He blamed the ice.</p>",
        SAID_TWICE,
    ),
    "a speaker's line that occurs before": Case(
        f"<p>Ada Lind:</p><p>Rain fell on the quay.</p>{filler('rain')}<p>Jon Berg:</p><p>When did the fog come?</p>"
        "<div id=quote><p>Ada Lind:</p><p>The fog came on Friday.</p></div>",
        "Ada Lind:\n\nThe fog came on Friday.",
    ),
    "curly quotes and apostrophes": Case(
        "<p>He was asked. <span id=quote>“We don’t know who’s paying,” O’Hara said, “and we won’t ask.”</span> "
        "She nodded.</p>",
        "“We don’t know who’s paying,” O’Hara said, “and we won’t ask.”",
    ),
    "accents, ligatures and long dashes": Case(
        "<p><span id=quote>Zoë Łukasiewicz‑Brønsted — née Şahin — œuvre à Besançon, naïve façade, groß, "
        "Ærø.</span></p>",
        "Zoë Łukasiewicz‑Brønsted — née Şahin — œuvre à Besançon, naïve façade, groß, Ærø.",
    ),
    "letters that are written as two code points": Case(
        "<p><span id=quote>The cafe\u0301 in Malmo\u0308 was sold to the Pen\u0303a family for a small sum.</span></p>",
        "The café in Malmö was sold to the Peña family for a small sum.",
    ),
    "no-break and thin spaces, line breaks in the source": Case(
        "<p><span id=quote>The fund holds 3&nbsp;000&#8239;000 crowns,\n      the\n      clerk wrote, "
        "and&nbsp;owes none.</span></p>",
        "The fund holds 3\u00a0000\u202f000 crowns, the clerk wrote, and\u00a0owes none.",
    ),
    "soft hyphens and zero-width spaces inside words": Case(
        "<p><span id=quote>The ad&shy;min&shy;is&shy;tra&shy;tion of the har&#8203;bour re&shy;signed on "
        "Sunday.</span></p>",
        "The administration of the harbour resigned on Sunday.",
    ),
    "words that are shown in capitals": Case(
        "<p id=quote class=loud>The tunnel opens in March, the minister promised again.</p>",
        "The tunnel opens in March, the minister promised again.",
        css=".loud { text-transform: uppercase; font-variant: small-caps }",
    ),
    "the same words hidden further up": Case(
        f"<p hidden>The vote was put off for a second time.</p>{filler('vote')}"
        "<p>It was noisy. <span id=quote>The vote was put off for a second time.</span></p>",
        "The vote was put off for a second time.",
    ),
    "a list": Case(
        "<p>What changes for the island in the new year, by the council's own account:</p><ul>"
        "<li>The school bus leaves from the mill at seven.</li>"
        "<li id=quote>The ferry leaves from the mill at half past seven.</li>"
        "<li>The doctor comes on Thursdays from eight.</li></ul>",
        "The ferry leaves from the mill at half past seven.",
    ),
    "a quotation block": Case(
        "<p>The letter says:</p><blockquote><p id=quote>No ship of this company will call at Vallmere while the strike "
        "fund is frozen, whatever the court decides.</p></blockquote>",
        "No ship of this company will call at Vallmere while the strike fund is frozen, whatever the court decides.",
    ),
    "a sentence that a line break cuts": Case(
        "<p id=quote>The timetable was printed twice,<br>once with the wrong year on its cover.</p>",
        "The timetable was printed twice,\nonce with the wrong year on its cover.",
    ),
    "a sentence over sixty words": Case(
        "<p id=quote>" + " ".join(f"word{n}" for n in range(70)) + " ended it.</p>",
        " ".join(f"word{n}" for n in range(70)) + " ended it.",
    ),
    "another script, without spaces": Case(
        "<p>港口星期一关闭了。<span id=quote>市长说，渡轮在春天之前不会开航。</span>没有人受伤。</p>",
        "市长说，渡轮在春天之前不会开航。",
    ),
    "right to left": Case(
        "<p dir=rtl>أغلق الميناء يوم الاثنين. <span id=quote>قال العمدة إن العبارة لن تبحر قبل الربيع.</span></p>",
        "قال العمدة إن العبارة لن تبحر قبل الربيع.",
    ),
    "signs outside the basic plane": Case(
        "<p>The vote was close. <span id=quote>The winner wrote “🎉🇸🇪 we did it 👩🏽\u200d🚒” and left.</span></p>",
        "The winner wrote “🎉🇸🇪 we did it 👩🏽\u200d🚒” and left.",
    ),
    "an address with a fragment of its own": Case(
        "<p>Read on. <span id=quote>The lighthouse keeper has not been seen since Sunday.</span></p>",
        "The lighthouse keeper has not been seen since Sunday.",
        anchor="#top",
    ),
    "figures that begin alike": Case(
        f"<p>In the first year 3,000 people came.</p>{filler('fair')}<p>In the second "
        "<span id=quote>3,000,500 people came, the fair's office said.</span></p>",
        "3,000,500 people came, the fair's office said.",
    ),
}


def page(case: Case) -> str:
    head = f"<meta charset=utf-8><title>The harbour in winter</title><style>p {{ line-height: 2 }} {case.css}</style>"
    article = f"<h1 id=top>The harbour in winter</h1>{filler('harbour')}{case.body}{filler('winter')}"
    return (
        f"<!doctype html><html lang=en><head>{head}</head><body><nav><a href='/'>Home</a></nav>"
        f"<article>{article}</article></body></html>"
    )


class _Server(ThreadingHTTPServer):
    """Pages by path, on loopback."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.pages: dict[str, bytes] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class _Page(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        found = self.server.pages.get(self.path)
        self.send_response(404 if found is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(found or b"")))
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Silent: a test's output is its result."""


@pytest.fixture(scope="module")
def server() -> Iterator[_Server]:
    with _Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    # A page of its own each time: a fragment followed inside one document scrolls by other rules.
    with browser.new_page(viewport={"width": 900, "height": 600}) as tab:
        yield tab


def lands(tab: Page, link: str) -> bool:
    """Whether the whole quote comes into the window."""
    tab.goto(link)
    try:
        tab.wait_for_function(SETTLED, timeout=LIMIT_MS)
    except TimeoutError:
        return False
    return True


@pytest.mark.parametrize("name", CASES)
def test_a_link_opens_the_page_at_the_quote(server: _Server, tab: Page, name: str) -> None:
    case = CASES[name]
    path = f"/{list(CASES).index(name)}"
    html = page(case).encode()
    server.pages[path] = html
    url = server.url(path) + case.anchor
    draft = extract(html, url, origin="test")
    text = clean(draft.title, draft.text).text
    # The last one: where the words stand twice, the second place is meant.
    start = text.rfind(case.quote)
    assert start >= 0, "the quote is not in the stored text"
    link = fragment_link(url, text, start, start + len(case.quote))
    assert ":~:text=" in link
    assert lands(tab, link), link


def test_a_page_without_the_words_stays_at_its_top(server: _Server, tab: Page) -> None:
    """The judge itself: it says no where a browser does not scroll, and where it scrolls to something else."""
    server.pages["/judge"] = page(CASES["plain"]).encode()
    tab.set_default_timeout(LIMIT_MS)
    tab.goto(server.url("/judge#:~:text=words%20that%20are%20nowhere"))
    assert tab.evaluate("scrollY") == 0
    assert not tab.evaluate(SETTLED)
    elsewhere = server.url("/judge#:~:text=Paragraph%2030%20of%20the%20report%20on%20the%20winter")
    tab.goto("about:blank")
    tab.goto(elsewhere)
    tab.wait_for_function("scrollY > 0")
    assert not tab.evaluate(SETTLED)
