"""Snapshots: the derived indexes of one state of the store, built beside the live one and switched at once.

    DATA/snapshots/current            one line: the name of the live snapshot
    DATA/snapshots/000007/            manifest.json (written last), vectors.faiss, recent.faiss, words/, passages.npy,
                                      versions.npy, names.json
    DATA/snapshots/.building-000008/  never looked at by a reader
    DATA/snapshots/.gone-000005/      being deleted, likewise

A snapshot is complete once its folder carries its number, and live once `current` names it; both are one rename.
Large files are shared between snapshots as links, so each folder is whole by itself and deleting one harms no other.
`index.build` writes them; this module names, switches, prunes, checks and opens them, and writes nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from tokenize import TokenError
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from index.embed import RUNTIMES, load_embedder
from index.errors import REPAIR, IndexCorrupt, IndexMissing, IndexStale, StoreError
from index.files import FileEntry, file_sha256, sync_folder
from index.scope import Scopes
from index.store import ALWAYS, Store
from index.types import Embedder, Span
from index.vectors import SegmentFile, VectorIndex
from index.words import WordIndex
from index.writer import being_written, is_being_written

SCHEMA = 3
# The first had everything in one segment, the second did not say of which articles; their files are read as they are.
READABLE = (1, 2, 3)
FOLDER = "snapshots"
KEPT = 2  # the live one, and one to roll back to
CURRENT = "current"
BUILDING = ".building-"
GONE = ".gone-"
MAIN_VECTORS = "vectors.faiss"
RECENT_VECTORS = "recent.faiss"

# What a calendar knows: the first and the last instant that an article can be dated.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799

PASSAGE = np.dtype([("version_row", "<i4"), ("start", "<i4"), ("end", "<i4")])
VERSION = np.dtype(
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

    @field_validator("runtime")
    @classmethod
    def _as_now(cls, runtime: str) -> str:
        """What computed with floats before ONNX Runtime did gave the same vectors, to six decimals."""
        return "onnx-fp32" if runtime == "openvino-fp32" else runtime

    @property
    def key(self) -> str:
        """Identity of its vectors, in the embedding cache too."""
        return f"{self.name}@{self.revision}/{self.runtime}/{self.dim}"


class Manifest(_Frozen):
    """What a snapshot is, checked whenever it is opened.

    Attributes:
        change: Number of the store's last change that it reflects.
        splitter: Identity of the way in which its texts were split.
        vector_kind: How its main segment keeps vectors.
        recent_kind: How the segment of what came later does; "" where there is none.
        n_passages: Passages that may answer.
        n_recent: Rows of the recent segment.
        n_dead: Rows of retracted articles, which are never found and leave with the next merge.
        main_version: Newest article version that its main segment knows.
        last_version: Newest article version that it knows at all.
        last_content: That version's content hash, in hex; "" where there is none, and before schema 3.
        contents: Digest of the numbers and contents of all versions up to it (`add_contents`); "" before schema 3.
    """

    schema_version: Literal[1, 2, 3] = 3
    newsquote: str
    created_s: int
    change: int
    model: ModelEntry
    splitter: str
    passage_tokens: int
    vector_kind: str
    recent_kind: str = ""
    n_articles: int
    n_versions: int
    n_passages: int
    n_recent: int = 0
    n_dead: int = 0
    main_version: int = 0
    last_version: int = 0
    last_content: str = ""
    contents: str = ""
    files: dict[str, FileEntry]

    @property
    def n_rows(self) -> int:
        """Rows of the passage table."""
        return self.n_passages + self.n_dead

    @property
    def n_main(self) -> int:
        """Those of the main segment, which come first."""
        return self.n_rows - self.n_recent


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
        exports: Where the export for ONNX Runtime is kept.

    Raises:
        IndexStale: The model here has other weights, or newsquote has not that runtime any more.
        ModelUnavailable: It is not here.
    """
    if entry.runtime not in RUNTIMES:
        raise IndexStale(
            f"The index was made with the runtime {entry.runtime}, which is no more; run `newsquote reindex`."
        )
    embedder = load_embedder(entry.name, runtime=entry.runtime, exports=exports)
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
        name = (folder / FOLDER / CURRENT).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexCorrupt(f"{folder / FOLDER / CURRENT} cannot be read; run `newsquote reindex`.") from error
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
        raise _missing(folder)
    path = folder / FOLDER / name / "manifest.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexCorrupt(f"{path} cannot be read; {REPAIR}.") from error
    found = raw.get("schema_version") if isinstance(raw, dict) else None
    if found not in READABLE:
        raise IndexStale(
            f"The index {name} has schema {found} and this newsquote reads up to {SCHEMA}; run `newsquote reindex`."
        )
    try:
        manifest = Manifest.model_validate(raw)
    except ValidationError as error:
        raise IndexCorrupt(f"{path} is not a manifest; {REPAIR}.") from error
    if found == 1 and manifest.vector_kind != "Flat":
        raise IndexStale(f"The index {name} keeps vectors as {manifest.vector_kind}; run `newsquote reindex`.")
    return manifest


def live_manifest(folder: Path, store: Store) -> Manifest:
    """The live snapshot's manifest, where its files are there and it was made of this store.

    Raises:
        IndexMissing, IndexCorrupt, IndexStale: See `read_manifest`, `check_files` and `check_store`.
    """
    return _checked(folder, current_name(folder), store)


def _checked(folder: Path, name: str | None, store: Store) -> Manifest:
    manifest = read_manifest(folder, name)
    check_files(folder / FOLDER / (name or ""), manifest, digests=False)
    check_store(manifest, store)
    return manifest


def check_store(manifest: Manifest, store: Store, *, fully: bool = False) -> None:
    """Look whether a snapshot was made of the versions that are stored: another store counts its own from 1.

    A snapshot of an earlier schema does not say, and is taken at its word.

    Args:
        manifest: The snapshot's.
        store: The one that stands beside it.
        fully: Compare every version, a second or two for a million, instead of the newest that it knows.

    Raises:
        IndexStale: It was not.
    """
    if manifest.schema_version < SCHEMA:
        return
    is_same = store.content_hash(manifest.last_version).hex() == manifest.last_content
    if is_same and fully:
        digest = hashlib.sha256()
        add_contents(digest, store, 0, manifest.last_version)
        is_same = digest.hexdigest() == manifest.contents
    if not is_same:
        raise IndexStale(
            f"The index in {store.folder} was made of other articles than its corpus.db holds, which was restored or "
            "made anew since; run `newsquote reindex`."
        )


def add_contents(digest: hashlib._Hash, store: Store, after: int, upto: int) -> None:
    """Let a digest go on over the versions after one, up to another."""
    for content in store.contents(after, upto):
        digest.update(content)


def _missing(folder: Path) -> IndexMissing:
    if is_being_written(folder):
        return IndexMissing(f"There is no index yet: {being_written(folder)}; ask again when it is done.")
    with contextlib.suppress(StoreError), Store(folder) as store:
        if store.counts()["articles"]:
            return IndexMissing(f"There is no index in {folder}, but a corpus with articles; run `newsquote reindex`.")
    return IndexMissing(f"There is no index in {folder} yet; run `newsquote ingest SOURCE` first.")


def switch_to(folder: Path, name: str) -> None:
    """Make a complete snapshot the live one, by one rename.

    Raises:
        StoreError: It could not be written; the live one stays.
    """
    temporary = folder / FOLDER / f"{CURRENT}.new"
    try:
        with temporary.open("w", encoding="ascii") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FOLDER / CURRENT)
        sync_folder(folder / FOLDER)
    except OSError as error:
        raise unwritten(folder, error) from error


def rollback(folder: Path) -> str:
    """Go back to the snapshot before the live one.

    Returns:
        Its name.

    Raises:
        IndexMissing: There is none to go back to.
        IndexCorrupt: It is not whole.
        IndexStale: It was made of another store.
        StoreError: The switch could not be written; the live one stays.
    """
    live = current_name(folder)
    earlier = [name for name in snapshot_names(folder) if live is None or name < live]
    if not earlier:
        raise IndexMissing(f"There is no earlier index in {folder} to roll back to; run `newsquote reindex`.")
    with Store(folder) as store:
        _checked(folder, earlier[-1], store)
    switch_to(folder, earlier[-1])
    return earlier[-1]


def prune(folder: Path, keep: int = KEPT) -> list[str]:
    """Delete half-built snapshots and all but the live one and the `keep - 1` before it.

    Readers that have a deleted one open keep reading it: its files go when they close.
    """
    parent = folder / FOLDER
    for entry in [*parent.glob(f"{BUILDING}*"), *parent.glob(f"{GONE}*")]:
        shutil.rmtree(entry, ignore_errors=True)
    live = live_name(folder)
    if live is None:
        return []
    names = snapshot_names(folder)
    kept = [name for name in names if name <= live][-keep:]
    gone = [name for name in names if name not in kept]
    for name in gone:
        with contextlib.suppress(OSError):
            # Renamed first: killed in the middle, a folder under its number would look whole to `rollback`.
            leaving = (parent / name).rename(parent / f"{GONE}{name}")
            shutil.rmtree(leaving, ignore_errors=True)
    return gone


def live_name(folder: Path) -> str | None:
    """`current_name`, where an unreadable `current` counts as none: for a writer, who is about to replace it."""
    try:
        return current_name(folder)
    except IndexCorrupt:
        return None


def unwritten(folder: Path, error: Exception) -> StoreError:
    """The sentence for an index that could not be written."""
    why = getattr(error, "strerror", None) or error
    return StoreError(
        f"The index could not be written to {folder / FOLDER} ({why}); free some space and run the same command "
        "again: the live index is untouched and every stored article is safe."
    )


def check_files(folder: Path, manifest: Manifest, *, digests: bool, known: Collection[str] = ()) -> None:
    """Compare a snapshot's files with its manifest: sizes always, contents where `digests`, except of those `known`.

    Raises:
        IndexCorrupt: One is missing, short or altered; the sentence names it.
    """
    for name, entry in manifest.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            if size != entry.size:
                raise IndexCorrupt(f"{path} has {size} bytes and its manifest says {entry.size}; {REPAIR}.")
            if digests and name not in known and file_sha256(path) != entry.sha256:
                raise IndexCorrupt(f"{path} was altered after it was written; {REPAIR}.")
        except OSError as error:
            raise IndexCorrupt(f"{path} cannot be read ({error.strerror}); {REPAIR}.") from error


def vector_files(path: Path, manifest: Manifest) -> list[SegmentFile]:
    """The files of vectors of the snapshot in `path`, in the order of their rows."""
    files = [SegmentFile(path / MAIN_VECTORS, manifest.n_main)]
    if manifest.n_recent:
        files.append(SegmentFile(path / RECENT_VECTORS, manifest.n_recent))
    return files


# Reading --------------------------------------------------------------------------------------------------


def _mapped(path: Path) -> npt.NDArray[np.void]:
    table: npt.NDArray[np.void] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return table


def _are_between(low: int, values: npt.NDArray[np.signedinteger], high: int | None = None) -> bool:
    return not len(values) or bool(low <= values.min() and (high is None or values.max() <= high))


class Snapshot:
    """A snapshot opened for searching; immutable, so that threads may share it."""

    def __init__(self, folder: Path, name: str, manifest: Manifest) -> None:
        path = folder / FOLDER / name
        check_files(path, manifest, digests=False)
        self.name = name
        self.manifest = manifest
        try:
            # Plain views of the maps: numpy's own class makes every small look-up several times slower.
            self.passages: npt.NDArray[np.void] = _mapped(path / "passages.npy")
            self.versions: npt.NDArray[np.void] = _mapped(path / "versions.npy")
            names = json.loads((path / "names.json").read_text(encoding="utf-8"))
            self.sources: list[str] = names["sources"]
            self.languages: list[str] = names["languages"]
        except (OSError, ValueError, KeyError, TypeError, TokenError) as error:  # numpy tokenizes its files' headers
            raise IndexCorrupt(f"{path} cannot be read; {REPAIR}.") from error
        if not self._is_consistent():
            raise IndexCorrupt(f"The tables in {path} do not fit each other; {REPAIR}.")
        self.vectors = VectorIndex(vector_files(path, manifest))
        self.words = WordIndex(path / "words", manifest.n_rows)
        self.scopes = Scopes(self.passages, self.versions, self.sources, self.languages, self.vectors)

    def _is_consistent(self) -> bool:
        """Whether every number in the tables stands for something that is there."""
        passages, versions = self.passages, self.versions
        if (passages.dtype, passages.shape, versions.dtype) != (PASSAGE, (self.manifest.n_rows,), VERSION):
            return False
        published = versions["published_s"]
        dated = published[published != ALWAYS]
        return (
            _are_between(0, passages["version_row"], len(versions) - 1)
            and _are_between(0, passages["start"])
            and bool((passages["start"] <= passages["end"]).all())
            and _are_between(-1, versions["source"], len(self.sources) - 1)
            and _are_between(-1, versions["language"], len(self.languages) - 1)
            and _are_between(_FIRST_S, dated, _LAST_S)
        )

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
        IndexMissing, IndexCorrupt, IndexStale: See `read_manifest`, `check_files` and `check_store`.
        StoreError: There is no store that it could be of.
    """
    name = current_name(folder)
    for _ in range(2):
        with contextlib.suppress(IndexCorrupt):
            return _opened(folder, name)
        later = current_name(folder)
        if later == name:
            break
        name = later  # switched and pruned while we were opening it: the new one is there
    return _opened(folder, name)


def _opened(folder: Path, name: str | None) -> Snapshot:
    manifest = read_manifest(folder, name)
    with Store(folder) as store:
        check_store(manifest, store)
    return Snapshot(folder, name or "", manifest)
