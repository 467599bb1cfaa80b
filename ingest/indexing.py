"""From what is stored to a live index that shows it: passages, vectors, and a new snapshot.

Each step goes on where the store says: `split_missing` gives passages to the versions that have none, `embed_missing`
a vector to every passage, and `finish` does both and builds a snapshot where the live one is behind. A kill between or
inside them loses nothing that was committed. The caller holds the ingest lock. Time is an argument.
Knows nothing about where articles come from.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.ahead import ahead
from index.build import Base, Recipe, build_snapshot, in_index
from index.embed import TokenCounter
from index.errors import IndexCorrupt, IndexMissing, IndexStale, NewsquoteError
from index.snapshot import SCHEMA, check_store, live_manifest, model_entry, prune, read_manifest, snapshot_names
from index.store import PassageRow, Store
from index.types import Article, Embedder
from ingest.identity import digest_of
from ingest.passages import CountTokens, article_passages, embedding_text, passage_budget
from ingest.report import Progress
from ingest.workers import Workers

SPLIT_ARTICLES = 200
# Sorted by length together; given to the embedder at a time; waiting for it.
EMBED_WINDOW = 4096
EMBED_PASSAGES = 256
EMBED_AHEAD = 2
# Vectors are committed this often, or when there are so many: a killed run has as much to compute again, and each
# commit is waited for.
COMMIT_S = 1.0
COMMIT_PASSAGES = 16_384


def splitter_key(embedder: Embedder, passage_tokens: int) -> str:
    """Identity of a way of splitting: what the passages of a text depend on; its number goes up with the rules of
    `index.sentences`.
    """
    budget = passage_budget(passage_tokens, embedder.max_tokens)
    return f"sentences/3 {embedder.name}@{embedder.revision[:16]} {budget}"


_SPLITTER_KEY = re.compile(r"sentences/\d+ (.+)@\S* (\d+)")  # of this and of earlier rules


def made_before(folder: Path) -> tuple[str, int] | None:
    """Model and longest passage of the newest index that can be read, or where none can of the passages stored."""
    for name in reversed(snapshot_names(folder)):
        with contextlib.suppress(NewsquoteError):
            manifest = read_manifest(folder, name)
            return manifest.model.name, manifest.passage_tokens
    with Store(folder) as store:
        found = (_SPLITTER_KEY.fullmatch(key) for key in store.splitter_keys())
        return next(((match[1], int(match[2])) for match in found if match), None)


def split_missing(store: Store, embedder: Embedder, passage_tokens: int, workers: Workers | None = None) -> int:
    """Give passages to every version that has none; the splitter's number.

    Args:
        store: Open for writing.
        embedder: Counts tokens.
        passage_tokens: Longest passage.
        workers: Split texts beside this process, where tokens can be counted there.
    """
    splitter = store.splitter_id(splitter_key(embedder, passage_tokens))
    budget = passage_budget(passage_tokens, embedder.max_tokens)
    count = embedder.count_tokens
    beside = workers if workers is not None and isinstance(count, TokenCounter) else Workers(0)
    rows_of = partial(_passage_rows, count_tokens=count, budget=budget, max_tokens=embedder.max_tokens)
    under_way = ((articles[-1].version, beside.map(rows_of, articles)) for articles in _unsplit(store, splitter))
    for upto, found in ahead(under_way, 1):
        store.add_passages(splitter, upto, [row for rows in found for row in rows])
    return splitter


def _unsplit(store: Store, splitter: int) -> Iterator[list[Article]]:
    """Versions without passages; of which those before may still wait to be stored."""
    if restored := store.unsplit_before(splitter):
        yield restored
    after = 0
    while articles := store.unsplit(splitter, SPLIT_ARTICLES, after):
        yield articles
        after = articles[-1].version


def _passage_rows(article: Article, count_tokens: CountTokens, budget: int, max_tokens: int) -> list[PassageRow]:
    return [
        PassageRow(article.version, span, n_tokens, _passage_hash(article, span.of(article.text)))
        for span, n_tokens in article_passages(article, count_tokens, budget, max_tokens)
    ]


def _passage_hash(article: Article, text: str) -> bytes:
    return digest_of((embedding_text(article.title, article.published, text),), 16)


# From (n, 2) places of passages, version and start, to an (n,) mask: those that need no vector computed although the
# cache has none of theirs.
IsKnown = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]


def n_missing(store: Store, splitter: int, model: int, is_known: IsKnown) -> int:
    """How many vectors `embed_missing` will compute."""
    return len({row.hash for _, rows in _missing(store, splitter, model, is_known) for row in rows})


def _missing(store: Store, splitter: int, model: int, is_known: IsKnown) -> Iterator[tuple[int, list[PassageRow]]]:
    """Passages that need a vector, a window of them at a time, and how many beside them turned out to be known."""
    after = (0, -1)
    while rows := store.unembedded(splitter, model, after, EMBED_WINDOW):
        after = (rows[-1].version, rows[-1].span.start)
        known = is_known(np.array([(row.version, row.span.start) for row in rows], np.int64))
        wanted = [row for row, is_there in zip(rows, known.tolist(), strict=True) if not is_there]
        yield int(known.sum()), wanted


def embed_missing(
    store: Store,
    embedder: Embedder,
    passage_tokens: int,
    progress: Progress,
    is_known: IsKnown = lambda places: np.zeros(len(places), bool),
) -> int:
    """Give a vector to every passage; how many were computed.

    The embedder works in a thread of its own while this one reads the texts to come and commits the vectors that are
    done; only this one touches the store. What goes wrong in either ends both, with all that was computed kept.

    Args:
        store: Open for writing.
        embedder: Computes the vectors.
        passage_tokens: Longest passage.
        progress: Told of every portion.
        is_known: Which places need none though the cache has dropped theirs.
    """
    splitter = split_missing(store, embedder, passage_tokens)
    model = store.model_id(model_entry(embedder).key)
    n_all = store.n_unembedded(splitter, model)  # less those that turn out to be known, as they are come upon
    done = 0
    asked: set[bytes] = set()
    computed: list[tuple[list[bytes], npt.NDArray[np.float16]]] = []
    committed_s = time.monotonic()
    worker = ThreadPoolExecutor(1, "embed")

    def missing() -> Iterator[list[PassageRow]]:
        nonlocal n_all
        for n_known, rows in _missing(store, splitter, model, is_known):
            n_all -= n_known
            yield rows

    def commit() -> None:
        nonlocal done, committed_s
        hashes = [key for some, _ in computed for key in some]
        store.add_embeddings(model, hashes, np.concatenate([vectors for _, vectors in computed]))
        asked.difference_update(hashes)
        computed.clear()
        done += len(hashes)
        committed_s = time.monotonic()
        progress.embedded(done, n_all)

    try:
        portions = _portions(store, missing(), asked)
        under_way = ((hashes, worker.submit(embedder.embed_passages, texts)) for hashes, texts in portions)
        for hashes, vectors in ahead(under_way, EMBED_AHEAD):
            computed.append((hashes, vectors.result().astype(np.float16)))
            n_computed = sum(len(some) for some, _ in computed)
            if n_computed >= COMMIT_PASSAGES or time.monotonic() - committed_s >= COMMIT_S:
                commit()
    finally:
        worker.shutdown(cancel_futures=True)  # waits for the call under way, a few seconds at most
        if computed:
            commit()
    return done


def _portions(
    store: Store, windows: Iterable[list[PassageRow]], asked: set[bytes]
) -> Iterator[tuple[list[bytes], list[str]]]:
    """Hashes and texts of passages, each text once, for one call of the embedder after the other.

    Passages of like length come together, so that batches hold little padding. What is handed out is added to `asked`,
    and the caller takes it out once it is committed: only then does the store know.
    """
    for rows in windows:
        distinct = {row.hash: row for row in rows if row.hash not in asked}
        asked.update(distinct)
        texts = list(_texts(store, distinct.values()))
        by_length = sorted(zip(distinct.values(), texts, strict=True), key=lambda pair: pair[0].n_tokens)
        for start in range(0, len(by_length), EMBED_PASSAGES):
            part = by_length[start : start + EMBED_PASSAGES]
            yield [row.hash for row, _ in part], [text for _, text in part]


def _texts(store: Store, rows: Collection[PassageRow]) -> Iterator[str]:
    articles = store.articles({row.version for row in rows})
    for row in rows:
        article = articles[row.version]  # unretracted a moment ago, and we hold the lock
        yield embedding_text(article.title, article.published, row.span.of(article.text))


def is_current(folder: Path, store: Store, recipe: Recipe) -> bool:
    """Whether the live snapshot already shows the store's last change, made the way `recipe` says."""
    try:
        manifest = live_manifest(folder, store)
        had = (manifest.schema_version, manifest.change, manifest.model, manifest.splitter)
        if had != (SCHEMA, store.change(), recipe.model, recipe.splitter):
            return False
        check_store(manifest, store, fully=True)  # the same articles in another order come to as many changes
    except (IndexMissing, IndexCorrupt, IndexStale):
        return False
    return True


def is_behind(folder: Path, store: Store) -> bool:
    """Whether the live index does not show the store as it is now, or is not whole; an empty one needs none."""
    try:
        manifest = live_manifest(folder, store)
        return (manifest.schema_version, manifest.change) != (SCHEMA, store.change())
    except NewsquoteError:
        return bool(store.counts()["articles"])


def recipe_for(embedder: Embedder, passage_tokens: int, newsquote: str) -> Recipe:
    """What a snapshot made with an embedder is built with; passages are no longer than its model reads."""
    budget = passage_budget(passage_tokens, embedder.max_tokens)
    return Recipe(model_entry(embedder), splitter_key(embedder, passage_tokens), budget, newsquote)


def finish(
    folder: Path,
    store: Store,
    embedder: Embedder,
    recipe: Recipe,
    now_s: int,
    progress: Progress,
    *,
    always: bool = False,
) -> tuple[int, str]:
    """Embed what is missing and bring the live snapshot up to the store; `always` builds one in any case.

    Returns:
        How many vectors were computed, and the name of the new snapshot, "" where none was needed.
    """
    if not always and is_current(folder, store, recipe):
        prune(folder)  # what a killed run left
        return 0, ""
    base = Base.of(folder, store, recipe)
    n_embedded = embed_missing(store, embedder, recipe.passage_tokens, progress, in_index(base))
    progress.building(n_embedded)
    name = build_snapshot(folder, store, recipe, now_s, base, fresh=always)
    store.forget_other_splitters(store.splitter_id(recipe.splitter))
    return n_embedded, name
