"""Which passages of a snapshot may answer under given filters: a mask over its version table, worked out once.

Filters, validity and tombstones are the same for many questions, above all "today, everywhere"; what follows from them
is kept for the last few. Knows nothing about questions, words or vectors, beyond preparing a mask for their search.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from index.store import ALWAYS, NEVER
from index.types import Filters
from index.vectors import Selection, VectorIndex
from index.words import NO_FILTERS, WordFilters

Mask = npt.NDArray[np.bool_]
# A mask takes a byte and a bit a passage: some 18 MB in all at a million passages.
N_KEPT = 16
# While this share may answer, looking through more of what words find is cheaper than bounds inside their search.
MOST = 0.5


@dataclass(frozen=True, slots=True)
class Scope:
    """What may answer.

    Attributes:
        n_passages: So many passages.
        mask: (n,) over all passages; None where every one may.
        selection: The same, prepared for the vector index; None likewise.
        word_filters: Bounds that help the word index; the mask alone decides.
        n_articles: Articles that the passages belong to, and those without passages.
        first_s: Oldest publication among them, None where none is dated.
        last_s: Newest publication among them, or None.
    """

    n_passages: int
    mask: Mask | None
    selection: Selection | None
    word_filters: WordFilters
    n_articles: int
    first_s: int | None
    last_s: int | None


class Scopes:
    """Scopes of one snapshot; threads may share it.

    Args:
        passages: The passage table, in the order of `version_row`.
        versions: The version table.
        sources: Outlets by their number in the version table.
        languages: Languages likewise.
        vectors: The index that masks are prepared for.
    """

    def __init__(
        self,
        passages: npt.NDArray[np.void],
        versions: npt.NDArray[np.void],
        sources: Sequence[str],
        languages: Sequence[str],
        vectors: VectorIndex,
    ) -> None:
        self._passages = passages
        self._versions = versions
        self._sources = sources
        self._languages = languages
        self._vectors = vectors
        self._kept: OrderedDict[tuple[Filters, frozenset[int]], Scope] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, filters: Filters, retracted: Collection[int] = ()) -> Scope:
        """What these filters and tombstones leave.

        Args:
            filters: See there.
            retracted: Numbers of articles that may not answer; others than the snapshot's make no difference.
        """
        key = self._key(filters, retracted)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key, last=not filters.after_version)
                return found
        made = self._made(*key)
        with self._lock:
            while len(self._kept) >= N_KEPT:
                self._kept.popitem(last=False)
            self._kept[key] = made
            # Of a few new versions it is soon made again: it goes before what people ask of.
            self._kept.move_to_end(key, last=not filters.after_version)
        return made

    def _key(self, filters: Filters, retracted: Collection[int]) -> tuple[Filters, frozenset[int]]:
        """One key for all that comes to the same: nothing changes with time after the last event that is known."""
        as_of_s = min(filters.as_of_s, self._last_event_s)
        at_once = replace(filters, as_of_s=as_of_s)
        if not retracted:
            return at_once, frozenset()
        numbers = np.fromiter(retracted, np.int64, len(retracted))
        known = self._articles
        places = np.minimum(np.searchsorted(known, numbers), max(0, len(known) - 1))
        here = numbers[known[places] == numbers] if len(known) else numbers[:0]
        return at_once, frozenset(here.tolist())

    @cached_property
    def _articles(self) -> npt.NDArray[np.int64]:
        """Distinct numbers of the articles, ascending."""
        return np.unique(self._versions["article"]).astype(np.int64)

    @cached_property
    def _last_event_s(self) -> int:
        """The latest instant at which anything begins or ends to be valid."""
        begins = (self._versions[name].max(initial=ALWAYS) for name in ("published_s", "valid_from_s"))
        ends = self._versions["valid_to_s"]
        return int(max(*begins, ends[ends < NEVER].max(initial=ALWAYS)))

    @cached_property
    def _n_by_version(self) -> npt.NDArray[np.int64]:
        """Passages of each version."""
        return np.bincount(self._passages["version_row"], minlength=len(self._versions))

    def _made(self, filters: Filters, retracted: frozenset[int]) -> Scope:
        valid = self._valid(filters, retracted)
        versions = self._versions[valid]
        published = versions["published_s"]
        dated = published[published != ALWAYS]
        n_all = len(self._passages)
        n = int(self._n_by_version[valid].sum())
        mask = None if n == n_all else np.repeat(valid, self._n_by_version)
        return Scope(
            n_passages=n,
            mask=mask,
            selection=None if mask is None else self._vectors.selection(mask),
            word_filters=NO_FILTERS if n >= MOST * n_all else self._word_filters(filters),
            n_articles=len(np.unique(versions["article"])),
            first_s=int(dated.min()) if len(dated) else None,
            last_s=int(dated.max()) if len(dated) else None,
        )

    def _valid(self, filters: Filters, retracted: frozenset[int]) -> Mask:
        """Mask over versions."""
        versions = self._versions
        published = versions["published_s"]
        valid: Mask = (versions["valid_from_s"] <= filters.as_of_s) & (versions["valid_to_s"] > filters.as_of_s)
        valid &= published <= filters.as_of_s  # ALWAYS, for undated, is before everything
        if filters.since_s is not None:
            valid &= published >= filters.since_s
        if filters.until_s is not None:
            valid &= (published <= filters.until_s) & (published != ALWAYS)
        if filters.sources:
            wanted = [at for at, name in enumerate(self._sources) if name.lower() in filters.sources]
            valid &= np.isin(versions["source"], wanted)
        if filters.language:
            wanted = [at for at, name in enumerate(self._languages) if name == filters.language]
            valid &= np.isin(versions["language"], wanted)
        if filters.after_version:
            valid &= versions["version"] > filters.after_version
        if retracted:
            valid &= ~np.isin(versions["article"], list(retracted))
        return valid

    def _word_filters(self, filters: Filters) -> WordFilters:
        # Passages stand in the order in which their versions were stored.
        n_earlier = int(np.searchsorted(self._versions["version"], filters.after_version, side="right"))
        return WordFilters(
            as_of_s=filters.as_of_s,
            since_s=filters.since_s,
            until_s=filters.until_s,
            sources=filters.sources,
            language=filters.language,
            first_row=int(self._n_by_version[:n_earlier].sum()),
        )
