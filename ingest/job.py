"""The ingest verbs as whole jobs on a data folder whose lock the caller holds."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from index.build import Base, Recipe, in_index
from index.errors import BadInput, StoreError
from index.files import whole_file
from index.snapshot import current_name, live_name
from index.store import Store
from index.store_feeds import FeedStore
from index.terminal import counted
from index.types import Embedder
from index.vectors import bytes_a_vector
from ingest.backup import record, retraction_record
from ingest.draft import Draft, Flush, Reject, Source
from ingest.indexing import finish, n_missing, recipe_for, split_missing
from ingest.page_log import StoredPages
from ingest.pipeline import store_articles
from ingest.report import BarProgress, LineProgress, summary
from ingest.retraction import named, planned
from ingest.web_counts import Remembering
from ingest.workers import Workers


def run_ingest(
    sources: Sequence[Source],
    folder: Path,
    embedder: Callable[[], tuple[Embedder, int]],
    newsquote: str,
    now_s: int,
    rejects: Path | None = None,
) -> list[str]:
    """Store what the sources hold and bring the index up to date.

    Args:
        sources: Read one after the other.
        folder: The data folder.
        embedder: Makes the embedder and the passage length; called once articles are stored.
        newsquote: Version, for the manifest.
        now_s: The moment of this run.
        rejects: Where to write what was rejected, as JSON lines.

    Returns:
        A sentence for each source that could not be read to its end, or one where all that was read is rejected.
    """
    started = time.monotonic()
    failures: list[str] = []
    remembering = [source for source in sources if isinstance(source, Remembering)]

    def items() -> Generator[Draft | Reject | Flush, None, None]:
        for source in sources:
            try:
                yield from source.articles()
            except BadInput as error:
                failures.append(str(error))

    def read() -> tuple[int, int | None]:
        parts = [source.progress() for source in sources]
        totals = [total for _, total in parts if total is not None]
        return sum(done for done, _ in parts), sum(totals) if len(totals) == len(parts) else None

    progress = _progress(read)
    with contextlib.closing(progress), FeedStore(folder, write=True) as store, _rejects_file(rejects) as on_reject:
        for source in remembering:
            source.remember(StoredPages(store))
        made = None
        with Workers() as workers:
            with contextlib.closing(items()) as every:
                report = store_articles(every, store, now_s, progress, on_reject, workers)
            if store.counts()["articles"] or current_name(folder) is not None:
                made = embedder()
                split_missing(store, *made, workers)
        if made is not None:
            recipe = recipe_for(*made, newsquote)
            report.n_embedded, report.snapshot = finish(folder, store, made[0], recipe, now_s, progress)
    has_index = live_name(folder) is not None
    print(summary(report, time.monotonic() - started, has_index=has_index), file=sys.stderr)
    for source in remembering:
        print("\n".join(source.counts.sentences()), file=sys.stderr)
    n_rejected = sum(report.rejected.values())
    n_usable = report.n_read - n_rejected + sum(source.counts.n_known for source in remembering)
    if n_rejected and not n_usable and not failures:
        failures.append(f"Nothing that was read could be used ({n_rejected:,} rejected); --rejects FILE says why")
    return failures


def _progress(read: Callable[[], tuple[int, int | None]]) -> BarProgress | LineProgress:
    return BarProgress(read) if sys.stderr.isatty() else LineProgress()


@contextlib.contextmanager
def _rejects_file(path: Path | None) -> Iterator[Callable[[Reject], None]]:
    if path is None:
        yield lambda reject: None
        return

    @contextlib.contextmanager
    def told() -> Iterator[None]:  # round what is done to the file alone: the run has other troubles of its own
        try:
            yield
        except OSError as error:
            raise BadInput(f"The rejects cannot be written to {path} ({error.strerror}); name another file.") from error

    opened = contextlib.ExitStack()
    with told():
        file = opened.enter_context(whole_file(path))

    def write(reject: Reject) -> None:
        row = {"origin": reject.origin, "reason": reject.reason, "detail": reject.detail}
        with told():
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            file.flush()

    try:
        yield write
    finally:  # a run that is broken off leaves what it rejected till then
        with told():
            opened.close()


def run_reindex(
    folder: Path, embedder: Embedder, passage_tokens: int, newsquote: str, now_s: int, *, dry_run: bool
) -> None:
    """Rebuild the index with an embedder and a passage length; says first what it needs."""
    started = time.monotonic()
    recipe = recipe_for(embedder, passage_tokens, newsquote)
    if recipe.passage_tokens < passage_tokens:
        print(f"passages have {recipe.passage_tokens} tokens at most: the model reads no more", file=sys.stderr)
    with Store(folder) as reader:  # before it is opened to be written: a folder without a corpus stays one
        if dry_run:
            print(_estimate(reader, embedder, recipe), file=sys.stderr)
            return
    with Store(folder, write=True) as store:
        with Workers() as workers:
            split_missing(store, embedder, passage_tokens, workers)
        print(_estimate(store, embedder, recipe), file=sys.stderr)
        progress = _progress(lambda: (0, None))
        with contextlib.closing(progress):
            n_embedded, name = finish(folder, store, embedder, recipe, now_s, progress, always=True)
    took_s = time.monotonic() - started
    print(f"{counted(n_embedded, 'passage')} embedded in {took_s:.1f} s; the live index is now {name}", file=sys.stderr)


# A passage on disk beside its vectors: its words in the index, and its places and keys.
_WORDS_BYTES = 330
_PLACES_BYTES = 120


def _estimate(store: Store, embedder: Embedder, recipe: Recipe) -> str:
    """Time and disk that a re-index needs, from what is stored and a quick measurement of the embedder."""
    n_articles, passage_tokens = store.counts()["articles"], recipe.passage_tokens
    n_chars, sample = store.text_size(32)
    n_tokens = sum(embedder.count_tokens(sample))
    tokens = n_chars * n_tokens / max(1, sum(map(len, sample)))
    n_passages = int(tokens / (0.85 * passage_tokens)) + n_articles
    splitter, model = store.splitter_id(recipe.splitter), store.model_id(recipe.model.key)
    known = store.n_passages(splitter)
    n_new = n_missing(store, splitter, model, in_index(Base.of(store.folder, store, recipe))) if known else n_passages
    n = known or n_passages
    texts = [text[: 4 * passage_tokens] for text in sample]
    embedder.embed_passages(texts[:1])
    started = time.perf_counter()
    embedder.embed_passages(texts)
    each_s = (time.perf_counter() - started) / max(1, len(texts))
    disk = n * (bytes_a_vector(n, embedder.dim) + _WORDS_BYTES + _PLACES_BYTES) + n_new * 2 * embedder.dim
    minutes = round(n_new * each_s / 60)
    how_long = f"some {minutes:,} min" if minutes else "less than a minute"
    free = shutil.disk_usage(store.folder).free
    return (
        f"{counted(n_articles, 'article')}, about {counted(n, 'passage')}, of which {n_new:,} are to be embedded: "
        f"{how_long} and {disk / 1e6:,.0f} MB of disk "
        f"({free / 1e6:,.0f} MB are free)"
    )


def run_retract(folder: Path, urls: Sequence[str], now_s: int, *, dry_run: bool) -> str:
    """Tombstone articles by URL or id, or by what was given for a URL and is none; all of them or none.

    Raises:
        BadInput: One is not in the corpus.
    """
    with FeedStore(folder) as reader:
        ids: list[str] = []
        for url in urls:
            found = named(reader, url).ids
            if not found:
                raise BadInput(f"{url} is not in the corpus; `newsquote export` lists what is")
            ids.extend(found)
        known = {identity: reader.known(identity) for identity in ids}
        due = [identity for identity, one in known.items() if one is not None and not one.is_retracted]
    if not due:
        return "Nothing is left to retract: what was named was retracted before."
    if dry_run:
        return f"{counted(len(due), 'article')} would be retracted."
    with Store(folder, write=True) as store:
        n = sum(store.retract(identity, now_s) for identity in due)
    return (
        f"{counted(n, 'article')} retracted: no answer from there any more. `newsquote reindex` "
        "takes words and vectors off the index files too."
    )


def run_undo(
    folder: Path,
    urls: Sequence[str],
    embedder: Callable[[], tuple[Embedder, int]],
    newsquote: str,
    now_s: int,
    *,
    dry_run: bool,
) -> str:
    """Lift the tombstones of what `run_retract` would take, and bring the index up to date; all of them or none.

    Run again after a kill, it finishes: what is back already is no error while the index does not show it.

    Args:
        folder: The data folder.
        urls: As in `run_retract`.
        embedder: Makes the embedder and the passage length; before anything is lifted.
        newsquote: Version, for the manifest.
        now_s: The moment of this run.
        dry_run: Only say what would come back.

    Returns:
        A line for each name: since when and why it was retracted, and what stays so. A last line says what was done.

    Raises:
        BadInput: One is not in the corpus, is not retracted, or is not to be lifted alone.
    """
    with FeedStore(folder) as reader:
        plan = planned(reader, folder, urls)
    lines = [one.line(is_done=not dry_run) for one in plan]
    ids = list(dict.fromkeys(identity for one in plan for identity in one.ids))
    if dry_run:
        return "\n".join([*lines, f"{counted(len(ids), 'article')} would answer again."])
    has_index = any(one.ids or not one.kept_out for one in plan)
    made = embedder() if has_index else None
    lifted = [*ids, *dict.fromkeys(identity for one in plan for identity in one.kept_out)]
    with FeedStore(folder, write=True) as store:
        n = store.bring_back(lifted, [line for one in plan for line in one.log_lines(now_s)], now_s)
        if made is None:
            return "\n".join(lines)
        recipe = recipe_for(*made, newsquote)
        progress = _progress(lambda: (0, None))
        with contextlib.closing(progress):
            _, name = finish(folder, store, made[0], recipe, now_s, progress)
    back = f"{counted(n, 'article')} {'answers' if n == 1 else 'answer'} again; the" if n else "The"
    return "\n".join([*lines, f"{back} live index is now {name}."])


def run_export(store: Store, output: str, *, all_versions: bool) -> int:
    """Write stored articles as JSON lines, and after them what was retracted; how many versions of articles.

    A file appears whole or not at all.
    """
    if output == "-":
        return _write_records(store, sys.stdout, all_versions)
    path = Path(output)
    try:
        with whole_file(path) as raw, _text_file(raw, is_gzip=path.suffix == ".gz") as file:
            return _write_records(store, file, all_versions)
    except OSError as error:
        raise StoreError(f"The export cannot be written to {path} ({error.strerror}).") from error


@contextlib.contextmanager
def _text_file(raw: BinaryIO, *, is_gzip: bool) -> Iterator[TextIO]:
    """A UTF-8 view of a binary file, which stays open; the same text gives the same bytes."""
    with contextlib.ExitStack() as stack:
        if is_gzip:
            raw = stack.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))  # type: ignore[assignment]
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
        try:
            yield text
        finally:
            text.detach()  # flushes; the file below is not this one's to close


def _write_records(store: Store, file: TextIO, all_versions: bool) -> int:
    n = 0
    for article, extra in store.export(all_versions=all_versions):
        print(record(article, extra, store.valid_from_s(article.version)), file=file)
        n += 1
    for tombstone in store.tombstones():
        print(retraction_record(*tombstone), file=file)
    return n
