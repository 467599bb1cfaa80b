"""What sites allow: patterns of paths, delays, and tags in headers and heads, also hostile ones."""

from __future__ import annotations

import time

import pytest

from ingest.robots import MAX_CRAWL_DELAY_S, header_opt_out, page_opt_out, read_robots, read_tdm

URL = "https://news.test/a/b?c=d"


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("/", True),
        ("/a", True),
        ("/b", False),
        ("*", True),
        ("/*/b", True),
        ("/*/b$", False),
        ("/*c=d$", True),
        ("/a/b?c=d$", True),
        ("/a/b$", False),
        ("/a*b*d$", True),
        ("/a/b?c=d*$", True),
        ("/a/b?c=d*d$", False),
        ("", True),
    ],
)
def test_reservations_are_read_like_patterns_of_robots(pattern: str, matches: bool) -> None:
    rules = read_tdm(f'[{{"location": "{pattern}", "tdm-reservation": 1}}]'.encode())
    assert rules.reserves(URL) is matches


def test_the_first_pattern_that_matches_decides() -> None:
    body = b'[{"location": "/a/*", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": "1"}]'
    assert not read_tdm(body).reserves(URL)
    assert read_tdm(body).reserves("https://news.test")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b"[1, null, {}]", b'{"location": 5}', b"[" * 100_000, b'"\xff"']
)
def test_what_is_no_reservation_reserves_nothing(body: bytes) -> None:
    assert not read_tdm(body).reserves(URL)


def test_a_single_rule_need_not_be_in_a_list() -> None:
    assert read_tdm(b'{"location": "/", "tdm-reservation": 1}').reserves(URL)


@pytest.mark.parametrize(
    ("rules", "delay_s"),
    [
        ("User-agent: *\nCrawl-delay: 5", 5.0),
        ("User-agent: *\nCrawl-delay: 0.5\nRequest-rate: 1/10s", 10.0),
        ("User-agent: newsquote\nCrawl-delay: 2\n\nUser-agent: *\nCrawl-delay: 20", 2.0),
        ("User-agent: *\nCrawl-delay: 99999", MAX_CRAWL_DELAY_S),
        ("User-agent: *\nCrawl-delay: -5", 0.0),
        ("User-agent: *\nCrawl-delay: soon", 0.0),
        ("", 0.0),
    ],
)
def test_the_delay_that_a_site_wants_is_kept_within_measure(rules: str, delay_s: float) -> None:
    assert read_robots(rules.encode()).delay_s("newsquote") == delay_s


def test_sitemaps_are_named_by_robots() -> None:
    rules = read_robots(
        b"Sitemap: https://news.test/a.xml\nUser-agent: *\nDisallow: /\nSitemap: https://news.test/b.xml"
    )
    assert rules.sitemaps() == ("https://news.test/a.xml", "https://news.test/b.xml")


@pytest.mark.parametrize(
    "body", [b"\xff\xfe\x00", b"\0" * 1_000, b":\n::\n", b"Disallow: /" + b"*" * 5_000, b"a" * 600_000]
)
def test_no_robots_is_too_strange_or_keeps_us_waiting(body: bytes) -> None:
    started = time.monotonic()
    assert read_robots(b"User-agent: *\n" + body).allows("https://news.test/" + "a" * 2_000, "newsquote") in (
        True,
        False,
    )
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("tag", "is_page", "found"),
    [
        ("noindex", True, "X-Robots-Tag: noindex"),
        ("*: noindex", True, "X-Robots-Tag: noindex"),
        ("noindex", False, ""),
        ("noai, noimageai", False, "X-Robots-Tag: noai"),
        ("nofollow, max-snippet: 0", True, "X-Robots-Tag: max-snippet:0"),
        ("max-snippet: -1", True, ""),
        ("otherbot: noindex, newsquote: nosnippet", True, "X-Robots-Tag: nosnippet"),
        ("newsquote: nofollow, otherbot: noindex, nosnippet", True, ""),
        ("unavailable_after: 25 Jun 2010 15:00:00 PST, noindex", True, "X-Robots-Tag: noindex"),
        ("otherbot: nofollow\nnoai", True, "X-Robots-Tag: noai"),
    ],
)
def test_tags_of_replies_are_for_everyone_or_for_one_agent(tag: str, is_page: bool, found: str) -> None:
    assert header_opt_out({"x-robots-tag": tag}, "newsquote", is_page=is_page) == found


def test_only_the_head_of_a_page_speaks_for_it() -> None:
    tag = b'<meta name="robots" content="noindex">'
    assert page_opt_out(b"<head>" + tag + b"</head><body>", "newsquote")
    assert not page_opt_out(b"<head></head><body>" + tag, "newsquote")
    assert not page_opt_out(b"<head><!--" + tag + b"--></head>", "newsquote")
    for inside in (b'<SCRIPT>x = "<body>";</SCRIPT >', b"<title>The </head> tag</title>", b"<style>/*<body>*/</style>"):
        assert page_opt_out(b"<head>" + inside + tag + b"</head><body>", "newsquote")
    assert not page_opt_out(b"<head><script>'" + tag + b"'</script></head>", "newsquote")


@pytest.mark.parametrize(
    "page",
    [
        *(b"<!--" * 100_000, b"<meta " * 60_000, b'<meta a="' * 50_000, b"<meta name=" * 40_000),
        (b"<meta " + b"a" * 1_990 + b">") * 200,
        b"<script>" * 50_000,
        b"<script></script>" * 23_000,
    ],
)
def test_no_head_keeps_us_waiting(page: bytes) -> None:
    started = time.monotonic()
    assert page_opt_out(page, "newsquote") == ""
    assert time.monotonic() - started < 2
