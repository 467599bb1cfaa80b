"""Drafts in, versions out: articles are cleaned, dated, told apart and stored, batch by batch.

Every batch is one transaction, so that a kill loses nothing that was committed; what a run repeats changes nothing.
While one is stored the next is being cleaned and the one behind it normalised; articles and versions are the same as if
each had been begun when the one before was done.
The caller holds the ingest lock. Time is an argument. Knows nothing about passages, vectors or the index.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from index.store import Known, NewVersion, Store
from index.types import Article, instant_s
from ingest.backup import Kept, kept_of
from ingest.boilerplate import learned_lines
from ingest.clean import reread
from ingest.copies import CopyFinder, Fingerprint
from ingest.dates import settle
from ingest.draft import Draft, Flush, Reject, Retracted
from ingest.identity import article_id, canonical_url, digest_of, is_local, outlet
from ingest.prepare import Normal, Prepared, Uncleaned, normalised, prepared
from ingest.report import Progress, Report
from ingest.workers import Workers

BATCH_DRAFTS = 256
BATCH_CHARS = 8_000_000  # a batch of monsters is smaller, so that memory stays flat
# Batches under way in each of two stages, behind the one that is being stored.
_AHEAD = 1


def store_articles(
    items: Iterable[Draft | Reject | Flush],
    store: Store,
    now_s: int,
    progress: Progress,
    on_reject: Callable[[Reject], None] = lambda reject: None,
    workers: Workers | None = None,
) -> Report:
    """Clean and store drafts; every batch is durable before `progress.stored` hears of it.

    Where `items` fails, the batches that it gave before are stored.
    """
    storing = _Storing(store, now_s, progress, on_reject, workers or Workers(0))
    for batch, is_flush in _batches(_given(items, storing)):
        storing.take(batch)
        storing.store(0 if is_flush else _AHEAD)
    storing.store(0)
    storing.change_back()
    return storing.report


def _given(items: Iterable[Draft | Reject | Flush], storing: _Storing) -> Iterator[Draft | Reject | Flush]:
    """The items; what is under way is stored before a failure of theirs goes on."""
    try:
        yield from items
    except GeneratorExit:  # it is not the source that failed
        raise
    except BaseException:
        storing.store(0)
        raise


@dataclass(slots=True)
class _Returns:
    """Drafts of this run that equal a past version of their article.

    Such a draft may be a version out of a list, or say that the article was changed back. A source that lists versions
    brings the current one too, before or after: only where it does not, and the current one names no update, was the
    article changed back. Where this run added versions itself, the last one it brought counts. Lines of an export that
    say since when they were valid are not looked at here: each takes its own place.

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


def _batches(items: Iterable[Draft | Reject | Flush]) -> Iterator[tuple[list[Draft | Reject], bool]]:
    """Batches, and whether a flush says that nothing may be asked of the source before all is durable."""
    batch: list[Draft | Reject] = []
    n_chars = 0
    for item in items:
        is_flush = isinstance(item, Flush)
        if not isinstance(item, Flush):
            batch.append(item)
            n_chars += len(item.text) if isinstance(item, Draft) else 0
        if is_flush or len(batch) >= BATCH_DRAFTS or n_chars >= BATCH_CHARS:
            yield batch, is_flush
            batch, n_chars = [], 0
    if batch:
        yield batch, False


def _place(draft: Draft) -> tuple[str | None, str]:
    """The article that a draft is of, as far as its URL and part say."""
    return canonical_url(draft.url), draft.part


def _several(drafts: Iterable[Draft]) -> frozenset[tuple[str | None, str]]:
    """The places that several of these drafts have: what one of them means depends on those before it."""
    return frozenset(place for place, n in Counter(map(_place, drafts)).items() if place[0] and n > 1)


class _Meant(NamedTuple):
    """A draft as it was meant, with the hash of what it was, and what an export kept of it."""

    draft: Draft
    kept: Kept
    extra: str
    is_reread: bool
    hash: bytes


class _Begun(NamedTuple):
    """A batch whose texts are being normalised."""

    drafts: Sequence[_Meant]
    normal: Iterator[Normal]


class _Fresh(NamedTuple):
    """A draft that is to be stored, with its normalised text and its outlet."""

    meant: _Meant
    normal: Normal
    source: str


class _Counts(NamedTuple):
    """What a batch adds to the lines counted of an outlet."""

    lines: Counter[int]
    n_articles: int


class _Cleaning(NamedTuple):
    """A batch that is being cleaned.

    Attributes:
        drafts: The batch.
        found: What becomes of each, in turn.
        ids: Their articles, as far as can be said before they are cleaned.
        counts: By outlet, what is to be counted with them.
    """

    drafts: Sequence[_Fresh]
    found: Iterator[Prepared]
    ids: frozenset[str]
    counts: dict[str, _Counts]


class _Storing:
    """One run: stores batches, and counts what became of them in `report`."""

    def __init__(
        self, store: Store, now_s: int, progress: Progress, on_reject: Callable[[Reject], None], workers: Workers
    ) -> None:
        self._store = store
        self._now_s = now_s
        self._progress = progress
        self._on_reject = on_reject
        self._workers = workers
        self._copies = _Copies(store)
        self._returns = _Returns()
        self._begun: deque[_Begun] = deque()
        self._cleaning: deque[_Cleaning] = deque()
        self.report = Report()

    def take(self, batch: Sequence[Draft | Reject]) -> None:
        """Begin a batch, and store all before it where that decides what this one means."""
        drafts: list[tuple[Draft, bytes]] = []
        retracted: list[Retracted] = []
        for item in batch:
            self.report.n_read += 1
            if isinstance(item, Retracted):
                retracted.append(item)
            elif isinstance(item, Reject):
                self._reject(item)
            else:
                self.report.warnings.update(item.warnings)
                drafts.append((item, draft_hash(item)))
        unchanged = self._store.known_drafts([key for _, key in drafts])
        if retracted or (unchanged and (self._begun or self._cleaning)):  # what is under way may change what they mean
            self.store(0)
            if retracted:
                with self._store.transaction():
                    for one in retracted:
                        self._bury(one)
            unchanged = self._store.known_drafts([key for _, key in drafts])
        fresh: list[tuple[Draft, bytes]] = []
        several = _several(draft for draft, _ in drafts) if unchanged else frozenset()
        for draft, key in drafts:
            if key in unchanged and _place(draft) not in several:
                self._same(unchanged[key])
            else:
                fresh.append((draft, key))
        if fresh:
            self._begun.append(self._begin(fresh))
        elif batch:
            self._tell()

    def store(self, n_ahead: int) -> None:
        """Store, durably, all but the last batches: as many are left in each stage before."""
        while len(self._begun) > n_ahead:
            self._cleaning.append(self._clean(self._begun.popleft()))
        while len(self._cleaning) > n_ahead:
            batch = self._cleaning.popleft()
            with self._store.transaction():
                for source, counts in batch.counts.items():
                    self._store.count_lines(source, counts.lines, counts.n_articles)
                # By now they may have been stored, by a batch that was under way when they were looked for.
                known = self._store.known_drafts([one.meant.hash for one in batch.drafts])
                several = _several(one.meant.draft for one in batch.drafts)
                for one, found in zip(batch.drafts, batch.found, strict=True):
                    key = one.meant.hash
                    now = self._store.known_drafts([key]) if _place(one.meant.draft) in several else known
                    if key in now:
                        self._same(now[key])
                    else:
                        self._store_one(one, found)
            self._tell()

    def _tell(self) -> None:
        report = self.report
        self._progress.stored(report.n_new + report.n_changed + report.n_same, report.n_same)

    def _same(self, number: int | None) -> None:
        """Count a draft that is known as the current version of its article; see `Store.known_drafts`."""
        self.report.n_same += 1
        if number is not None:
            self._returns.saw_current(number)

    def change_back(self) -> None:
        """Store again the past versions that articles were changed back to; once the run has seen everything."""
        versions = self._returns.real()
        if versions:
            with self._store.transaction():
                for version in versions:
                    mark = Fingerprint.from_bytes(version.fingerprint)
                    self._add(version, mark, self._store.known(version.article.id))
            self.report.n_changed += len(versions)
            self.report.n_same -= len(versions)

    def _reject(self, reject: Reject) -> None:
        self.report.rejected[reject.reason] += 1
        self._on_reject(reject)

    def _bury(self, one: Retracted) -> None:
        """Keep out what an export has as retracted.

        What answers here is left: it may have been brought back since, and any file may claim to be an export.
        """
        store = self._store
        if store.retracted_s(one.id) is not None:  # its own, not its page's, which may be lifted alone
            self.report.n_retracted += 1
        elif store.known(one.id) is not None or any(store.retracted_s(part) is None for part in store.parts_of(one.id)):
            self.report.live_retracted.append(one.id)
        else:
            store.bury(one.id, one.url or None, one.retracted_s, self._now_s)
            self.report.n_buried += 1

    def _begin(self, drafts: Sequence[tuple[Draft, bytes]]) -> _Begun:
        """A batch of drafts that are not the current version of their article as they stand."""
        meant = [_Meant(*_reread(draft), key) for draft, key in drafts]
        return _Begun(meant, self._workers.map(normalised, [one.draft.text for one in meant]))

    def _clean(self, batch: _Begun) -> _Cleaning:
        fresh = [
            _Fresh(one, text, outlet(one.draft.source, one.draft.url))
            for one, text in zip(batch.drafts, batch.normal, strict=True)
        ]
        ids, counts = self._counted(fresh)
        learned = self._learned(fresh, counts)
        uncleaned = [
            Uncleaned(
                one.meant.draft.title,
                one.normal.text,
                one.meant.draft.is_stub or one.meant.kept.is_stub,
                # The others say nothing about this text, and would be sent with each.
                one.normal.lines & learned[one.source],
            )
            for one in fresh
        ]
        return _Cleaning(fresh, self._workers.map(prepared, uncleaned), ids, counts)

    def _counted(self, drafts: Sequence[_Fresh]) -> tuple[frozenset[str], dict[str, _Counts]]:
        """The articles of a batch, and what is to be counted of them, by outlet.

        What the versions of one article have in common is its own text: an article counts once, when it is first seen.
        Of one that is still under way nobody knows whether it will turn out to be empty, or get another id for want of
        a URL; then its next draft is not counted, or counted too.
        """
        store = self._store
        lines: defaultdict[str, Counter[int]] = defaultdict(Counter)
        n_articles: Counter[str] = Counter()
        ids: set[str] = set()
        stored = store.stored_drafts([one.meant.hash for one in drafts])
        for one in drafts:
            draft = one.meant.draft
            identity = article_id(draft.url, draft.title, one.normal.text, draft.part or one.meant.kept.part)
            is_seen = identity in ids or any(identity in batch.ids for batch in self._cleaning)
            ids.add(identity)
            # Without a URL, cleaning may give it another id than its text has here; then its hash tells that it is
            # known.
            if is_seen or one.meant.hash in stored or store.known(identity) is not None or store.is_retracted(identity):
                continue
            lines[one.source].update(one.normal.lines)
            n_articles[one.source] += 1
        return frozenset(ids), {source: _Counts(lines[source], n) for source, n in n_articles.items()}

    def _learned(self, drafts: Sequence[_Fresh], counts: Mapping[str, _Counts]) -> dict[str, frozenset[int]]:
        """Boilerplate lines by outlet, those that stand in these drafts; learned from all articles seen so far."""
        lines: defaultdict[str, set[int]] = defaultdict(set)
        for one in drafts:
            lines[one.source] |= one.normal.lines
        learned: dict[str, frozenset[int]] = {}
        for source, of_source in lines.items():
            found, n_articles = self._store.line_counts(source, of_source)
            total = Counter(found)
            for more in (*(batch.counts.get(source) for batch in self._cleaning), counts.get(source)):
                if more is not None:
                    n_articles += more.n_articles
                    total.update({line: more.lines[line] for line in of_source & more.lines.keys()})
            learned[source] = learned_lines(total, n_articles)
        return learned

    def _store_one(self, one: _Fresh, found: Prepared) -> None:
        """Store what a draft says, unless it is no article, is retracted, or says what is stored already."""
        draft, kept, extra, is_reread, draft_key = one.meant
        store, report = self._store, self.report
        report.warnings.update(["mojibake"] * is_reread)
        cleaned, mark = found.cleaned, found.mark
        if not cleaned.text.strip():
            self._reject(Reject(draft.origin, "no text", "nothing but boilerplate is left of it"))
            store.no_article(draft_key)
            return
        dated = settle(draft.published, draft.updated, draft.date_from, draft.url, self._now_s)
        report.warnings.update(f"date {problem}" for problem in dated.problems)
        identity = article_id(draft.url, cleaned.title, cleaned.text, draft.part or kept.part)
        if draft.url.strip() and is_local(identity):
            report.warnings["url that is no web address"] += 1
        if store.is_retracted(identity):
            report.n_retracted += 1
            return
        known = store.known(identity)
        content = content_hash(cleaned.title, cleaned.text, dated.published, one.source, draft.authors)
        if known is not None and known.content_hash == content:
            report.n_same += 1
            store.same_content(known, draft_key)
            self._returns.saw_current(known.number)
            return
        if known is not None and cleaned.is_stub and not known.is_stub and kept.valid_from_s is None:
            # A teaser, or a page that went behind a wall, does not take back what the article said before.
            report.n_same += 1
            report.warnings["teaser of a whole article"] += 1
            store.same_content(known, draft_key)
            return
        article = Article(
            id=identity,
            version=0,
            url=draft.url.strip() or None,
            title=cleaned.title,
            published=dated.published,
            updated=dated.updated,
            source=one.source,
            authors=draft.authors,
            text=cleaned.text,
            cuts=_at_lines(kept.cuts, cleaned.text) if cleaned.text == one.normal.text else cleaned.cuts,
            language=draft.language or found.language,
            is_stub=cleaned.is_stub,
            correction=cleaned.correction,
            copy_of=None,  # looked for only where the version is stored
        )
        version = NewVersion(
            article, dated.date_from, extra, mark.to_bytes(), draft_key, content, valid_from_s=kept.valid_from_s
        )
        if known is not None and self._is_past(known, version):
            report.n_same += 1
            return
        self._add(version, mark, known)
        if known is not None:
            self._returns.saw_new(known.number)
        report.n_new += known is None
        report.n_changed += known is not None
        report.n_stubs += cleaned.is_stub
        report.n_removed_lines += len(cleaned.removed)

    def _add(self, version: NewVersion, mark: Fingerprint, known: Known | None) -> None:
        """Store a version, whose fingerprint is `mark`; as a copy where it is one."""
        article = version.article
        # Two stubs share what is no news (a consent text, a paywall's), and would pass for copies.
        if not article.is_stub:
            original = self._copies.original_of(
                article.id, instant_s(article.published), mark, is_known=known is not None
            )
            version = replace(version, article=replace(article, copy_of=original))
            self.report.n_copies += original is not None
        self._store.add(version, known, self._now_s)

    def _is_past(self, known: Known, version: NewVersion) -> bool:
        """Whether a version that differs from the current one only repeats an earlier one of its article."""
        if not self._store.has_version(known, version.content_hash, version.draft_hash, version.valid_from_s):
            return False
        updated_s = instant_s(version.article.updated)
        if updated_s is not None and updated_s > max(known.valid_from_s, known.updated_s or known.valid_from_s):
            return False  # the publisher says that it went back to an earlier text
        # Where the current version names its update, only a later one undoes it: an old dump is no news.
        if updated_s is None and known.updated_s is None and version.valid_from_s is None:
            self._returns.saw_past(known.number, version)
        return True


def _reread(draft: Draft) -> tuple[Draft, Kept, str, bool]:
    """The draft as it was meant, with what an export kept of it, its other unknown fields, and whether it was another.

    Where its text was read wrongly, its names were too.
    """
    kept, extra = kept_of(draft.extra)
    text = reread(draft.text)
    if text == draft.text or kept.cuts:  # which count the characters that stand there
        return draft, kept, extra, False
    title, source, *authors = (reread(name, 1) for name in (draft.title, draft.source, *draft.authors))
    return replace(draft, text=text, title=title, source=source, authors=tuple(authors)), kept, extra, True


def _at_lines(cuts: Iterable[int], text: str) -> tuple[int, ...]:
    """Those where a line begins or the text ends, as cleaning makes them: any record may claim to be a backup's."""
    return tuple(sorted({cut for cut in cuts if cut == len(text) or text[max(0, cut - 1) : cut] == "\n"}))


class _Copies:
    """The copy finder, filled from the store when the first new article needs it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._finder: CopyFinder | None = None

    def original_of(self, identity: str, published_s: int | None, mark: Fingerprint, *, is_known: bool) -> str | None:
        """The article that one about to be stored is a copy of; it can itself be found from now on."""
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
    return digest_of(fields, 16)


def content_hash(title: str, text: str, published: str | None, source: str, authors: Sequence[str]) -> bytes:
    """16 bytes over what makes a new version when it changes."""
    return digest_of((title, text, published or "", source, *authors), 16)
