"""Extraction: from bytes of a page to the words a reader sees, and to what the page says about itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from html import escape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.html import document_fromstring

from index.errors import ExtractError
from ingest.extract import MAX_PAGE_BYTES, extract
from ingest.jsonld import linked_article
from ingest.page_blocks import Selection, page_blocks
from ingest.page_bytes import decode_page, looks_like_html
from ingest.page_choice import article_blocks
from ingest.page_meta import iso_date, url_day, without_site
from tests.score_pages import PageFigures, f1, fold_title, lcs_length, same_day, score, words

PAGES = Path(__file__).parent / "pages"
EVAL_DATA = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
URL = "https://quayside-courier.example/news/harbour-bridge-closes?utm_source=feed"

BRIDGE_TEXT = """\
Engineers found cracks in two of the seven piers, and ferries will carry commuters from May.

The harbour bridge will close to all traffic on 2\u00a0May, the city council decided on Monday night after a \
debate of five hours. “We have no choice,” said the mayor, Ilse Brandt.

Repairs are expected to cost €84 million, of which the state government will pay two thirds. The rest comes \
from a levy on port fees that was agreed in January.

Ferries every ten minutes

From 5 May two electric ferries will cross the harbour every ten minutes between six in the morning and \
midnight. A crossing will be free of charge for holders of a city pass.

Line A runs from Customs House to North Quay.

Line B runs from the Fish Market to Shipyard Road.

Cyclists may use both lines, but there is no room for cars.
Lorries will be sent round by the motorway, a detour of 21 kilometres.

“Nobody will be cut off,” Brandt said. The council will review the timetable in September, when schools have \
reopened."""

STORY = (
    "The council voted on Tuesday to close the old lighthouse for repairs.",
    "Engineers had found that salt water had eaten into the iron stairs, which visitors climb in summer.",
    "The work will take eight months and cost 1.4 million euros, the mayor said after the meeting.",
    "A temporary light on a mast will guide ships into the harbour until then.",
)


# Without spaces between words.
UNSPACED = {
    "zh": (
        "市议会周二以七比二通过一项四千八百万美元的滨水区重建计划，结束了数月来关于防洪的争论。",
        "市长表示，工程将于三月开工，工期约三年，第一阶段包括旧渡轮码头的改造。",
    ),
    "ja": (
        "港町市議会は火曜日、岸壁を再建する計画を七対二で承認し、洪水をめぐる議論に終止符を打った。",
        "市長は、工事は三月に始まり約三年かかると述べた。",
    ),
    "th": (
        "สภาเมืองลงมติเมื่อวันอังคารอนุมัติแผนฟื้นฟูพื้นที่ริมน้ำ",
        "นายกเทศมนตรีกล่าวว่างานจะเริ่มในเดือนมีนาคมและใช้เวลาประมาณสามปี",
    ),
}


def page(*body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{''.join(body)}</body></html>".encode()


def story_page(head: str = "", top: str = "<h1>Lighthouse to close for repairs</h1>") -> bytes:
    return page(top, "<div>", *(f"<p>{line}</p>" for line in STORY), "</div>", head=head)


def linked(**fields: object) -> str:
    record = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(record)}</script>'


def test_the_body_is_every_paragraph_as_shown_and_nothing_from_around_it() -> None:
    draft = extract((PAGES / "bridge.html").read_bytes(), URL, origin="bridge.html")
    assert draft.text == BRIDGE_TEXT


def test_the_page_says_who_wrote_what_when_and_where() -> None:
    draft = extract((PAGES / "bridge.html").read_bytes(), URL, origin="bridge.html")
    assert draft.title == "Harbour bridge to close for two years"
    assert draft.published == "2025-03-11T08:30:00+01:00"
    assert draft.updated == "2025-03-11T12:05:00+01:00"
    assert draft.date_from == "json-ld"
    assert draft.authors == ("Mara Lindqvist", "Tom Okafor")
    assert draft.url == "https://www.quayside-courier.example/news/harbour-bridge-closes"
    assert draft.source == ""
    assert draft.language == "en"
    assert not draft.is_stub
    assert json.loads(draft.extra) == {"correction": "An earlier version gave the wrong number of piers."}


def test_a_page_found_without_an_address_takes_its_own_word_for_it() -> None:
    draft = extract((PAGES / "bridge.html").read_bytes(), origin="bridge.html")
    assert draft.url == "https://www.quayside-courier.example/news/harbour-bridge-closes"


def test_a_page_without_any_address_keeps_its_publisher() -> None:
    draft = extract(story_page(linked(publisher={"name": "Quayside Courier"})), origin="saved.html")
    assert (draft.url, draft.source) == ("", "Quayside Courier")


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("https://www.example.co.uk/a/1", "https://www.example.co.uk/a/1"),
        ("/a/1", "https://news.example.co.uk/a/1"),
        ("https://other.co.uk/a/1", "https://news.example.co.uk/a/1?from=feed"),
        ("https://example.co.uk.evil.com/a/1", "https://news.example.co.uk/a/1?from=feed"),
        ("https://news.example.co.uk/", "https://news.example.co.uk/a/1?from=feed"),
        ("javascript:alert(1)", "https://news.example.co.uk/a/1?from=feed"),
        ("https://[bad", "https://news.example.co.uk/a/1?from=feed"),
    ],
)
def test_a_canonical_address_counts_only_on_the_same_registrable_domain(canonical: str, expected: str) -> None:
    html = story_page(f'<link rel="canonical" href="{canonical}">')
    assert extract(html, "https://news.example.co.uk/a/1?from=feed", origin="x").url == expected


def test_a_live_blog_keeps_the_time_of_every_entry() -> None:
    draft = extract((PAGES / "storm_live.html").read_bytes(), URL, origin="storm_live.html")
    lines = draft.text.split("\n\n")
    assert lines[0:2] == ["9.40 am", "Schools to stay shut"]
    assert lines[3:5] == ["7.15 am", "Ferries stopped"]
    assert lines[6:8] == ["6.10 am", "Good morning"]
    assert len(lines) == 9


def test_a_live_blog_drawn_by_script_is_read_from_its_entries() -> None:
    entries = [
        {"datePublished": f"2025-10-02T0{i}:00:00Z", "headline": f"Part {i}", "articleBody": STORY[i]} for i in range(4)
    ]
    html = page('<div id="root"></div>', head=linked(**{"@type": "LiveBlogPosting", "liveBlogUpdate": entries}))
    lines = extract(html, URL, origin="x").text.split("\n\n")
    assert lines[:3] == ["2025-10-02T00:00:00Z", "Part 0", STORY[0]]
    assert lines[-1] == STORY[3]


def test_text_that_only_search_engines_get_is_read_from_json_ld() -> None:
    body = "".join(f"<p>{escape(line)}</p>" for line in STORY * 2)
    draft = extract(page('<div id="root"></div>', head=linked(articleBody=body)), URL, origin="x")
    assert draft.text == "\n\n".join(STORY * 2)
    assert "json-ld-text" in draft.warnings


def test_a_paywalled_page_is_a_stub_with_its_lede() -> None:
    draft = extract((PAGES / "paywall.html").read_bytes(), URL, origin="paywall.html")
    assert draft.is_stub
    assert draft.text.startswith("For eleven years") and draft.text.endswith("down the coast.")
    assert "Subscribe" not in draft.text


NOT_FREE = {"isAccessibleForFree": False}


@pytest.mark.parametrize(
    ("head", "is_stub"),
    [
        (linked(**NOT_FREE), True),
        (linked(hasPart={"@type": "WebPageElement", "isAccessibleForFree": "False"}), True),
        (linked(hasPart=[{"@type": "ImageObject"}, NOT_FREE]), True),
        (linked(hasPart=NOT_FREE, isAccessibleForFree=True), False),
        (linked() + linked(**{"@type": "WebPage", **NOT_FREE}), True),
        (linked() + linked(**{"@type": "WebPage", "url": URL, **NOT_FREE}), True),
        (linked() + linked(**{"@type": "WebPage", "url": "https://quayside-courier.example/other", **NOT_FREE}), False),
        (linked(isAccessibleForFree=True) + linked(**{"@type": "WebPage", **NOT_FREE}), False),
        ('<meta property="article:content_tier" content="locked">', True),
        ('<meta property="article:content_tier" content="metered">', False),
        ("", False),
    ],
)
def test_a_teaser_is_a_stub_wherever_the_page_says_that_it_is_locked(head: str, is_stub: bool) -> None:
    teaser = "".join(f"<p>{line}</p>" for line in STORY[:2])
    assert extract(page("<h1>A</h1>", teaser, head=head), URL, origin="x").is_stub is is_stub


def test_a_page_that_says_not_free_but_shows_everything_is_no_stub() -> None:
    long = page("<h1>A</h1>", *(f"<p>{i}. {line}</p>" for i, line in enumerate(STORY * 6)))
    assert not extract(
        long.replace(b"<head>", b"<head>" + linked(isAccessibleForFree=False).encode()), URL, origin="x"
    ).is_stub


@pytest.mark.parametrize("language", UNSPACED)
def test_words_are_counted_in_scripts_without_spaces(language: str) -> None:
    paragraphs = [f"<p>{line}</p>" for line in UNSPACED[language]]
    assert extract(page("<h1>A</h1>", *paragraphs), URL, origin="x").text == "\n\n".join(UNSPACED[language])
    many = [f"<p>{i}{line}</p>" for i in range(12) for line in UNSPACED[language]]
    walled = linked(isAccessibleForFree=False)
    assert extract(page("<h1>A</h1>", *paragraphs, head=walled), URL, origin="x").is_stub
    assert not extract(page("<h1>A</h1>", *many, head=walled), URL, origin="x").is_stub


def test_a_page_in_chinese_keeps_its_own_paragraphs_beside_a_longer_text_in_json_ld() -> None:
    shown, told = UNSPACED["zh"], "市议会周二讨论了另一份关于道路的报告并推迟了投票。" * 5
    html = page("<h1>A</h1>", *(f"<p>{line}</p>" for line in shown), head=linked(articleBody=told))
    assert extract(html, URL, origin="x").text == "\n\n".join(shown)


@pytest.mark.parametrize("name", ["consent.html", "script_only.html", "front.html", "section.html"])
def test_a_page_without_an_article_is_refused_under_its_address(name: str) -> None:
    with pytest.raises(ExtractError) as caught:
        extract((PAGES / name).read_bytes(), URL, origin=name)
    assert caught.value.url == URL
    with pytest.raises(ExtractError) as caught:
        extract((PAGES / name).read_bytes(), origin=name)
    assert caught.value.url == name


@pytest.mark.parametrize("html", [b"", b"   ", b"\x00\x00", b"<html></html>", b"<!-- -->", b"\xff\xfe"])
def test_nothing_is_refused_and_not_a_crash(html: bytes) -> None:
    with pytest.raises(ExtractError):
        extract(html, URL, origin="x")


@pytest.mark.parametrize(
    ("head", "published", "date_from"),
    [
        (linked(datePublished="2024-05-06T07:08:09Z"), "2024-05-06T07:08:09+00:00", "json-ld"),
        (
            linked(datePublished="2024-05-06T07:08:09Z").replace("ld+json", "LD+JSON"),
            "2024-05-06T07:08:09+00:00",
            "json-ld",
        ),
        (linked(datePublished="soon") + '<meta name="date" content="2024-05-06">', "2024-05-06", "meta"),
        (
            '<meta property="article:published_time" content="2024-05-06 07:08:09 +02:00">',
            "2024-05-06T07:08:09+02:00",
            "meta",
        ),
        (
            linked(datePublished="2024-05-06T07:08:09")
            + '<meta property="article:published_time" content="2024-05-06T07:08:09-05:00">',
            "2024-05-06T07:08:09-05:00",
            "json-ld",
        ),
        ("", "2023-02-01", "url"),
    ],
)
def test_the_date_comes_from_the_most_trustworthy_place(head: str, published: str, date_from: str) -> None:
    draft = extract(story_page(head), "https://example.org/2023/02/01/lighthouse", origin="x")
    assert (draft.published, draft.date_from) == (published, date_from)


def test_a_time_element_comes_before_the_address_unless_it_belongs_to_another_story() -> None:
    other = '<aside><time datetime="2020-01-01">then</time></aside>'
    own = '<time datetime="2023-02-03T10:00:00+0100">3 February</time>'
    draft = extract(story_page(top=f"{other}<h1>A</h1>{own}"), "https://example.org/2023/02/01/x", origin="x")
    assert (draft.published, draft.date_from) == ("2023-02-03T10:00:00+01:00", "time")
    draft = extract(story_page(top=f"{other}<h1>A</h1>"), "https://example.org/2023/02/01/x", origin="x")
    assert draft.date_from == "url"


@pytest.mark.parametrize(("locale", "language"), [("de_DE", "de"), ("en_US", "")])
def test_a_page_that_names_two_languages_leaves_it_to_its_text(locale: str, language: str) -> None:
    content = story_page(f'<meta property="og:locale" content="{locale}">').replace(b"<html", b'<html lang="de-AT"')
    assert extract(content, URL, origin="x").language == language


@pytest.mark.parametrize(
    ("head", "bottom"),
    [
        ("", ""),
        ("", "<footer>© 2025 Quayside Courier</footer>"),
        ("", "<footer>Copyright 2019-2025 Quayside Courier</footer>"),
        ("", "<p>The lighthouse was built in 1998 and repaired in 2014.</p>"),
        ("", "<p>The trial is set for September 15, 2026, the court said.</p>"),
        ("", "<p>He was born on May 3, 1998 on the island.</p>"),
        ("", '<img src="/uploads/2023/07/pier.jpg"><img src="/2023-07-04/pier.jpg">'),
        ('<meta property="og:image" content="https://quay.example/2021/03/05/pier.jpg">', ""),
        ('<script src="/app.js?v=20240101"></script>', ""),
        ("", '<script>var site = {"build": "2025-11-03T10:00:00Z", "datePublished": "2025-11-03"}</script>'),
    ],
)
def test_a_page_that_names_no_date_has_none(head: str, bottom: str) -> None:
    html = story_page(head).replace(b"</body>", bottom.encode() + b"</body>")
    draft = extract(html, "https://quay.example/lighthouse", origin="x")
    assert (draft.published, draft.date_from) == ("", "")


def test_a_day_in_the_byline_is_found() -> None:
    html = story_page(top='<h1>Lighthouse to close</h1><div class="date">February 4, 2025</div>')
    draft = extract(html, "https://quay.example/lighthouse", origin="x")
    assert (draft.published, draft.date_from) == ("2025-02-04", "text")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-04-18", "2025-04-18"),
        ("2025-04-18T09:30:00.123Z", "2025-04-18T09:30:00+00:00"),
        ("2025-04-18T09:30:00+0200", "2025-04-18T09:30:00+02:00"),
        ("2025-04-18 09:30", "2025-04-18T09:30:00"),
        ("Fri, 18 Apr 2025 09:30:00 GMT", "2025-04-18T09:30:00+00:00"),
        ("2025-04-18 09:30 PM", "2025-04-18T21:30:00"),
        ("2025-04-18 23:30:00-07", "2025-04-18T23:30:00-07:00"),
        ("2025-04-18T21:30:00 EDT", "2025-04-18T21:30:00-04:00"),
        ("2025-04-18T09:30:00+02:00[Europe/Berlin]", "2025-04-18T09:30:00+02:00"),
        ("April 18, 2025", "2025-04-18"),
        ("1744968600000", "2025-04-18T09:30:00+00:00"),
        ("1970-01-01T00:00:00Z", ""),
        ("0001-01-01", ""),
        ("2025-13-40", ""),
        ("FAED7252293CB2878BA8E5621A0A9BAB", ""),
        ("", ""),
    ],
)
def test_dates_are_read_as_sites_write_them(written: str, expected: str) -> None:
    assert iso_date(written) == expected


@pytest.mark.parametrize(
    ("url", "day"),
    [
        ("https://e.org/2024/02/29/x", "2024-02-29"),
        ("https://e.org/2023/02/29/x", ""),
        ("https://e.org/world/2023/apr/28/x", "2023-04-28"),
        ("https://e.org/a-20240424-x", "2024-04-24"),
        ("https://e.org/a-2024-04-24-x", "2024-04-24"),
        ("https://e.org/id/1202404241", ""),
        ("https://e.org/x?d=2024-01-01", ""),
    ],
)
def test_a_day_in_the_address_is_read(url: str, day: str) -> None:
    assert url_day(url) == day


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Bridge closes | Quayside Courier", "Bridge closes"),
        ("Bridge closes - Transport - Quayside Courier", "Bridge closes"),
        ("Bridge closes — quaysidecourier", "Bridge closes"),
        *(
            (f"Bridge closes {mark} the quayside COURIER", "Bridge closes")
            for mark in (["::", "/", "~", "«", "‹", "⋆", "★", "|", "•"])
        ),
        *((f"Bridge closes {mark} Ferries sail", f"Bridge closes {mark} Ferries sail") for mark in ("/", "~", "::")),
        ("Bridge - and tunnel - close", "Bridge - and tunnel - close"),
        ("Transport: Bridge closes", "Transport: Bridge closes"),
        ("Quayside Courier", "Quayside Courier"),
        ("", ""),
    ],
)
def test_only_the_name_of_the_site_is_cut_from_a_title(title: str, expected: str) -> None:
    assert without_site(title, ["Quayside Courier"], []) == expected


def test_the_title_is_what_most_places_agree_on() -> None:
    head = "<title>Lighthouse to close | Site</title>" + linked(headline="Short seo title")
    html = story_page(head + '<meta property="og:title" content="Lighthouse to close for repairs">')
    assert extract(html, URL, origin="x").title == "Lighthouse to close for repairs"


@pytest.mark.parametrize("mark", ["»", "«", "-"])
def test_a_site_that_no_other_place_names_is_cut_where_the_headline_is_known(mark: str) -> None:
    head = f'<title>Pier closes {mark} Bugle Online</title><meta property="og:title" content="Pier closes">'
    assert extract(story_page(head, top=""), URL, origin="x").title == "Pier closes"


def test_many_headings_and_titles_take_no_long() -> None:
    n = 20_000
    metas = '<meta property="og:title" content="H">' * n
    began = time.process_time()
    assert extract(story_page(metas, top="<h1>Pier closes</h1>" * n), URL, origin="x").title
    assert time.process_time() - began < 10


def test_a_separator_that_stands_in_headlines_ends_one_only_before_the_sites_name() -> None:
    assert (
        without_site("Bridge closes / Ferries sail", ["Courier"], ["bridge closes"]) == "Bridge closes / Ferries sail"
    )
    assert without_site("Bridge closes | Ferries sail", ["Courier"], ["bridge closes"]) == "Bridge closes"


@pytest.mark.parametrize(
    ("head", "top"),
    [
        ("<title>{} | The Quayside Courier</title>", "<h1><a href='/'>The Quayside Courier</a></h1><h2>{}</h2>"),
        ("<title>{}</title>", "<h1>Quayside Courier</h1><h1>{}</h1>"),
        ("<title>{}</title>" + linked(publisher={"name": "QC"}), "<h1>QC</h1><h2>{}</h2>"),
        ("<title>{}</title><meta property='og:site_name' content='The Quay'>", "<h1>Quay</h1><h2>{}</h2>"),
    ],
)
def test_a_logo_in_a_heading_is_no_title(head: str, top: str) -> None:
    title = "Lighthouse to close for repairs"
    html = story_page(head.replace("{}", title), top=top.replace("{}", title))
    assert extract(html, URL.replace("quayside-courier", "quaysidecourier"), origin="x").title == title


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ('"Mayor calls plan "a turning point" for harbour"', 'Mayor calls plan "a turning point" for harbour'),
        ("'Mayor's plan fails'", "Mayor's plan fails"),
        ('"The mayor&amp;#8217;s plan &amp;amp; more"', "The mayor’s plan & more"),
        ('"Notes & copy: R&D, Q&A"', "Notes & copy: R&D, Q&A"),
    ],
)
@pytest.mark.parametrize("element", ["h1", "title"])
def test_a_title_that_was_not_escaped_or_was_twice_is_read_as_meant(content: str, title: str, element: str) -> None:
    metas = "".join(f"<meta property={name} content={content}>" for name in ("og:title", "twitter:title"))
    whole = f"<{element}>{escape(title)}</{element}>"
    html = story_page(metas + (whole if element == "title" else ""), top=whole if element == "h1" else "")
    assert extract(html, URL, origin="x").title == title


@pytest.mark.parametrize(
    "script",
    [
        '<!--{"@type":"NewsArticle","headline":"A “b”"}-->',
        '{"@type":"NewsArticle","headline":"A “b”",}',
        '{"@type":"NewsArticle","headline":"A “b”"};',
        '[[{"@graph":[{"@type":["Thing","schema:NewsArticle"],"headline":"A &ldquo;b&rdquo;"}]}]]',
        '{"@type":"NewsArticle","headline":"A “b”","keywords":"un"escaped"}',
        '{"@type":"WebPage","mainEntity":{"@type":"https://schema.org/NewsArticle","headline":"A\\n “b”"}}',
    ],
)
def test_json_ld_is_read_however_it_is_wrapped_or_broken(script: str) -> None:
    assert linked_article([script]).headline == "A “b”"


def test_of_several_articles_the_one_under_the_pages_address_is_meant() -> None:
    other = {"@type": "NewsArticle", "headline": "Other", "datePublished": "2020-01-01", "author": "X", "url": "/o"}
    own = {"@type": "NewsArticle", "headline": "Own", "url": "http://www.e.org/own/"}
    assert linked_article([json.dumps([other, own])], "https://e.org/own?utm=1").headline == "Own"


# Richer than any other description of these tests.
RICH = {
    "@type": "NewsArticle",
    "headline": "Other",
    "datePublished": "2020-01-01",
    "dateModified": "2020-01-01",
    "author": "X",
    "mainEntityOfPage": "https://e.org/other?id=2",
}


@pytest.mark.parametrize(
    ("own", "urls"),
    [
        ({}, ["https://e.org/own"]),
        ({"mainEntityOfPage": True, "@id": "https://e.org/#article"}, ["https://e.org/own"]),
        ({"url": "/own"}, ["https://e.org/own"]),
        ({"url": "https://e.org/other?id=1"}, ["https://e.org/other?id=1"]),
        ({"url": "https://e.org/own?page=2"}, ["https://e.org/own"]),
        ({"url": "https://e.org/own"}, ["", "https://e.org/own"]),
        ({"url": "https://e.org/own"}, ["https://e.org/x/123", "https://e.org/own"]),
        ({"@id": "https://e.org/own"}, ["https://e.org/own/amp"]),
        ({"url": "https://e.org/", "author": "Ann Lee"}, ["https://e.org/own"]),
        ({"url": "https://[e.org"}, ["https://e.org/own"]),
    ],
)
@pytest.mark.parametrize("others", [[RICH], [{"@type": "ItemList", "itemListElement": [{"item": RICH}, RICH]}]])
def test_a_richer_description_of_another_page_does_not_win(
    own: dict[str, object], urls: list[str], others: list[object]
) -> None:
    described = [*others, {"@type": "NewsArticle", "headline": "Own", **own}]
    assert linked_article([json.dumps(described)], *urls).headline == "Own"


def test_a_saved_page_takes_date_and_authors_of_what_it_calls_its_own_address() -> None:
    address = "https://e.org/own"
    own = linked(headline="Own", datePublished="2025-02-04", author="Ann Lee", url=address)
    html = story_page(f'<link rel="canonical" href="{address}">{linked(**RICH)}{own}')
    for url in ("", "https://e.org/x/123"):
        draft = extract(html, url, origin="saved.html")
        assert (draft.published, draft.authors, draft.url) == ("2025-02-04", ("Ann Lee",), address)


def test_half_a_pair_of_surrogates_goes_no_further() -> None:
    script = r"""{"@type": "NewsArticle", "headline": "A \ud83d", "author": {"name": "Ann \udc00"},
        "correction": "Wrong \ud83d", "articleBody": "Text \ud83d", "url": "https://e.org/\ud83d"}"""
    found = linked_article([script])
    assert (found.headline, found.authors, found.correction) == ("A \ufffd", ("Ann \ufffd",), "Wrong \ufffd")
    assert (found.body, found.url) == ("Text \ufffd", "https://e.org/\ufffd")


# fmt: off
FIELDS = st.sampled_from([
    "@type", "headline", "author", "name", "@id", "@graph", "liveBlogUpdate", "url", "inLanguage", "articleBody",
    "correction", "publisher",
])
# fmt: on
LEAVES = (
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from(["NewsArticle", "/x", "https://[x"])
)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner), max_leaves=20))
@settings(max_examples=150, deadline=None)
def test_no_json_ld_is_too_strange(value: object) -> None:
    found = linked_article([json.dumps(value)], "https://e.org/x")
    assert all(isinstance(author, str) and author for author in found.authors)
    assert isinstance(found.headline, str)


@pytest.mark.parametrize("depth", [500, 990])
@pytest.mark.parametrize("field", ["articleBody", "correction"])
def test_json_ld_nested_however_deeply_leaves_the_page_readable(field: str, depth: int) -> None:
    nested = "[" * depth + '"Other words."' + "]" * depth
    script = f'<script type="application/ld+json">{{"@type": "NewsArticle", "{field}": {nested}}}</script>'
    draft = extract(story_page(script), URL, origin="x")
    assert (draft.text, draft.title) == ("\n\n".join(STORY), "Lighthouse to close for repairs")


def test_a_list_of_paragraphs_is_a_body_and_a_list_of_corrections_one() -> None:
    script = json.dumps(
        {"@type": "NewsArticle", "articleBody": ["One.", ["Two."]], "correction": [{"text": "It was 4."}]}
    )
    found = linked_article([script])
    assert (found.body, found.correction) == ("One.\n\nTwo.", "It was 4.")


def test_a_page_that_is_nested_too_deeply_is_refused_under_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("ingest.jsonld.linked_article", too_deep)
    with pytest.raises(ExtractError, match="is nested too deeply to read") as caught:
        extract(story_page(), URL, origin="x")
    assert caught.value.url == URL


@pytest.mark.parametrize(
    ("raw", "charset", "expected", "warnings"),
    [
        ("Zoë – “ok”".encode(), "", "Zoë – “ok”", ()),
        ("Zoë – “ok”".encode(), "iso-8859-1", "Zoë – “ok”", ()),
        (b"\xef\xbb\xbf" + "Zoë".encode(), "", "Zoë", ()),
        ("Zoë".encode("utf-16"), "", "Zoë", ()),
        ("Привет, мир".encode("cp1251"), "windows-1251", "Привет, мир", ()),
        ('<meta charset="windows-1251">Привет'.encode("cp1251"), "", '<meta charset="windows-1251">Привет', ()),
        ('<meta charset="gb2312">新闻'.encode("gbk"), "", '<meta charset="gb2312">新闻', ()),
        ("It’s “ok”".encode("cp1252"), "iso-8859-1", "It’s “ok”", ()),
        ("Zoë Zoë Zoë Zoë Zoë Zoë it".encode() + b"\x92s", "", "Zoë Zoë Zoë Zoë Zoë Zoë it’s", ("stray-bytes",)),
        (b"caf\xe9", "no-such-charset", "café", ("latin-1",)),
        (b"a-bcd", "punycode", "a-bcd", ()),
        (b"Zo+AOs-", "utf-7", "Zo+AOs-", ()),
        (b"plain", "", "plain", ()),
        (b"a\x00b\x08c", "", "abc", ()),
        (b"", "", "", ()),
    ],
)
def test_bytes_are_read_in_the_charset_they_were_written_in(
    raw: bytes, charset: str, expected: str, warnings: tuple[str, ...]
) -> None:
    assert decode_page(raw, charset) == (expected, warnings)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"<!doctype html><p>", True),
        (b"\xef\xbb\xbf\n <HTML lang=en>", True),
        (b"<!-- saved --><html>", True),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', True),
        ("<html>".encode("utf-16"), True),
        (b'<?xml version="1.0"?><rss><channel><title>x', False),
        (b'<feed xmlns="http://www.w3.org/2005/Atom"><title>', False),
        (b"<!--a-->" * 25 + b"<html>", True),
        (b"<!--a-->" * 25 + b"<rss><channel><title>x", False),
        (b'{"text": "<html>"}', False),
        (b"title,text\n<p>a</p>,b", False),
        (b"plain words", False),
        (b"", False),
    ],
)
def test_html_is_told_from_feeds_records_and_plain_text(head: bytes, expected: bool) -> None:
    started = time.process_time()
    assert looks_like_html(head) is expected
    assert time.process_time() - started < 1


SENTENCES = st.text(alphabet=st.sampled_from("abcdefghij éßñ“”‘’—&<>\u00a0\t\n.,0123"), min_size=30, max_size=200).map(
    lambda text: "Words " + text.strip() + " end."
)


@given(st.lists(SENTENCES, min_size=1, max_size=8, unique=True))
@settings(max_examples=60, deadline=None)
def test_every_paragraph_stands_on_the_page_as_it_is(invented: list[str]) -> None:
    paragraphs = [*STORY[:2], *invented, *STORY[2:]]
    html = page("<h1>A title of this page</h1><article>", *(f"<p>{escape(p)}</p>" for p in paragraphs), "</article>")
    shown = {
        " ".join(piece for piece in p.replace("\t", " ").replace("\n", " ").split(" ") if piece) for p in paragraphs
    }
    text = extract(html, URL, origin="x").text
    assert text and set(text.split("\n\n")) <= shown


def test_inline_markup_neither_joins_nor_splits_words() -> None:
    marked = (
        "<p>The <b>co</b>uncil&#8217;s <a href='/x'>vote</a>,<i> held</i>\n on <span>Tuesday</span>, "
        "was <em>close</em>: 21 to 20, with many members away at a fair.</p>"
    )
    html = page("<h1>A</h1><div>", marked, *(f"<p>{line}</p>" for line in STORY), "</div>")
    first = extract(html, URL, origin="x").text.split("\n\n")[0]
    assert first == "The council’s vote, held on Tuesday, was close: 21 to 20, with many members away at a fair."


def chosen(*body: str, title: str = "Lighthouse to close") -> str:
    """The text of the blocks that are chosen where an extractor finds nothing but the story."""
    root = document_fromstring(page(*body))
    blocks = article_blocks(page_blocks(root), Selection(STORY), Selection([]), title=title)
    return "\n\n".join(block.text for block in blocks)


LINKS = "The <a href='/a'>harbour office and the council of the old town</a> had asked <a href='/b'>for it</a> in May."
FEW_LINKS = "The council had <a href='/a'>asked the harbour office</a> for a report on it in May of last year."
ROW = "<a href='/a'>Seven things to know about the council</a>, <a href='/b'>and why it meets late at night.</a>"
NO_SENTENCE = "A few more words in front, <a href='/a'>Harbour office</a> and <a href='/b'>council of the town</a>"
OTHER_BOX = f"</p></div><div class='box'><p>{FEW_LINKS}</p></div><div class='text'><p>"


@pytest.mark.parametrize(
    ("wrapper", "paragraph", "is_kept"),
    [
        ("<p>{}</p>", LINKS, True),
        ("<p>{}</p>", FEW_LINKS, True),
        ("<p>{}</p>", ROW, False),
        ("<p>{}</p>", NO_SENTENCE, False),
        ("<div class='text'><p>{}</p></div>", FEW_LINKS, True),
        ("<div class='text'><p>{}</p></div>", LINKS, False),
        ("<div class='text'><p>{}</p></div>", NO_SENTENCE, False),
        ("<div class='text'><p>{}</p></div>", OTHER_BOX, False),
    ],
)
def test_a_sentence_with_links_between_two_of_the_text_belongs_to_it(
    wrapper: str, paragraph: str, is_kept: bool
) -> None:
    body = (wrapper.format(line) for line in (*STORY[:2], paragraph, *STORY[2:]))
    plain = [re.sub("<[^>]*>", "", paragraph)] if is_kept else []
    assert chosen("<div>", *body, "</div>") == "\n\n".join([*STORY[:2], *plain, *STORY[2:]])


LEDE = "Visitors will have to wait more than half a year for the best view of the bay."
STORY_BODY = "".join(f"<p>{line}</p>" for line in STORY)


@pytest.mark.parametrize(
    "naming",
    [
        *(f'class="{name}"' for name in ("article-excerpt", "synopsis", "preamble", "deck", "bajada", "sumario")),
        *(f'class="{name}"' for name in ("occhiello", "sottotitolo", "chapo", "linha-fina", "linhafina")),
        *('id="standfirst"', 'data-testid="summary"', 'data-component="lede"', 'data-gu-name="standfirst"'),
    ],
)
def test_a_lede_is_known_by_its_name(naming: str) -> None:
    lede = f"<div {naming}><p>{LEDE}</p></div>"
    assert chosen("<h1>Lighthouse to close</h1>", lede, STORY_BODY) == "\n\n".join((LEDE, *STORY))


@pytest.mark.parametrize(
    ("top", "is_kept"),
    [
        ("<h1>Lighthouse to close</h1>{}<ul><li>Lighthouse to close</li></ul>", True),
        ("<h2>Lighthouse to close</h2>{}", True),
        ("<h1>Quayside Courier</h1>{}<h2>Lighthouse to close</h2>", False),
        ("{}<h2>Lighthouse to close</h2>", False),
        ("{}", False),
    ],
)
def test_a_lede_stands_below_the_headline_which_breadcrumbs_may_repeat(top: str, is_kept: bool) -> None:
    text = chosen(top.format(f"<div class='teaser'><p>{LEDE}</p></div>"), STORY_BODY)
    assert text == "\n\n".join((*([LEDE] if is_kept else []), *STORY))


@pytest.mark.parametrize(
    "opening",
    ['<div aria-hidden="true">', '<div style="display: none">', "<div hidden>", '<div style="visibility:hidden">'],
)
def test_a_page_that_is_hidden_as_a_whole_is_read_but_for_what_is_hidden_on_it(opening: str) -> None:
    other = "<p hidden>A dialogue that nobody opened asks whether the reader wants to subscribe to the letter.</p>"
    html = page(opening, "<h1>A</h1>", STORY_BODY, other, "</div>")
    assert extract(html, URL, origin="x").text == "\n\n".join(STORY)
    html = page("<h1>A</h1>", STORY_BODY, opening, other.replace(" hidden", ""), "</div>")
    assert extract(html, URL, origin="x").text == "\n\n".join(STORY)
    html = page(STORY_BODY, other).replace(b"<body>", b'<body style="display:none">')
    assert extract(html, URL, origin="x").text == "\n\n".join(STORY)


def test_a_page_wrapped_in_a_form_is_still_an_article() -> None:
    html = page("<form><h1>Title</h1><div>", *(f"<p>{line}</p>" for line in STORY), "</div></form>")
    assert extract(html, URL, origin="x").text == "\n\n".join(STORY)


PARAGRAPH = f"<p>{STORY[1]}</p>".encode()


@pytest.mark.parametrize(
    "html",
    [
        b"<html><body>" + b"a" * (MAX_PAGE_BYTES + 1),
        b"<html><body>" + b"<div>" * 200_000 + PARAGRAPH,
        b"<html><body>" + b"<" * 5_000_000,
        b"<html><head><title>" + b" - x | y: " * 200_000 + b"</title></head><body>" + PARAGRAPH,
        b'<html><body><script type="application/ld+json">' + b"[" * 1_000_000 + b"</script>" + PARAGRAPH,
        b"<html><body>" + PARAGRAPH * 50_000,
        b"<html><body><div>" + b"a line of a list<br><br>" * 6_000,
        b'<html><body><script type="application/ld+json">{}-->' + b" " * 50_000 + b"x</script>" + PARAGRAPH,
        b'<html><body><div class="' + b"-" * 30_000 + b'x">' + PARAGRAPH * 3,
        b'<html><body><div class="' + b"caption" * 100_000 + b'">' + PARAGRAPH * 5_000,
        linked(articleBody="<p " * 70_000).encode() + PARAGRAPH,
        linked(author=[f"Author {n}" for n in range(30_000)]).encode() + PARAGRAPH,
        linked(url="http://e.org/" + "?" * 50_000 + "\n\nx").encode() + PARAGRAPH,
    ],
    ids=[
        *("too large", "deep", "brackets", "title", "json", "many paragraphs", "breaks", "comment's end", "dashes"),
        *("long class", "half tags", "many authors", "question marks"),
    ],
)
def test_no_page_keeps_the_reader_waiting(html: bytes) -> None:
    started = time.process_time()
    try:
        extract(html, URL, origin="x")
    except ExtractError as error:
        assert error.url == URL
    assert time.process_time() - started < 20


def test_importing_extraction_loads_no_parser() -> None:
    code = "import sys, ingest.extract; print({'lxml', 'trafilatura', 'htmldate', 'courlan'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@given(st.lists(st.sampled_from("abc"), max_size=12), st.lists(st.sampled_from("abc"), max_size=12))
def test_the_scorers_common_subsequence_equals_the_textbook_table(a: list[str], b: list[str]) -> None:
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1][j + 1] = table[i][j] + 1 if x == y else max(table[i][j + 1], table[i + 1][j])
    assert lcs_length(a, b) == table[-1][-1]


def test_the_scorer_measures_words_in_order() -> None:
    assert f1("one two three four", "one two three four") == (1.0, 1.0, 1.0)
    assert f1("two one", "one two") == (0.5, 0.5, 0.5)
    assert f1("", "one") == (0.0, 0.0, 0.0)
    assert words("Ça va? 新闻 ok") == ["ça", "va", "新", "闻", "ok"]


def test_the_scorer_folds_titles_and_days() -> None:
    assert fold_title("“Bridge” closes - The Courier") == fold_title("Bridge closes")
    assert fold_title("Bridge opens") != fold_title("Bridge closes")
    assert same_day("2024-05-05T23:30:00+00:00", "2024-05-06 01:30:00+02:00")
    assert not same_day("2024-05-05", "2024-05-06 01:30:00+02:00")
    assert not same_day("", "2024-05-06")


@pytest.mark.skipif(not (EVAL_DATA / "pages" / "gold.jsonl").exists(), reason="no evaluation data beside the checkout")
def test_saved_pages_of_many_outlets_are_read_well() -> None:
    figures = score(EVAL_DATA)
    floors = PageFigures(n_pages=90, title=0.82, day=0.97, body=0.97)
    assert figures.n_pages == floors.n_pages
    assert figures.title >= floors.title
    assert figures.day >= floors.day
    assert figures.body >= floors.body
