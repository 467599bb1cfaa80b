"""Addresses as a source, on real servers: pages, sitemaps, feeds, walls, and runs that are cut off."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.errors import BadInput
from index.store_feeds import FeedStore
from ingest.backup import retraction_record
from ingest.draft import Draft, Flush, Reject
from ingest.fetch import Fetcher, FetchPolicy
from ingest.page_log import Known, PageMemory, Visited
from ingest.records import Given
from ingest.web import RECENT_S, TRUST_VALIDATOR_S, WebSource
from tests.cli import ROOT, run
from tests.crawl_torture import CHILD, n_stored
from tests.web.loopback import LOOPBACK, Clock, Page, Request, Server, Web, redirect
from tests.web.stories import CONSENT_WALL, PAYWALL, SCRIPT_ONLY, paragraphs, sitemap, story

NOW_S = int(datetime(2025, 4, 26, tzinfo=UTC).timestamp())
POLICY = FetchPolicy(timeout_s=5.0, delay_s=1.0, private_networks=(f"{LOOPBACK}/32",))


@pytest.fixture
def site(web: Web) -> Server:
    return web.host("news.test")


class KeptLog:
    """A page log in memory."""

    def __init__(self) -> None:
        self.pages: dict[str, Known] = {}
        self.visited: list[Visited] = []

    def memory(self) -> PageMemory:
        return self

    def known(self, url: str) -> Known | None:
        return self.pages.get(url)

    def close(self) -> None:
        return

    def record(self, visited: Iterable[Visited], now_s: int) -> None:
        for one in visited:
            self.visited.append(one)
            if one.is_settled:
                self.pages[one.url] = Known(now_s, one.etag, one.last_modified, one.is_gone)


def source(web: Web, *urls: str, clock: Clock | None = None, log: KeptLog | None = None, **more: object) -> WebSource:
    clock = clock or Clock(NOW_S)
    made = WebSource(
        urls,
        lambda: Fetcher(POLICY, clock=clock, sleep=clock.sleep, resolver=web.lookup),
        clock,
        **more,  # type: ignore[arg-type]
    )
    if log is not None:
        made.remember(log)
    return made


def read(one: WebSource) -> list[Draft | Reject]:
    return [item for item in one.articles() if not isinstance(item, Flush)]


def failing(one: WebSource) -> tuple[list[Draft | Reject], str]:
    found: list[Draft | Reject] = []
    with pytest.raises(BadInput) as caught:
        found.extend(item for item in one.articles() if not isinstance(item, Flush))
    return found, str(caught.value)


def drafts(found: Iterable[Draft | Reject]) -> list[Draft]:
    return [one for one in found if isinstance(one, Draft)]


def reasons(found: Iterable[Draft | Reject]) -> list[str]:
    return [one.reason for one in found if isinstance(one, Reject)]


def of(server: Server, path: str, name: str = "news.test") -> str:
    return f"http://{name}:{server.port}{path}"


def n_stories(site: Server, n: int, lastmod: str = "") -> str:
    """Put stories and a sitemap of them on a site; the sitemap's address."""
    for i in range(n):
        site.routes[f"/{i}"] = Page(story(i), etag=f'"{i}"')
    site.routes["/sitemap.xml"] = Page(
        sitemap(*((of(site, f"/{i}"), lastmod) for i in range(n))), content_type="application/xml"
    )
    return of(site, "/sitemap.xml")


# Pages ----------------------------------------------------------------------------------------------------


def test_a_page_is_read_under_its_address(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7))
    (draft,) = drafts(read(source(web, of(site, "/7"))))
    assert draft.text.split("\n\n") == paragraphs(7)
    assert (draft.url, draft.origin, draft.language) == (of(site, "/7"), of(site, "/7"), "en")
    assert draft.published == "2025-04-18T08:00:00+00:00"


def test_pages_come_in_the_order_in_which_they_were_named(web: Web, site: Server) -> None:
    other = web.host("other.test")
    urls = []
    for i in range(8):
        server, name = (site, "news.test") if i % 2 else (other, "other.test")
        server.routes[f"/{i}"] = Page(story(i))
        urls.append(of(server, f"/{i}", name))
    assert [draft.url for draft in drafts(read(source(web, *urls, urls[0])))] == urls


def test_a_page_is_called_by_the_address_that_it_moved_to(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7))
    site.routes["/old"] = redirect("/7", 301)
    (draft,) = drafts(read(source(web, of(site, "/old"))))
    assert (draft.url, draft.origin) == (of(site, "/7"), of(site, "/old"))


def test_a_canonical_address_on_another_site_is_not_believed(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7, head='<link rel="canonical" href="https://elsewhere.example/7">'))
    (draft,) = drafts(read(source(web, of(site, "/7"))))
    assert draft.url == of(site, "/7")


def test_a_charset_is_taken_from_where_it_is_right(web: Web, site: Server) -> None:
    html = story(7).replace("Nobody", "Niemand überquerte die Förde: „Nobody")
    site.routes["/latin"] = Page(
        html.replace("“", '"').replace("”", '"').replace("„", '"').encode("latin-1"),
        content_type="text/html; charset=iso-8859-1",
    )
    site.routes["/lying"] = Page(html.encode(), content_type="text/html; charset=iso-8859-1")
    site.routes["/odd"] = Page(html.encode(), content_type="text/html; charset=klingon")
    for path in ("/latin", "/lying", "/odd"):
        (draft,) = drafts(read(source(web, of(site, path))))
        assert "überquerte die Förde" in draft.text, path


@pytest.mark.parametrize("wall", [CONSENT_WALL, SCRIPT_ONLY])
def test_a_wall_is_no_article(web: Web, site: Server, wall: str) -> None:
    site.routes["/wall"] = Page(wall)
    found, sentence = failing(source(web, of(site, "/wall")))
    assert reasons(found) == ["no article"]
    assert drafts(found) == []
    assert "consent wall, or needs JavaScript" in sentence


def test_a_paywalled_page_is_a_stub(web: Web, site: Server) -> None:
    site.routes["/long"] = Page(PAYWALL)
    (draft,) = drafts(read(source(web, of(site, "/long"))))
    assert draft.is_stub
    assert draft.title == "The long night of the harbour bank"
    assert draft.text.startswith("At two in the morning")


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        (Page("gone", status=410), "gone"),
        (Page("gone", status=404), "gone"),
        (Page("no", status=403), "status 403"),
        (Page(b"%PDF-1.7", content_type="application/pdf"), "no page"),
        (Page(b"\x89PNG", content_type="image/png"), "no page"),
        (Page("", content_type="text/html"), "no article"),
        (Page(story(7), headers={"X-Robots-Tag": "noai"}), "opt-out"),
        (redirect("http://127.0.0.9/"), "private address"),
    ],
)
def test_an_address_that_gives_nothing_says_why_and_costs_no_other(
    web: Web, site: Server, route: Page, reason: str
) -> None:
    site.routes["/bad"], site.routes["/7"] = route, Page(story(7))
    found, sentence = failing(source(web, of(site, "/bad"), of(site, "/7")))
    assert reasons(found) == [reason]
    assert len(drafts(found)) == 1
    assert sentence.startswith(of(site, "/bad"))


def test_what_a_person_says_of_a_page_goes_before_what_it_says(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7))
    given = Given(title="My own title", source="Harbour Courier")
    (draft,) = drafts(read(source(web, of(site, "/7"), given=given)))
    assert (draft.title, draft.source) == ("My own title", "Harbour Courier")
    with pytest.raises(BadInput, match="one article"):
        source(web, of(site, "/7"), of(site, "/8"), given=given)


def test_a_file_of_records_may_lie_on_the_web(web: Web, site: Server) -> None:
    rows = [
        {"url": f"https://harbour.example/{n}", "title": f"No {n}", "text": " ".join(paragraphs(n))} for n in range(3)
    ]
    site.routes["/articles.jsonl"] = Page("\n".join(map(json.dumps, rows)), content_type="application/x-ndjson")
    found = drafts(read(source(web, of(site, "/articles.jsonl"))))
    assert [draft.url for draft in found] == [row["url"] for row in rows]


def test_no_server_has_articles_kept_out(web: Web, site: Server) -> None:
    row = retraction_record("https://other.example/1", "https://other.example/1", NOW_S)
    site.routes["/articles.jsonl"] = Page(row, content_type="application/x-ndjson")
    (found,), _ = failing(source(web, of(site, "/articles.jsonl")))
    assert type(found) is Reject and found.reason == "no text"


# Sitemaps and feeds ---------------------------------------------------------------------------------------


def test_a_sitemap_brings_its_newest_pages(web: Web, site: Server) -> None:
    n_stories(site, 6)
    entries = [(of(site, f"/{i}"), f"2025-04-{10 + i}") for i in range(6)]
    site.routes["/sitemap.xml"] = Page(sitemap(*entries), content_type="application/xml")
    one = source(web, of(site, "/sitemap.xml"), limit=3, since_s=NOW_S - 13 * 86_400)
    assert [draft.url for draft in drafts(read(one))] == [of(site, f"/{i}") for i in (5, 4, 3)]
    assert site.paths()[3:] == ["/5", "/4", "/3"]
    assert (one.counts.n_old, one.counts.n_over) == (3, 0)


def test_a_sitemaps_date_counts_more_than_a_day_found_in_the_text_and_less_than_the_pages_own(
    web: Web, site: Server
) -> None:
    undated = story(0).replace("article:published_time", "og:type")
    in_text = undated.replace("</h1>", '</h1><div class="date">April 12, 2025</div>')
    site.routes.update({"/0": Page(in_text), "/1": Page(story(1)), "/2": Page(in_text)})
    listed = "".join(
        f"<url><loc>{of(site, path)}</loc><news><publication_date>{day}</publication_date></news></url>"
        for path, day in (("/0", "2025-04-17"), ("/1", "2025-04-17"), ("/2", "last week"))
    )
    site.routes["/sitemap.xml"] = Page(sitemap().replace("></", f">{listed}</"), content_type="application/xml")
    found = drafts(read(source(web, of(site, "/sitemap.xml"))))
    assert {draft.url[-2:]: (draft.published, draft.date_from) for draft in found} == {
        "/0": ("2025-04-17", "sitemap"),
        "/1": ("2025-04-18T08:00:00+00:00", "meta"),
        "/2": ("2025-04-12", "text"),
    }


def test_an_index_of_sitemaps_is_followed_as_far_as_it_is_new(web: Web, site: Server) -> None:
    n_stories(site, 2)
    site.routes["/a.xml"] = Page(sitemap((of(site, "/0"), "2025-04-20")))
    site.routes["/b.xml"] = Page(sitemap((of(site, "/1"), "2025-04-21")))
    inner = "".join(
        f"<sitemap><loc>{of(site, path)}</loc><lastmod>{day}</lastmod></sitemap>"
        for path, day in (
            ("/old.xml", "2020-01-01"),
            ("/a.xml", "2025-04-20"),
            ("/b.xml", "2025-04-21"),
            ("/no.xml", "2025-04-22"),
        )
    )
    site.routes["/index.xml"] = Page(f"<sitemapindex>{inner}<sitemap><loc>/index.xml</loc></sitemap></sitemapindex>")
    found = read(source(web, of(site, "/index.xml"), since_s=NOW_S - 30 * 86_400))
    assert [draft.url for draft in drafts(found)] == [of(site, "/1"), of(site, "/0")]
    assert reasons(found) == ["no sitemap"]
    assert (site.n_of("/old.xml"), site.n_of("/index.xml"), site.n_of("/a.xml")) == (0, 1, 1)


def test_a_site_is_asked_one_thing_at_a_time_whatever_is_wanted_of_it(web: Web, site: Server) -> None:
    clock = Clock(NOW_S)
    assert len(drafts(read(source(web, n_stories(site, 12), clock=clock)))) == 12
    assert site.n_at_once == 1
    # Robots and reservations once, then thirteen requests with a pause between every two.
    assert len(site.requests) == 15
    assert clock.slept == pytest.approx([POLICY.delay_s] * 12)


def test_pages_of_another_site_are_not_fetched_for_a_sitemap(web: Web, site: Server) -> None:
    other = web.host("other.test")
    n_stories(site, 1)
    site.routes["/sitemap.xml"] = Page(sitemap((of(other, "/1", "other.test"), ""), (of(site, "/0"), "")))
    found = read(source(web, of(site, "/sitemap.xml")))
    assert (len(drafts(found)), reasons(found)) == (1, ["elsewhere"])
    assert other.n_connections == 0


def test_a_feed_brings_its_articles(web: Web, site: Server) -> None:
    n_stories(site, 2)
    items = "".join(
        f"<item><link>{of(site, f'/{i}')}</link><title>No {i}</title>"
        f"<pubDate>Fri, {18 + i} Apr 2025 08:00:00 GMT</pubDate><description>A line.</description></item>"
        for i in range(2)
    )
    site.routes["/feed"] = Page(
        f"<rss version='2.0'><channel>{items}</channel></rss>", content_type="application/rss+xml"
    )
    found = drafts(read(source(web, of(site, "/feed"))))
    assert [draft.url for draft in found] == [of(site, "/1"), of(site, "/0")]
    assert found[0].text.split("\n\n") == paragraphs(1)
    assert json.loads(found[0].extra)["feed"] == {"url": of(site, "/feed"), "text_from": "page"}


# What was fetched before ----------------------------------------------------------------------------------


def test_a_page_that_did_not_change_is_asked_for_but_not_sent(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7), etag='"v1"')
    log = KeptLog()
    assert len(read(source(web, of(site, "/7"), log=log))) == 1
    again = source(web, of(site, "/7"), log=log)
    assert read(again) == []
    assert (again.counts.n_fetched, again.counts.n_unchanged) == (1, 1)
    assert site.requests[-1].headers["if-none-match"] == '"v1"'
    site.routes["/7"] = Page(story(8), etag='"v2"')
    assert len(read(source(web, of(site, "/7"), log=log))) == 1


def test_a_server_that_says_for_ever_that_nothing_changed_is_not_believed_for_ever(web: Web, site: Server) -> None:
    site.routes["/7"] = Page(story(7), etag='"always"')
    log, clock = KeptLog(), Clock(NOW_S)
    read(source(web, of(site, "/7"), log=log, clock=clock))
    site.routes["/7"] = Page(story(8), etag='"always"')
    clock.now_s += TRUST_VALIDATOR_S - 100
    assert read(source(web, of(site, "/7"), log=log, clock=clock)) == []
    # The 304 did not make the copy any younger... and after a week the page is asked for as a whole.
    clock.now_s += TRUST_VALIDATOR_S
    (draft,) = drafts(read(source(web, of(site, "/7"), log=log, clock=clock)))
    assert draft.text.split("\n\n") == paragraphs(8)


def test_what_a_sitemap_says_did_not_change_is_not_asked_for(web: Web, site: Server) -> None:
    url = n_stories(site, 4, "2025-04-20")
    log = KeptLog()
    read(source(web, url, log=log))
    site.requests.clear()
    entries = [(of(site, f"/{i}"), "2025-04-20" if i else "2025-04-26T12:00:00Z") for i in range(4)]
    site.routes["/sitemap.xml"] = Page(sitemap(*entries))
    clock = Clock(NOW_S + 86_400)
    again = source(web, url, log=log, clock=clock)
    read(again)
    assert site.paths()[2:] == ["/sitemap.xml", "/0"]
    assert again.counts.n_skipped == 3


def test_a_page_that_was_fetched_on_the_day_of_its_change_may_have_changed_later(web: Web, site: Server) -> None:
    url = n_stories(site, 2, datetime.fromtimestamp(NOW_S, UTC).date().isoformat())
    log = KeptLog()
    read(source(web, url, log=log))
    site.requests.clear()
    for _ in range(2):
        clock = Clock(NOW_S + 2 * 86_400)
        read(source(web, url, log=log, clock=clock))
    assert (site.n_of("/0"), site.n_of("/1")) == (1, 1)


def test_pages_without_a_day_are_left_alone_for_a_day(web: Web, site: Server) -> None:
    url = n_stories(site, 2)
    log, clock = KeptLog(), Clock(NOW_S)
    read(source(web, url, log=log, clock=clock))
    site.requests.clear()
    read(source(web, url, log=log, clock=clock))
    assert site.paths()[2:] == ["/sitemap.xml"]
    clock.now_s += RECENT_S + 1
    site.requests.clear()
    read(source(web, url, log=log, clock=clock))
    assert site.paths()[2:] == ["/sitemap.xml", "/0", "/1"]


def test_a_page_that_failed_is_asked_for_again(web: Web, site: Server) -> None:
    url = n_stories(site, 1)
    site.routes["/0"] = Page(status=403)
    log = KeptLog()
    assert reasons(read(source(web, url, log=log))) == ["status 403"]
    site.routes["/0"] = Page(story(0))
    assert len(drafts(read(source(web, url, log=log)))) == 1


@pytest.mark.parametrize("day", ["", "2025-04-20"])
def test_a_listed_page_that_is_not_there_is_asked_for_once_a_day(web: Web, site: Server, day: str) -> None:
    url = n_stories(site, 2, day)
    site.routes["/1"] = Page(status=404)
    log, clock = KeptLog(), Clock(NOW_S)
    assert reasons(read(source(web, url, log=log, clock=clock))) == ["gone"]
    site.requests.clear()
    assert reasons(read(source(web, url, log=log, clock=clock))) == []
    assert site.paths()[2:] == ["/sitemap.xml"]
    # The site may have listed it before it was there.
    site.routes["/1"] = Page(story(1))
    clock.now_s += RECENT_S + 1
    assert [draft.title for draft in drafts(read(source(web, url, log=log, clock=clock)))][-1:] == [
        draft.title for draft in drafts(read(source(web, of(site, "/1"))))
    ]


def test_a_page_is_only_remembered_once_what_came_of_it_is_durable(web: Web, site: Server) -> None:
    url = n_stories(site, 40)
    log = KeptLog()
    n_given = n_durable = 0
    for item in source(web, url, log=log).articles():
        assert len(log.visited) <= n_durable
        if isinstance(item, Flush):
            n_durable = n_given
        else:
            n_given += 1
    assert len(log.visited) == 40


def test_a_reader_that_stops_leaves_no_thread_and_no_request(web: Web, site: Server) -> None:
    url = n_stories(site, 40)
    items = source(web, url).articles()
    next(items)
    items.close()  # type: ignore[attr-defined]
    time.sleep(0.2)  # what was on its way may still be counted
    n_before = len(site.requests)
    time.sleep(0.2)
    assert len(site.requests) == n_before < 40


# The command ----------------------------------------------------------------------------------------------


def test_a_killed_run_goes_on_where_it_was(web: Web, site: Server, tmp_path: Path) -> None:
    n, at, n_durable = 70, 66, 64

    async def held(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3_600)

    for i in range(n):
        site.routes[f"/{i}"] = Page(story(i))
    site.routes[f"/{at}"] = held
    url = of(site, "/sitemap.xml", LOOPBACK)
    site.routes["/sitemap.xml"] = Page(sitemap(*((of(site, f"/{i}", LOOPBACK), "") for i in range(n))))

    def asked() -> list[str]:
        return [path for path in site.paths() if path.strip("/").isdigit()]

    words = [sys.executable, "-c", CHILD, str(tmp_path), url]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + 60
        while n_stored(tmp_path) < n_durable and time.monotonic() < deadline:
            time.sleep(0.05)
        child.kill()
    assert n_stored(tmp_path) == n_durable
    assert at <= len(asked()) < n
    site.requests.clear()
    site.routes[f"/{at}"] = Page(story(at))
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True)
    # What was durable is not asked for again, and nothing twice.
    assert sorted(asked()) == sorted(f"/{i}" for i in range(n_durable, n))
    with FeedStore(tmp_path) as store:
        assert store.counts()["articles"] == n


def test_the_command_fetches_a_page_and_answers_from_it(web: Web, site: Server, tmp_path: Path, exports: Path) -> None:
    (tmp_path / "models").symlink_to(exports, target_is_directory=True)
    site.routes["/7"] = Page(story(7))
    data = ("--data", str(tmp_path))
    env = {"NEWSQUOTE_CONTACT": "desk@harbour.example"}
    ran = run("ingest", of(site, "/7", LOOPBACK), "--allow-private", *data, env=env)
    assert (ran.code, ran.err.count("NEWSQUOTE_CONTACT")) == (0, 0), ran.err
    assert "1 address fetched" in ran.err
    assert "desk@harbour.example" in site.requests[-1].headers["user-agent"]
    answer = json.loads(run("ask", "how long will the ferry of Alderney Reach stay shut?", "--json", *data).out)
    assert answer["quotes"][0]["url"] == of(site, "/7", LOOPBACK)
    assert "will stay shut for 27 weeks" in answer["quotes"][0]["text"]


def test_the_command_fetches_the_pages_of_a_sitemap_that_is_a_file(
    web: Web, site: Server, tmp_path: Path, exports: Path
) -> None:
    (tmp_path / "models").symlink_to(exports, target_is_directory=True)
    n_stories(site, 3)
    site.routes["/inner.xml"] = Page(sitemap((of(site, "/2", LOOPBACK), "2025-04-21")))
    # An index and a list, as they are downloaded; a file belongs to no site.
    index = tmp_path / "index"
    index.write_text(f"<sitemapindex><sitemap><loc>{of(site, '/inner.xml', LOOPBACK)}</loc></sitemap></sitemapindex>")
    pages = tmp_path / "pages.gz"
    pages.write_bytes(
        gzip.compress(sitemap((of(site, "/0", LOOPBACK), ""), (of(site, "/1", LOOPBACK), ""), ("/3", "")).encode())
    )
    data = tmp_path / "data"
    ran = run("ingest", str(index), str(pages), "--allow-private", "--data", str(data))
    assert ran.code == 0, ran.err
    assert sorted(set(site.paths()) - {"/robots.txt", "/.well-known/tdmrep.json"}) == ["/0", "/1", "/2", "/inner.xml"]
    with FeedStore(data) as store:
        assert store.counts()["articles"] == 3


def test_a_file_of_a_sitemap_that_lists_nothing_is_refused_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "map.xml"
    file.write_text(sitemap(("/3", "")), encoding="utf-8")
    ran = run("ingest", str(file), "--data", str(tmp_path / "data"))
    assert ran.code == 1
    assert f"{file} lists no page with an address that begins with http" in ran.err


def test_the_command_refuses_private_addresses_in_a_sentence(web: Web, site: Server, tmp_path: Path) -> None:
    ran = run("ingest", of(site, "/7", LOOPBACK), "--data", str(tmp_path))
    assert ran.code == 1
    assert "is not public (loopback); say --allow-private" in ran.err
    assert site.n_connections == 0


def test_help_and_local_files_load_nothing_of_the_network() -> None:
    code = (
        "import sys, newsquote, ingest.job, ingest.sources\n"
        "assert not {'aiohttp', 'tenacity', 'ingest.fetch', 'trafilatura'} & set(sys.modules), 'loaded'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
