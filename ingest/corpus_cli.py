"""The commands on what is stored: `retract`, `export`, `history`, `status` and `cache`."""

from __future__ import annotations

import contextlib
import sys
from typing import Annotated

import typer

from index.cli import (
    DataOption,
    JsonOption,
    check_corpus,
    clock_s,
    is_colourful,
    print_json,
    program_version,
    settings_for,
)
from ingest.cli import DryRunOption, import_urllib3, ingest_embedder, status_of_feeds, writing


def retract(
    context: typer.Context,
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Addresses, or local:… ids.")],
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what was retracted, by whomever.")] = False,
    dry_run: DryRunOption = False,
    data: DataOption = None,
) -> None:
    """Remove articles for good, or bring them back.

    They answer nothing from now on, and are not ingested again. With --undo they answer again, with the versions that
    they had; a page comes with those of its updates that were retracted at the same time.

    Example: newsquote retract https://harbor-courier.example/2025/04/18/talks

    Example: newsquote retract --undo https://harbor-courier.example/2025/04/18/talks
    """
    import_urllib3()
    from ingest.job import run_retract, run_undo

    settings = settings_for(context, data)
    check_corpus(settings.data)
    purpose = "newsquote retract --undo" if undo else "newsquote retract"
    with contextlib.nullcontext() if dry_run else writing(settings, purpose):
        if undo:
            said = run_undo(
                settings.data,
                urls,
                lambda: ingest_embedder(settings),
                program_version(),
                clock_s(),
                dry_run=dry_run,
            )
        else:
            said = run_retract(settings.data, urls, clock_s(), dry_run=dry_run)
    print(said)


def export(
    context: typer.Context,
    output: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - for standard output.")] = "-",
    current: Annotated[bool, typer.Option("--current", help="Only the current version of each article.")] = False,
    data: DataOption = None,
) -> None:
    """Write the stored articles as JSON lines.

    Ingest reads them: this is also the backup. What was retracted follows as lines with an address and no text, and is
    kept out wherever they are ingested.

    Example: newsquote export backup.jsonl.gz
    """
    import_urllib3()
    from index.store import Store
    from index.terminal import counted
    from ingest.job import run_export

    settings = settings_for(context, data)
    with Store(settings.data) as store:
        n = run_export(store, output, all_versions=not current)
        n_retracted = len(store.tombstones())
    retractions = f" and {counted(n_retracted, 'retraction')}" if n_retracted else ""
    print(f"{counted(n, 'article version')}{retractions} exported", file=sys.stderr)


def history(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The article's address, or its local:… id.")],
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Show how an article changed, version by version.

    Example: newsquote history https://harbor-courier.example/2025/04/18/talks
    """
    import_urllib3()
    from index.store_feeds import FeedStore
    from ingest.history import article_history, history_json, history_lines

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        found = article_history(store, url)
    if as_json:
        print_json(history_json(found))
    else:
        print(history_lines(found, colour=is_colourful()))


def status(context: typer.Context, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Say what the corpus holds and how old its index is.

    Example: newsquote status
    """
    from index.health import corpus_status, status_lines

    settings = settings_for(context, data)
    found = corpus_status(settings.data, clock_s())
    feeds = status_of_feeds(settings.data)
    if as_json:
        print_json(found | feeds)
        return
    print(status_lines(found))
    if feeds:
        from ingest.feed_commands import feed_status_lines

        print(feed_status_lines(feeds))


cache_app = typer.Typer(help="Say how large the cache of vectors is, or drop it.\n\nExample: newsquote cache drop")


@cache_app.callback(invoke_without_command=True)
def cache(context: typer.Context, data: DataOption = None) -> None:
    """Say how large the cache of vectors is.

    It saves embedding a text twice: after a change of the passage length and back, after a killed run, and for the same
    text at two addresses. Answering does not read it.

    Example: newsquote cache
    """
    if context.invoked_subcommand is not None:
        context.obj = data or context.obj
        return
    from index.store import Store

    with Store(settings_for(context, data).data) as store:
        n, n_bytes = store.cached()
        print(f"{n:,} vectors are cached, {n_bytes / 1e6:,.1f} MB of {store.size_bytes() / 1e6:,.1f} MB.")


@cache_app.command("drop")
def cache_drop(context: typer.Context, data: DataOption = None) -> None:
    """Drop the cache of vectors, and give its room back to the disk.

    The index goes on answering, and what it holds is not embedded again: later runs read its vectors back from it, at
    the precision they have there (8 bits a component in a large index). What it costs: `reindex` with another model or
    passage length, and a text that comes again under another address, are embedded anew. While it runs it needs
    free disk in the data folder, twice as much as the corpus file has without the cache.

    Example: newsquote cache drop
    """
    from index.store import Store
    from ingest.lock import ingest_lock

    settings = settings_for(context, data)
    with Store(settings.data) as reader:  # a folder without a corpus is an error, not an empty one
        n, _ = reader.cached()
        before = reader.size_bytes()
    with ingest_lock(settings.data, "newsquote cache drop", clock_s()):
        with Store(settings.data, write=True) as store:
            store.drop_cache()
        with Store(settings.data) as store:
            freed = max(0, before - store.size_bytes())
    print(f"{n:,} vectors dropped, {freed / 1e6:,.1f} MB freed.")
