"""What the tests of feeds share: a small news site on loopback, its feed, and a watcher with the real fetcher on it."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import formatdate
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from index.store import Store
from index.store_feeds import FeedStore, Subscription
from index.types import Article
from ingest.feed_articles import Fetches
from ingest.fetch import Fetcher, FetchPolicy
from ingest.indexing import finish, recipe_for
from ingest.lock import ingest_lock
from ingest.report import Progress
from ingest.subscriptions import Bounds
from ingest.watch import Watcher
from ingest.watch_notes import Round
from tests.fakes import HashingEmbedder
from tests.web.loopback import LOOPBACK, Clock, Page, Server, Web

T = TypeVar("T")

# A Friday noon.
NOW_S = 1_745_582_400
HOUR_S, DAY_S = 3_600, 86_400
POLICY = FetchPolicy(delay_s=0.0, timeout_s=5.0, max_bytes=2_000_000, private_networks=(f"{LOOPBACK}/32",))

_WORDS = re.findall(
    r"\w+",
    "harbour council ferry engineers crane tide warehouse budget minister inspection rudder lighthouse pilots "
    "cargo engine storm bridge tender captain signal repair budgetary contract survey mooring channel dredging",
)


async def inline(work: Callable[[], T]) -> T:
    """What the watcher would hand to a thread, done here and now."""
    return work()


def sentences(name: str, n: int) -> str:
    """Prose that belongs to a name: the same each time, and no near-copy of another name's."""
    rng = random.Random(name)
    return " ".join(
        f"The {name} {' '.join(rng.choice(_WORDS) + str(rng.randrange(1000)) for _ in range(9))}." for _ in range(n)
    )


def story_page(name: str, published_s: float | None = None, *, text: str = "", more: str = "") -> Page:
    """A page with an article of its own, and a validator that changes with it."""
    body = text or sentences(name, 14)
    date = "" if published_s is None else datetime.fromtimestamp(published_s, UTC).isoformat()
    meta = f'<meta property="article:published_time" content="{date}">' if date else ""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in body.split("\n\n"))
    html = (
        f"<!doctype html><html lang=en><head><title>Story {name}</title>{meta}{more}</head>"
        f"<body><article><h1>Story {name}</h1>{paragraphs}</article></body></html>"
    )
    return Page(html, etag=f'"{hash(html) & 0xFFFFFFFF:x}"')


@dataclass(frozen=True, slots=True)
class Item:
    """An item of an RSS feed."""

    name: str
    at_s: float | None = None
    url: str = ""
    guid: str = ""
    text: str = ""
    content: str = ""
    date: str = ""

    def xml(self, base: str) -> str:
        date = self.date or ("" if self.at_s is None else formatdate(self.at_s, usegmt=True))
        content = f"<content:encoded><![CDATA[{self.content}]]></content:encoded>" if self.content else ""
        return (
            f"<item><title>Story {escape(self.name)}</title><link>{escape(self.url or f'{base}/{self.name}')}</link>"
            f"<guid isPermaLink='false'>{escape(self.guid or self.name)}</guid>"
            + (f"<pubDate>{date}</pubDate>" if date else "")
            + f"<description>{escape(self.text)}</description>{content}</item>"
        )


def rss(items: Sequence[Item], base: str, *, more: str = "", etag: str | None = None, title: str = "Harbour") -> Page:
    """An RSS feed; its validator changes with it unless one is given ("" for none)."""
    xml = (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{title}</title><link>{base}/</link>{more}{''.join(item.xml(base) for item in items)}</channel></rss>"
    )
    found = f'"{hash(xml) & 0xFFFFFFFF:x}"' if etag is None else etag
    return Page(xml, content_type="application/rss+xml; charset=utf-8", etag=found)


def build_index(folder: Path, store: Store, now_s: int, progress: Progress) -> tuple[int, str]:
    """The index with the hashing embedder."""
    embedder = HashingEmbedder()
    return finish(folder, store, embedder, recipe_for(embedder, 160, "test"), now_s, progress)


@dataclass(slots=True)
class World:
    """A site, a clock and a data folder.

    Attributes:
        site: The server of `news.test`, whose feed is at `/feed`.
        items: What the feed has; `publish` puts more at its top.
    """

    folder: Path
    web: Web
    site: Server
    clock: Clock = field(default_factory=lambda: Clock(NOW_S))
    bounds: Bounds = field(default_factory=Bounds)
    items: list[Item] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://news.test:{self.site.port}"

    @property
    def feed_url(self) -> str:
        return f"{self.base}/feed"

    def publish(self, *names: str, at_s: float | None = None, **more: Any) -> None:
        """Put stories on the site and at the top of its feed."""
        for name in names:
            moment = self.clock.now_s if at_s is None else at_s
            self.site.routes.setdefault(f"/{name}", story_page(name, moment))
            self.items.insert(0, Item(name, moment, **more))
        self.show()

    def show(self, **more: Any) -> None:
        """Let the feed be what `items` says."""
        self.site.routes["/feed"] = rss(self.items, self.base, **more)

    def subscribe(self, url: str = "", *, source: str = "") -> Subscription:
        now_s = int(self.clock())
        with ingest_lock(self.folder, "test", now_s), FeedStore(self.folder, write=True) as store:
            return store.subscribe(Subscription(0, url or self.feed_url, "", "", source, now_s, now_s))

    def with_watcher(self, work: Callable[[Watcher], Coroutine[Any, Any, T]], **options: Any) -> T:
        """What `work` makes of a watcher with the real fetcher on the loopback web."""

        async def run() -> T:
            async with Fetcher(POLICY, clock=self.clock, sleep=self.clock.sleep, resolver=self.web.lookup) as fetcher:
                return await work(self.watcher(fetcher, **options))

        return asyncio.run(run())

    def watcher(self, fetcher: Fetches, **options: Any) -> Watcher:
        settings: dict[str, Any] = {
            "clock": self.clock,
            "bounds": self.bounds,
            "random": random.Random(1),
            "offload": inline,
            **options,
        }
        return Watcher(self.folder, fetcher, settings.pop("build", build_index), **settings)

    def round(self, **options: Any) -> Round:
        """One round, to the end of what is due."""
        return self.with_watcher(lambda watcher: watcher.round(is_whole=True), **options)

    def later(self, seconds: float, **options: Any) -> Round:
        """A round so much later."""
        self.clock.now_s += seconds
        return self.round(**options)

    # What came of it --------------------------------------------------------------------------------------

    @contextmanager
    def store(self) -> Iterator[FeedStore]:
        with FeedStore(self.folder) as store:
            yield store

    def articles(self) -> dict[str, Article]:
        """Current articles by the last part of their address."""
        with self.store() as store:
            return {(one.url or one.id).rpartition("/")[2]: one for one, _ in store.export(all_versions=False)}

    def n_versions(self) -> int:
        with self.store() as store:
            return store.counts()["versions"]

    def feed(self) -> Subscription:
        with self.store() as store:
            return store.feeds()[0]

    def outcomes(self, name: str) -> list[str]:
        """What the log has of a story, in order."""
        with self.store() as store:
            return [line.outcome for line in store.log_of(f"https://news.test:{self.site.port}/{name}")]


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A site with an empty feed."""
    with Web() as web:
        made = World(folder, web, web.host("news.test"))
        made.show()
        yield made


def changed(page: Page, old: str, new: str) -> Page:
    """A page with other words and another validator."""
    assert isinstance(page.body, str) and old in page.body
    body = page.body.replace(old, new)
    return replace(page, body=body, etag=f'"{hash(body) & 0xFFFFFFFF:x}"')
