"""Kills an ingest of thousands of pages again and again: `python -m tests.crawl_torture [--pages 10000] [--kills 6]`.

Twenty hosts on loopback list their invented pages in sitemaps. A child process ingests them with the hashing embedder
and is SIGKILLed at moments drawn by chance; then it may run to its end. What must hold: every page becomes one article
with one version, what a run stored is never asked for again, and a kill costs no more than the pages that were not yet
stored.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

from index.errors import NewsquoteError
from index.store_feeds import FeedStore
from ingest.web import FLUSH_PAGES, N_AT_ONCE
from tests.torture import made_up_word
from tests.web.loopback import Page, Server, Web
from tests.web.stories import sitemap

ROOT = Path(__file__).parent.parent
N_HOSTS = 20
CHILD = """
import asyncio, sys, time
from pathlib import Path
from ingest.fetch import Fetcher, FetchPolicy
from ingest.job import run_ingest
from ingest.web import WebSource
from tests.fakes import HashingEmbedder

policy = FetchPolicy(delay_s=0, allow_private=True)
source = WebSource(
    sys.argv[2:], lambda: Fetcher(policy, clock=time.time, sleep=asyncio.sleep), time.time, limit=1_000_000
)
run_ingest([source], Path(sys.argv[1]), lambda: (HashingEmbedder(), 160), "torture", int(time.time()))
"""


def page(number: int) -> Page:
    """A page of invented news that no other resembles."""
    rng = random.Random(number)

    def sentence() -> str:
        words = " ".join(made_up_word(rng.randrange(56**4), "m") for _ in range(rng.randint(6, 12)))
        return f"{words.capitalize()}."

    body = "".join(f"<p>{escape(' '.join(sentence() for _ in range(4)))}</p>" for _ in range(5))
    title = f"Valve {number} at {made_up_word(number).capitalize()}"
    return Page(
        f'<!DOCTYPE html><html lang="en"><head><title>{title}</title>'
        '<meta property="article:published_time" content="2025-04-18T08:00:00Z"></head>'
        f"<body><article><h1>{title}</h1>{body}</article></body></html>"
    )


def serve(web: Web, n_pages: int) -> tuple[list[Server], list[str]]:
    """The hosts, and the addresses of their sitemaps."""
    servers = [web.host(f"paper{n}", address=f"127.0.0.{n + 2}") for n in range(N_HOSTS)]
    for number in range(n_pages):
        servers[number % N_HOSTS].routes[f"/{number}"] = page(number)
    for server in servers:
        listed = [(f"http://{server.address}:{server.port}{path}", "") for path in server.routes]
        server.routes["/sitemap.xml"] = Page(sitemap(*listed))
    return servers, [f"http://{server.address}:{server.port}/sitemap.xml" for server in servers]


def n_stored(folder: Path) -> int:
    """How many pages are durable."""
    try:
        with FeedStore(folder) as store:
            return store.feed_counts().get("pages", 0)
    except NewsquoteError:
        return 0


def run(n_pages: int, n_kills: int, seed: int) -> list[str]:
    """Kill so often, then let it end; what was wrong, a sentence each."""
    rng = random.Random(seed)
    faults = []
    moments = sorted(rng.randrange(n_pages) for _ in range(n_kills))
    with Web() as web, tempfile.TemporaryDirectory(prefix="newsquote-crawl-") as scratch:
        folder = Path(scratch)
        servers, urls = serve(web, n_pages)
        command = [sys.executable, "-c", CHILD, str(folder), *urls]
        for moment in moments:
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
                while n_stored(folder) < moment and child.poll() is None:
                    time.sleep(rng.uniform(0.02, 0.3))
                child.kill()
            print(f"killed with {n_stored(folder):,} pages stored", flush=True)
        started = time.perf_counter()
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        print(f"the last run took {time.perf_counter() - started:.0f} s", flush=True)
        if ended.returncode:
            faults.append(f"the last run ended with {ended.returncode}: {ended.stderr[-500:]}")
        asked = Counter(path for server in servers for path in server.paths() if path[1:].isdigit())
        with FeedStore(folder) as store:
            n_articles = store.counts()["articles"]
            versions = Counter(article.id for article, _ in store.export())
    n_again = asked.total() - len(asked)
    print(f"{n_articles:,} articles; {asked.total():,} requests for pages, {n_again:,} of them once more", flush=True)
    if n_articles != n_pages or len(asked) != n_pages:
        faults.append(f"{n_pages - n_articles:,} articles are missing")
    if max(versions.values(), default=0) > 1:
        faults.append("an article has two versions")
    # Fetched and not yet stored: what waits to be stored, what is fetched, and what is on its way between the two.
    if n_again > n_kills * (FLUSH_PAGES + 3 * N_AT_ONCE):
        faults.append(f"{n_again:,} pages were asked for once more after {n_kills} kills")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    faults = run(given.pages, given.kills, given.seed)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
