"""Sitemaps as sites write them, and which of their pages are taken."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, datetime

import pytest

from ingest.sitemaps import Newest, SitemapEntry, is_sitemap, read_sitemap
from tests.web.faults import packed_zeros

NOW_S = int(datetime(2025, 4, 26, tzinfo=UTC).timestamp())
URL = "https://www.harbour.co.uk/sitemap.xml"
NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def day_s(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def pages(*entries: str, ns: str = NS) -> bytes:
    return f'<?xml version="1.0"?><urlset {ns}>{"".join(entries)}</urlset>'.encode()


def page(loc: str, lastmod: str = "", more: str = "") -> str:
    return f"<url><loc>{loc}</loc>{f'<lastmod>{lastmod}</lastmod>' if lastmod else ''}{more}</url>"


def test_pages_come_in_order_with_their_days() -> None:
    body = pages(
        page(" https://harbour.co.uk/a ", "2025-04-20T10:00:00+02:00"),
        page("/b?x=1&amp;y=2", "2025-04-21"),
        page("https://news.harbour.co.uk/c"),
        page("https://harbour.co.uk/future", "2031-01-01"),
    )
    found = read_sitemap(body, URL, NOW_S)
    assert [(one.url, one.modified_s) for one in found.pages] == [
        ("https://harbour.co.uk/a", day_s("2025-04-20T08:00:00")),
        ("https://www.harbour.co.uk/b?x=1&y=2", day_s("2025-04-21T23:59:59")),
        ("https://news.harbour.co.uk/c", None),
        ("https://harbour.co.uk/future", None),
    ]
    assert (found.sitemaps, found.n_elsewhere, found.is_cut) == ((), 0, False)


@pytest.mark.parametrize("before", [b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n \t"])
def test_what_is_blank_before_the_declaration_does_no_harm(before: bytes) -> None:
    body = before + pages(page("/a"))
    assert is_sitemap(body)
    found = read_sitemap(body, URL, NOW_S)
    assert ([one.url for one in found.pages], found.is_cut) == (["https://www.harbour.co.uk/a"], False)


def test_a_news_sitemap_knows_title_day_and_language() -> None:
    news = (
        "<n:news><n:publication><n:name>Harbour</n:name><n:language>de-AT</n:language></n:publication>"
        "<n:publication_date>2025-04-22T07:00:00Z</n:publication_date><n:title>Fähre\n fährt wieder</n:title></n:news>"
    )
    body = pages(page("/a", "", news), ns=f'{NS} xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"')
    assert read_sitemap(body, URL, NOW_S).pages == (
        SitemapEntry(
            "https://www.harbour.co.uk/a",
            day_s("2025-04-22T07:00:00"),
            "2025-04-22T07:00:00Z",
            "Fähre fährt wieder",
            "de",
        ),
    )


def test_an_image_of_a_page_is_no_page() -> None:
    image = "<i:image><i:loc>/a.jpg</i:loc></i:image>"
    body = pages(page("/a", "", image), ns=f'{NS} xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"')
    assert [one.url for one in read_sitemap(body, URL, NOW_S).pages] == ["https://www.harbour.co.uk/a"]


def test_an_index_names_sitemaps() -> None:
    body = (
        f"<sitemapindex {NS}><sitemap><loc>https://harbour.co.uk/1.xml.gz</loc><lastmod>2025-04-01</lastmod></sitemap>"
        "<sitemap><loc>/2.xml</loc></sitemap></sitemapindex>"
    )
    found = read_sitemap(body.encode(), URL, NOW_S)
    assert [one.url for one in found.sitemaps] == [
        "https://harbour.co.uk/1.xml.gz",
        "https://www.harbour.co.uk/2.xml",
    ]
    assert found.pages == ()


def test_robots_names_sitemaps_too() -> None:
    body = b"User-agent: *\nDisallow: /admin\nSitemap: https://harbour.co.uk/1.xml\n"
    assert is_sitemap(body)
    assert [one.url for one in read_sitemap(body, URL, NOW_S).sitemaps] == ["https://harbour.co.uk/1.xml"]


def test_addresses_of_other_sites_are_left_out_and_counted() -> None:
    body = pages(page("https://harbour.co.uk/a"), page("https://other.example/b"), page("ftp://harbour.co.uk/c"))
    found = read_sitemap(body, URL, NOW_S)
    assert [one.url for one in found.pages] == ["https://harbour.co.uk/a"]
    assert found.n_elsewhere == 1


def test_an_address_that_stands_twice_counts_once() -> None:
    assert len(read_sitemap(pages(page("/a"), page("/a"), page("/b")), URL, NOW_S).pages) == 2


@pytest.mark.parametrize("is_zipped", [False, True])
def test_what_stands_before_the_damage_is_read(is_zipped: bool) -> None:
    body = pages(*(page(f"/{n}") for n in range(200)))
    body = gzip.compress(body)[:-30] if is_zipped else body[: len(body) // 2]
    found = read_sitemap(body, URL, NOW_S)
    assert found.is_cut
    assert [one.url for one in found.pages[:2]] == ["https://www.harbour.co.uk/0", "https://www.harbour.co.uk/1"]
    assert len(found.pages) > 50


def test_a_zipped_sitemap_is_told_by_its_bytes() -> None:
    body = gzip.compress(pages(*(page(f"/{n}") for n in range(2_000))))
    assert is_sitemap(body)
    assert len(read_sitemap(body, URL, NOW_S).pages) == 2_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Sitemap: https://harbour.co.uk/1.xml</body></html>",
        b"<rss><channel/></rss>",
        gzip.compress(b"<html></html>", mtime=0),
        packed_zeros(1_000_000),
        b"\x1f\x8b\x08 broken",
        b'{"url": "https://harbour.co.uk"}',
    ],
)
def test_what_is_no_sitemap_is_not_taken_for_one(body: bytes) -> None:
    assert not is_sitemap(body)


def test_entities_are_neither_fetched_nor_multiplied() -> None:
    bomb = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 12))
    body = b'<!DOCTYPE urlset [<!ENTITY e0 "ha"><!ENTITY x SYSTEM "file:///etc/passwd">' + bomb + b"]>"
    body += b"<urlset><url><loc>/a&e11;&x;</loc></url><url><loc>/b</loc></url></urlset>"
    found = read_sitemap(body, URL, NOW_S)
    assert all(len(one.url) < 100 and "root" not in one.url for one in found.pages)


def test_what_stands_before_the_first_tag_is_read_once() -> None:
    started = time.process_time()
    assert not is_sitemap(b"<!--a-->" * 25 + b"<html>")
    assert not is_sitemap(b"\n" * 20_000)
    assert time.process_time() - started < 1
    assert is_sitemap(b"\xef\xbb\xbf\n<!--a-->" * 25 + b"<!DOCTYPE urlset><sm:urlset>")


def entry(url: str, day: str | None) -> SitemapEntry:
    return SitemapEntry(url, None if day is None else day_s(day))


def test_the_newest_are_taken_and_the_undated_come_last() -> None:
    newest = Newest(3, None)
    newest.add([entry("/a", "2025-04-01"), entry("/b", None), entry("/c", "2025-04-03"), entry("/d", None)])
    assert [one.url for one in newest.entries()] == ["/c", "/a", "/b"]
    newest.add([entry("/e", "2025-04-02"), entry("/c", "2025-04-09")])
    assert [one.url for one in newest.entries()] == ["/c", "/e", "/a"]
    assert (newest.n_over, newest.n_old) == (2, 0)


def test_what_is_known_to_be_older_is_left_out() -> None:
    newest = Newest(9, day_s("2025-04-02"))
    newest.add([entry("/a", "2025-04-01"), entry("/b", "2025-04-02"), entry("/c", None)])
    assert [one.url for one in newest.entries()] == ["/b", "/c"]
    assert newest.n_old == 1


def test_a_sitemap_with_nothing_new_enough_need_not_be_read() -> None:
    newest = Newest(1, day_s("2025-04-01"))
    assert newest.is_beyond(entry("/old.xml", "2025-03-01"))
    assert not newest.is_beyond(entry("/new.xml", "2025-04-01"))
    assert not newest.is_beyond(entry("/unknown.xml", None))
    newest.add([entry("/a", "2025-04-10")])
    assert newest.is_beyond(entry("/new.xml", "2025-04-05"))
    assert not newest.is_beyond(entry("/newer.xml", "2025-04-11"))
