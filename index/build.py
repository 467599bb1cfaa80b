"""Building snapshots: everything anew, or what is new beside what is there.

A snapshot's vectors and words stand in a *main* segment, which is written once and shared by the snapshots after it,
and in what came later: a recent segment of vectors, small and written anew each time, and files that tantivy adds. The
tables of passages and versions are small and always written anew, so a version that was superseded or retracted since
changes nothing but its row. Once the recent and the retracted passages pass `MERGE_SHARE` of all, or on request,
everything is written into a new main segment. Rows never move between two merges.

Memory is bounded by a batch, the tables and one segment at 8 bits a component, not by the vectors of the corpus: they
go through a passing file. The caller holds the ingest lock. Knows nothing about where articles come from.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.errors import IndexCorrupt, IndexMissing, IndexStale
from index.files import FileEntry, entry_of, link, sync_folder
from index.snapshot import (
    BUILDING,
    FOLDER,
    MAIN_VECTORS,
    PASSAGE,
    RECENT_VECTORS,
    SCHEMA,
    VERSION,
    Manifest,
    ModelEntry,
    add_contents,
    check_files,
    current_name,
    live_manifest,
    live_name,
    prune,
    snapshot_names,
    switch_to,
    unwritten,
    vector_files,
)
from index.store import ALWAYS, Store, VersionRow
from index.types import Vectors
from index.vectors import VectorIndex, build_vectors
from index.words import WordIndex, WordRow, build_words, extend_words

Table = npt.NDArray[np.void]
Places = npt.NDArray[np.int64]

# What is written anew at every ingest, and searched beside the rest, is at most this share of all.
MERGE_SHARE = 0.1
_BATCH = 10_000
_SPOOL = "vectors.f16"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot is to be built with."""

    model: ModelEntry
    splitter: str
    passage_tokens: int
    newsquote: str


def build_snapshot(
    folder: Path, store: Store, recipe: Recipe, now_s: int, base: Base | None, *, fresh: bool = False
) -> str:
    """Build, verify and switch to a snapshot of all that is split and embedded; the caller holds the ingest lock.

    Args:
        folder: The data folder.
        store: Open for writing.
        recipe: What to build with.
        now_s: The moment, for the manifest.
        base: What is there.
        fresh: Write everything into one new segment, whatever is there.

    Returns:
        The name of the new live snapshot.

    Raises:
        StoreError: It could not be written; the live one stays.
    """
    parent = folder / FOLDER
    # Before pruning: after a rollback a reader may still have the later one open, and must see the new one as new.
    name = f"{int(max([*snapshot_names(folder), live_name(folder) or '0'])) + 1:06d}"
    building = parent / f"{BUILDING}{name}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        prune(folder)
        building.mkdir()
        _write(building, store, recipe, now_s, base, fresh=fresh)
        building.replace(parent / name)
        sync_folder(parent)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise unwritten(folder, error) from error
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    switch_to(folder, name)
    prune(folder)
    return name


# What is there --------------------------------------------------------------------------------------------


class Base:
    """The live snapshot, made of the same articles with the same recipe.

    Attributes:
        path: Its folder.
        manifest: What it is.
        passages: Its passage table.
        versions: Its version table.
        contents: A digest of the versions that it knows, to go on from.
        is_damaged: Whether its vectors were found to be others than were written, so that nothing is built on it.
    """

    def __init__(self, path: Path, manifest: Manifest, contents: hashlib._Hash) -> None:
        self.path = path
        self.manifest = manifest
        self.passages: Table = np.load(path / "passages.npy", mmap_mode="r")
        self.versions: Table = np.load(path / "versions.npy", mmap_mode="r")
        self.contents = contents
        self.is_damaged = False
        self._vectors: VectorIndex | None = None

    @classmethod
    def of(cls, folder: Path, store: Store, recipe: Recipe) -> Base | None:
        """None where there is none to build on."""
        try:
            manifest = live_manifest(folder, store)
            had = (manifest.schema_version, manifest.model, manifest.splitter)
            if had != (SCHEMA, recipe.model, recipe.splitter):
                return None
            path = folder / FOLDER / (current_name(folder) or "")
            _check_digests(path, manifest, ["passages.npy", "versions.npy"])
            contents = hashlib.sha256()
            add_contents(contents, store, 0, manifest.last_version)
            return cls(path, manifest, contents) if contents.hexdigest() == manifest.contents else None
        except (IndexMissing, IndexCorrupt, IndexStale, OSError, ValueError):
            return None

    def rows_of(self, places: Places) -> Places:
        """The row of each place (version, start, …); -1 where no vector of it can be read back."""
        rows = self._rows_of(places)
        return rows if (rows < 0).all() or self._is_opened() else np.full(len(rows), -1)

    def vectors(self, rows: Places) -> Vectors:
        """(m, dim) of rows that `rows_of` gave."""
        assert self._vectors is not None
        return self._vectors.vectors(rows)

    def _is_opened(self) -> bool:
        """Open the vectors when the first is wanted, and check then that they are as they were written; whether so."""
        if self._vectors is None and not self.is_damaged:
            files = vector_files(self.path, self.manifest)
            try:
                _check_digests(self.path, self.manifest, [file.path.name for file in files])
                self._vectors = VectorIndex(files)
            except IndexCorrupt:
                self.is_damaged = True
        return not self.is_damaged

    def _rows_of(self, places: Places) -> Places:
        have = _keys(self.versions["version"][self.passages["version_row"]], self.passages["start"])
        wanted = _keys(places[:, 0], places[:, 1])
        if not len(have):
            return np.full(len(wanted), -1)
        rows = np.minimum(np.searchsorted(have, wanted), len(have) - 1)
        # A recent segment is written anew without the vectors of what was retracted by then.
        is_lost = (rows >= self.manifest.n_main) & (self.versions["source"][self.passages["version_row"][rows]] < 0)
        return np.where((have[rows] == wanted) & ~is_lost, rows, -1)


def _check_digests(path: Path, manifest: Manifest, names: Sequence[str]) -> None:
    """Raise `IndexCorrupt` where one of these files of a snapshot is not as it was written."""
    check_files(path, manifest, digests=True, known=manifest.files.keys() - set(names))


def _keys(versions: npt.NDArray[np.signedinteger], starts: npt.NDArray[np.signedinteger]) -> Places:
    """One number for each place in the corpus, in the order of (version, start)."""
    keys: Places = (versions.astype(np.int64) << 32) | starts.astype(np.int64)
    return keys


def in_index(base: Base | None) -> Callable[[Places], npt.NDArray[np.bool_]]:
    """Tells which passages have a vector in the base: building reads it there where the cache has none.

    Returns:
        A function from (n, 2) int64 of version and start to an (n,) mask.
    """
    if base is None:
        return lambda places: np.zeros(len(places), bool)
    return lambda places: base.rows_of(places) >= 0


# Versions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Versions:
    """The version table as it will be written.

    Attributes:
        table: Ascending by version.
        sources: Outlets by their number in the table.
        languages: Languages likewise.
        is_dead: (n,) mask of those that the store no longer gives out.
    """

    table: Table
    sources: list[str]
    languages: list[str]
    is_dead: npt.NDArray[np.bool_]

    @property
    def last(self) -> int:
        """The newest version's number, 0 for none."""
        return int(self.table["version"][-1]) if len(self.table) else 0


def _live_versions(store: Store) -> _Versions:
    sources: dict[str, int] = {}
    languages: dict[str, int] = {}
    parts = [np.zeros(0, VERSION)]
    batch: list[tuple[int, ...]] = []
    for row in store.version_rows():
        batch.append(_version_entry(row, sources, languages))
        if len(batch) == _BATCH:
            parts.append(np.array(batch, VERSION))
            batch = []
    table = np.concatenate([*parts, np.array(batch, VERSION)])
    for name, known in (("source", sources), ("language", languages)):
        # Numbered in the order of their names, so that the same corpus gives the same files.
        number = np.argsort(np.argsort(np.array(list(known), object))) if known else np.zeros(0, np.int64)
        table[name] = number[table[name]] if len(table) else table[name]
    return _Versions(table, sorted(sources), sorted(languages), np.zeros(len(table), bool))


def _version_entry(row: VersionRow, sources: dict[str, int], languages: dict[str, int]) -> tuple[int, ...]:
    return (
        row.version,
        row.article,
        row.group,
        sources.setdefault(row.source, len(sources)),
        languages.setdefault(row.language, len(languages)),
        ALWAYS if row.published_s is None else row.published_s,
        row.valid_from_s,
        row.valid_to_s,
    )


def _after(base: Base, live: _Versions) -> _Versions | None:
    """The table that goes on from the base's, whose rows keep their places; None where it cannot."""
    known = base.versions["version"]
    numbers = live.table["version"]
    n_old = int(np.searchsorted(numbers, base.manifest.last_version, side="right"))
    places = np.searchsorted(known, numbers[:n_old])
    if n_old and (places[-1] >= len(known) or (known[places] != numbers[:n_old]).any()):
        return None  # one came back that the base has no row for
    table = np.concatenate([base.versions, live.table[n_old:]])
    is_dead = np.ones(len(table), bool)
    is_dead[places] = False
    is_dead[len(known) :] = False
    table[places] = live.table[:n_old]
    table["valid_from_s"][is_dead] = table["valid_to_s"][is_dead] = ALWAYS  # valid at no moment
    table["source"][is_dead] = table["language"][is_dead] = -1
    return _Versions(table, live.sources, live.languages, is_dead)


# Writing --------------------------------------------------------------------------------------------------


def _write(building: Path, store: Store, recipe: Recipe, now_s: int, base: Base | None, *, fresh: bool) -> None:
    """Write and verify all files of a snapshot."""
    change = store.change()
    versions, kept = _plan(store, recipe, base, fresh=fresh)
    new = _spool(building / _SPOOL, store, recipe, versions, base, kept)
    passages = new.passages if kept is None else np.concatenate([kept.passages[: kept.manifest.n_main], new.passages])
    np.save(building / "passages.npy", passages)
    np.save(building / "versions.npy", versions.table)
    _write_json(building / "names.json", {"sources": versions.sources, "languages": versions.languages})
    main_kind, recent_kind = _write_vectors(building, new, kept)
    new.forget()
    _write_words(building / "words", store, versions, passages, kept)
    is_dead = versions.is_dead[passages["version_row"]]
    used = np.unique(passages["version_row"][~is_dead])
    shared = _shared_files(building, kept)
    contents = hashlib.sha256() if base is None else base.contents.copy()
    add_contents(contents, store, 0 if base is None else base.manifest.last_version, versions.last)
    manifest = Manifest(
        newsquote=recipe.newsquote,
        created_s=now_s,
        change=change,
        model=recipe.model,
        splitter=recipe.splitter,
        passage_tokens=recipe.passage_tokens,
        vector_kind=main_kind,
        recent_kind=recent_kind,
        n_articles=len(np.unique(versions.table["article"][used])),
        n_versions=int(np.count_nonzero(~versions.is_dead)),
        n_passages=int(np.count_nonzero(~is_dead)),
        n_recent=0 if kept is None else len(new.passages),
        n_dead=int(np.count_nonzero(is_dead)),
        main_version=versions.last if kept is None else kept.manifest.main_version,
        last_version=versions.last,
        last_content=store.content_hash(versions.last).hex(),
        contents=contents.hexdigest(),
        files=shared | _file_entries(building, shared),
    )
    _write_json(building / "manifest.json", manifest.model_dump())
    entry_of(building / "manifest.json")
    sync_folder(building / "words")
    sync_folder(building)
    _verify(building, manifest, shared)


def _plan(store: Store, recipe: Recipe, base: Base | None, *, fresh: bool) -> tuple[_Versions, Base | None]:
    """The version table to write, and the base where its main segment is kept; else all goes into a new one."""
    live = _live_versions(store)
    if base is not None and not base.is_damaged and not fresh:
        going_on = _after(base, live)
        if going_on is not None and _is_small(store, recipe, base, going_on):
            return going_on, base
    return live, None


def _write_vectors(building: Path, new: _Spool, kept: Base | None) -> tuple[str, str]:
    """The files of vectors; how the main segment keeps them, and how the recent one does, "" where there is none."""
    with _foreign_errors():
        if kept is None:
            return build_vectors(building / MAIN_VECTORS, new.vectors()), ""
        link(kept.path / MAIN_VECTORS, building / MAIN_VECTORS)
        recent_kind = ""
        if len(new.passages):
            recent_kind = build_vectors(building / RECENT_VECTORS, new.vectors(), like=building / MAIN_VECTORS)
        return kept.manifest.vector_kind, recent_kind


def _write_words(folder: Path, store: Store, versions: _Versions, passages: Table, kept: Base | None) -> None:
    """The word index: that of what is kept, with the passages it does not have, or one of all."""
    folder.mkdir()
    with _foreign_errors():
        if kept is None:
            build_words(folder, _word_rows(store, versions.table, passages, 0))
        else:
            extend_words(kept.path / "words", folder, _word_rows(store, versions.table, passages, len(kept.passages)))


def _is_small(store: Store, recipe: Recipe, base: Base, versions: _Versions) -> bool:
    """Whether what is not in the main segment, or no longer, stays a small share of all."""
    n_new = store.n_passages(store.splitter_id(recipe.splitter), base.manifest.last_version)
    n_dead = int(np.count_nonzero(versions.is_dead[base.passages["version_row"]]))
    n_rows = base.manifest.n_rows + n_new
    return base.manifest.n_recent + n_new + n_dead <= MERGE_SHARE * n_rows


class _Spool:
    """Passages of a new segment, and their vectors in a passing file; rows are counted from the segment's first."""

    def __init__(self, file: Path, passages: Table, dim: int) -> None:
        self._file = file
        self._dim = dim
        self.passages = passages

    def vectors(self) -> npt.NDArray[np.float16]:
        """(n, dim), mapped."""
        shape = (len(self.passages), self._dim)
        return np.memmap(self._file, np.float16, "r", shape=shape) if shape[0] else np.zeros(shape, np.float16)

    def forget(self) -> None:
        """Delete the file."""
        self._file.unlink()


def _spool(
    file: Path, store: Store, recipe: Recipe, versions: _Versions, base: Base | None, kept: Base | None
) -> _Spool:
    """What goes into the new segment, from the store in one pass.

    Args:
        file: Where to put the vectors.
        store: The truth.
        recipe: What to build with.
        versions: The table that rows are of.
        base: Where a vector may still be that the store's cache has dropped.
        kept: The snapshot whose main segment stays, or None; its recent rows come first and keep their order.
    """
    dim = recipe.model.dim
    splitter, model = store.splitter_id(recipe.splitter), store.model_id(recipe.model.key)
    numbers = versions.table["version"]
    main_version, last_version = (0, 0) if kept is None else (kept.manifest.main_version, kept.manifest.last_version)
    earlier = np.zeros(0, PASSAGE) if kept is None else np.asarray(kept.passages[kept.manifest.n_main :])
    row_of = {key: row for row, key in enumerate(_keys(numbers[earlier["version_row"]], earlier["start"]).tolist())}
    parts = [earlier]
    # Written, never mapped for writing: a full disk is then an error and not the end of the process.
    with file.open("wb") as vectors_file:
        vectors_file.truncate(2 * dim * len(earlier))  # what was retracted since stays zero
        for places, vectors in _indexed(store, splitter, model, dim, main_version, base):
            is_new = places[:, 0] > last_version
            for key, vector in zip(
                _keys(places[~is_new, 0], places[~is_new, 1]).tolist(), vectors[~is_new], strict=True
            ):
                vectors_file.seek(2 * dim * row_of[key])
                vectors_file.write(vector.tobytes())
            passages = np.zeros(int(is_new.sum()), PASSAGE)
            passages["version_row"] = np.searchsorted(numbers, places[is_new, 0])
            passages["start"], passages["end"] = places[is_new, 1], places[is_new, 2]
            parts.append(passages)
            vectors_file.seek(0, os.SEEK_END)
            vectors_file.write(vectors[is_new].tobytes())
    return _Spool(file, np.concatenate(parts), dim)


def _indexed(
    store: Store, splitter: int, model: int, dim: int, after_version: int, base: Base | None
) -> Iterator[tuple[Places, npt.NDArray[np.float16]]]:
    """Passages of versions after one, ascending, with their vectors; those of which none is known are left out."""
    after = (after_version, 2**62)
    while True:
        places, vectors, has_vector = store.indexed_passages(splitter, model, dim, after, _BATCH)
        if not len(places):
            return
        after = (int(places[-1, 0]), int(places[-1, 1]))
        if base is not None and not has_vector.all():
            missing = np.flatnonzero(~has_vector)
            rows = base.rows_of(places[missing])
            found = missing[rows >= 0]
            if len(found):
                vectors[found] = base.vectors(rows[rows >= 0])
                has_vector[found] = True
        yield places[has_vector], vectors[has_vector]


def _word_rows(store: Store, versions: Table, passages: Table, n_before: int) -> Iterator[WordRow]:
    """Passages from row `n_before` on as the word index takes them."""
    for start_row in range(n_before, len(passages), _BATCH):
        batch = passages[start_row : start_row + _BATCH]
        articles = store.articles(versions["version"][np.unique(batch["version_row"])].tolist())
        for at, (row, start, end) in enumerate(batch.tolist(), start_row):
            published_s = int(versions["published_s"][row])
            article = articles.get(int(versions["version"][row]))
            if article is None:  # retracted
                yield WordRow(at, "", "", published_s, "", "")
            else:
                text = article.text[start:end]
                yield WordRow(at, article.title, text, published_s, article.source, article.language)


@contextlib.contextmanager
def _foreign_errors() -> Iterator[None]:
    """Name what the libraries raise where a file cannot be written: faiss a RuntimeError, tantivy a ValueError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise OSError(str(error)) from error


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".lock"):
            yield path.relative_to(folder).as_posix(), path


def _shared_files(building: Path, kept: Base | None) -> dict[str, FileEntry]:
    """The entries of the files that the snapshot before has too, which need not be read again."""
    if kept is None:
        return {}
    entries = {}
    for name, path in _files(building):
        entry = kept.manifest.files.get(name)
        if entry is not None and path.samefile(kept.path / name):
            entries[name] = entry
    return entries


def _file_entries(folder: Path, shared: dict[str, FileEntry]) -> dict[str, FileEntry]:
    """Sizes and digests of all other files, which are on the disk when this returns."""
    return {name: entry_of(path) for name, path in _files(folder) if name not in shared}


def _verify(building: Path, manifest: Manifest, shared: dict[str, FileEntry]) -> None:
    """What was just written reads back as it was meant, opens, and holds as many passages as it should."""
    check_files(building, manifest, digests=True, known=shared)
    VectorIndex(vector_files(building, manifest))
    WordIndex(building / "words", manifest.n_rows)
