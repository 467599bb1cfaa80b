"""The command `watch`: the watcher with its embedder, its metrics and its end."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.cli import DataOption, clock_s, print_safe, program_version, settings_for
from index.errors import NewsquoteError
from ingest.cli import AllowPrivate, fetcher_of, import_urllib3, ingest_embedder, status_of_feeds

if TYPE_CHECKING:
    from index.build import Recipe
    from index.settings import Settings
    from index.store import Store
    from index.types import Embedder
    from ingest.report import Progress
    from ingest.watch import Build, Watcher


def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what is due, and end.")] = False,
    interval: Annotated[
        int | None,
        typer.Option(
            help="Seconds between two polls of a feed, from the next one on, in the place of what its rhythm suggests.",
            min=60,
        ),
    ] = None,
    allow_removals: Annotated[
        bool, typer.Option("--allow-removals", help="Remove articles whose pages are gone, however many they are.")
    ] = False,
    allow_private: AllowPrivate = False,
    data: DataOption = None,
) -> None:
    """Keep corpus and index up to date with the feeds.

    Polls them, fetches what is new and looks at known articles again, until Ctrl-C or SIGTERM.

    Example: newsquote watch

    Example: newsquote watch --once
    """
    import asyncio

    import_urllib3()
    from ingest.subscriptions import Bounds
    from ingest.watch import Watcher

    settings = settings_for(context, data)
    bounds = Bounds() if interval is None else Bounds(least_s=interval, most_s=interval)

    async def run() -> None:
        async with fetcher_of(settings, allow_private=allow_private) as fetcher:
            watcher = Watcher(
                settings.data,
                fetcher,
                _index_builder(settings),
                clock=time.time,
                bounds=bounds,
                allow_removals=allow_removals,
            )
            _end_on_signals(watcher.stop)
            async with _watch_metrics(settings, watcher):
                await watcher.run(print_safe, once=once)

    asyncio.run(run())


def _index_builder(settings: Settings) -> Build:
    """Brings the index up to the store, with an embedder that is kept for as long as the live index is made with it."""
    from index.snapshot import read_manifest
    from ingest.indexing import finish, recipe_for

    loaded: tuple[Embedder, Recipe] | None = None

    def build(folder: Path, store: Store, now_s: int, progress: Progress) -> tuple[int, str]:
        nonlocal loaded
        with contextlib.suppress(NewsquoteError):
            live = read_manifest(folder)
            if loaded is not None and (loaded[1].model, loaded[1].passage_tokens) != (live.model, live.passage_tokens):
                loaded = None  # somebody made it anew, another way
        if loaded is None:
            embedder, passage_tokens = ingest_embedder(settings)
            loaded = embedder, recipe_for(embedder, passage_tokens, program_version())
        return finish(folder, store, *loaded, now_s, progress)

    return build


@contextlib.asynccontextmanager
async def _watch_metrics(settings: Settings, watcher: Watcher) -> AsyncIterator[None]:
    """Metrics on loopback while the watcher runs, where a port is set."""
    if not settings.watch_metrics_port:
        yield
        return
    from index.endpoint import Endpoint
    from ingest.watch_metrics import exposition, problem

    endpoint = Endpoint(
        lambda: exposition(watcher, status_of_feeds(settings.data), clock_s()),
        lambda: problem(watcher, clock_s()),
        settings.watch_metrics_port,
    )
    try:
        await endpoint.start()
    except OSError as error:
        raise NewsquoteError(
            f"The port {settings.watch_metrics_port} cannot be listened on ({error}); set another "
            "NEWSQUOTE_WATCH_METRICS_PORT."
        ) from error
    try:
        yield
    finally:
        await endpoint.close()


# What a watcher may take to end once it is told to; what it is writing by then is whole or absent anyway.
GRACE_S = 8.0


def _end_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` at Ctrl-C and SIGTERM; end the process outright at a second one, or after the grace."""
    import asyncio
    import signal
    import threading

    loop = asyncio.get_running_loop()

    def end(number: int) -> None:
        stop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)
        timer = threading.Timer(GRACE_S, os._exit, (128 + number,))
        timer.daemon = True
        timer.start()

    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, end, each)
