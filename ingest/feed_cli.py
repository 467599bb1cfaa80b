"""The command `feeds` and what is under it; feed_commands.py knows what each does."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from index.cli import DataOption, JsonOption, check_corpus, clock_s, print_json, print_safe, settings_for
from ingest.cli import AllowPrivate, fetcher_of, import_urllib3, writing

if TYPE_CHECKING:
    from index.settings import Settings
    from index.store_feeds import FeedStore

feeds_app = typer.Typer(no_args_is_help=True)


@feeds_app.callback()
def feeds(context: typer.Context, data: DataOption = None) -> None:
    """Subscribe to feeds, which `newsquote watch` polls.

    Example: newsquote feeds list
    """
    context.obj = data or context.obj


@contextlib.contextmanager
def _feed_store(settings: Settings, purpose: str) -> Iterator[FeedStore]:
    """The feed tables, to be written."""
    from index.store_feeds import FeedStore

    with writing(settings, purpose), FeedStore(settings.data, write=True) as store:
        yield store


@feeds_app.command("add")
def feeds_add(
    context: typer.Context,
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Addresses of feeds, or of pages that name one.")],
    source: Annotated[str, typer.Option(help="Outlet that its articles are counted to.")] = "",
    allow_private: AllowPrivate = False,
    data: DataOption = None,
) -> None:
    """Subscribe to feeds; a site's page will do, if it names its feed.

    Example: newsquote feeds add https://harbor-courier.example/
    """
    import asyncio

    import_urllib3()
    from index.terminal import counted
    from ingest.feed_commands import find_feed, subscription
    from ingest.feeds import Feed

    settings = settings_for(context, data)

    async def find() -> list[tuple[str, Feed]]:
        async with fetcher_of(settings, allow_private=allow_private) as fetcher:
            return [await find_feed(fetcher, url) for url in urls]

    found = asyncio.run(find())
    with _feed_store(settings, "newsquote feeds add") as store:
        for url, feed in found:
            is_new = store.find(url) is None
            made = store.subscribe(subscription(url, clock_s(), title=feed.title, site=feed.site, source=source))
            words = "Subscribed to" if is_new else "Already subscribed to"
            entries = counted(len(feed.entries), "entry", "entries")
            print_safe(f"{words} {made.title or made.url} ({made.url}, {entries}).")


@feeds_app.command("remove")
def feeds_remove(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="URL", help="Addresses or titles.")],
    data: DataOption = None,
) -> None:
    """End subscriptions; their articles stay.

    Example: newsquote feeds remove https://harbor-courier.example/feed
    """
    import_urllib3()
    from ingest.feed_commands import subscription_named

    settings = settings_for(context, data)
    check_corpus(settings.data)
    with _feed_store(settings, "newsquote feeds remove") as store:
        for feed in [subscription_named(store, name) for name in names]:
            store.unsubscribe(feed.number)
            print_safe(f"No longer subscribed to {feed.url}; its articles stay.")


@feeds_app.command("list")
def feeds_list(context: typer.Context, as_json: JsonOption = False, data: DataOption = None) -> None:
    """List subscriptions and how they are.

    Example: newsquote feeds list
    """
    import_urllib3()
    from index.store_feeds import FeedStore
    from ingest.feed_commands import feed_lines, feed_rows

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        rows = feed_rows(store, clock_s())
    if not as_json:
        print(feed_lines(rows))
        return
    for row in rows:
        print_json(row)


@feeds_app.command("import")
def feeds_import(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="FILE", help="An OPML file, its address, or - for standard input.")],
    allow_private: AllowPrivate = False,
    data: DataOption = None,
) -> None:
    """Subscribe to the feeds of an OPML file.

    None of them is fetched before `newsquote watch`.

    Example: newsquote feeds import subscriptions.opml
    """
    import asyncio

    import_urllib3()
    from index.terminal import counted
    from ingest.feed_commands import fetched_list, imported
    from ingest.feed_files import left_out, read_file
    from ingest.sources import is_address

    settings = settings_for(context, data)

    async def fetch() -> bytes:
        async with fetcher_of(settings, allow_private=allow_private) as fetcher:
            return await fetched_list(fetcher, path)

    body = asyncio.run(fetch()) if is_address(path) else read_file(path)
    wanted, n_left_out = imported(body, path, clock_s())
    with _feed_store(settings, "newsquote feeds import") as store:
        n_before = len(store.feeds())
        for one in wanted:
            store.subscribe(one)
        n_new = len(store.feeds()) - n_before
    print(f"{counted(n_new, 'subscription')} added, {len(wanted) - n_new:,} there already.")
    if n_left_out:
        print(left_out(path, n_left_out), file=sys.stderr)


@feeds_app.command("export")
def feeds_export(
    context: typer.Context,
    output: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - for standard output.")] = "-",
    data: DataOption = None,
) -> None:
    """Write the subscriptions as OPML.

    Feed readers take it, and so does `feeds import`.

    Example: newsquote feeds export subscriptions.opml
    """
    import_urllib3()
    from index.store_feeds import FeedStore
    from ingest.feed_commands import exported
    from ingest.feed_files import write_file

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        written = exported(store, clock_s())
    if output == "-":
        print(written.decode(), end="")
    else:
        write_file(output, written)


@feeds_app.command("why")
def feeds_why(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The article's address.")],
    data: DataOption = None,
) -> None:
    """Tell from the kept log why an article was or was not taken.

    Example: newsquote feeds why https://harbor-courier.example/2025/04/18/talks
    """
    import_urllib3()
    from index.store_feeds import FeedStore
    from index.types import DAY_S
    from ingest.feed_commands import why_lines
    from ingest.subscriptions import Bounds

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        print(why_lines(store, url, Bounds().log_s // DAY_S))
