"""The command line, and the one place where everything is put together.

Results go to stdout, everything else to stderr. Exit 0: done; 1: a known failure, in one sentence; 2: usage;
130: interrupted.
Heavy libraries are imported by the command that needs them, so that `--help` is quick.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.ask_cli import NeverRefuse, ask, chat, explain
from bot.bot_cli import bot, harness
from bot.eval_cli import compare, measure, measure_texts, show_levels
from bot.look_cli import doctor, feedback, sources
from index.cli import (
    DataOption,
    JsonOption,
    check_corpus,
    clock_s,
    is_colourful,
    print_json,
    print_safe,
    program_version,
    read_day,
    settings_for,
    snapshot_embedder,
)
from index.errors import BadInput, NewsquoteError

if TYPE_CHECKING:
    from index.settings import Settings
    from index.store import Store
    from index.store_feeds import FeedStore
    from index.types import Embedder
    from ingest.fetch import Fetcher
    from ingest.pipeline import Progress
    from ingest.sources import LocalSource
    from ingest.watch import Build, Watcher
    from ingest.web import WebSource

app = typer.Typer(
    help="Answers questions about a news corpus with verbatim quotes.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


AllowPrivate = Annotated[bool, typer.Option("--allow-private", help="Fetch from private and loopback addresses too.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"newsquote {program_version()}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    data: DataOption = None,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answers questions about a news corpus with verbatim quotes.

    Example:

        newsquote ingest articles.jsonl

        newsquote ask "what deadline did Bessent mention?"
    """
    context.obj = data


# Asking ---------------------------------------------------------------------------------------------------


Questions = Annotated[str, typer.Argument(metavar="[QUESTIONS]", help="JSON lines; the sample's own if not given.")]


def evaluate(
    context: typer.Context,
    questions: Questions = "",
    with_text: Annotated[bool, typer.Option("--llm", help="Measure the texts of the language model.")] = False,
    reranker: Annotated[str, typer.Option(metavar="NAME", help="Score sentences with this one.")] = "",
    against_reranker: Annotated[str, typer.Option(metavar="NAME", help="Compare with this reranker.")] = "",
    against_data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Compare with this data folder, made with another model, say.")
    ] = None,
    limit: Annotated[int, typer.Option(help="The first so many questions; 0 for all.", min=0)] = 0,
    never_refuse: NeverRefuse = False,
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Measure answers to questions whose answers are known.

    Or compare two configurations side by side.

    Each line: question, asked_on, answers ([] where there is none), and evidence_urls where known. Without QUESTIONS it
    is the sample corpus and its questions, in a folder of its own inside the data folder.

    Example: newsquote eval questions.jsonl --against-reranker none
    """
    if with_text and (against_reranker or against_data):
        raise typer.BadParameter("it measures one configuration, and compares none", param_hint="--llm")
    settings = settings_for(context, data)
    rows = _labelled(questions)[: limit or None]
    own = settings if questions else settings.model_copy(update={"data": _sample_folder(settings)})
    own = own.model_copy(update={"reranker": reranker or settings.reranker})
    if with_text:
        measure_texts(own, rows, as_json=as_json)
    elif not against_reranker and against_data is None:
        measure(own, rows, never_refuse=never_refuse, as_json=as_json)
    else:
        other = own.model_copy(update={"reranker": against_reranker or own.reranker, "data": against_data or own.data})
        compare(own, other, rows, never_refuse=never_refuse, as_json=as_json)


def calibrate(context: typer.Context, questions: Questions = "", data: DataOption = None) -> None:
    """Say how often answers would be wrong, by confidence.

    On your own corpus and questions; without QUESTIONS on the sample's, as `eval`.

    Each question is asked again of the corpus without the articles that answer it. NEWSQUOTE_THRESHOLD then sets the
    confidence below which an answer is "not found".

    Example: newsquote calibrate questions.jsonl
    """
    settings = settings_for(context, data)
    rows = _labelled(questions)
    if not questions:
        settings = settings.model_copy(update={"data": _sample_folder(settings)})
    show_levels(settings, rows)


def _labelled(path: str) -> list[dict[str, Any]]:
    """Questions with their answers.

    Raises:
        BadInput: The file cannot be read, or a line is no labelled question.
    """
    from bot.evaluation import read_labelled
    from ingest.sample import questions_path

    return read_labelled(path or str(questions_path()))


def _sample_folder(settings: Settings) -> Path:
    """A data folder that holds the sample corpus, made where it is missing."""
    _import_urllib3()
    from ingest.job import run_ingest
    from ingest.lock import ingest_lock
    from ingest.sample import articles_path
    from ingest.sources import open_source

    sample = settings.model_copy(update={"data": settings.data / "eval-sample"})
    with ingest_lock(sample.data, "newsquote eval", clock_s()):
        failures = run_ingest(
            [open_source(str(articles_path()))],
            sample.data,
            lambda: _ingest_embedder(sample),
            program_version(),
            clock_s(),
        )
    if failures:
        raise BadInput(failures[0])
    return sample.data


def _import_urllib3() -> None:
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


# The bot --------------------------------------------------------------------------------------------------


# Ingest ---------------------------------------------------------------------------------------------------


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="JSONL, CSV, text, HTML, feeds, WARC, folders; OPML; addresses of pages, sitemaps and feeds; "
            "- for standard input.",
        ),
    ],
    url: Annotated[str, typer.Option(help="Address of a single text or page.")] = "",
    title: Annotated[str, typer.Option(help="Title of a single text or page.")] = "",
    published: Annotated[str, typer.Option(help="Date of publication where the source gives none.")] = "",
    source: Annotated[str, typer.Option(help="Outlet where the source gives none.")] = "",
    rejects: Annotated[
        Path | None, typer.Option("--rejects", metavar="FILE", help="Write what was rejected and why, as JSON lines.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="DAY", help="Of a sitemap or a feed's address, only pages changed on this day or later."
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", help="Of a sitemap or a feed's address, at most so many pages, the newest.", min=1)
    ] = 1000,
    allow_private: AllowPrivate = False,
    data: DataOption = None,
) -> None:
    """Bring articles in, and bring the index up to date.

    Example: newsquote ingest articles.jsonl.gz pages/

    Example: newsquote ingest https://harbor-courier.example/sitemap.xml --since 2025-04-01
    """
    _import_urllib3()
    from ingest.feed_files import listed_feeds, sitemap_file
    from ingest.identity import canonical_url
    from ingest.job import run_ingest
    from ingest.lock import ingest_lock
    from ingest.records import Given
    from ingest.sources import is_address, is_same_file, open_source

    settings = settings_for(context, data)
    first = read_day(since, "--since")
    if url and canonical_url(url) is None:
        raise typer.BadParameter(f"{url!r} is no http or https address", param_hint="--url")
    if (url or title) and len(sources) > 1:
        given = "--url" if url else "--title"
        raise typer.BadParameter("it is that of one article; give one SOURCE with it", param_hint=given)
    opened: list[LocalSource | WebSource] = []
    addresses: list[str] = []
    sitemaps: dict[str, bytes] = {}
    for path in sources:
        if rejects is not None and is_same_file(path, rejects):
            raise BadInput(f"{path} is to be read and cannot take the rejects as well; name another --rejects file.")
        if is_address(path):
            addresses.append(path)
        elif (body := sitemap_file(path)) is not None:
            sitemaps[path] = body
        elif feeds := listed_feeds(path):
            addresses += feeds
        else:
            opened.append(
                open_source(path, url=url, title=title, published=published, source=source, leave_out=rejects)
            )
    if addresses or sitemaps:
        from index.types import end_of_day_s
        from ingest.web import WebSource

        opened.append(
            WebSource(
                addresses,
                lambda: _fetcher(settings, allow_private=allow_private),
                time.time,
                since_s=end_of_day_s(first) - 86_399 if first else None,
                limit=limit,
                given=Given(url=url, title=title, published=published, source=source),
                sitemaps=[*sitemaps.items()],
            )
        )
    with ingest_lock(settings.data, "newsquote ingest", clock_s()), _told_what_is_safe():
        failures = run_ingest(
            opened, settings.data, lambda: _ingest_embedder(settings), program_version(), clock_s(), rejects
        )
    if failures:
        raise BadInput(failures[0] if len(failures) == 1 else f"{len(failures)} sources failed: " + "; ".join(failures))


@contextlib.contextmanager
def _told_what_is_safe() -> Iterator[None]:
    """For what reports as stored what it stores: an interruption loses none of it, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        print("Everything reported as stored is safe; run the same command again to go on.", file=sys.stderr)
        raise


def _fetcher(settings: Settings, *, allow_private: bool) -> Fetcher:
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


def _ingest_embedder(settings: Settings) -> tuple[Embedder, int]:
    """The embedder and the passage length of the live index; of the settings where there is none."""
    from index.embed import DEFAULT_MODEL, load_embedder
    from index.errors import IndexCorrupt, IndexMissing, IndexStale
    from index.settings import DEFAULT_PASSAGE_TOKENS
    from index.snapshot import read_manifest
    from ingest.passages import passage_budget

    try:
        manifest = read_manifest(settings.data)
    except (IndexMissing, IndexCorrupt, IndexStale):
        embedder = load_embedder(
            settings.model or DEFAULT_MODEL,
            runtime=settings.runtime,
            exports=settings.data / "models",
            may_fetch=True,
        )
        return embedder, settings.passage_tokens or DEFAULT_PASSAGE_TOKENS
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


def reindex(
    context: typer.Context,
    model: Annotated[str, typer.Option(help="Embedding model, by name or folder; the index's own if not given.")] = "",
    passage_tokens: Annotated[
        int, typer.Option(help="Longest passage; the index's own if not given.", min=0, max=2048)
    ] = 0,
    runtime: Annotated[
        str, typer.Option(help="auto, openvino-fp32, openvino-int8 or torch; with auto, 8 bits stay 8 bits.")
    ] = "",
    dry_run: DryRunOption = False,
    data: DataOption = None,
) -> None:
    """Rebuild the index from the stored articles, and switch to it.

    Example: newsquote reindex --passage-tokens 120 --dry-run
    """
    _import_urllib3()
    from index.embed import DEFAULT_MODEL, RUNTIMES, load_embedder
    from index.settings import DEFAULT_PASSAGE_TOKENS
    from index.snapshot import read_manifest
    from ingest.job import run_reindex
    from ingest.lock import ingest_lock

    settings = settings_for(context, data)
    if runtime and runtime.lower() not in RUNTIMES:
        raise typer.BadParameter(f"{runtime!r} is none of {', '.join(RUNTIMES)}", param_hint="--runtime")
    check_corpus(settings.data)
    try:
        manifest = read_manifest(settings.data)
        had_model, had_tokens = manifest.model.name, manifest.passage_tokens
        had_int8 = manifest.model.runtime == "openvino-int8"
    except NewsquoteError:
        had_model, had_tokens, had_int8 = DEFAULT_MODEL, DEFAULT_PASSAGE_TOKENS, False
    wanted = model or settings.model or had_model
    runtime = runtime.lower() or settings.runtime
    if runtime == "auto" and had_int8 and wanted == had_model:
        runtime = "openvino-int8"
    tokens = passage_tokens or settings.passage_tokens or had_tokens
    with contextlib.ExitStack() as stack:
        exports = settings.data / "models"
        if dry_run:
            exports = stack.enter_context(_linked(exports))
        else:
            stack.enter_context(ingest_lock(settings.data, "newsquote reindex", clock_s()))
        embedder = load_embedder(wanted, runtime=runtime, exports=exports, may_fetch=True)
        run_reindex(settings.data, embedder, tokens, program_version(), clock_s(), dry_run=dry_run)


@contextlib.contextmanager
def _linked(exports: Path) -> Iterator[Path]:
    """A folder for exports of models that leads to those there are; what is added to it is gone afterwards."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="newsquote-") as made:
        for export in (*exports.glob("*-fp32"), *exports.glob("*-int8")):
            (Path(made) / export.name).symlink_to(export.absolute(), target_is_directory=True)
        yield Path(made)


def rollback(context: typer.Context, data: DataOption = None) -> None:
    """Go back to the index before the live one.

    Example: newsquote rollback
    """
    from index.snapshot import rollback as roll
    from ingest.lock import ingest_lock

    settings = settings_for(context, data)
    check_corpus(settings.data)
    with ingest_lock(settings.data, "newsquote rollback", clock_s()):
        print(f"The live index is now {roll(settings.data)}.")


def retract(
    context: typer.Context,
    urls: Annotated[list[str], typer.Argument(metavar="URL", help="Addresses, or local:… ids.")],
    dry_run: DryRunOption = False,
    data: DataOption = None,
) -> None:
    """Remove articles for good.

    They answer nothing from now on, and are not ingested again.

    Example: newsquote retract https://harbor-courier.example/2025/04/18/talks
    """
    _import_urllib3()
    from ingest.job import run_retract

    settings = settings_for(context, data)
    check_corpus(settings.data)
    with contextlib.nullcontext() if dry_run else _writing(settings, "newsquote retract"):
        print(run_retract(settings.data, urls, clock_s(), dry_run=dry_run))


def export(
    context: typer.Context,
    output: Annotated[str, typer.Argument(metavar="FILE", help="Where to; - for standard output.")] = "-",
    current: Annotated[bool, typer.Option("--current", help="Only the current version of each article.")] = False,
    data: DataOption = None,
) -> None:
    """Write the stored articles as JSON lines.

    Ingest reads them: this is also the backup.

    Example: newsquote export backup.jsonl.gz
    """
    _import_urllib3()
    from index.store import Store
    from index.terminal import counted
    from ingest.job import run_export

    settings = settings_for(context, data)
    with Store(settings.data) as store:
        n = run_export(store, output, all_versions=not current)
    print(f"{counted(n, 'article version')} exported", file=sys.stderr)


# The cache of vectors -------------------------------------------------------------------------------------

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
    passage length, and a text that comes again under another address, are embedded anew. While it runs it needs as
    much free disk as the corpus file without the cache.

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


# Feeds ----------------------------------------------------------------------------------------------------

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

    with _writing(settings, purpose), FeedStore(settings.data, write=True) as store:
        yield store


# A running watcher holds the lock for seconds, or for as long as an index takes.
LOCK_WAIT_S = 60.0


@contextlib.contextmanager
def _writing(settings: Settings, purpose: str) -> Iterator[None]:
    """The lock, for commands that write little; waits a while for who holds it."""
    from ingest.lock import ingest_lock

    until_s = time.monotonic() + LOCK_WAIT_S

    def wait() -> bool:
        time.sleep(0.2)
        return time.monotonic() < until_s

    with ingest_lock(settings.data, purpose, clock_s(), wait):
        yield


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

    _import_urllib3()
    from index.terminal import counted
    from ingest.feed_commands import find_feed, subscription
    from ingest.feeds import Feed

    settings = settings_for(context, data)

    async def find() -> list[tuple[str, Feed]]:
        async with _fetcher(settings, allow_private=allow_private) as fetcher:
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
    _import_urllib3()
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
    _import_urllib3()
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
    path: Annotated[str, typer.Argument(metavar="FILE", help="An OPML file; - for standard input.")],
    data: DataOption = None,
) -> None:
    """Subscribe to the feeds of an OPML file.

    Nothing is fetched before `newsquote watch`.

    Example: newsquote feeds import subscriptions.opml
    """
    _import_urllib3()
    from index.terminal import counted
    from ingest.feed_commands import imported
    from ingest.feed_files import left_out, read_file

    settings = settings_for(context, data)
    wanted, n_left_out = imported(read_file(path), path, clock_s())
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
    _import_urllib3()
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
    _import_urllib3()
    from index.store_feeds import FeedStore
    from index.types import DAY_S
    from ingest.feed_commands import why_lines
    from ingest.subscriptions import Bounds

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        print(why_lines(store, url, Bounds().log_s // DAY_S))


def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Do what is due, and end.")] = False,
    interval: Annotated[
        int | None,
        typer.Option(
            help="Seconds between two polls of a feed, in the place of what the feed's own rhythm suggests.", min=60
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

    _import_urllib3()
    from ingest.subscriptions import Bounds
    from ingest.watch import Watcher

    settings = settings_for(context, data)
    bounds = Bounds() if interval is None else Bounds(least_s=interval, most_s=interval)

    async def run() -> None:
        async with _fetcher(settings, allow_private=allow_private) as fetcher:
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
    """Brings the index up to the store, with an embedder that is loaded when it is first needed, and then kept."""
    from ingest.pipeline import finish, recipe_for

    loaded: list[tuple[Embedder, int]] = []

    def build(folder: Path, store: Store, now_s: int, progress: Progress) -> tuple[int, str]:
        if not loaded:
            loaded.append(_ingest_embedder(settings))
        embedder, passage_tokens = loaded[0]
        return finish(folder, store, embedder, recipe_for(embedder, passage_tokens, program_version()), now_s, progress)

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
        lambda: exposition(watcher, _feed_status(settings.data), clock_s()),
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


def history(
    context: typer.Context,
    url: Annotated[str, typer.Argument(metavar="URL", help="The article's address, or its local:… id.")],
    as_json: JsonOption = False,
    data: DataOption = None,
) -> None:
    """Show how an article changed, version by version.

    Example: newsquote history https://harbor-courier.example/2025/04/18/talks
    """
    _import_urllib3()
    from index.store_feeds import FeedStore
    from ingest.history import article_history, history_json, history_lines

    settings = settings_for(context, data)
    with FeedStore(settings.data) as store:
        found = article_history(store, url)
    if as_json:
        print_json(history_json(found))
    else:
        print(history_lines(found, colour=is_colourful()))


# Looking --------------------------------------------------------------------------------------------------


def status(context: typer.Context, as_json: JsonOption = False, data: DataOption = None) -> None:
    """Say what the corpus holds and how old its index is.

    Example: newsquote status
    """
    from index.health import corpus_status, status_lines

    settings = settings_for(context, data)
    found = corpus_status(settings.data, clock_s())
    feeds = _feed_status(settings.data)
    if as_json:
        print_json(found | feeds)
        return
    print(status_lines(found))
    if feeds:
        from ingest.feed_commands import feed_status_lines

        print(feed_status_lines(feeds))


def _feed_status(folder: Path) -> dict[str, object]:
    """What there is to say of feeds; empty, at no cost, where there are none."""
    from index.store_feeds import FeedStore

    with FeedStore(folder) as store:
        if not store.feeds():
            return {}
        _import_urllib3()
        from ingest.feed_commands import feed_status

        return feed_status(store, clock_s())


# In the order of `--help`.
app.command()(ask)
app.command()(explain)
app.command("eval")(evaluate)
app.command()(calibrate)
app.command()(chat)
app.command()(bot)
app.command()(harness)
app.command()(feedback)
app.command()(ingest)
app.command()(reindex)
app.command()(rollback)
app.command()(retract)
app.command()(export)
app.command()(watch)
app.command()(history)
app.command()(sources)
app.command()(status)
app.command()(doctor)
app.add_typer(cache_app, name="cache")
app.add_typer(feeds_app, name="feeds")


def _flush_output() -> None:
    """Write out what was printed.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        NewsquoteError: It cannot be written: the disk is full, say.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _forget_output()
        raise NewsquoteError(f"The output cannot be written ({error.strerror or error}).") from error


def _forget_output() -> None:
    """Let what could not be written go, so that the interpreter does not complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


INTERRUPTED = "newsquote: interrupted."


def main() -> None:
    """Console script: run a command, and turn known failures into one sentence and exit code 1."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        # A closed stream (`>&-`) is None, and its number would go to the next file that is opened.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        if isinstance(sys.stdout.buffer, io.RawIOBase):
            # PYTHONUNBUFFERED. What a buffer still holds fails again in `_flush_output`, which tells whose fault it is.
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(sys.stdout.buffer), line_buffering=True)
        # Whatever the locale says, output is UTF-8. A lone surrogate, which a question's bytes or a JSON escape may
        # bring in, comes out as the escape it has in JSON.
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Python looks through all objects for cycles once more before it ends, a third of a second after an answer.
    atexit.register(gc.freeze)
    try:
        try:
            app(prog_name="newsquote")
        finally:
            _flush_output()
    except NewsquoteError as error:
        from index.terminal import safe

        sentence = safe(str(error))
        print(f"newsquote: {sentence}{'' if sentence.endswith(('.', '?', '!')) else '.'}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(INTERRUPTED, file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        _forget_output()  # its reader has gone (`| head`)
        sys.exit(0)
    except SystemExit as end:
        # Typer turns the two above into exit codes of its own, without a word.
        if end.code == 130:
            print(INTERRUPTED, file=sys.stderr)
        if isinstance(end.__context__, BrokenPipeError):
            end.code = 0
        raise


if __name__ == "__main__":
    main()
