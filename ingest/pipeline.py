"""The ingest job: drafts in; versions, passages, vectors and a new snapshot out.

Three stages, each resumable from what the store holds: `store_articles` commits cleaned articles batch by batch,
`embed_missing` gives every passage a vector, `build` writes a snapshot and switches to it. A kill between or
inside them loses nothing that was committed; the next run goes on where the store says.
The caller holds the ingest lock. Time is an argument. Knows nothing about questions or answers.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, ValidationError

from index.build import Base, Recipe, build_snapshot, in_index
from index.errors import IndexCorrupt, IndexMissing, IndexStale, NewsquoteError
from index.snapshot import SCHEMA, check_store, live_manifest, model_entry, prune
from index.store import NewVersion, PassageRow, Store
from index.types import Article, Embedder, Vectors, instant_s
from ingest.clean import clean, learned_lines, line_keys, normalise, reread
from ingest.copies import CopyFinder, Fingerprint, fingerprint
from ingest.dates import settle
from ingest.draft import Draft, Flush, Reject, Retracted
from ingest.identity import article_id, is_local, outlet, part_of
from ingest.language import language_of
from ingest.passages import article_passages, embedding_text, passage_budget
from ingest.records import EXPORTED, field_named

BATCH_DRAFTS = 256
BATCH_CHARS = 8_000_000  # a batch of monsters is smaller, so that memory stays flat
SPLIT_ARTICLES = 200
# Sorted by length together; given to the embedder, and committed, at a time; waiting for it.
EMBED_WINDOW = 4096
EMBED_PASSAGES = 256
EMBED_AHEAD = 2
# A line in fewer articles than this is never boilerplate, so rarer ones need not be fetched from the store.
LEARN_AT_LEAST = 10


class Progress(Protocol):
    """Told how far the job is; called often, so it must be cheap."""

    def stored(self, n: int, n_same: int) -> None:
        """What `n` drafts say is committed in all; what `n_same` of them say was there before."""
        ...

    def embedded(self, n: int, n_all: int) -> None:
        """`n` of `n_all` missing vectors are committed."""
        ...

    def building(self, n_passages: int) -> None:
        """The snapshot is being written."""
        ...


@dataclass(slots=True)
class Report:
    """What an ingest did; every count of articles but `copies` and `stubs` excludes the others.

    Attributes:
        n_buried: Articles that an export has as retracted, which were not stored here, and from now on will not be.
        live_retracted: Ids of those that answer here, and go on answering.
    """

    n_read: int = 0
    n_new: int = 0
    n_changed: int = 0
    n_same: int = 0
    n_retracted: int = 0
    n_buried: int = 0
    live_retracted: list[str] = field(default_factory=list)
    n_copies: int = 0
    n_stubs: int = 0
    n_embedded: int = 0
    snapshot: str = ""
    rejected: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    removed_lines: int = 0


def store_articles(
    items: Iterable[Draft | Reject | Flush],
    store: Store,
    now_s: int,
    progress: Progress,
    on_reject: Callable[[Reject], None] = lambda reject: None,
) -> Report:
    """Clean and store drafts; every batch is durable before `progress.stored` hears of it."""
    report = Report()
    copies = _Copies(store)
    returns = _Returns()
    for batch in _batches(items):
        drafts: list[tuple[Draft, bytes]] = []
        retracted: list[Retracted] = []
        for item in batch:
            report.n_read += 1
            if isinstance(item, Retracted):
                retracted.append(item)
            elif isinstance(item, Reject):
                report.rejected[item.reason] += 1
                on_reject(item)
            else:
                report.warnings.update(item.warnings)
                drafts.append((item, draft_hash(item)))
        if retracted:
            with store.transaction():
                _bury(retracted, store, now_s, report)
        unchanged = store.known_drafts([key for _, key in drafts])
        fresh = [(draft, key) for draft, key in drafts if key not in unchanged]
        for number in unchanged.values():
            if number is not None:
                returns.saw_current(number)
        report.n_same += len(drafts) - len(fresh)
        if fresh:
            with store.transaction():
                _store_batch(fresh, store, now_s, copies, report, on_reject, returns)
        progress.stored(report.n_new + report.n_changed + report.n_same, report.n_same)
    changed_back = returns.real()
    if changed_back:
        with store.transaction():
            for version in changed_back:
                store.add(version, store.known(version.article.id), now_s)
        report.n_changed += len(changed_back)
        report.n_same -= len(changed_back)
    return report


def _bury(retracted: Sequence[Retracted], store: Store, now_s: int, report: Report) -> None:
    """Keep out what an export has as retracted.

    What answers here is left: it may have been brought back since, and any file may claim to be an export.
    """
    for one in retracted:
        if store.retracted_s(one.id) is not None:  # its own, not its page's, which may be lifted alone
            report.n_retracted += 1
        elif store.known(one.id) is not None or any(store.retracted_s(part) is None for part in store.parts_of(one.id)):
            report.live_retracted.append(one.id)
        else:
            store.bury(one.id, one.url or None, one.retracted_s, now_s)
            report.n_buried += 1


@dataclass(slots=True)
class _Returns:
    """Drafts of this run that equal a past version of their article.

    A source that lists an article's versions brings the current one too, before or after; only where it does not, and
    the current one names no update, was the article truly changed back. Where the run itself brought versions, their
    order says it: the last one counts. Records of an export that name their instant are none of these: each stands in
    its own place.

    Attributes:
        past: The returning versions, by article number.
        current: Articles whose current version, stored by an earlier run, this run has seen.
        changed: Articles to which this run has added a version.
    """

    past: dict[int, NewVersion] = field(default_factory=dict)
    current: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)

    def saw_current(self, number: int) -> None:
        if number in self.changed:
            self.past.pop(number, None)
        else:
            self.current.add(number)

    def saw_past(self, number: int, version: NewVersion) -> None:
        self.past[number] = version

    def saw_new(self, number: int) -> None:
        self.past.pop(number, None)
        self.current.discard(number)
        self.changed.add(number)

    def real(self) -> list[NewVersion]:
        """The versions that their articles were changed back to."""
        return [version for number, version in self.past.items() if number not in self.current]


def _batches(items: Iterable[Draft | Reject | Flush]) -> Iterator[list[Draft | Reject]]:
    batch: list[Draft | Reject] = []
    n_chars = 0
    for item in items:
        is_flush = isinstance(item, Flush)
        if not isinstance(item, Flush):
            batch.append(item)
            n_chars += len(item.text) if isinstance(item, Draft) else 0
        # Nothing is asked of the source before a flushed batch is durable, an empty one included.
        if batch and (is_flush or len(batch) >= BATCH_DRAFTS or n_chars >= BATCH_CHARS):
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


def _store_batch(
    drafts: Sequence[tuple[Draft, bytes]],
    store: Store,
    now_s: int,
    copies: _Copies,
    report: Report,
    on_reject: Callable[[Reject], None],
    returns: _Returns,
) -> None:
    meant = [(_reread(draft), key) for draft, key in drafts]
    if n_reread := sum(draft.text != found.text for (draft, _), (found, _) in zip(drafts, meant, strict=True)):
        report.warnings["mojibake"] += n_reread
    normal = [(draft, key, normalise(draft.text), outlet(draft.source, draft.url)) for draft, key in meant]
    learned = _learn(store, normal)
    for draft, key, text, source in normal:
        kept, extra = kept_of(draft.extra)
        is_stub = draft.is_stub or kept.is_stub
        cleaned = clean(draft.title, text, is_stub=is_stub, learned=learned.get(source, frozenset()))
        if not cleaned.text.strip():
            report.rejected["no text"] += 1
            on_reject(Reject(draft.origin, "no text", "nothing but boilerplate is left of it"))
            continue
        dated = settle(draft.published, draft.updated, draft.date_from, draft.url, now_s)
        report.warnings.update(f"date {problem}" for problem in dated.problems)
        identity = article_id(draft.url, cleaned.title, cleaned.text, draft.part or kept.part)
        if draft.url.strip() and is_local(identity):
            report.warnings["url that is no web address"] += 1
        known = store.known(identity)
        content = content_hash(cleaned.title, cleaned.text, dated.published, source, draft.authors)
        if store.is_retracted(identity):
            report.n_retracted += 1
            continue
        if known is not None and known.content_hash == content:
            report.n_same += 1
            store.same_content(known, key)
            returns.saw_current(known.number)
            continue
        published_s = instant_s(dated.published)
        mark = fingerprint(cleaned.text)
        # Two stubs share what is no news (a consent text, a paywall's), and would pass for copies.
        copy_of = (
            None if cleaned.is_stub else copies.original_of(identity, published_s, mark, is_known=known is not None)
        )
        article = Article(
            id=identity,
            version=0,
            url=draft.url.strip() or None,
            title=cleaned.title,
            published=dated.published,
            updated=dated.updated,
            source=source,
            authors=draft.authors,
            text=cleaned.text,
            cuts=_at_lines(kept.cuts, text) if cleaned.text == text else cleaned.cuts,
            language=draft.language or language_of(cleaned.text),
            is_stub=cleaned.is_stub,
            correction=cleaned.correction,
            copy_of=copy_of,
        )
        version = NewVersion(
            article, dated.date_from, extra, mark.to_bytes(), key, content, valid_from_s=kept.valid_from_s
        )
        if known is not None and store.has_version(known, content, key, kept.valid_from_s):
            updated_s = instant_s(dated.updated)
            if updated_s is None or updated_s <= max(known.valid_from_s, known.updated_s or known.valid_from_s):
                report.n_same += 1
                # Where the current version names its update, only a later one undoes it: an old dump is no news.
                if updated_s is None and known.updated_s is None and kept.valid_from_s is None:
                    returns.saw_past(known.number, version)
                continue
            # The publisher says that it went back to an earlier text.
        store.add(version, known, now_s)
        if known is not None:
            returns.saw_new(known.number)
        report.n_new += known is None
        report.n_changed += known is not None
        report.n_copies += copy_of is not None
        report.n_stubs += cleaned.is_stub
        report.removed_lines += len(cleaned.removed)


def _reread(draft: Draft) -> Draft:
    """The draft as it was meant; where its text was read wrongly, its names were too."""
    text = reread(draft.text)
    if text == draft.text or kept_of(draft.extra)[0].cuts:  # which count the characters that stand there
        return draft
    title, source, *authors = (reread(name, 1) for name in (draft.title, draft.source, *draft.authors))
    return replace(draft, text=text, title=title, source=source, authors=tuple(authors))


def _at_lines(cuts: Iterable[int], text: str) -> tuple[int, ...]:
    """Those where a line begins or the text ends, as cleaning makes them: any record may claim to be a backup's."""
    return tuple(sorted({cut for cut in cuts if cut == len(text) or text[max(0, cut - 1) : cut] == "\n"}))


def _learn(store: Store, drafts: Sequence[tuple[Draft, bytes, str, str]]) -> dict[str, frozenset[str]]:
    """Boilerplate lines by outlet, learned from all articles seen so far and these.

    What the versions of one article have in common is its own text: an article counts once, when it is first seen.

    Args:
        store: In a transaction.
        drafts: Each with its hash, its normalised text and its outlet.
    """
    by_source: dict[str, list[str]] = {source: [] for *_, source in drafts}
    seen: set[str] = set()
    stored = store.stored_drafts([key for _, key, _, _ in drafts])
    for draft, key, text, source in drafts:
        identity = article_id(draft.url, draft.title, text, draft.part or kept_of(draft.extra)[0].part)
        # Without a URL, cleaning may give it another id than its text has here; then its hash tells that it is known.
        is_new = store.known(identity) is None and not store.is_retracted(identity)
        if is_new and identity not in seen and key not in stored:
            by_source[source].append(text)
        seen.add(identity)
    learned: dict[str, frozenset[str]] = {}
    for source, texts in by_source.items():
        store.count_lines(source, (key for text in texts for key in line_keys(text)), len(texts))
        counts, n_articles = store.line_counts(source, LEARN_AT_LEAST)
        learned[source] = learned_lines(counts, n_articles)
    return learned


class _Copies:
    """The copy finder, filled from the store when the first new article needs it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finder: CopyFinder | None = None

    def original_of(self, identity: str, published_s: int | None, mark: Fingerprint, *, is_known: bool) -> str | None:
        if self._finder is None:
            self._finder = CopyFinder()
            for known_id, known_published_s, known_mark in self._store.fingerprints():
                self._finder.add(known_id, known_published_s, Fingerprint.from_bytes(known_mark))
        if is_known:
            self._finder.discard(identity)
        found = self._finder.find(published_s, mark)
        self._finder.add(identity, published_s, mark)
        original = None if found is None else self._store.original(found)
        return None if original == identity else original  # an original that changes is no copy of its own copies


def draft_hash(draft: Draft) -> bytes:
    """16 bytes over all that a draft says, apart from where it was found."""
    fields = (
        draft.url,
        draft.title,
        draft.published,
        draft.updated,
        draft.source,
        *draft.authors,
        draft.language,
        str(draft.is_stub),
        draft.extra,
        draft.text,
        *((draft.part,) if draft.part else ()),
    )
    return _hash(fields)


def content_hash(title: str, text: str, published: str | None, source: str, authors: Sequence[str]) -> bytes:
    """16 bytes over what makes a new version when it changes."""
    return _hash((title, text, published or "", source, *authors))


def _hash(fields: Sequence[str]) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for value in fields:
        raw = value.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return digest.digest()


# Passages and vectors -------------------------------------------------------------------------------------


def splitter_key(embedder: Embedder, passage_tokens: int) -> str:
    """Identity of a way of splitting: what the passages of a text depend on."""
    budget = passage_budget(passage_tokens, embedder.max_tokens)
    return f"sentences/2 {embedder.name}@{embedder.revision[:16]} {budget}"


def split_missing(store: Store, embedder: Embedder, passage_tokens: int) -> int:
    """Give passages to every version that has none; the splitter's number."""
    splitter = store.splitter_id(splitter_key(embedder, passage_tokens))
    budget = passage_budget(passage_tokens, embedder.max_tokens)

    def split(articles: Sequence[Article]) -> None:
        rows = [
            PassageRow(article.version, span, n_tokens, _passage_hash(article, span.of(article.text)))
            for article in articles
            for span, n_tokens in article_passages(article, embedder.count_tokens, budget, embedder.max_tokens)
        ]
        store.add_passages(splitter, articles[-1].version, rows)

    if restored := store.unsplit_before(splitter):
        split(restored)
    while articles := store.unsplit(splitter, SPLIT_ARTICLES):
        split(articles)
    return splitter


def _passage_hash(article: Article, text: str) -> bytes:
    return _hash((embedding_text(article.title, article.published, text),))


# Which of (n, 2) places, version and start, need no vector though the cache has none of theirs: an (n,) mask.
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

    Args:
        store: Open for writing.
        embedder: Computes the vectors.
        passage_tokens: Longest passage.
        progress: Told of every portion.
        is_known: Which places need none though the cache has dropped theirs.

    The embedder works in a thread of its own while this one reads the texts to come and commits the vectors that are
    done; only this one touches the store. What goes wrong in either ends both, with all that was committed kept.
    """
    splitter = split_missing(store, embedder, passage_tokens)
    model = store.model_id(model_entry(embedder).key)
    n_all = store.n_unembedded(splitter, model)  # less those that turn out to be known, as they are come upon
    done = 0
    asked: set[bytes] = set()
    under_way: deque[tuple[list[bytes], Future[Vectors]]] = deque()
    worker = ThreadPoolExecutor(1, "embed")

    def missing() -> Iterator[list[PassageRow]]:
        nonlocal n_all
        for n_known, rows in _missing(store, splitter, model, is_known):
            n_all -= n_known
            yield rows

    def commit_first() -> None:
        nonlocal done
        hashes, vectors = under_way.popleft()
        store.add_embeddings(model, hashes, vectors.result())
        asked.difference_update(hashes)
        done += len(hashes)
        progress.embedded(done, n_all)

    try:
        for hashes, texts in _portions(store, missing(), asked):
            under_way.append((hashes, worker.submit(embedder.embed_passages, texts)))
            if len(under_way) > EMBED_AHEAD:
                commit_first()
        while under_way:
            commit_first()
    finally:
        worker.shutdown(cancel_futures=True)  # waits for the call under way, a few seconds at most
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


def _texts(store: Store, rows: Iterable[PassageRow]) -> Iterator[str]:
    article: Article | None = None
    for row in rows:
        if article is None or article.version != row.version:
            article = store.article(row.version)
            assert article is not None  # unretracted a moment ago, and we hold the lock
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


# Backup ---------------------------------------------------------------------------------------------------


class Kept(BaseModel):
    """What an export says of a version beside the fields that any source has, under the key `newsquote`.

    Attributes:
        cuts: Where cleaning took lines out of the text, so that no quote crosses them after a restore either.
        is_stub: The text was known to be a part only.
        valid_from_s: Since when the version is valid, where nothing else says so.
        part: Which part of the page at its URL it is; see `Draft.part`.
        extra: Unknown fields that would be read as something else beside those of the article, or hide one of them.
        id: What an article without a usable address is called here, for `newsquote retract`; not read again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    cuts: tuple[NonNegativeInt, ...] = ()
    is_stub: bool = False
    part: str = ""
    id: str = ""
    valid_from_s: int | None = Field(default=None, ge=-(2**40), le=2**40)
    extra: dict[str, JsonValue] = {}


def kept_of(extra: str) -> tuple[Kept, str]:
    """What an export kept in the unknown fields of a record, and the other ones; anything else stays there."""
    if f'"{EXPORTED}"' not in extra:
        return Kept(), extra
    fields = json.loads(extra)
    try:
        kept = Kept.model_validate_json(json.dumps(fields[EXPORTED]))
    except (KeyError, ValidationError):
        return Kept(), extra
    others = {key: value for key, value in fields.items() if key != EXPORTED} | kept.extra
    return kept, json.dumps(others, ensure_ascii=False) if others else ""


def record(article: Article, extra: str, valid_from_s: int | None = None) -> str:
    """An article as the JSON line that ingest reads.

    Args:
        article: One version.
        extra: Its unknown fields, as they came.
        valid_from_s: See `Kept`.
    """
    fields: dict[str, object] = {
        "url": article.url or "",
        "title": article.title,
        "published": article.published,
        "updated": article.updated,
        "source": article.source,
        "authors": list(article.authors),
        "language": article.language,
        "text": article.text,
    }
    part = part_of(article.id, article.url or "")
    local = article.id if is_local(article.id) else ""
    unknown: dict[str, JsonValue] = json.loads(extra) if extra else {}
    # A title that was a list would stand beside the empty one, and a second name for it be taken for the first.
    hidden = {
        key: value
        for key, value in unknown.items()
        if key in fields or key == EXPORTED or ((field := field_named(key)) and not fields[field])
    }
    kept = Kept(
        cuts=article.cuts, is_stub=article.is_stub, valid_from_s=valid_from_s, part=part, id=local, extra=hidden
    )
    if kept != Kept():
        fields[EXPORTED] = kept.model_dump(exclude_defaults=True)
    fields |= {key: value for key, value in unknown.items() if key not in hidden}
    return json.dumps(fields, ensure_ascii=False)


def retraction_record(article_id: str, url: str | None, retracted_s: int) -> str:
    """A retraction as the JSON line that ingest reads: no word of the article, so that readers of an export skip it.

    Args:
        article_id: Of the article, or of a page that is stored as parts only.
        url: As it was given.
        retracted_s: When it was retracted.
    """
    kept = {"id": article_id, "retracted_s": retracted_s}
    return json.dumps({"url": url or "", "title": "", "text": "", EXPORTED: kept}, ensure_ascii=False)
