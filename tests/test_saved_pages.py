"""The saved pages of many outlets, through a server and through a WARC file: the same articles, the same figures."""

from __future__ import annotations

import gzip
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from index.errors import BadInput, ExtractError
from ingest.draft import Draft, Flush, Reject
from ingest.extract import extract
from ingest.fetch import Fetcher, FetchPolicy
from ingest.sources import open_source
from ingest.web import WebSource
from tests.score_pages import f1, fold_title, pages, same_day
from tests.test_warc import record
from tests.web.loopback import LOOPBACK, Clock, Page, Web

EVAL_DATA = Path(os.environ.get("NEWSQUOTE_EVAL_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))
pytestmark = pytest.mark.skipif(
    not (EVAL_DATA / "pages" / "gold.jsonl").exists(), reason=f"there are no saved pages in {EVAL_DATA}"
)
# Every third page, as the way is the same for all.
STEP = 3


@lru_cache(maxsize=1)
def saved() -> list[tuple[dict[str, str], bytes, Draft | None]]:
    """Gold, page, and what extraction makes of it by itself."""
    found: list[tuple[dict[str, str], bytes, Draft | None]] = []
    for gold, page in pages(EVAL_DATA)[::STEP]:
        try:
            draft = extract(page, gold["url"], origin=gold["url"])
        except ExtractError:
            draft = None
        found.append((gold, page, draft))
    return found


def by_origin(found: list[Draft | Reject | Flush]) -> dict[str, list[Draft]]:
    drafts: dict[str, list[Draft]] = {}
    for one in found:
        if isinstance(one, Draft):
            drafts.setdefault(one.origin, []).append(one)
    return drafts


def check(drafts: dict[str, list[Draft]]) -> None:
    """Page by page the same articles."""
    for gold, _, draft in saved():
        mine = drafts.get(gold["url"], [])
        if draft is None:
            assert mine == [], gold["url"]
        else:
            assert [replace(one, extra="") for one in mine] == [replace(draft, extra="")], gold["url"]


def test_pages_from_a_server_are_read_as_well_as_saved_ones() -> None:
    clock = Clock(1_790_000_000)
    policy = FetchPolicy(delay_s=0.0, private_networks=(f"{LOOPBACK}/32",), honour_opt_outs=False)
    with Web() as web:
        urls = []
        for gold, page, _ in saved():
            # http, so that no certificate is needed; everything else is as it was.
            parts = urlsplit(gold["url"])
            host = parts.hostname or ""
            server = web.servers[host] if host in web.servers else web.host(host)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            server.routes[path] = Page(
                gzip.compress(page), headers={"Content-Encoding": "gzip"}, content_type="text/html"
            )
            urls.append(f"http://{host}:{server.port}{path}")
        source = WebSource(urls, lambda: Fetcher(policy, clock=clock, sleep=clock.sleep, resolver=web.lookup), clock)
        found: list[Draft | Reject | Flush] = []
        try:
            found.extend(source.articles())
        except BadInput:
            assert any(draft is None for _, _, draft in saved())
    drafts = by_origin(found)
    fetched = [drafts.get(url, []) for url in urls]
    for mine, (gold, _, direct) in zip(fetched, saved(), strict=True):
        assert [one.text for one in mine] == ([] if direct is None else [direct.text]), gold["url"]
    assert figures([mine[0] if mine else None for mine in fetched]) == figures([draft for _, _, draft in saved()])


def figures(drafts: Sequence[Draft | None]) -> tuple[int, int, float]:
    """Right titles, right days, and the mean F1 of the bodies."""
    n_titles = n_days = 0
    bodies = []
    for draft, (gold, _, _) in zip(drafts, saved(), strict=True):
        n_titles += draft is not None and fold_title(draft.title) == fold_title(gold["title"])
        n_days += draft is not None and same_day(draft.published, gold["published"])
        bodies.append(f1(draft.text, gold["text"])[2] if draft else 0.0)
    return n_titles, n_days, sum(bodies) / len(bodies)


def test_a_warc_file_of_the_pages_gives_the_same_articles(tmp_path: Path) -> None:
    path = tmp_path / "pages.warc.gz"
    path.write_bytes(
        b"".join(
            gzip.compress(record(page, gold["url"], http=["Content-Type: text/html"])) for gold, page, _ in saved()
        )
    )
    check(by_origin(list(open_source(str(path)).articles())))
