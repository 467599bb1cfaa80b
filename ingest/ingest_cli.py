"""The commands that write the index: `ingest`, `reindex` and `rollback`."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from index.cli import DataOption, check_corpus, clock_s, program_version, read_day, settings_for
from index.errors import BadInput, NewsquoteError
from ingest.cli import AllowPrivate, DryRunOption, by_default, fetcher_of, import_urllib3, ingest_embedder

if TYPE_CHECKING:
    from ingest.sources import LocalSource
    from ingest.web import WebSource


def ingest(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="JSONL, CSV, text, HTML, MHTML, feeds, WARC, folders; OPML; addresses of pages, sitemaps and feeds; "
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
    import_urllib3()
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
        from index.types import start_of_day_s
        from ingest.web import WebSource

        opened.append(
            WebSource(
                addresses,
                lambda: fetcher_of(settings, allow_private=allow_private),
                time.time,
                since_s=start_of_day_s(first) if first else None,
                limit=limit,
                given=Given(url=url, title=title, published=published, source=source),
                sitemaps=[*sitemaps.items()],
            )
        )
    with ingest_lock(settings.data, "newsquote ingest", clock_s()), _told_what_is_safe():
        failures = run_ingest(
            opened, settings.data, lambda: ingest_embedder(settings), program_version(), clock_s(), rejects
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


def reindex(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Option(
            help="newsquote-small, another model's name, or a folder; else $NEWSQUOTE_MODEL, else the index's own."
        ),
    ] = "",
    passage_tokens: Annotated[
        int,
        typer.Option(help="Longest passage; else $NEWSQUOTE_PASSAGE_TOKENS, else the index's own.", min=0, max=2048),
    ] = 0,
    runtime: Annotated[
        str, typer.Option(help="auto, onnx-fp32, onnx-int8 or torch; with auto an index on ONNX Runtime keeps its own.")
    ] = "",
    dry_run: DryRunOption = False,
    data: DataOption = None,
) -> None:
    """Rebuild the index from the stored articles, and switch to it.

    Example: newsquote reindex --passage-tokens 120 --dry-run
    """
    import_urllib3()
    from index.embed import RUNTIMES, load_embedder
    from index.snapshot import read_manifest
    from ingest.indexing import made_before
    from ingest.job import run_reindex
    from ingest.lock import ingest_lock

    settings = settings_for(context, data)
    if runtime and runtime.lower() not in RUNTIMES:
        raise typer.BadParameter(f"{runtime!r} is none of {', '.join(RUNTIMES)}", param_hint="--runtime")
    check_corpus(settings.data)
    try:
        manifest = read_manifest(settings.data)
        had_model, had_tokens, had_runtime = manifest.model.name, manifest.passage_tokens, manifest.model.runtime
    except NewsquoteError:
        had_model, had_tokens = made_before(settings.data) or by_default()
        had_runtime = ""
    wanted = model or settings.model or had_model
    runtime = runtime.lower() or settings.runtime
    if runtime == "auto" and had_runtime.startswith("onnx") and wanted == had_model:
        runtime = had_runtime
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
        for export in exports.glob("*-onnx-*"):
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
