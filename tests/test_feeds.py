"""Feeds of every kind, read from bytes: entries, their keys and dates, the feed's rhythm; OPML; a page's feeds."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from index.errors import FeedError
from ingest.feed_kind import feed_kind
from ingest.feed_lists import Outline, linked_feeds, opml, parse_opml
from ingest.feeds import (
    MAX_ENTRIES,
    Entry,
    Rhythm,
    entry_draft,
    entry_text,
    is_whole,
    parse_feed,
    read_entry,
)

URL = "https://paper.example/news/feed.xml"
DATA = Path(os.environ.get("NEWSQUOTE_EVAL_DATA") or Path(__file__).parent.parent.parent / "shared" / "data") / "feeds"

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-GB">
<title type="html">The &lt;b&gt;Paper&lt;/b&gt;</title><link href="/"/>
<entry><id>tag:1</id><title type="html">AT&amp;amp;T &lt;i&gt;up&lt;/i&gt;</title><link href="a/1#top"/>
<link rel="enclosure" href="x.mp3"/><published>2025-04-01T10:00:00+02:00</published>
<updated>2025-04-02T10:00:00Z</updated><author><name>A. One</name></author><author><name>B. Two</name></author>
<summary>Short.</summary>
<content type="html">&lt;p&gt;First &lt;b&gt;part&lt;/b&gt;.&lt;/p&gt;&lt;p&gt;Second.&lt;/p&gt;</content></entry>
<entry><id>tag:2</id><title type="text">1 &lt; 2 &amp; 3</title><link href="https://other.example/2"/>
<updated>2025-04-03T00:00:00Z</updated></entry></feed>"""


def rss(items: str, head: str = "") -> bytes:
    return f'<rss version="2.0"><channel><title>T</title>{head}{items}</channel></rss>'.encode()


def one(xml: str) -> Entry:
    (entry,) = parse_feed(rss(xml), URL).entries
    return entry


def test_an_atom_feed_gives_its_entries() -> None:
    feed = parse_feed(ATOM.encode(), URL)
    assert (feed.title, feed.site, feed.warnings) == ("The Paper", "https://paper.example/", ())
    first, second = feed.entries
    assert (first.title, second.title) == ("AT&T up", "1 < 2 & 3")
    assert (first.url, first.page) == ("https://paper.example/news/a/1#top", "https://paper.example/news/a/1")
    assert (first.published, first.updated) == ("2025-04-01T10:00:00+02:00", "2025-04-02T10:00:00+00:00")
    assert (second.published, second.updated) == ("2025-04-03T00:00:00+00:00", "")
    assert first.authors == ("A. One", "B. Two")
    assert entry_text(first) == "First part.\n\nSecond."
    assert first.is_full
    assert read_entry(first.model_dump_json()) == first


def test_a_json_feed_gives_its_entries() -> None:
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Paper",
        "home_page_url": "/",
        "language": "de",
        "items": [
            {
                "id": 7,
                "url": "/7",
                "title": "Sieben",
                "content_html": "<p>Ein Wort.</p>",
                "date_published": "2025-04-01",
            },
            {"id": "8", "external_url": "https://other.example/8", "summary": "Kurz.", "authors": [{"name": "C"}]},
            "nonsense",
        ],
    }
    feed = parse_feed(json.dumps(body).encode(), URL)
    assert [(one.guid, one.url, one.language, one.is_full) for one in feed.entries] == [
        ("7", "https://paper.example/7", "de", True),
        ("8", "https://other.example/8", "de", False),
    ]
    assert [entry_text(one) for one in feed.entries] == ["Ein Wort.", "Kurz."]


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ("Tue, 01 Apr 2025 10:00:00 EST", "2025-04-01T10:00:00-05:00"),
        ("2025-04-01T10:00Z", "2025-04-01T10:00:00+00:00"),
        ("Di, 1. April", "Di, 1. April"),
        ("", ""),
    ],
)
def test_a_date_is_read_where_it_can_be_and_else_kept_as_written(written: str, published: str) -> None:
    assert one(f"<item><link>/x</link><pubDate>{written}</pubDate></item>").published == published


def test_an_entry_is_known_by_guid_and_address_together() -> None:
    item = "<item><guid isPermaLink='false'>{}</guid><link>{}</link></item>"
    base = one(item.format("g", "/a"))
    assert one(item.format("g", "/a?utm_source=feed")).key == base.key
    assert one(item.format("g", "/b")).key != base.key
    assert one(item.format("h", "/a")).key != base.key
    assert one("<item><title>A</title></item>").key != one("<item><title>B</title></item>").key


def test_a_feed_says_when_to_come_back() -> None:
    head = (
        "<ttl>90</ttl><skipHours><hour>1</hour><hour>23</hour></skipHours>"
        "<skipDays><day>Sunday</day><day>Saturday</day></skipDays>"
    )
    rhythm = parse_feed(rss("", head), URL).rhythm
    assert rhythm == Rhythm(5_400, frozenset({1, 23}), frozenset({5, 6}))
    assert Rhythm.read(rhythm.written()) == rhythm
    assert Rhythm.read(Rhythm().written()) == Rhythm()
    syndication = (
        b'<rss version="2.0" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel><title>T</title>'
        b"<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency></channel></rss>"
    )
    assert parse_feed(syndication, URL).rhythm.ttl_s == 21_600


def test_of_a_very_long_feed_both_ends_are_read_in_little_time() -> None:
    items = "".join(f"<item><link>/{n}</link><description>{'word ' * 60}</description></item>" for n in range(20_000))
    started = time.process_time()
    feed = parse_feed(rss(items), URL)
    assert time.process_time() - started < 8
    assert feed.warnings == ("long",)
    assert len(feed.entries) == MAX_ENTRIES
    assert (feed.entries[0].url, feed.entries[-1].url) == (
        "https://paper.example/0",
        "https://paper.example/19999",
    )


@pytest.mark.parametrize("entry", ["<item/>", "<item />", "<item>"])
def test_entries_without_an_end_are_counted_like_others(entry: str) -> None:
    started = time.process_time()
    assert "long" in parse_feed(rss(entry * 400_000), URL).warnings
    assert time.process_time() - started < 8


@pytest.mark.parametrize(
    "items",
    [
        "<title>" * 250_000,
        "<item><description>" + "<a " * 250_000,
        "<item " + " ".join(f"a{n}='x'" for n in range(20_000)) + "/>",
        "".join(f'<x xmlns:a{n}="https://x.example/{n}"/>' for n in range(5_000)),
    ],
    ids=["tags", "half tags", "attributes", "prefixes"],
)
def test_a_feed_with_more_markup_than_any_is_refused_at_once(items: str) -> None:
    started = time.process_time()
    with pytest.raises(FeedError, match="has more markup than any feed"):
        parse_feed(rss(items), URL)
    assert time.process_time() - started < 1


def test_of_entries_with_much_markup_fewer_are_read_and_the_ends_first() -> None:
    paragraphs = "<p>A <b>word</b> of <a href='/x'>news</a>.</p>" * 80
    entries = "".join(
        f"<entry><id>{n}</id><title>{n}</title><link href='/{n}'/><content type='xhtml'>"
        f"<div xmlns='http://www.w3.org/1999/xhtml'>{paragraphs}</div></content></entry>"
        for n in range(500)
    )
    atom = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title><id>f</id>{entries}</feed>"
    feed = parse_feed(atom.encode(), URL)
    assert feed.warnings == ("long",)
    assert 200 < len(feed.entries) < 500
    assert (feed.entries[0].title, feed.entries[-1].title) == ("0", "499")


def test_what_is_written_about_entries_is_none() -> None:
    text = "<![CDATA[an <item > and an <entry>]]>"
    items = "".join(f"<item><link>/{n}</link><description>{text}</description></item>" for n in range(600))
    feed = parse_feed(rss(items + "<!-- <item> -->" * 600), URL)
    assert (len(feed.entries), feed.warnings) == (600, ())


def test_tags_in_an_entrys_text_do_not_count_as_the_feeds() -> None:
    text = f"<item><link>/1</link><description><![CDATA[{'<p>word</p>' * 20_000}]]></description></item>"
    assert len(parse_feed(rss(text * 10), URL).entries) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is empty and no feed"),
        (b"<!doctype html><html><body>x</body></html>", "is a page of HTML and no feed"),
        (b'{"a": 1}', "is JSON and no feed"),
        (b"<svg></svg>", "is markup that begins with <svg> and no feed"),
        (b"<opml version='2.0'/>", "is a list of feeds (OPML)"),
        (b"words", "is no markup and no feed"),
    ],
)
def test_what_is_no_feed_says_what_it_is(body: bytes, says: str) -> None:
    with pytest.raises(FeedError) as refusal:
        parse_feed(body, URL)
    assert says in str(refusal.value)


def test_a_feed_opens_no_file_and_no_address() -> None:
    bomb = (
        b'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
        b"<rss version='2.0'><channel><title>&x;</title><item><link>/1</link><title>a&x;b</title>"
        b"</item></channel></rss>"
    )
    hostname = Path("/etc/hostname").read_text().strip() if Path("/etc/hostname").exists() else "no such name"
    for entry in parse_feed(bomb, URL).entries:
        assert hostname not in entry.title


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_encoding_that_a_feed_declares_goes_before_the_servers(mark: bytes) -> None:
    body = mark + b'<?xml version="1.0" encoding="utf-8"?>' + rss("<item><title>Öl</title></item>")
    assert parse_feed(body, URL, "iso-8859-1").entries[0].title == "Öl"
    latin = rss("<item><title>Öl</title></item>").decode().encode("latin-1")
    assert parse_feed(latin, URL, "iso-8859-1").entries[0].title == "Öl"


def test_a_teaser_is_told_from_a_whole_text() -> None:
    words = "word " * 200
    assert is_whole(Entry(is_full=True), "A short notice.")
    assert not is_whole(Entry(is_full=True), "It goes on […]")
    assert not is_whole(Entry(), "A short summary.")
    assert is_whole(Entry(), words)
    assert is_whole(Entry(), "市长表示，工程将于三月开工。" * 30)
    draft = entry_draft(Entry(url="https://x.example/1", content="Short."), URL, origin="x")
    assert draft.is_stub
    assert json.loads(draft.extra) == {"feed": {"url": URL, "text_from": "feed summary"}}


def test_opml_comes_back_as_it_went_out() -> None:
    outlines = [
        Outline("https://a.example/f?x=1&y=2", "A & <B>\0", "https://a.example/"),
        Outline("https://b.example/f", source="The B & Post"),
    ]
    assert parse_opml(opml(outlines, "now"), "x") == (
        [
            Outline("https://a.example/f?x=1&y=2", "A & <B>", "https://a.example/"),
            Outline("https://b.example/f", "https://b.example/f", source="The B & Post"),
        ],
        0,
    )


@pytest.mark.parametrize("before", [b"", b'<!ENTITY a "]><rss>"> '])
@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32"])
def test_an_entity_of_a_feeds_own_is_not_multiplied(before: bytes, charset: str) -> None:
    doctype = b"<!DOCTYPE rss [" + before + b'<!ENTITY e "' + b"A" * 10_000 + b'">]>'
    item = f"<item><link>/1</link><title>One</title><description>{'&e;' * 300}</description></item>"
    body = b'<?xml version="1.0"?>' + doctype + rss(item)
    (entry,) = parse_feed(body.decode().encode(charset), URL).entries
    assert (entry.title, len(entry.content) < 2_000) == ("One", True)


def test_a_feed_is_read_in_charsets_of_text_alone() -> None:
    item = "<item><link>/1</link><title>Zoë</title></item>"
    declared = '<?xml version="1.0" encoding="%s"?>'
    for charset in ("iso-8859-1", "windows-1252", "utf-16", "utf-8-sig"):
        body = (declared % charset + rss(item).decode()).encode(charset)
        assert [entry.title for entry in parse_feed(body, URL).entries] == ["Zoë"], charset
    assert [entry.title for entry in parse_feed(rss(item).decode().encode("cp1252"), URL, "cp1252").entries] == ["Zoë"]
    odd = b'<?xml version="1.0" encoding="punycode"?>' + rss(item)
    assert [entry.title for entry in parse_feed(odd, URL, "punycode").entries] == ["Zoë"]
    seven = (declared % "utf-7").encode() + rss("<item><link>/1</link><title>Zo+AOs-</title></item>")
    assert [entry.title for entry in parse_feed(seven, URL).entries] == ["Zo+AOs-"]


def test_half_a_pair_of_surrogates_goes_no_further() -> None:
    item = "<item><link>/1</link><title>A&#55357;b &#xd83D;c &#55357d &#553570;</title></item>"
    assert [entry.title for entry in parse_feed(rss(item), URL).entries] == ["A\ufffdb \ufffdc \ufffdd \U00087262"]
    feed = parse_feed(
        rb"""{"version": "https://jsonfeed.org/version/1.1", "title": "T \ud83d", "items": [{"id": "1 \ud83d",
        "url": "/1", "title": "A \udc00", "content_text": "B \ud83d",
        "authors": [{"name": "C \ud83d"}, {"url": "/c"}]}]}""",
        URL,
    )
    (entry,) = feed.entries
    assert (feed.title, entry.guid, entry.title, entry.content) == ("T \ufffd", "1 \ufffd", "A \ufffd", "B \ufffd")
    assert entry.authors == ("C \ufffd",)


def test_no_feed_keeps_the_reader_waiting() -> None:
    started = time.process_time()
    parse_feed(rss("<item><link>/1</link></item>", f"<!--{'<skipHours>' * 200_000}-->"), URL)
    assert not is_whole(Entry(is_full=True), "Read more " + " " * 50_000)
    assert is_whole(Entry(is_full=True), "Read more" + " " * 50_000 + "x")
    assert time.process_time() - started < 4


def test_opml_is_read_at_any_depth_and_without_its_mistakes() -> None:
    body = b"""<opml><body><outline text="News"><outline XMLURL="https://a.example/f" title="A"/>
    <outline xmlUrl="https://a.example/f"/><outline xmlUrl="javascript:x"/></outline><outline text="none">
    <outline xmlUrl="b.example/feed"/></body>"""
    assert parse_opml(body, "x") == ([Outline("https://a.example/f", "A"), Outline("https://b.example/feed")], 1)
    for bad in (b"<opml><body/></opml>", b"<rss/>", b"words"):
        with pytest.raises(FeedError):
            parse_opml(bad, "x")


def test_a_page_names_its_feeds_comments_last() -> None:
    page = b"""<html><head><base href="/sub/"><link rel=alternate type="application/rss+xml" href="comments/feed">
    <link rel="ALTERNATE" type="application/atom+xml; charset=utf-8" href="atom.xml" title="Main">
    <link rel="alternate" hreflang="de" href="/de"></head></html>"""
    assert [one.url for one in linked_feeds(page, "https://x.example/y")] == [
        "https://x.example/sub/atom.xml",
        "https://x.example/sub/comments/feed",
    ]
    bare = b'<html><body><a href="/about">About</a><a href="/rss.xml">RSS</a><a href="/feedback">x</a></body></html>'
    assert [one.url for one in linked_feeds(bare, "https://x.example/")] == ["https://x.example/rss.xml"]


def test_a_kind_is_told_in_no_time_whatever_stands_before_the_first_tag() -> None:
    started = time.process_time()
    assert feed_kind(b"<!-- a -->" * 6_000 + b"x") is None
    assert feed_kind(b"<?x?>" * 5_000 + b"<rss>") == "feed"
    assert time.process_time() - started < 1
    assert feed_kind("\ufeff<feed>".encode("utf-16")) == "feed"
    assert feed_kind(b'{"version": "https://jsonfeed.org/version/1", "items": []}') == "json feed"
    assert feed_kind(b'{"url": "https://x.example/", "text": "x"}') is None


@pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no real feeds in {DATA}")
def test_every_real_feed_gives_its_entries_or_one_clear_reason() -> None:
    refused = {}
    for path in sorted(DATA.iterdir()):
        try:
            feed = parse_feed(path.read_bytes(), URL)
        except FeedError as error:
            refused[path.name] = error.why
            continue
        assert feed.entries, path.name
        for entry in feed.entries:
            assert entry.title or entry.url, path.name
            entry_text(entry)
    assert set(refused.values()) <= {
        f"is markup that begins with <{tag}> and no feed; name the feed's own address." for tag in ("p", "img")
    }
    assert len(refused) == 5
