"""What the commands that bring in share: what fetches and embeds, the lock, how the feeds are."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from index.cli import clock_s, program_version, snapshot_embedder

if TYPE_CHECKING:
    from index.settings import Settings
    from index.types import Embedder
    from ingest.fetch import Fetcher

AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="Fetch from private and loopback addresses too.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]


def import_urllib3() -> None:
    """Import urllib3, which courlan and trafilatura bring along, and keep it from opening a socket.

    On import it binds one to learn whether the machine has IPv6. Nothing here connects through it.
    """
    import socket

    had = socket.has_ipv6
    socket.has_ipv6 = False
    try:
        import urllib3  # noqa: F401
    finally:
        socket.has_ipv6 = had


def fetcher_of(settings: Settings, *, allow_private: bool) -> Fetcher:
    """What fetches from the web as the settings say; made inside a running event loop."""
    import asyncio

    from ingest.fetch import Fetcher, FetchPolicy

    if not settings.contact:
        print("Sites are not told whom to write to; set NEWSQUOTE_CONTACT to a mail address.", file=sys.stderr)
    policy = FetchPolicy(
        contact=settings.contact,
        user_agent=f"newsquote/{program_version()}",
        timeout_s=settings.fetch_timeout_s,
        delay_s=settings.fetch_delay_s,
        allow_private=allow_private,
        honour_opt_outs=settings.opt_outs == "honour",
    )
    return Fetcher(policy, clock=time.time, sleep=asyncio.sleep)


def ingest_embedder(settings: Settings) -> tuple[Embedder, int]:
    """The embedder and the passage length of the live index; where there is none, of the settings, else as before."""
    from index.errors import IndexCorrupt, IndexMissing, IndexStale
    from index.snapshot import read_manifest
    from ingest.indexing import made_before
    from ingest.passages import passage_budget

    try:
        manifest = read_manifest(settings.data)
    except (IndexMissing, IndexCorrupt, IndexStale):
        return settings_embedder(settings, made_before(settings.data) or by_default())
    wanted, had = (
        passage_budget(tokens, manifest.model.max_tokens)
        for tokens in (settings.passage_tokens or manifest.passage_tokens, manifest.passage_tokens)
    )
    if wanted != had:
        raise IndexStale(
            f"The index has passages of {manifest.passage_tokens} tokens and NEWSQUOTE_PASSAGE_TOKENS is "
            f"{settings.passage_tokens}; run `newsquote reindex`, or unset it."
        )
    return snapshot_embedder(settings, manifest.model), manifest.passage_tokens


def by_default() -> tuple[str, int]:
    """Model and longest passage where nobody chose any."""
    from index.models import DEFAULT_MODEL
    from index.settings import DEFAULT_PASSAGE_TOKENS

    return DEFAULT_MODEL, DEFAULT_PASSAGE_TOKENS


def settings_embedder(settings: Settings, otherwise: tuple[str, int]) -> tuple[Embedder, int]:
    """The embedder and the passage length of the settings; where they leave one open, by what is given."""
    from index.embed import load_embedder

    model, passage_tokens = otherwise
    embedder = load_embedder(
        settings.model or model, runtime=settings.runtime, exports=settings.data / "models", may_fetch=True
    )
    return embedder, settings.passage_tokens or passage_tokens


# A running watcher holds the lock for seconds, or for as long as an index takes.
LOCK_WAIT_S = 60.0


@contextlib.contextmanager
def writing(settings: Settings, purpose: str) -> Iterator[None]:
    """The lock, for commands that write little; waits a while for who holds it."""
    from ingest.lock import ingest_lock

    until_s = time.monotonic() + LOCK_WAIT_S

    def wait() -> bool:
        time.sleep(0.2)
        return time.monotonic() < until_s

    with ingest_lock(settings.data, purpose, clock_s(), wait):
        yield


def status_of_feeds(folder: Path) -> dict[str, Any]:
    """What there is to say of feeds; empty, at no cost, where there are none."""
    from index.store_feeds import FeedStore

    with FeedStore(folder) as store:
        if not store.feeds():
            return {}
        import_urllib3()
        from ingest.feed_commands import feed_status

        return feed_status(store, clock_s())
