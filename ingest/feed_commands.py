"""The verbs on subscriptions: add, remove, list, import, export, why; and what `status` says of feeds.

Works on an open `FeedStore` and, to add, on a fetcher; the caller holds the lock where something is written. Returns
text or values and prints nothing. Time is an argument.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from index.errors import BadInput, FeedError, FetchError
from index.store_feeds import FeedStore, Subscription
from index.terminal import counted, moment, safe
from index.types import written
from ingest.feed_articles import Fetches
from ingest.feed_kind import feed_kind
from ingest.feed_lists import Outline, linked_feeds, opml, parse_opml
from ingest.feeds import FEED_ACCEPT, MAX_FEED_BYTES, Feed, parse_feed
from ingest.fetch import Fetched
from ingest.identity import canonical_url
from ingest.subscriptions import alarm, is_stale
from ingest.watch_notes import OUTCOMES

_TRIED_LINKS = 5


async def find_feed(fetcher: Fetches, url: str) -> tuple[str, Feed]:
    """The feed at an address, or the one that the page there names.

    Returns:
        The feed's address and the feed.

    Raises:
        FetchError: Nothing could be fetched.
        FeedError: There is no feed, and none is named; or the address lists feeds.
    """
    reply = await _got(fetcher, url if "://" in url else f"https://{url}")
    if feed_kind(reply.body) is not None:
        return reply.moved_to or reply.asked, parse_feed(reply.body, reply.url, reply.charset)
    links = linked_feeds(reply.body, reply.url, reply.charset)
    for link in links[:_TRIED_LINKS]:
        try:
            found = await _got(fetcher, link.url)
            return found.moved_to or link.url, parse_feed(found.body, found.url, found.charset)
        except (FetchError, FeedError):
            continue
    if links:
        raise FeedError(url, f"names feeds, but none that can be read ({', '.join(link.url for link in links[:3])}).")
    raise FeedError(url, "is no feed and names none; give the feed's own address.")


async def fetched_list(fetcher: Fetches, url: str) -> bytes:
    """What is at the address of a list of feeds.

    Raises:
        FetchError: Nothing could be fetched.
    """
    return (await _got(fetcher, url)).body


async def _got(fetcher: Fetches, url: str) -> Fetched:
    reply = await fetcher.get(url, accept=f"{FEED_ACCEPT}, text/html;q=0.7", max_bytes=MAX_FEED_BYTES)
    if reply.status in (404, 410):
        raise FetchError(url, f"status {reply.status}", "there is nothing at this address; check how it is written.")
    return reply


def subscription(url: str, now_s: int, *, title: str = "", site: str = "", source: str = "") -> Subscription:
    """A new one, due at once."""
    return Subscription(0, url, title, site, source, now_s, now_s)


def imported(body: bytes, origin: str, now_s: int) -> tuple[list[Subscription], int]:
    """Subscriptions to the feeds that an OPML file lists, and how many entries were left out: they are no addresses.

    Raises:
        FeedError: It is no OPML, or lists none.
    """
    listed, n_left_out = parse_opml(body, origin)
    feeds = [subscription(one.url, now_s, title=one.title, site=one.site, source=one.source) for one in listed]
    return feeds, n_left_out


def exported(store: FeedStore, now_s: int) -> bytes:
    """All subscriptions as OPML."""
    outlines = [Outline(feed.url, feed.title, feed.site, feed.source) for feed in store.feeds()]
    return opml(outlines, format_datetime(datetime.fromtimestamp(now_s, UTC)))


def subscription_named(store: FeedStore, name: str) -> Subscription:
    """The subscription to an address, or with a title.

    Raises:
        BadInput: There is none.
    """
    feeds = store.feeds()
    found = store.find(name) or store.find(f"https://{name}")
    titled = [feed for feed in feeds if name.lower() in (feed.title.lower(), feed.site.lower().rstrip("/"))]
    if found is None and len(titled) == 1:
        found = titled[0]
    if found is None:
        near = difflib.get_close_matches(name, [feed.url for feed in feeds], n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "`newsquote feeds list` shows them."
        raise BadInput(f"There is no subscription to {name}; {hint}")
    return found


# Showing ------------------------------------------------------------------------------------------------------


def feed_rows(store: FeedStore, now_s: int) -> list[dict[str, Any]]:
    """Every subscription as JSON values."""
    return [
        {
            "url": feed.url,
            "title": feed.title,
            "site": feed.site or None,
            "source": feed.source or None,
            "added": written(feed.added_s),
            "polled": written(feed.polled_s),
            "next": written(feed.next_s),
            "new": written(feed.new_s),
            "entries": feed.n_entries,
            "alarm": alarm(feed, now_s) or None,
        }
        for feed in store.feeds()
    ]


def feed_lines(rows: Sequence[dict[str, Any]]) -> str:
    """`feed_rows` for a person."""
    lines = []
    for row in rows:
        lines.append(f"{safe(row['title'] or '(not read yet)')}  {safe(row['url'])}")
        entries = counted(row["entries"], "entry", "entries")
        state = f"{entries}, polled {_moment(row['polled'])}, next {_moment(row['next'])}"
        lines.append(f"  {state}" + (f"; last new {_moment(row['new'])}" if row["new"] else ""))
        if row["alarm"]:
            lines.append(f"  {safe(row['alarm'])}")
    return "\n".join(lines) if lines else "No subscriptions; `newsquote feeds add URL` makes one."


def why_lines(store: FeedStore, url: str, kept_days: int) -> str:
    """Why an article was or was not taken, from what is stored and from the kept log.

    Args:
        store: To ask.
        url: As a person gives it.
        kept_days: How long the log is kept, to be said where it is silent.

    Raises:
        BadInput: It is no address.
    """
    address = canonical_url(url if "://" in url else f"https://{url}")
    if address is None:
        raise BadInput(f"{url} is no http or https address; give the article's.")
    page = store.page(url) or store.page(address)
    # The article of a page whose own address is another than the one that is asked for.
    is_elsewhere = page is not None and page.article not in ("", address) and not _is_stored(store, address)
    article = page.article if page is not None and is_elsewhere else address
    pages = {one.url: one for one in ([page] if page is not None else []) + store.pages_with(article)}
    addresses = list(dict.fromkeys((address, article, *(canonical_url(one) or one for one in pages))))
    feeds = {feed.number: feed.url for feed in store.feeds()}
    lines = [f"{safe(address)}: {_standing(store, article)}" + (f", as {safe(article)}" if is_elsewhere else "")]
    for one in addresses:
        at = "" if one == address else f", at {safe(one)}"
        for number, seen in store.entries_of(one):
            where = feeds.get(number, "a feed that was removed")
            lines.append(f"  in {safe(where)} since {moment(seen.first_s)}{at}: {_explained(seen.outcome)}")
    for line in sorted((line for one in addresses for line in store.log_of(one)), key=lambda line: line.at_s):
        at = "" if line.url == address else f"  at {safe(line.url)}"
        lines.append(f"  {moment(line.at_s)}{at}  {_explained(line.outcome, line.detail)}")
    for page in pages.values():
        named = "" if page.url == url or canonical_url(page.url) == address else f" {safe(page.url)}"
        then = f", next look {moment(page.next_s)}" if page.next_s is not None else ", no further look is planned"
        lines.append(f"  the page{named} was fetched {moment(page.fetched_s)}{then}")
    if len(lines) == 1:
        lines.append(f"  no feed had it, and the log of the last {kept_days} days does not name it")
    return "\n".join(lines)


def _is_stored(store: FeedStore, address: str) -> bool:
    return store.known(address) is not None or bool(store.parts_of(address))


def _standing(store: FeedStore, address: str) -> str:
    if store.retracted_s(address) is not None:
        removal = store.removal(address)
        return f"retracted ({removal.reason}, {moment(removal.at_s)})" if removal is not None else "retracted"
    known = store.known(address)
    if known is None:
        n_parts = sum(not store.is_retracted(one) for one in store.parts_of(address))
        return f"in the corpus by {counted(n_parts, 'update')} of it" if n_parts else "not in the corpus"
    article = store.article(known.version)
    if article is None:
        return "retracted"
    notes = ["only its beginning is known"] if article.is_stub else []
    notes += [f"a copy of {article.copy_of}"] if article.copy_of else []
    return "in the corpus" + (f" ({'; '.join(notes)})" if notes else "")


def _explained(outcome: str, detail: str = "") -> str:
    words = OUTCOMES.get(outcome, "")
    return outcome + (f": {words}" if words else "") + (f" ({safe(detail)})" if detail else "")


def _moment(iso: str | None) -> str:
    """An instant as JSON has it, for a person."""
    return "never" if iso is None else moment(datetime.fromisoformat(iso).timestamp())


# Status -------------------------------------------------------------------------------------------------------


def feed_status(store: FeedStore, now_s: int) -> dict[str, Any]:
    """What an operator should know of all feeds, as JSON values; empty where there are none."""
    feeds = store.feeds()
    if not feeds:
        return {}
    states = Counter("failing" if feed.n_failed else "stale" if is_stale(feed, now_s) else "well" for feed in feeds)
    alarms = [{"feed": feed.url, "alarm": found} for feed in feeds if (found := alarm(feed, now_s))]
    by_number = {feed.number: feed.url for feed in feeds}
    alarms += [{"feed": by_number.get(number, ""), "alarm": why} for number, why in store.refused_removals()]
    polled = [feed.polled_s for feed in feeds if feed.polled_s is not None]
    return {
        "feeds": len(feeds),
        "feeds_failing": states["failing"],
        "feeds_stale": states["stale"],
        "entries_waiting": store.n_queued(),
        "last_poll": written(max(polled)) if polled else None,
        "feed_alarms": alarms,
    }


def feed_status_lines(found: dict[str, Any]) -> str:
    """`feed_status` for a person, in the form of the other lines of `newsquote status`."""
    if not found:
        return ""
    waiting = counted(found["entries_waiting"], "entry", "entries")
    rows = [
        (
            "feeds",
            f"{found['feeds']}: {found['feeds_failing']} failing, {found['feeds_stale']} stale; "
            f"{waiting} waiting; last polled {_moment(found['last_poll'])}",
        )
    ]
    rows += [("alarm", safe(f"{one['feed']} {one['alarm']}")) for one in found["feed_alarms"]]
    return "\n".join(f"{name:<8}  {value}" for name, value in rows)
