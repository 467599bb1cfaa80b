"""A simulated year of fifty feeds: `python -m tests.bench_year`, and two weeks of it in `make bench`.

The clock jumps from one due moment to the next, and the network is a fake beneath the fetcher's seam: a site for each
feed, with articles that appear at their own rates, corrections, pages that go, validators, and feeds that fail, move,
drop everything, rename every entry or date it into the future. The watcher, the store and the pipeline are the real
ones. Ends with exit code 1 if an article was lost or stored twice.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from index.corpus_file import FILE
from index.errors import FetchError
from index.store import Store
from index.store_feeds import FeedStore
from ingest.feed_commands import subscription
from ingest.fetch import Fetched
from ingest.identity import canonical_url
from ingest.lock import ingest_lock
from ingest.report import Progress
from ingest.subscriptions import RECHECKS_S
from ingest.watch import Watcher
from tests.feed_support import DAY_S, NOW_S, Item, build_index, inline, rss, story_page
from tests.web.loopback import Page

N_FEEDS = 50
IN_FEED = 15
# Articles a day: a few busy feeds, more that are not, and many that are nearly silent.
RATES = (*[2.0] * 5, *[0.5] * 15, *[0.07] * 30)
# Due moments closer together than this are one round.
STEP_S = 900
INDEX_EVERY_S = DAY_S
CORRECTED = "Correction:"


@dataclass(slots=True)
class Story:
    """An article of the simulation."""

    name: str
    url: str
    at_s: int
    corrected_s: int | None
    gone_s: int | None

    def page(self, now_s: float) -> Page:
        page = story_page(self.name, self.at_s)
        if self.corrected_s is None or now_s < self.corrected_s:
            return page
        assert isinstance(page.body, str)
        body = page.body.replace("</article>", f"<p>{CORRECTED} {self.name} was late.</p></article>")
        return Page(body, etag=page.etag[:-1] + 'c"')


@dataclass(slots=True)
class Site:
    """A feed with its articles, all of them planned beforehand."""

    number: int
    stories: list[Story]
    kind: str = ""
    moved_s: int = NOW_S + 10 * DAY_S

    @property
    def base(self) -> str:
        return f"https://paper{self.number}.example"

    def shown(self, now_s: float) -> list[Item]:
        out = [story for story in self.stories if story.at_s <= now_s][-IN_FEED:][::-1]
        if self.kind == "drops" and int(now_s) // DAY_S % 7 == 0:
            return []
        prefix = f"again{int(now_s) // (30 * DAY_S)}-" if self.kind == "renames" else ""
        date = self.kind != "undated"
        ahead_s = 5 * DAY_S if self.kind == "ahead" else 0
        return [
            Item(one.name, one.at_s + ahead_s if date else None, url=one.url, guid=f"{prefix}{one.name}") for one in out
        ]


KINDS = ("drops", "renames", "undated", "ahead", "fails", "moves", "always new", "slow down")


@dataclass(slots=True)
class World:
    """The network, as `Fetches`."""

    sites: dict[str, Site]
    now_s: float = NOW_S
    n_requests: Counter[str] = field(default_factory=Counter)

    def __call__(self) -> float:
        return self.now_s

    async def get(
        self,
        url: str,
        *,
        etag: str = "",
        last_modified: str = "",
        accept: str = "",
        max_bytes: int | None = None,
        obey_robots: bool = True,
    ) -> Fetched:
        host, _, path = url.removeprefix("https://").partition("/")
        site = self.sites[host]
        is_feed = path in ("feed", "feed2")
        self.n_requests["polls" if is_feed else "pages"] += 1
        if not is_feed:
            return self._page(site, url, etag)
        day = int(self.now_s) // DAY_S
        if site.kind == "fails" and day % 5 == 0:
            raise FetchError(url, "status 503", "the server answers with status 503", None)
        if site.kind == "slow down" and self.n_requests["polls"] % 20 == 0:
            raise FetchError(url, "too many requests", "the server asks us to come back later", 7_200.0)
        page = rss(site.shown(self.now_s), site.base)
        moved_to = f"{site.base}/feed2" if site.kind == "moves" and path == "feed" and self.now_s > site.moved_s else ""
        tag = f'"{self.now_s}"' if site.kind == "always new" else page.etag
        return self._reply(url, page, tag, etag, moved_to)

    def _page(self, site: Site, url: str, etag: str) -> Fetched:
        story = next(story for story in site.stories if story.url == url)
        if story.gone_s is not None and self.now_s >= story.gone_s:
            return Fetched(url, url, 410, {"content-type": "text/html"}, b"")
        page = story.page(self.now_s)
        return self._reply(url, page, page.etag, etag)

    def _reply(self, url: str, page: Page, tag: str, etag: str, moved_to: str = "") -> Fetched:
        headers = {"content-type": page.content_type, "etag": tag}
        if etag == tag:
            self.n_requests["304"] += 1
            return Fetched(moved_to or url, url, 304, headers, b"", tag, "", moved_to)
        assert isinstance(page.body, str)
        return Fetched(moved_to or url, url, 200, headers, page.body.encode(), tag, "", moved_to)


def make_world(n_days: int, seed: int) -> World:
    """Every article of so many days, and how each feed misbehaves."""
    rng = random.Random(seed)
    sites = {}
    for number in range(N_FEEDS):
        base = f"https://paper{number}.example"
        stories: list[Story] = []
        at_s = float(NOW_S - 3 * DAY_S)
        while True:
            at_s += rng.expovariate(RATES[number] / DAY_S)
            if at_s > NOW_S + n_days * DAY_S:
                break
            name = f"s{number}x{len(stories)}"
            corrected_s = int(at_s + rng.uniform(0.2, 2) * DAY_S) if rng.random() < 0.05 else None
            gone_s = int(at_s + 4 * DAY_S) if corrected_s is None and rng.random() < 0.01 else None
            stories.append(Story(name, f"{base}/{name}", int(at_s), corrected_s, gone_s))
        sites[f"paper{number}.example"] = Site(number, stories, KINDS[number] if number < len(KINDS) else "")
    return World(sites)


def resident_bytes() -> int:
    """Memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def run_days(world: World, folder: Path, n_days: int, report_days: int) -> int:
    """Watch for so many days; how many rounds it took."""
    indexed_s = 0.0

    def build(data: Path, store: Store, now_s: int, progress: Progress) -> tuple[int, str]:
        nonlocal indexed_s
        if now_s - indexed_s < INDEX_EVERY_S:
            return 0, ""
        indexed_s = now_s
        return build_index(data, store, now_s, progress)

    async def run() -> int:
        watcher = Watcher(folder, world, build, clock=world, random=random.Random(7), offload=inline)
        n_rounds, next_report_s = 0, NOW_S + report_days * DAY_S
        while world.now_s < NOW_S + n_days * DAY_S:
            await watcher.round(is_whole=True)
            n_rounds += 1
            with FeedStore(folder) as store:
                due_s = store.next_poll_s()
            world.now_s = max(world.now_s + STEP_S, due_s or 0)
            if world.now_s >= next_report_s:
                show(world, folder, next_report_s)
                next_report_s += report_days * DAY_S
        await watcher.round(is_whole=True)
        return n_rounds

    return asyncio.run(run())


def show(world: World, folder: Path, at_s: float) -> None:
    """A line of the table: growth so far."""
    with FeedStore(folder) as store:
        rows, n_articles, n_bytes = store.feed_counts(), store.counts()["articles"], store.size_bytes()
    print(
        f"day {int(at_s - NOW_S) // DAY_S:4d}: {n_articles:6,} articles, {n_bytes / 1e6:7.1f} MB in {FILE}, "
        f"{resident_bytes() / 1e6:6.0f} MB resident, {rows['feed_log']:7,} log lines, {rows['entries']:6,} entries, "
        f"{world.n_requests.total() - world.n_requests['304']:7,} requests",
        flush=True,
    )


def check(world: World, folder: Path, n_days: int) -> list[str]:
    """What was lost, doubled or left uncorrected, a sentence each."""
    end_s = world.now_s
    with FeedStore(folder) as store:
        stored = Counter(article.id for article, _ in store.export(all_versions=False))
        versions = Counter(article.id for article, _ in store.export())
        expected = {}
        faults = []
        corrected = 0
        for site in world.sites.values():
            for story in site.stories:
                if story.at_s > end_s - 2 * DAY_S or story.at_s < NOW_S:
                    continue
                identity = canonical_url(story.url) or ""
                expected[identity] = story
                known = store.known(identity)
                if known is None:
                    faults.append(f"lost: {identity} of a feed that {site.kind or 'behaves'}")
                elif known.is_retracted:
                    if story.gone_s is None:
                        faults.append(f"removed without reason: {identity}")
                elif story.corrected_s is not None and story.corrected_s < end_s - 8 * DAY_S:
                    article = store.article(known.version)
                    corrected += 1
                    if article is None or CORRECTED not in article.text:
                        faults.append(f"correction not seen: {identity}")
    faults += [f"twice: {identity}" for identity, n in stored.items() if n > 1]
    for identity, n in versions.items():
        found = expected.get(identity)
        if n > 1 + (found is None or found.corrected_s is not None):
            faults.append(f"{n} versions of {identity}")
    n_seen = sum(n > 1 for identity, n in versions.items() if identity in expected)
    n_polls, n_pages = world.n_requests["polls"], world.n_requests["pages"]
    n_new = len(expected)
    least = sum(max(n_days, sum(NOW_S <= one.at_s <= end_s for one in site.stories)) for site in world.sites.values())
    least_pages = n_new * (1 + len(RECHECKS_S))
    print(f"{n_new:,} articles published, {len(faults)} lost, doubled, wrongly removed or left uncorrected")
    print(f"{corrected:,} corrected ones; {n_seen:,} articles with a second version, the others first seen corrected")
    print(f"{n_polls:,} polls, {n_polls / least:.2f} of one a day or one an entry ({least:,})")
    print(f"{n_pages:,} pages, {n_pages / max(1, least_pages):.2f} of one and five looks an article ({least_pages:,})")
    print(f"{world.n_requests['304']:,} of all replies were 304")
    return faults


def main(arguments: list[str] | None = None) -> int:
    """Run so many simulated days."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--year", action="store_true", help="365 days")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    n_days = 365 if given.year else given.days
    if n_days < 1:
        parser.error("--days: one day at least")
    world = make_world(n_days, given.seed)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="newsquote-year-") as scratch:
        folder = Path(scratch) / "data"
        with ingest_lock(folder, "bench", NOW_S), FeedStore(folder, write=True) as store:
            for site in world.sites.values():
                store.subscribe(subscription(f"{site.base}/feed", NOW_S))
        n_rounds = run_days(world, folder, n_days, max(1, n_days // 12))
        faults = check(world, folder, n_days)
    print(f"{n_days} days in {n_rounds:,} rounds and {time.perf_counter() - started:.0f} s")
    for fault in faults[:20]:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
