"""The verbs on feeds as a person types them, on a site on loopback: subscribe, watch, ask why, look at the history."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.cards import quote_block
from bot.render import quote_lines
from bot.words import words_for
from index.errors import BadInput
from index.store_feeds import FeedStore
from index.types import Article, Quote, Span
from ingest.feed_commands import why_lines
from ingest.history import article_history
from ingest.identity import canonical_url
from tests.cli import run, start
from tests.feed_support import NOW_S, Item, changed, rss, sentences, story_page, world
from tests.web.loopback import Page, Server, Web, redirect

# The shortest story that is an article, dated so that the real clock of the command line calls it new.
TODAY_S = time.time() - 600


@pytest.fixture
def server() -> Iterator[Server]:
    with Web() as web:
        made = web.host("127.0.0.1")
        base = f"http://127.0.0.1:{made.port}"
        made.routes["/"] = Page(
            '<html><head><link rel="alternate" type="application/rss+xml" href="/comments" title="Comments">'
            '<link rel="alternate" type="application/rss+xml" href="feed"></head><body>Harbour</body></html>'
        )
        made.routes["/feed"] = rss([Item("ferry", TODAY_S)], base)
        made.routes["/ferry"] = story_page("ferry", TODAY_S)
        yield made


@pytest.fixture
def folder(tmp_path: Path, exports: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir()
    (made / "models").symlink_to(exports, target_is_directory=True)
    return made


def newsquote(folder: Path, *words: str) -> str:
    ran = run("--data", str(folder), *words, env={"NEWSQUOTE_FETCH_DELAY_S": "0"})
    assert ran.code == 0, ran.err
    return ran.out


def test_from_a_sites_page_to_a_quote_and_its_correction(server: Server, folder: Path) -> None:
    base = f"http://127.0.0.1:{server.port}"
    said = newsquote(folder, "feeds", "add", f"{base}/", "--allow-private", "--source", "Harbour Post")
    assert said == f"Subscribed to Harbour ({base}/feed, 1 entry).\n"
    assert newsquote(folder, "feeds", "add", f"{base}/feed", "--allow-private").startswith("Already subscribed")
    assert newsquote(folder, "watch", "--once", "--allow-private") == (
        "1 feed polled; 1 new entry; articles: 1 new; the live index is now 000001\n"
    )
    first = sentences("ferry", 1).rstrip(".")
    answer = json.loads(newsquote(folder, "ask", first, "--json", "--never-refuse"))
    assert answer["quotes"][0]["url"] == f"{base}/ferry"
    assert answer["quotes"][0]["source"] == "Harbour Post"
    assert "corrected" not in answer["quotes"][0]
    assert "1: 0 failing, 0 stale; 0 entries waiting" in newsquote(folder, "status")
    assert json.loads(newsquote(folder, "status", "--json"))["feeds"] == 1
    why = newsquote(folder, "feeds", "why", f"{base}/ferry")
    assert "in the corpus" in why
    assert "new: stored" in why

    page = server.routes["/ferry"]
    assert isinstance(page, Page)
    server.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
    with FeedStore(folder, write=True) as store, store.transaction():
        store._db.execute("UPDATE pages SET next_s = 1")
    assert "articles: 1 changed" in newsquote(folder, "watch", "--once", "--allow-private")
    shown = newsquote(folder, "history", f"{base}/ferry")
    assert ": 2 versions\n" in shown
    assert "  note: Correction: the tide was lower." in shown
    assert "\n+Correction: the tide was lower." in shown
    versions = json.loads(newsquote(folder, "history", f"{base}/ferry", "--json"))["versions"]
    assert [one["correction"] for one in versions] == [None, "Correction: the tide was lower."]
    assert versions[0]["valid_to"] == versions[1]["valid_from"]


def test_a_quote_of_a_version_that_was_corrected_since_says_so_everywhere() -> None:
    article = Article("x", 1, "https://x.example/1", "T", "2025-04-01", None, "X", (), "The tide was low.")
    later = replace(article, corrected_s=1_745_582_400)
    for one, is_told in ((article, False), (later, True)):
        quote = Quote(one, Span(0, 17), "The tide was low.", 1.0)
        assert ("The article was corrected on 2025-04-25" in quote_lines(quote, colour=False, width=200)) is is_told
        assert ("the article was corrected after" in quote_block(quote, words_for("en")).description) is is_told
        assert ("berichtigt" in quote_block(quote, words_for("de")).description) is is_told


def test_an_article_is_told_of_by_its_own_address_and_by_that_of_its_feed(tmp_path: Path) -> None:
    with world(tmp_path / "data") as site:
        own, named = f"{site.base}/real/ferry", f"{site.base}/r/1"
        site.site.routes["/real/ferry"] = story_page("ferry", NOW_S, more=f'<link rel="canonical" href="{own}">')
        site.site.routes["/r/1"] = redirect("/real/ferry")
        site.items = [Item("ferry", NOW_S, url=named)]
        site.show()
        site.subscribe()
        site.round()
        article = canonical_url(own)
        with site.store() as store:
            by_feed, by_own = why_lines(store, named, 90), why_lines(store, own, 90)
            assert article_history(store, named) == article_history(store, own)
    assert f": in the corpus, as {article}\n" in by_feed
    assert f"{article}: in the corpus\n  in {site.feed_url} since" in by_own
    assert f"at {canonical_url(named)}  new: stored\n  the page {named} was fetched" in by_own


def test_a_live_blog_of_updates_alone_is_in_the_corpus_by_them_until_they_are_retracted(tmp_path: Path) -> None:
    with world(tmp_path / "data") as site:
        updates = [
            {
                "@type": "BlogPosting",
                "url": f"#u{n}",
                "datePublished": f"2025-04-25T0{n}:00:00Z",
                "articleBody": sentences(f"u{n}", 4),
            }
            for n in range(3)
        ]
        blog = {"@type": "LiveBlogPosting", "url": f"{site.base}/live", "liveBlogUpdate": updates}
        site.site.routes["/live"] = Page(
            f'<html><head><title>Live</title><script type="application/ld+json">{json.dumps(blog)}</script></head>'
            "<body><article><h1>Live</h1></article></body></html>"
        )
        site.items = [Item("live", NOW_S)]
        site.show()
        site.subscribe()
        site.round()
        url = f"{site.base}/live"
        with site.store() as store:
            assert ": in the corpus by 3 updates of it\n" in why_lines(store, url, 90)
            with pytest.raises(BadInput, match=r"is in the corpus by 3 updates of it; name one, such as \S+#u0\."):
                article_history(store, url)
        with FeedStore(site.folder, write=True) as store:
            store.remove_gone(canonical_url(url) or "", "its page was gone", NOW_S)
            assert ": retracted\n" in why_lines(store, url, 90)
            with pytest.raises(BadInput, match="is not in the corpus"):
                article_history(store, url)


def without_created(opml: str) -> str:
    """Two exports may fall into two seconds."""
    without, n_dates = re.subn("<dateCreated>[^<]+</dateCreated>", "", opml)
    assert n_dates == 1
    return without


def test_subscriptions_go_out_as_opml_and_come_back(server: Server, tmp_path: Path) -> None:
    base = f"http://127.0.0.1:{server.port}"
    one, other = tmp_path / "one", tmp_path / "other"
    newsquote(one, "feeds", "add", f"{base}/feed", "--allow-private", "--source", "Harbour Post")
    newsquote(one, "feeds", "export", str(tmp_path / "x.opml"))
    printed, written = newsquote(one, "feeds", "export"), (tmp_path / "x.opml").read_bytes().decode()
    assert without_created(printed) == without_created(written)
    assert newsquote(other, "feeds", "import", str(tmp_path / "x.opml")) == "1 subscription added, 0 there already.\n"
    assert newsquote(other, "feeds", "import", str(tmp_path / "x.opml")) == "0 subscriptions added, 1 there already.\n"
    rows = [json.loads(line) for line in newsquote(other, "feeds", "list", "--json").splitlines()]
    assert [(row["url"], row["title"], row["source"]) for row in rows] == [(f"{base}/feed", "Harbour", "Harbour Post")]
    assert datetime.fromisoformat(rows[0]["added"]).tzinfo is UTC
    assert rows[0]["polled"] is None
    assert " UTC" in newsquote(other, "feeds", "list")
    assert "Harbour" in newsquote(other, "feeds", "list")
    assert newsquote(other, "feeds", "remove", "harbour").startswith("No longer subscribed")
    assert newsquote(other, "feeds", "list") == "No subscriptions; `newsquote feeds add URL` makes one.\n"


def test_entries_that_no_feed_can_be_at_are_counted(tmp_path: Path) -> None:
    listed = tmp_path / "x.opml"
    listed.write_text('<opml><body><outline xmlUrl="a.example/feed"/><outline xmlUrl="mailto:x"/></body></opml>')
    ran = run("--data", str(tmp_path), "feeds", "import", str(listed))
    assert (ran.code, ran.out) == (0, "1 subscription added, 0 there already.\n")
    assert ran.err == f"{listed}: 1 entry was left out: no http or https address of a feed\n"


def test_an_opml_file_and_a_feeds_file_are_ingested_by_what_they_hold(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{server.port}"
    listed = tmp_path / "list.txt"
    listed.write_text(f'<opml version="2.0"><body><outline xmlUrl="{base}/feed"/></body></opml>')
    local = tmp_path / "feed.dat"
    feed = rss(
        [Item("local", TODAY_S, url="https://paper.example/local", content=f"<p>{sentences('local', 9)}</p>")], base
    )
    assert isinstance(feed.body, str)
    local.write_text(feed.body)
    newsquote(folder, "ingest", str(listed), str(local), "--allow-private")
    with FeedStore(folder) as store:
        assert {one.url: one.text for one, _ in store.export()} == {
            f"{base}/ferry": sentences("ferry", 14),
            "https://paper.example/local": sentences("local", 9),
        }
        assert store.feeds() == []


def test_an_opml_file_at_an_address_is_read_and_subscribed_to_like_a_file(server: Server, folder: Path) -> None:
    base = f"http://127.0.0.1:{server.port}"
    outlines = (f"{base}/feed", f"{base}/list", f"{base}/missing", "mailto:x")
    listed = "".join(f'<outline xmlUrl="{url}"/>' for url in outlines)
    server.routes["/list"] = Page(f"<opml><body>{listed}</body></opml>", content_type="text/x-opml")
    ran = run("--data", str(folder), "ingest", f"{base}/list", "--allow-private", env={"NEWSQUOTE_FETCH_DELAY_S": "0"})
    assert ran.code == 1  # for what it lists and is not there
    assert f"{base}/list: 1 entry was left out" in ran.err
    with FeedStore(folder) as store:
        assert [one.url for one, _ in store.export()] == [f"{base}/ferry"]
    said = newsquote(folder, "feeds", "import", f"{base}/list", "--allow-private")
    assert said == "3 subscriptions added, 0 there already.\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("feeds", "import", "BASE/feed"), "is not public"),
        (("feeds", "import", "BASE/feed", "--allow-private"), "is no OPML"),
        (("feeds", "add", "BASE/ferry", "--allow-private"), "is no feed and names none"),
        (("feeds", "add", "BASE/missing", "--allow-private"), "there is nothing at this address"),
        (("feeds", "add", "BASE/feed"), "is not public"),
        (("feeds", "remove", "BASE/feedd"), "There is no subscription to"),
        (("feeds", "import", "missing.opml"), "missing.opml cannot be read"),
        (("feeds", "why", "mailto:x"), "is no http or https address"),
        (("history", "https://paper.example/x"), "is not in the corpus"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(server: Server, tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    base = f"http://127.0.0.1:{server.port}"
    newsquote(tmp_path, "feeds", "add", f"{base}/feed", "--allow-private")
    ran = run("--data", str(tmp_path), *(word.replace("BASE", base) for word in words))
    assert ran.code == 1
    assert says in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_watcher_cleanly_within_seconds(server: Server, tmp_path: Path, number: int) -> None:
    base = f"http://127.0.0.1:{server.port}"
    server.routes["/feed"] = rss([], base)
    newsquote(tmp_path, "feeds", "add", f"{base}/feed", "--allow-private")
    with start("--data", str(tmp_path), "watch", "--allow-private") as child:
        limit = time.monotonic() + 60
        while server.n_of("/feed") < 2 and time.monotonic() < limit:
            time.sleep(0.05)
        time.sleep(0.5)
        started = time.monotonic()
        os.kill(child.pid, number)
        out, err = child.communicate(timeout=20)
    assert time.monotonic() - started < 6
    assert child.returncode == 0, err
    assert out == b"1 feed polled; 0 new entries\n"
    assert b"Traceback" not in err
