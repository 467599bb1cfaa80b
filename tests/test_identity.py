"""Identity: one page under its many addresses, never two pages under one."""

from __future__ import annotations

import gzip
import json
import os
from collections import defaultdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.identity import article_id, canonical_url, outlet

EVAL = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", "../shared/data"))

PIECES = (
    "http:// https:// www. m. amp. paper.example /amp .amp /index.html / // /. /.. ? & = # #! utm_source=x"
    " id=7 ref p %20 %e2 %fc \udcfc é ß : :80 :443 :8080 user@ google.com/amp/s/ xn--bcher-kva"
    " .html { } < > [ ] \x00 \ud800 ; ga gallery"
)
pieces = st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=3), max_size=9).map("".join)


@given(pieces | pieces.map("https://paper.example".__add__))
def test_canonical_url_of_a_canonical_url_is_itself(url: str) -> None:
    once = canonical_url(url)
    if once is not None:
        assert canonical_url(once) == once
        assert once.startswith("https://")


@pytest.mark.parametrize(
    "url",
    [
        "https://paper.example/2022/bridge",
        "http://paper.example/2022/bridge",
        "HTTPS://WWW.Paper.Example/2022/bridge/",
        "https://paper.example:443/2022/bridge",
        "http://www.paper.example:80/2022/bridge",
        "https://reader:secret@paper.example/2022/bridge",
        "https://paper.example./2022/bridge",
        "  https://paper.example/2022/bridge#comments\n",
        "https://paper.example/2022/bridge#:~:text=opens",
        "https://paper.example/2022/bridge?utm_source=feed&utm_medium=rss",
        "https://paper.example/2022/bridge/?fbclid=abc&gclid=1&ref=home&CMP=share&smid=tw",
        "https://paper.example//2022/bridge/index.html",
        "https://m.paper.example/2022/bridge",
        "https://amp.paper.example/2022/bridge",
        "https://paper.example/amp/2022/bridge",
        "https://paper.example/2022/bridge/amp/",
        "https://paper.example/2022/bridge.amp",
        "https://paper.example/2022/bridge?outputType=amp",
        "https://www.google.com/amp/s/www.paper.example/2022/bridge",
        "https://paper-example.cdn.ampproject.org/c/s/paper.example/2022/bridge",
    ],
)
def test_addresses_of_one_page_are_one_identity(url: str) -> None:
    assert canonical_url(url) == "https://paper.example/2022/bridge"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("/?p=12", "/?p=13"),
        ("/story.php?id=7", "/story.php?id=8"),
        ("/story.php?7", "/story.php?8"),
        ("/story?cid=7001", "/story?cid=7002"),
        ("/show?gallery=3", "/show?gallery=4"),
        ("/Bridge", "/bridge"),
        ("/bridge", "/bridge-2"),
        ("/bridge.html", "/bridge"),
        ("/app#!/story/1", "/app#!/story/2"),
        ("/a?tag=x&tag=y", "/a?tag=y&tag=x"),
        ("/ampere/bridge", "/ere/bridge"),
        ("/artikel?name=M%FCller", "/artikel?name=M%F6ller"),
        ("/artikel?name=M%FCller", "/artikel?name=M%C3%BCller"),
    ],
)
def test_different_pages_keep_different_identities(a: str, b: str) -> None:
    first, second = (canonical_url("https://paper.example" + path) for path in (a, b))
    assert first is not None
    assert first != second


def test_order_of_parameters_does_not_matter() -> None:
    assert canonical_url("https://paper.example/s?b=2&a=1") == canonical_url("https://paper.example/s?a=1&b=2")


def test_other_hosts_and_ports_are_other_sites() -> None:
    hosts = ["paper.example", "sport.paper.example", "paper.example:8080", "m.example", "amp.example"]
    assert len({canonical_url(f"https://{host}/bridge") for host in hosts}) == len(hosts)
    assert canonical_url("https://bücher.example/x") == canonical_url("https://xn--bcher-kva.example/x")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bridge",
        "ftp://paper.example/x",
        "mailto:a@b.example",
        "https://",
        "https:///x",
        "http://[",
        "//x.y/z",
    ],
)
def test_what_is_no_web_address_has_no_canonical_url(url: str) -> None:
    assert canonical_url(url) is None


def test_real_addresses_merge_only_if_they_differ_in_nothing_that_counts() -> None:
    files = sorted(EVAL.glob("news-quiz/*/articles.jsonl.gz"))
    if not files:
        pytest.skip(f"no evaluation data at {EVAL}")
    groups: dict[str | None, set[str]] = defaultdict(set)
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                url = json.loads(line)["url"]
                groups[canonical_url(url)].add(url)
    assert None not in groups
    for urls in groups.values():
        paths = {urlsplit(url).path.rstrip("/").removesuffix("index.html").rstrip("/") for url in urls}
        assert len(paths) == 1, urls


def test_article_without_a_url_is_named_by_its_content() -> None:
    local = article_id("", "Bridge opens", "It opened.")
    assert local.startswith("local:")
    assert len(local) == len("local:") + 16
    assert article_id("file:///x", "Bridge opens", "It opened.\r\n") == local
    assert article_id("", "Bridge opens", "It closed.") != local
    assert article_id("", "Bridge", "opens It opened.") != article_id("", "Bridge opens", "It opened.")
    assert article_id("http://www.paper.example/x/", "a", "b") == "https://paper.example/x"


def test_outlet_is_the_given_name_or_the_host() -> None:
    assert outlet(" The  Paper ", "https://www.paper.example/x") == "The Paper"
    assert outlet("", "https://www.Paper.example:8080/x") == "paper.example"
    assert outlet("", "https://sport.paper.example/x") == "sport.paper.example"
    assert outlet("", "") == outlet(" ", "http://[") == "local"
