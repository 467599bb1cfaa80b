"""The watcher on a real site on loopback, through the real fetcher: what it takes, keeps, removes, and never loses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from index.errors import StoreLocked
from index.snapshot import current_name
from index.store import Store
from index.store_feeds import FeedStore
from ingest.feed_commands import why_lines
from ingest.feeds import Feed
from ingest.fetch import Fetcher
from ingest.lock import ingest_lock
from ingest.subscriptions import RECHECKS_S, RETRIES_S, Bounds, alarm, is_stale
from ingest.watch import Watcher
from ingest.watch_notes import OUTCOMES, Notes
from tests.feed_support import (
    DAY_S,
    HOUR_S,
    NOW_S,
    POLICY,
    Item,
    World,
    build_index,
    changed,
    rss,
    sentences,
    story_page,
    world,
)
from tests.web.faults import endless
from tests.web.loopback import Page, redirect

ROOT = Path(__file__).parent.parent
WALL = Page("<html><body><p>We use cookies. Accept all cookies to continue.</p></body></html>")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[World]:
    """A site whose feed has two stories and is subscribed to."""
    with world(tmp_path / "data") as made:
        made.publish("ferry", "crane")
        made.subscribe()
        yield made


# What is taken --------------------------------------------------------------------------------------------


def test_a_new_feed_is_polled_and_its_articles_are_stored_and_indexed(site: World) -> None:
    work = site.round()
    assert (work.n_polled, work.n_found, work.outcomes, work.snapshot) == (1, 2, Counter(new=2), "000001")
    assert current_name(site.folder) == "000001"
    assert {name: one.text for name, one in site.articles().items()} == {
        "ferry": sentences("ferry", 14),
        "crane": sentences("crane", 14),
    }
    assert work.line() == "1 feed polled; 2 new entries; articles: 2 new; the live index is now 000001"


def test_a_known_entry_is_not_fetched_again_and_an_unchanged_feed_is_answered_with_304(site: World) -> None:
    site.round()
    n_before = len(site.site.requests)
    work = site.later(3 * HOUR_S)
    assert (work.n_unchanged, work.n_found) == (1, 0)
    asked = [request for request in site.site.requests[n_before:] if request.path == "/feed"]
    assert [bool(request.headers.get("if-none-match")) for request in asked] == [True]
    site.publish("bridge")
    assert site.later(3 * HOUR_S).outcomes["new"] == 1
    assert set(site.articles()) == {"ferry", "crane", "bridge"}


def test_what_the_feed_says_fills_what_the_page_does_not(site: World) -> None:
    site.site.routes["/pilot"] = story_page("pilot")
    site.publish("pilot", at_s=NOW_S - HOUR_S)
    site.round()
    assert site.articles()["pilot"].published == "2025-04-25T11:00:00+00:00"


def test_the_whole_text_of_a_feed_is_used_where_the_page_is_a_wall(site: World) -> None:
    site.site.routes["/walled"] = Page(
        "<html><body><p>We use cookies. Accept all cookies to continue.</p></body></html>"
    )
    site.publish("walled", content=f"<p>{sentences('walled', 6)}</p><p>{sentences('second', 6)}</p>")
    site.round()
    article = site.articles()["walled"]
    assert article.text == f"{sentences('walled', 6)}\n\n{sentences('second', 6)}"
    assert not article.is_stub
    with site.store() as store:
        extra = next(extra for one, extra in store.export() if one.title == "Story walled")
    assert '"text_from": "feed content"' in extra


def test_a_summary_is_a_stub_where_the_page_may_not_be_fetched(site: World) -> None:
    site.site.routes["/robots.txt"] = Page("User-agent: *\nDisallow: /private", content_type="text/plain")
    site.publish("x", url=f"{site.base}/private/x", text=sentences("x", 2))
    site.publish("y", url=f"{site.base}/private/y")
    work = site.round()
    assert site.articles()["x"].is_stub
    assert "/private/x" not in site.site.paths()
    assert work.outcomes == Counter(new=2, stub=1, robots=1)


def test_a_page_of_deeply_nested_json_ld_ends_no_round(site: World) -> None:
    nested = "[" * 600 + '"x"' + "]" * 600
    described = f'{{"@type": "NewsArticle", "headline": "Story nested", "articleBody": {nested}}}'
    site.site.routes["/nested"] = story_page("nested", more=f'<script type="application/ld+json">{described}</script>')
    site.publish("nested")
    assert site.round().outcomes == Counter(new=3)
    assert set(site.articles()) == {"ferry", "crane", "nested"}


def test_a_page_that_fails_is_tried_again_and_then_the_feeds_own_text_has_to_do(site: World) -> None:
    site.site.routes["/late"] = Page(status=500)
    site.publish("late", text=sentences("late", 3))
    site.round()
    assert site.outcomes("late") == ["retry"]
    for _ in range(2):
        site.later(2 * HOUR_S)
    site.site.routes["/late"] = story_page("late", NOW_S)
    site.later(DAY_S)
    assert site.outcomes("late")[-1] == "new"
    assert site.articles()["late"].text == sentences("late", 14)
    site.site.routes["/never"] = Page(status=500)
    site.publish("never", text=sentences("never", 3))
    for _ in range(8):
        site.later(DAY_S)
    assert site.outcomes("never")[-1] == "stub"
    assert site.articles()["never"].text == sentences("never", 3)


def test_a_robots_txt_that_cannot_be_read_for_a_while_loses_nothing(site: World) -> None:
    site.round()
    other = site.web.host("paper.test")
    url = f"http://paper.test:{other.port}/story"
    other.routes["/story"] = story_page("story", NOW_S)
    site.publish("story", url=url)
    site.site.routes["/robots.txt"] = other.routes["/robots.txt"] = Page(status=503)
    assert site.later(HOUR_S + 60).outcomes == Counter(retry=2)  # the feed fails too
    del site.site.routes["/robots.txt"]
    assert site.later(HOUR_S).outcomes["retry"] == 1
    with site.store() as store:
        why = why_lines(store, url, 90)
    assert (
        "retry: could not be fetched, and is tried again later (robots unread: the site's robots.txt cannot be" in why
    )
    assert "forbids" not in why
    other.routes["/robots.txt"] = Page("User-agent: *\nAllow: /", content_type="text/plain")
    page = site.site.routes["/ferry"]
    assert isinstance(page, Page)
    site.site.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
    site.later(DAY_S)
    assert site.articles()["story"].text == sentences("story", 14)
    assert site.articles()["ferry"].correction


def test_an_opt_out_is_kept(site: World) -> None:
    site.site.routes["/mine"] = story_page("mine", NOW_S, more='<meta name="robots" content="noai">')
    site.publish("mine", content=f"<p>{sentences('mine', 20)}</p>")
    site.round()
    assert "mine" not in site.articles()
    assert site.outcomes("mine") == ["opt-out"]


# What feeds do --------------------------------------------------------------------------------------------


def test_a_feed_that_drops_all_its_entries_deletes_nothing(site: World) -> None:
    site.round()
    site.items.clear()
    site.show()
    site.later(3 * HOUR_S)
    for _ in range(20):
        site.later(DAY_S)
    assert set(site.articles()) == {"ferry", "crane"}
    assert site.feed().n_entries == 0


def test_dates_in_the_future_or_absent_are_not_now(site: World) -> None:
    site.site.routes["/ahead"] = story_page("ahead")
    site.site.routes["/undated"] = story_page("undated")
    site.publish("ahead", at_s=NOW_S + 30 * DAY_S)
    site.items.insert(0, Item("undated"))
    site.show()
    site.round()
    articles = site.articles()
    assert (articles["ahead"].published, articles["undated"].published) == (None, None)


def test_two_items_with_one_address_are_fetched_once_and_neither_is_lost(site: World) -> None:
    site.publish("ticker", url=f"{site.base}/ticker", guid="t1", text=sentences("alpha", 3))
    site.items.insert(0, replace(site.items[0], name="ticker", guid="t2", text=sentences("beta", 3)))
    site.show()
    site.round()
    assert site.articles()["ticker"].text == sentences("ticker", 14)
    site.site.routes["/list"] = Page("<html><body><p>Nothing.</p></body></html>")
    for guid in ("l1", "l2"):
        site.items.insert(0, Item(guid, site.clock.now_s, url=f"{site.base}/list", guid=guid, text=sentences(guid, 12)))
    site.show()
    site.later(DAY_S)
    texts = {one.text for one in site.articles().values()}
    assert {sentences("l1", 12), sentences("l2", 12)} <= texts


def test_a_guid_that_is_used_again_for_another_address_is_another_item(site: World) -> None:
    site.publish("first", guid="same")
    site.round()
    site.items[0] = Item("second", site.clock.now_s, guid="same")
    site.site.routes["/second"] = story_page("second", NOW_S)
    site.show()
    site.later(3 * HOUR_S)
    assert {"first", "second"} <= set(site.articles())


def test_all_guids_changing_at_once_fetches_nothing_again(site: World) -> None:
    site.round()
    site.items = [replace(item, guid=f"new-{item.name}") for item in site.items]
    site.show()
    work = site.later(HOUR_S * 0.9 + 900)
    assert (work.n_polled, work.n_unchanged, work.n_found) == (1, 0, 0)
    assert [site.site.n_of(f"/{name}") for name in ("ferry", "crane")] == [2, 2]  # the look after an hour
    assert site.n_versions() == 2


def test_a_validator_that_lies_is_found_out_within_days(site: World) -> None:
    site.show(etag='"always"')
    site.round()
    site.publish("bridge", at_s=NOW_S + HOUR_S)
    site.show(etag='"always"')
    assert site.later(3 * HOUR_S).n_unchanged == 1
    for _ in range(8):
        site.later(DAY_S)
    assert "bridge" in site.articles()


def test_a_validator_that_always_changes_costs_nothing_but_bytes(site: World) -> None:
    site.show(etag='"1"')
    site.round()
    site.show(etag='"2"')
    work = site.later(3 * HOUR_S)
    assert (work.n_unchanged, work.n_found) == (1, 0)


def test_too_many_requests_are_answered_by_waiting_as_long_as_asked(site: World) -> None:
    site.site.routes["/feed"] = Page(status=429, headers={"Retry-After": "20000"})
    assert site.round().n_failed == 1
    feed = site.feed()
    assert feed.failure.startswith("too many requests")
    assert feed.next_s >= NOW_S + 20_000
    n = site.site.n_of("/feed")
    site.later(HOUR_S)
    assert site.site.n_of("/feed") == n
    site.show()
    site.later(8 * HOUR_S)
    assert site.feed().failure == ""
    assert set(site.articles()) == {"ferry", "crane"}


def test_a_failing_feed_is_asked_less_and_less_with_a_cap(site: World) -> None:
    site.site.routes["/feed"] = Page(status=404)
    waits = []
    for _ in range(12):
        site.clock.now_s = site.feed().next_s
        site.round()
        waits.append(site.feed().next_s - site.clock.now_s)
    assert waits[0] < 1_100
    assert all(later > earlier for earlier, later in pairwise(waits[:7]))
    assert max(waits) <= 3 * DAY_S * 1.2
    assert alarm(site.feed(), int(site.clock())).startswith("failed 12 times since 2025-04-25: status 404")


def test_a_feed_that_moved_for_good_is_asked_at_its_new_address(site: World) -> None:
    site.site.routes["/new-feed"] = rss(site.items, site.base)
    site.site.routes["/feed"] = redirect("/new-feed", 301)
    site.round()
    assert site.feed().url == f"{site.base}/new-feed"
    n = site.site.n_of("/feed")
    site.later(3 * HOUR_S)
    assert site.site.n_of("/feed") == n
    with site.store() as store:
        assert store.find(site.feed_url) == site.feed()


def test_a_feed_that_moved_for_a_while_keeps_its_address(site: World) -> None:
    site.site.routes["/other"] = rss(site.items, site.base)
    site.site.routes["/feed"] = redirect("/other", 302)
    site.round()
    assert site.feed().url == site.feed_url
    assert set(site.articles()) == {"ferry", "crane"}


def test_two_subscriptions_that_move_to_one_address_become_one(site: World) -> None:
    site.site.routes["/b"] = rss(site.items, site.base)
    site.subscribe(f"{site.base}/b")
    site.round()
    site.site.routes["/feed"] = redirect("/b", 308)
    site.later(DAY_S)
    with site.store() as store:
        assert [feed.url for feed in store.feeds()] == [f"{site.base}/b"]
    site.publish("bridge")
    site.site.routes["/b"] = rss(site.items, site.base)
    site.later(DAY_S)
    assert site.n_versions() == 3


@pytest.mark.parametrize("is_merged", [True, False])
def test_an_article_keeps_its_outlet_when_its_subscription_ends_or_becomes_another(
    tmp_path: Path, is_merged: bool
) -> None:
    with world(tmp_path / "data") as site:
        site.publish("ferry")
        first = site.subscribe(source="Harbour Gazette")
        site.round()
        page = site.site.routes["/ferry"]
        assert isinstance(page, Page)
        site.site.routes["/b"] = site.site.routes["/feed"]
        if is_merged:
            site.subscribe(f"{site.base}/b")
            site.later(60)
            site.site.routes["/feed"] = redirect("/b", 301)
        else:
            with ingest_lock(site.folder, "test", NOW_S), FeedStore(site.folder, write=True) as store:
                store.unsubscribe(first.number)
        site.later(DAY_S)
        site.site.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
        site.later(3 * DAY_S)
        article = site.articles()["ferry"]
        assert (article.source, article.correction) == ("Harbour Gazette", "Correction: the tide was lower.")
        if is_merged:
            # What the feed says was deleted is its own now.
            site.site.routes["/b"] = rss([], site.base, more=deleted("ferry"))
            assert site.later(DAY_S).outcomes["removed"] == 1


def test_a_feed_that_becomes_a_page_is_a_failure_and_deletes_nothing(site: World) -> None:
    site.round()
    site.site.routes["/feed"] = Page("<!doctype html><html><body><h1>Welcome</h1></body></html>")
    assert site.later(3 * HOUR_S).n_failed == 1
    assert site.feed().failure == "no feed: is a page of HTML and no feed; name the feed's own address."
    assert set(site.articles()) == {"ferry", "crane"}
    site.show()
    site.publish("bridge")
    site.later(DAY_S)
    assert "bridge" in site.articles()


def test_an_endless_feed_is_cut_off(site: World) -> None:
    site.site.routes["/feed"] = endless
    assert site.round().n_failed == 1
    assert site.feed().failure.startswith(("too long", "slow"))


def test_a_feed_that_takes_too_long_to_read_has_failed_and_holds_up_no_other(
    site: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def endless_for_one(work: Callable[[], Any]) -> Any:
        found = work()
        if isinstance(found, Feed) and found.title == "Endless":
            await asyncio.sleep(3)
        return found

    monkeypatch.setattr("ingest.watch._READING_S", 0.05)
    site.site.routes["/endless"] = rss([], site.base, title="Endless")
    site.subscribe(f"{site.base}/endless")
    work = site.round(offload=endless_for_one)
    assert (work.n_polled, work.n_failed, work.outcomes["new"]) == (2, 1, 2)
    with site.store() as store:
        failed = store.feeds()[1]
    assert failed.failure == "slow: reading it takes more than 0.05 seconds"
    assert failed.next_s > NOW_S + 600


def test_a_feed_of_ten_thousand_entries_does_not_flood(site: World) -> None:
    site.bounds = Bounds(n_first=5)
    site.items = [Item(f"s{n}", NOW_S - n * 600) for n in range(10_000)]
    for n in range(5):
        site.site.routes[f"/s{n}"] = story_page(f"s{n}", NOW_S - n * 600)
    site.show()
    work = site.round()
    assert work.n_found == 5
    assert set(site.articles()) == {f"s{n}" for n in range(5)}
    n_pages = sum(path.startswith("/s") for path in site.site.paths())
    assert n_pages == 5
    assert site.later(DAY_S).n_found == 0
    with site.store() as store:
        assert [seen.outcome for _, seen in store.entries_of(f"https://news.test:{site.site.port}/s400")] == [
            "over the cap"
        ]


def test_what_is_more_than_one_poll_takes_comes_with_the_next(site: World) -> None:
    site.bounds = Bounds(n_at_once=3)
    site.round()
    names = [f"n{n}" for n in range(8)]
    for at, name in enumerate(names):
        site.publish(name, at_s=NOW_S + 60 * at)
    found = [site.later(2 * HOUR_S).n_found for _ in range(4)]
    assert found == [3, 3, 2, 0]
    assert set(names) <= set(site.articles())


def test_a_feed_without_news_for_long_is_stale(site: World) -> None:
    site.round()
    now_s = int(site.clock())
    feed = replace(site.feed(), usual_s=HOUR_S)
    assert not is_stale(feed, now_s + 10 * DAY_S)
    assert is_stale(feed, now_s + 20 * DAY_S)
    assert alarm(feed, now_s + 20 * DAY_S) == "stale: nothing new for 20 days, usually every 60 minutes"


# Corrections and removal ----------------------------------------------------------------------------------


def test_a_correction_becomes_a_version_and_is_looked_for_less_and_less(site: World) -> None:
    site.round()
    page = site.site.routes["/ferry"]
    assert isinstance(page, Page)
    site.later(HOUR_S + 1)
    site.site.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
    site.later(6 * HOUR_S)
    assert site.outcomes("ferry") == ["new", "not modified", "changed"]
    assert site.articles()["ferry"].correction == "Correction: the tide was lower."
    assert site.n_versions() == 3
    for _ in range(30):
        site.later(DAY_S)
    assert site.outcomes("crane") == ["new", *["not modified"] * 4, "same"]
    n = len(site.site.requests)
    for _ in range(5):
        site.later(DAY_S)
    assert {request.path for request in site.site.requests[n:]} <= {"/feed", "/robots.txt", "/.well-known/tdmrep.json"}


def test_an_entry_that_the_feed_says_was_updated_is_looked_at_at_once(site: World) -> None:
    site.round()
    page = site.site.routes["/ferry"]
    assert isinstance(page, Page)
    site.later(2 * DAY_S)
    site.site.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
    site.items = [replace(item, at_s=site.clock.now_s) if item.name == "ferry" else item for item in site.items]
    site.show()
    site.later(5 * HOUR_S)  # after two silent days the feed is polled every four hours
    assert site.outcomes("ferry")[-1] == "changed"
    with site.store() as store:
        versions = store.versions(f"https://news.test:{site.site.port}/ferry")
    assert [one.corrected_s for one, _, _ in versions] == [versions[1][1], None]


def test_a_look_that_failed_is_made_later_and_not_for_ever(site: World) -> None:
    site.round()
    page = site.site.routes["/ferry"]
    assert isinstance(page, Page)
    for seconds in (HOUR_S, 5 * HOUR_S, 18 * HOUR_S, 2 * DAY_S):
        site.later(seconds + 60)
    site.site.routes["/ferry"] = Page(status=429, headers={"Retry-After": "20000"})
    site.later(4 * DAY_S)
    assert site.outcomes("ferry")[-1] == "retry"
    with site.store() as store:
        kept = store.page(f"{site.base}/ferry")
    assert kept is not None
    assert (kept.n_checks, kept.next_s) == (4, site.clock.now_s + 20_000)
    site.site.routes["/ferry"] = changed(page, "</article>", "<p>Correction: the tide was lower.</p></article>")
    site.later(6 * HOUR_S)
    assert site.outcomes("ferry")[-1] == "changed"  # which is looked at five times anew
    site.site.routes["/ferry"] = Page(status=503)
    for _ in range(60):
        site.later(DAY_S)
    n_tries = len(RETRIES_S) + 1
    assert site.outcomes("ferry")[7:] == [*["retry"] * (n_tries - 1), "failed"] * len(RECHECKS_S)


def test_a_feed_that_dates_its_entries_anew_at_every_poll_has_no_page_fetched_each_time(site: World) -> None:
    site.publish(*(f"n{n}" for n in range(4)))
    site.round()
    n_before = len(site.site.requests)
    for hour in range(48):
        site.publish(f"m{hour}")  # so that the feed is polled every half an hour
        site.clock.now_s += HOUR_S
        site.items = [replace(item, at_s=site.clock.now_s) for item in site.items]
        site.show()
        site.round()
    asked = [request for request in site.site.requests[n_before:] if request.path == "/ferry"]
    assert 8 <= len(asked) <= 12
    assert [bool(request.headers.get("if-none-match")) for request in asked].count(False) == 1


def test_an_entry_with_a_new_title_is_looked_at_at_once_though_its_page_was_just_fetched(site: World) -> None:
    site.round()
    ferry = Item("Ferry sunk", url=f"{site.base}/ferry", guid="ferry")
    site.later(HOUR_S + 60)
    for change, n_asked in ((ferry, 3), (replace(ferry, at_s=NOW_S + 4 * HOUR_S), 3)):
        site.items = [change, *(item for item in site.items if "ferry" not in (item.name, item.guid))]
        site.show()
        assert site.later(2 * HOUR_S).n_unchanged == 0
        assert site.site.n_of("/ferry") == n_asked


def test_a_page_that_goes_behind_a_wall_takes_nothing_back(site: World) -> None:
    site.round()
    before = site.articles()
    wall = '<script type="application/ld+json">{"@type": "NewsArticle", "isAccessibleForFree": false}</script>'
    site.site.routes["/ferry"] = story_page(
        "ferry", NOW_S, text="Subscribe to read on about the ferry. " * 2, more=wall
    )
    site.site.routes["/crane"] = WALL
    site.later(2 * HOUR_S)
    assert site.articles() == before


TEASER = (
    '<html><head><title>Story walled</title><script type="application/ld+json">{"@type": "NewsArticle", '
    '"isAccessibleForFree": false}</script></head><body><article>'
    f"<p>{sentences('teaser', 2)}</p></article></body>"
)


@pytest.mark.parametrize("page", [WALL, Page(TEASER, etag='"teaser"'), Page(status=403)])
def test_a_correction_in_the_feeds_own_text_is_taken_where_the_page_gives_none(site: World, page: Page) -> None:
    site.site.routes["/walled"] = page
    text = sentences("walled", 12)
    site.publish("walled", content=f"<p>{text}</p><p>Fourteen ships were late.</p>")
    site.round()
    site.later(2 * HOUR_S)
    with site.store() as store:
        assert "the feed has no text" not in why_lines(store, f"{site.base}/walled", 90)
    corrected = f"<p>{text}</p><p>Seventeen ships were late.</p>"
    site.items = [replace(site.items[0], at_s=NOW_S + HOUR_S, content=corrected), *site.items[1:]]
    site.show()
    assert site.later(2 * HOUR_S).outcomes["changed"] == 1
    assert site.articles()["walled"].text == f"{text}\n\nSeventeen ships were late."
    # What the feed only has the beginning of for a while takes nothing back.
    whole = site.items[0]
    site.items = [replace(whole, at_s=NOW_S + 4 * HOUR_S, content="", text=sentences("walled", 2))]
    site.show()
    site.later(DAY_S)
    assert site.articles()["walled"].text.endswith("Seventeen ships were late.")
    site.items = [replace(whole, at_s=NOW_S + 30 * HOUR_S, content=corrected.replace("Seventeen", "Sixteen"))]
    site.show()
    site.later(DAY_S)
    assert site.articles()["walled"].text.endswith("Sixteen ships were late.")


@pytest.mark.parametrize("title", ["", "<h1>We will be right back</h1>"])
def test_a_page_that_shows_something_else_for_a_while_takes_nothing_back(site: World, title: str) -> None:
    site.round()
    before = site.articles()
    page = site.site.routes["/ferry"]
    site.site.routes["/ferry"] = Page(
        f"<html><head><title>Harbour</title></head><body><article>{title}<p>Our pages are being looked after and will "
        "be there again within the hour; we are sorry for any trouble that this may cause you.</p></article></body>",
        etag='"away"',
    )
    assert site.later(2 * HOUR_S).outcomes["another text"] == 1
    assert site.articles() == before
    site.site.routes["/ferry"] = page
    assert site.later(7 * HOUR_S).outcomes["not modified"] == 2
    assert site.articles() == before
    # A new title over the same text, and a new text under the same title, are the article's.
    site.site.routes["/ferry"] = story_page("ferry", NOW_S, text=sentences("lighthouse", 14))
    assert site.later(DAY_S).outcomes["changed"] == 1
    site.site.routes["/ferry"] = story_page("tower", NOW_S, text=sentences("lighthouse", 14))
    site.later(2 * DAY_S)
    assert site.articles()["ferry"].title == "Story tower"


def test_a_page_is_removed_after_it_was_gone_on_two_days(site: World) -> None:
    site.round()
    site.site.routes["/ferry"] = Page(status=410)
    site.later(HOUR_S + 1)
    assert set(site.articles()) == {"ferry", "crane"}
    site.later(2 * HOUR_S)
    assert set(site.articles()) == {"ferry", "crane"}
    site.later(DAY_S)
    assert set(site.articles()) == {"crane"}
    assert site.outcomes("ferry") == ["new", "gone", "removed"]
    with site.store() as store:
        removal = store.removal(f"https://news.test:{site.site.port}/ferry")
    assert removal is not None
    assert removal.reason == "its page was gone (status 410) on two days"
    site.site.routes["/ferry"] = story_page("ferry", NOW_S)
    site.items = [replace(item, guid=f"again-{item.name}") for item in site.items]
    site.show()
    for _ in range(3):
        site.later(DAY_S)
    assert set(site.articles()) == {"crane"}


def test_a_page_that_comes_back_was_never_gone(site: World) -> None:
    site.round()
    page = site.site.routes["/ferry"]
    site.site.routes["/ferry"] = Page(status=404)
    site.later(HOUR_S + 1)
    site.site.routes["/ferry"] = page
    site.later(DAY_S + 1)
    site.site.routes["/ferry"] = Page(status=404)
    site.later(6 * DAY_S)
    assert set(site.articles()) == {"ferry", "crane"}


def test_a_site_that_says_404_to_everything_removes_nothing_unless_told(site: World) -> None:
    names = [f"n{n}" for n in range(10)]
    site.publish(*names)
    site.round()
    for name in ("ferry", "crane", *names):
        site.site.routes[f"/{name}"] = Page(status=404)
    for _ in range(4):
        site.later(DAY_S)
    assert len(site.articles()) == 12
    assert site.outcomes("n3")[-1] == "removal refused"
    with site.store() as store:
        ((_, why),) = store.refused_removals()
    assert why.startswith("would remove 100%: refused; `newsquote watch --allow-removals`")
    site.later(DAY_S, allow_removals=True)
    assert site.articles() == {}


@pytest.mark.parametrize("is_removed", [True, False])
def test_an_alarm_of_refused_removals_ends_with_its_pages_and_with_its_feed(site: World, is_removed: bool) -> None:
    site.publish("n1", "n2")
    site.round()
    pages = {f"/{name}": site.site.routes.pop(f"/{name}") for name in ("ferry", "crane", "n1", "n2")}
    for _ in range(3):
        site.later(DAY_S)
    with site.store() as store:
        assert len(store.refused_removals()) == 1
        number = store.feeds()[0].number
    if is_removed:
        with ingest_lock(site.folder, "test", NOW_S), FeedStore(site.folder, write=True) as store:
            store.unsubscribe(number)
    else:
        site.site.routes.update(pages)
        site.publish("bridge")
        for _ in range(8):
            site.later(DAY_S)
        site.site.routes["/bridge"] = Page(status=404)
        with FeedStore(site.folder, write=True) as store, store.transaction():
            page = store.page(f"{site.base}/bridge")
            assert page is not None
            store.save_page(replace(page, next_s=int(site.clock())))
        assert site.later(60).outcomes["gone"] == 1
    with site.store() as store:
        assert store.refused_removals() == []


def deleted(*guids: str) -> str:
    return "".join(
        f"<at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' when='2025-04-25T12:00:00Z' ref='{guid}'>"
        "<at:comment>Withdrawn.</at:comment></at:deleted-entry>"
        for guid in guids
    )


def test_what_the_publisher_says_was_deleted_is_removed_at_once_and_stays_so(site: World) -> None:
    site.round()
    site.publish("bridge")
    site.items = [item for item in site.items if item.name != "ferry"]
    # One that is still listed was published again; one that nobody knows is nobody's.
    site.show(more=deleted("ferry", "crane", "unheard-of"))
    work = site.later(3 * HOUR_S)
    assert (work.outcomes["removed"], work.outcomes["new"]) == (1, 1)
    assert set(site.articles()) == {"crane", "bridge"}
    assert site.outcomes("ferry") == ["new", "removed"]
    with site.store() as store:
        removal = store.removal(f"https://news.test:{site.site.port}/ferry")
    assert removal is not None
    assert removal.reason == f"{site.feed_url} says that it was deleted"
    for _ in range(2):
        assert "removed" not in site.later(DAY_S).outcomes
    assert set(site.articles()) == {"crane", "bridge"}


def test_a_new_feed_that_says_an_entry_was_deleted_that_nobody_knows_is_read_like_any_other(site: World) -> None:
    site.show(more=deleted("unheard-of"))
    assert site.round().outcomes == Counter(new=2)
    assert set(site.articles()) == {"ferry", "crane"}


def test_only_the_feed_of_a_publishers_own_site_removes_and_no_feed_beside_another(site: World) -> None:
    site.round()
    other = site.web.host("digest.test")
    base = f"http://digest.test:{other.port}"
    site.site.routes["/bridge"] = story_page("bridge", NOW_S)
    other.routes["/feed"] = rss([Item("bridge", NOW_S, url=f"{site.base}/bridge")], base)
    site.subscribe(f"{base}/feed")
    site.site.routes["/harbour"] = rss([Item("ferry", NOW_S, guid="f")], site.base)
    site.subscribe(f"{site.base}/harbour")
    site.round()
    assert set(site.articles()) == {"ferry", "crane", "bridge"}
    other.routes["/feed"] = rss([], base, more=deleted("bridge"))
    site.items = [item for item in site.items if item.name != "ferry"]
    site.show(more=deleted("ferry"))
    assert "removed" not in site.later(3 * HOUR_S).outcomes
    assert set(site.articles()) == {"ferry", "crane", "bridge"}
    # What they say has the pages asked, which may be gone.
    assert {site.outcomes(name)[-1] for name in ("ferry", "bridge")} == {"not modified"}


def test_a_feed_that_says_everything_was_deleted_removes_nothing_unless_told(site: World) -> None:
    names = [f"n{n}" for n in range(10)]
    site.publish(*names)
    site.round()
    site.items = []
    site.show(more=deleted("ferry", "crane", *names))
    assert site.later(3 * HOUR_S).outcomes["removal refused"] == 12
    assert len(site.articles()) == 12
    with site.store() as store:
        ((_, why),) = store.refused_removals()
    assert why.startswith("would remove 100%: refused")
    site.show(more=deleted("ferry", "crane", *names) + "<!-- changed -->")
    site.later(DAY_S, allow_removals=True)
    assert site.articles() == {}


def test_an_entry_that_was_deleted_while_it_waited_is_not_fetched(site: World) -> None:
    site.site.routes["/ferry"] = Page(status=503)
    site.round()
    assert set(site.articles()) == {"crane"}
    site.site.routes["/ferry"] = story_page("ferry", NOW_S)
    site.items = [item for item in site.items if item.name != "ferry"]
    site.show(more=deleted("ferry"))
    site.later(3 * HOUR_S)
    assert set(site.articles()) == {"crane"}


# Kills, clocks, locks -------------------------------------------------------------------------------------


class Killed(BaseException):
    """Ends a watcher where it stands, as a kill would."""


@pytest.mark.parametrize("moment", range(12))
def test_killed_anywhere_it_goes_on_without_a_loss_and_without_a_double(
    site: World, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each moment is a write: before it, or after it, the watcher is gone."""
    site.publish(*(f"n{n}" for n in range(6)))
    n_writes = 0
    write = Watcher._write

    async def until(watcher: Watcher, change: object) -> object:
        nonlocal n_writes
        if n_writes == moment // 2 and moment % 2 == 0:
            raise Killed
        n_writes += 1
        made: object = await write(watcher, change)  # type: ignore[arg-type]
        if n_writes - 1 == moment // 2:
            raise Killed
        return made

    with monkeypatch.context() as patched:
        patched.setattr(Watcher, "_write", until)
        try:
            site.round()
            ended = False
        except Killed:
            ended = True
    assert ended == (n_writes >= moment // 2 and moment // 2 < 4)
    site.later(1)
    assert len(site.articles()) == 8
    assert site.n_versions() == 8
    assert current_name(site.folder) is not None
    site.later(60)
    with site.store() as store:
        assert store.n_queued() == 0
    assert max(site.site.n_of(f"/n{n}") for n in range(6)) <= 2


def test_killed_between_storing_and_noting_it_only_notes_again(site: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Notes, "_keep_waiting", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            site.round()
    assert set(site.articles()) == {"ferry", "crane"}
    assert site.later(1).outcomes == Counter(same=2)
    assert site.n_versions() == 2


def test_a_clock_that_goes_backwards_or_was_far_ahead_stops_nothing(site: World) -> None:
    site.round()
    site.clock.now_s += 400 * DAY_S
    site.publish("ahead", at_s=NOW_S)
    site.round()
    site.clock.now_s = NOW_S + 2 * HOUR_S
    site.publish("bridge")
    site.round()
    assert set(site.articles()) == {"ferry", "crane", "ahead", "bridge"}
    site.clock.now_s = NOW_S - HOUR_S
    site.publish("before")
    site.later(0)
    site.clock.now_s = NOW_S + DAY_S
    site.round()
    assert "before" in site.articles()


def test_another_ingest_is_waited_for_and_the_lock_is_free_while_the_network_is_asked(site: World) -> None:
    held = ingest_lock(site.folder, "newsquote ingest", NOW_S)
    held.__enter__()
    let_go = threading.Timer(0.7, lambda: held.__exit__(None, None, None))
    let_go.start()
    started = time.monotonic()
    assert site.round().outcomes == Counter(new=2)
    assert time.monotonic() - started >= 0.6
    let_go.join()

    async def free(request: object, writer: asyncio.StreamWriter) -> None:
        with ingest_lock(site.folder, "test", NOW_S):
            pass
        await site_page(request, writer)  # type: ignore[arg-type]

    site_page = story_page("free", NOW_S)
    site.site.routes["/free"] = free
    site.publish("free")
    site.later(3 * HOUR_S)
    assert "free" in site.articles()


def test_a_stop_ends_a_round_that_waits_for_the_network_and_keeps_what_came(site: World) -> None:
    async def hanging(request: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    site.site.routes["/slow"] = hanging
    site.publish("slow")

    async def run(watcher: Watcher) -> float:
        task = asyncio.create_task(watcher.run(lambda line: None))
        await asyncio.sleep(1.0)
        started = time.monotonic()
        watcher.stop()
        await task
        return time.monotonic() - started

    assert site.with_watcher(run) < 2
    with site.store() as store:
        assert [entry.n_tries for entry in store.queued(NOW_S + DAY_S, DAY_S, 9, 9)] == [0]
    assert set(site.articles()) == {"ferry", "crane"}


def test_a_stop_ends_a_watcher_that_waits_for_the_lock(site: World) -> None:
    async def run() -> None:
        async with Fetcher(POLICY, clock=site.clock, sleep=site.clock.sleep, resolver=site.web.lookup) as fetcher:
            watcher = Watcher(site.folder, fetcher, build_index, clock=site.clock)
            task = asyncio.create_task(watcher.run(lambda line: None))
            await asyncio.sleep(0.5)
            watcher.stop()
            await asyncio.wait_for(task, 5)

    with ingest_lock(site.folder, "newsquote ingest", NOW_S):
        asyncio.run(run())
    assert site.round().outcomes == Counter(new=2)


def test_without_a_wait_the_lock_refuses_as_before(site: World) -> None:
    with (
        ingest_lock(site.folder, "newsquote watch", NOW_S),
        pytest.raises(StoreLocked, match=r"written by process \d+ \(`newsquote watch`"),
        ingest_lock(site.folder, "newsquote ingest", NOW_S),
    ):
        pass


def test_the_log_is_kept_for_its_time_and_no_longer(site: World) -> None:
    site.bounds = Bounds(log_s=10 * DAY_S, seen_s=40 * DAY_S)
    site.round()
    assert site.outcomes("ferry") == ["new"]
    site.items.clear()
    site.show()
    for _ in range(12):
        site.later(DAY_S)
    assert "new" not in site.outcomes("ferry")
    for _ in range(40):
        site.later(DAY_S)
    with site.store() as store:
        counts = store.feed_counts()
    assert (counts["entries"], counts["pages"], counts["queue"]) == (0, 0, 0)
    assert set(site.articles()) == {"ferry", "crane"}


def test_every_outcome_is_a_word_that_is_explained(site: World) -> None:
    site.round()
    with site.store() as store:
        used = {line.outcome for name in ("ferry", "crane") for line in store.log_of(f"https://news.test/{name}")}
    assert used <= set(OUTCOMES)


def test_a_corpus_from_before_feeds_opens_and_gains_the_tables(tmp_path: Path) -> None:
    with world(tmp_path / "data") as made:
        made.folder.mkdir()
        with Store(made.folder, write=True) as store:
            assert store.counts()["articles"] == 0
        with made.store() as reader:
            assert (reader.feeds(), reader.feed_counts(), reader.next_poll_s()) == ([], {}, None)
        made.publish("ferry")
        made.subscribe()
        made.round()
        assert set(made.articles()) == {"ferry"}


def test_a_killed_process_goes_on(site: World, tmp_path: Path) -> None:
    """A real kill, in the middle of fetching; the next watcher finds the queue."""
    script = textwrap.dedent(f"""
        import asyncio, sys, time
        from pathlib import Path
        from ingest.fetch import Fetcher
        from ingest.watch import Watcher
        from tests.feed_support import POLICY, build_index

        async def lookup(host, port):
            return ["127.0.0.1"]

        async def main():
            async with Fetcher(POLICY, clock=lambda: {NOW_S}, sleep=asyncio.sleep, resolver=lookup) as fetcher:
                await Watcher(Path(sys.argv[1]), fetcher, build_index, clock=lambda: {NOW_S}).run(print, once=True)

        asyncio.run(main())
    """)

    async def hanging(request: object, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    site.publish("slow")
    page = site.site.routes["/slow"]
    site.site.routes["/slow"] = hanging
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", script, str(site.folder)], env=env, cwd="/") as child:
        limit = time.monotonic() + 30
        while site.site.n_of("/slow") == 0 and time.monotonic() < limit:
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    assert site.site.n_of("/slow") == 1
    site.site.routes["/slow"] = page
    site.later(1)
    assert set(site.articles()) == {"ferry", "crane", "slow"}
    assert site.n_versions() == 3
