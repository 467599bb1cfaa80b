"""Snapshots: the derived indexes of one state of the store, built beside the live one and switched at once.

    DATA/snapshots/current            one line: the name of the live snapshot
    DATA/snapshots/000007/            manifest.json (written last), vectors.faiss, words/, passages.npy,
                                      versions.npy, names.json
    DATA/snapshots/.building-000008/  never looked at by a reader
    DATA/snapshots/.gone-000005/      being deleted, likewise

A snapshot is complete once its folder carries its number, and live once `current` names it; both are one rename.
Knows nothing about where articles come from, and the text of an article only while it builds.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from index.embed import load_embedder
from index.errors import IndexCorrupt, IndexMissing, IndexStale, StoreError
from index.store import ALWAYS, Store, VersionRow
from index.types import Embedder, Span, Vectors
from index.vectors import VectorIndex, build_vectors
from index.words import WordIndex, WordRow, build_words

SCHEMA = 1
FOLDER = "snapshots"
KEPT = 2  # the live one, and one to roll back to
_CURRENT = "current"
_BUILDING = ".building-"
_GONE = ".gone-"
_BATCH = 20_000

_PASSAGE = np.dtype([("version_row", "<i4"), ("start", "<i4"), ("end", "<i4")])
_VERSION = np.dtype(
    [
        ("version", "<i8"),
        ("article", "<i4"),
        ("group", "<i4"),
        ("source", "<i4"),
        ("language", "<i4"),
        ("published_s", "<i8"),
        ("valid_from_s", "<i8"),
        ("valid_to_s", "<i8"),
    ]
)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelEntry(_Frozen):
    """The embedding model a snapshot was made with."""

    name: str
    revision: str
    runtime: str
    dim: int
    max_tokens: int

    @property
    def key(self) -> str:
        """Identity of its vectors, in the embedding cache too."""
        return f"{self.name}@{self.revision}/{self.runtime}/{self.dim}"


class FileEntry(_Frozen):
    """Size in bytes and digest of one file of a snapshot."""

    size: int
    sha256: str


class Manifest(_Frozen):
    """What a snapshot is, checked whenever it is opened."""

    schema_version: Literal[1] = 1
    newsquote: str
    created_s: int
    change: int
    model: ModelEntry
    splitter: str
    passage_tokens: int
    vector_kind: str
    n_articles: int
    n_versions: int
    n_passages: int
    files: dict[str, FileEntry]


def model_entry(embedder: Embedder) -> ModelEntry:
    """What a manifest records of an embedder."""
    return ModelEntry(
        name=embedder.name,
        revision=embedder.revision,
        runtime=embedder.runtime,
        dim=embedder.dim,
        max_tokens=embedder.max_tokens,
    )


def embedder_of(entry: ModelEntry, exports: Path) -> Embedder:
    """The embedder a snapshot was made with.

    Args:
        entry: Its manifest's.
        exports: Where the OpenVINO export is kept.

    Raises:
        IndexStale: The model here has other weights.
        ModelUnavailable: It is not here.
    """
    runtime = "openvino" if entry.runtime.startswith("openvino") else "torch"
    embedder = load_embedder(entry.name, runtime=runtime, exports=exports)
    if (embedder.revision, embedder.dim) != (entry.revision, entry.dim):
        raise IndexStale(
            f"The index was made with {entry.name} at revision {entry.revision[:12]} and the model here is "
            f"{embedder.revision[:12]}; run `newsquote reindex`."
        )
    return embedder


# Naming and switching -------------------------------------------------------------------------------------


def snapshot_names(folder: Path) -> list[str]:
    """Complete snapshots in a data folder, oldest first."""
    try:
        names = [entry.name for entry in (folder / FOLDER).iterdir() if entry.name.isdigit()]
    except FileNotFoundError:
        return []
    return sorted(names)


def current_name(folder: Path) -> str | None:
    """The live snapshot's name, or None."""
    try:
        name = (folder / FOLDER / _CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexCorrupt(f"{folder / FOLDER / _CURRENT} cannot be read; run `newsquote reindex`.") from error
    return name if name.isdigit() else None


def read_manifest(folder: Path, name: str | None = None) -> Manifest:
    """The manifest of the live (or the named) snapshot.

    Raises:
        IndexMissing: There is no live snapshot.
        IndexCorrupt: Its manifest is missing or unreadable.
        IndexStale: It has another schema.
    """
    name = name or current_name(folder)
    if name is None:
        raise IndexMissing(f"There is no index in {folder} yet; run `newsquote ingest SOURCE` first.")
    path = folder / FOLDER / name / "manifest.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"{path} cannot be read; run `newsquote rollback` or `newsquote reindex`.") from error
    found = raw.get("schema_version") if isinstance(raw, dict) else None
    if found != SCHEMA:
        raise IndexStale(
            f"The index {name} has schema {found} and this newsquote reads {SCHEMA}; run `newsquote reindex`."
        )
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        raise IndexCorrupt(f"{path} is not a manifest; run `newsquote rollback` or `newsquote reindex`.") from error


def switch_to(folder: Path, name: str) -> None:
    """Make a complete snapshot the live one, by one rename.

    Raises:
        StoreError: It could not be written; the live one stays.
    """
    temporary = folder / FOLDER / f"{_CURRENT}.new"
    try:
        with temporary.open("w", encoding="ascii") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FOLDER / _CURRENT)
        _fsync_folder(folder / FOLDER)
    except OSError as error:
        raise _unwritten(folder, error) from error


def rollback(folder: Path) -> str:
    """Go back to the snapshot before the live one.

    Returns:
        Its name.

    Raises:
        IndexMissing: There is none to go back to.
        IndexCorrupt: It is not whole.
        StoreError: The switch could not be written; the live one stays.
    """
    live = current_name(folder)
    earlier = [name for name in snapshot_names(folder) if live is None or name < live]
    if not earlier:
        raise IndexMissing(f"There is no earlier index in {folder} to roll back to; run `newsquote reindex`.")
    check_files(folder / FOLDER / earlier[-1], read_manifest(folder, earlier[-1]), digests=False)
    switch_to(folder, earlier[-1])
    return earlier[-1]


def prune(folder: Path, keep: int = KEPT) -> list[str]:
    """Delete half-built snapshots and all but the live one and the `keep - 1` before it.

    Readers that have a deleted one open keep reading it: its files go when they close.
    """
    parent = folder / FOLDER
    for entry in [*parent.glob(f"{_BUILDING}*"), *parent.glob(f"{_GONE}*")]:
        shutil.rmtree(entry, ignore_errors=True)
    live = _live_name(folder)
    if live is None:
        return []
    names = snapshot_names(folder)
    kept = [name for name in names if name <= live][-keep:]
    gone = [name for name in names if name not in kept]
    for name in gone:
        with contextlib.suppress(OSError):
            # Renamed first: killed in the middle, a folder under its number would look whole to `rollback`.
            leaving = (parent / name).rename(parent / f"{_GONE}{name}")
            shutil.rmtree(leaving, ignore_errors=True)
    return gone


def _live_name(folder: Path) -> str | None:
    """`current_name`, where an unreadable `current` counts as none: for a writer, who is about to replace it."""
    try:
        return current_name(folder)
    except IndexCorrupt:
        return None


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Building -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a snapshot is to be built with."""

    model: ModelEntry
    splitter: str
    passage_tokens: int
    newsquote: str


def _unwritten(folder: Path, error: Exception) -> StoreError:
    why = getattr(error, "strerror", None) or error
    return StoreError(
        f"The index could not be written to {folder / FOLDER} ({why}); free some space and run the same command "
        "again: the live index is untouched and every stored article is safe."
    )


def build_snapshot(folder: Path, store: Store, recipe: Recipe, now_s: int) -> str:
    """Build, verify and switch to a snapshot of all that is split and embedded; the caller holds the ingest lock.

    Returns:
        The name of the new live snapshot.

    Raises:
        StoreError: It could not be written; the live one stays.
    """
    parent = folder / FOLDER
    # Before pruning: after a rollback a reader may still have the later one open, and must see the new one as new.
    name = f"{int(max([*snapshot_names(folder), _live_name(folder) or '0'])) + 1:06d}"
    building = parent / f"{_BUILDING}{name}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        prune(folder)
        building.mkdir()
        manifest = _write_files(building, store, recipe, now_s)
        _write_json(building / "manifest.json", manifest.model_dump())
        _fsync_folder(building)
        _verify(building, manifest)
        building.replace(parent / name)
        _fsync_folder(parent)
    except OSError as error:
        shutil.rmtree(building, ignore_errors=True)
        raise _unwritten(folder, error) from error
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    switch_to(folder, name)
    prune(folder)
    return name


def _write_files(building: Path, store: Store, recipe: Recipe, now_s: int) -> Manifest:
    change = store.change()
    versions = list(store.version_rows())
    version_row = {row.version: at for at, row in enumerate(versions)}
    splitter, model = store.splitter_id(recipe.splitter), store.model_id(recipe.model.key)
    dim = recipe.model.dim

    def batches() -> Iterator[tuple[npt.NDArray[np.int64], Vectors]]:
        after = (0, -1)
        while True:
            places, vectors = store.indexed_passages(splitter, model, dim, after, _BATCH)
            if not len(places):
                return
            yield places, vectors
            after = (int(places[-1, 0]), int(places[-1, 1]))

    passages = np.concatenate(
        [np.zeros(0, _PASSAGE), *(_passage_array(places, version_row) for places, _ in batches())]
    )
    np.save(building / "passages.npy", passages)
    sources = sorted({row.source for row in versions})
    languages = sorted({row.language for row in versions})
    np.save(building / "versions.npy", _version_array(versions, sources, languages))
    _write_json(building / "names.json", {"sources": sources, "languages": languages})
    with _foreign_errors():
        kind = build_vectors(
            building / "vectors.faiss", dim, len(passages), lambda: (vectors for _, vectors in batches())
        )
    (building / "words").mkdir()
    with _foreign_errors():
        build_words(building / "words", _word_rows(store, versions, passages))
    used = np.unique(passages["version_row"])
    return Manifest(
        newsquote=recipe.newsquote,
        created_s=now_s,
        change=change,
        model=recipe.model,
        splitter=recipe.splitter,
        passage_tokens=recipe.passage_tokens,
        vector_kind=kind,
        n_articles=len({versions[row].article for row in used.tolist()}),
        n_versions=len(versions),
        n_passages=len(passages),
        files=_file_entries(building),
    )


@contextlib.contextmanager
def _foreign_errors() -> Iterator[None]:
    """Name what the libraries raise where a file cannot be written: faiss a RuntimeError, tantivy a ValueError."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        raise OSError(str(error)) from error


def _passage_array(places: npt.NDArray[np.int64], version_row: dict[int, int]) -> npt.NDArray[np.void]:
    array = np.zeros(len(places), _PASSAGE)
    array["version_row"] = [version_row[version] for version in places[:, 0].tolist()]
    array["start"], array["end"] = places[:, 1], places[:, 2]
    return array


def _version_array(versions: list[VersionRow], sources: list[str], languages: list[str]) -> npt.NDArray[np.void]:
    source_at = {name: at for at, name in enumerate(sources)}
    language_at = {name: at for at, name in enumerate(languages)}
    array = np.zeros(len(versions), _VERSION)
    for at, row in enumerate(versions):
        published = ALWAYS if row.published_s is None else row.published_s
        array[at] = (
            row.version,
            row.article,
            row.group,
            source_at[row.source],
            language_at[row.language],
            published,
            row.valid_from_s,
            row.valid_to_s,
        )
    return array


def _word_rows(store: Store, versions: list[VersionRow], passages: npt.NDArray[np.void]) -> Iterator[WordRow]:
    text, last = "", -1
    for at, (version_row, start, end) in enumerate(passages.tolist()):
        version = versions[version_row]
        if version_row != last:
            article = store.article(version.version)
            text, last = (article.text if article else ""), version_row
        yield WordRow(
            row=at,
            title=version.title,
            text=text[start:end],
            published_s=ALWAYS if version.published_s is None else version.published_s,
            valid_from_s=version.valid_from_s,
            valid_to_s=version.valid_to_s,
            source=version.source,
            language=version.language,
        )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")


def _file_entries(folder: Path) -> dict[str, FileEntry]:
    """Sizes and digests of all files, which are on the disk when this returns."""
    entries = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".lock"):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.fsync(file.fileno())
            entries[path.relative_to(folder).as_posix()] = FileEntry(size=path.stat().st_size, sha256=digest)
    return entries


def check_files(folder: Path, manifest: Manifest, *, digests: bool) -> None:
    """Compare a snapshot's files with its manifest: sizes always, contents where `digests`.

    Raises:
        IndexCorrupt: One is missing, short or altered; the sentence names it.
    """
    remedy = "run `newsquote rollback` or `newsquote reindex`"
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != entry.size:
                raise IndexCorrupt(f"{path} has {size} bytes and its manifest says {entry.size}; {remedy}.")
            if digests:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != entry.sha256:
                    raise IndexCorrupt(f"{path} was altered after it was written; {remedy}.")
        except OSError as error:
            raise IndexCorrupt(f"{path} cannot be read ({error.strerror}); {remedy}.") from error


def _verify(building: Path, manifest: Manifest) -> None:
    """What was just written reads back as it was meant, opens, and holds as many passages as it should."""
    check_files(building, manifest, digests=True)
    VectorIndex(building / "vectors.faiss", manifest.n_passages)
    WordIndex(building / "words", manifest.n_passages)


# Reading --------------------------------------------------------------------------------------------------


class Snapshot:
    """A snapshot opened for searching; immutable, so that threads may share it."""

    def __init__(self, folder: Path, name: str, manifest: Manifest) -> None:
        path = folder / FOLDER / name
        check_files(path, manifest, digests=False)
        self.name = name
        self.manifest = manifest
        try:
            self.passages: npt.NDArray[np.void] = np.load(path / "passages.npy", mmap_mode="r", allow_pickle=False)
            self.versions: npt.NDArray[np.void] = np.load(path / "versions.npy", mmap_mode="r", allow_pickle=False)
            names = json.loads((path / "names.json").read_text(encoding="utf-8"))
            self.sources: list[str] = names["sources"]
            self.languages: list[str] = names["languages"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexCorrupt(f"{path} cannot be read; run `newsquote rollback` or `newsquote reindex`.") from error
        self.vectors = VectorIndex(path / "vectors.faiss", manifest.n_passages)
        self.words = WordIndex(path / "words", manifest.n_passages)

    def span(self, passage: int) -> Span:
        """Where a passage stands in its version's text."""
        row = self.passages[passage]
        return Span(int(row["start"]), int(row["end"]))

    def version_row(self, passage: int) -> int:
        """Row in `versions` of a passage's version."""
        return int(self.passages[passage]["version_row"])


def open_snapshot(folder: Path) -> Snapshot:
    """The live snapshot.

    Raises:
        IndexMissing, IndexCorrupt, IndexStale: See `read_manifest` and `check_files`.
    """
    name = current_name(folder)
    for _ in range(2):
        with contextlib.suppress(IndexCorrupt):
            return Snapshot(folder, name or "", read_manifest(folder, name))
        later = current_name(folder)
        if later == name:
            break
        name = later  # switched and pruned while we were opening it: the new one is there
    return Snapshot(folder, name or "", read_manifest(folder, name))
