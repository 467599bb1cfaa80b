"""Near-copies: the same story under several addresses, found without comparing everything with everything.

A copy repeats the text (exactly or nearly) or stands whole inside a longer piece, around the same time.
Pages made from a template, such as prices or scores, share their words but not their numbers, so numbers
and dates must agree too. Knows nothing about which copy is shown.
"""

from __future__ import annotations

import re
import struct
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, pairwise
from typing import TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from index.types import DAY_S

_N_HASHES = 128
_SHINGLE_WORDS = 5
_SENTENCE_WORDS = 8

_MIN_JACCARD = 0.8
_MIN_CONTAINED = 0.8
_MIN_SENTENCES = 4
# Long pages can share 290 captions of a gallery around two stories of 20 sentences each; measured on 15,628
# articles, what has over eight sentences of its own is another story or its next day.
_MAX_NEW_SENTENCES = 8
_MIN_NUMBERS = 0.7
# Below these a text is a notice ("Subscribe to read") rather than a story.
_MIN_WORDS_EXACT = 8
_MIN_WORDS_NEAR = 40

# 21 bands of 6: two texts of Jaccard 0.8 share one with probability 0.998, of 0.5 with 0.28.
_BAND = 6
# An anchor that so many articles of one window share is boilerplate; the first ones stay to be found.
_MAX_POSTINGS = 64

# A line's, or a mark with what closes behind it; begins with one set, which is how `re` skips quickly to the next place
# to look at.
_SENTENCE_END = re.compile(r"[\n.!?…](?:(?<=\n)|[\"'”’»)\]]*\s+)")
_WORD = re.compile(r"\w+")
# Bytes are split in a third of the time, where all that is no part of a word is ASCII, or one of these.
_ASCII = bytes(range(128))
_PLAIN = bytes(byte if chr(byte).isalnum() or byte in b"_\n" else 32 for byte in _ASCII) + bytes(range(128, 256))
_MARKS = "’‘“”–—…•\xa0"
_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_WEEKDAYS = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
_MONTHS = {"january", "february", "march", "april", "june", "july", "august", "september", "october"}
_CALENDAR = frozenset(name.encode() for name in _WEEKDAYS | _MONTHS | {"november", "december"})

# Some 12 MB of words, and a block of 128 × 512 products that stays in a core's cache.
_MAX_WORD_HASHES = 100_000
_MAX_WORD_BYTES = 40
_RUNS_AT_A_TIME = 512

_HEAD = struct.Struct("<BIHH16s")
_FORMAT = 1

_Hashes = npt.NDArray[np.uint32]
_Anchors = npt.NDArray[np.int64]
_IS_BAND = 1 << 32
# Anchors that wait in dicts, in all windows together: some 15 MB.
_MAX_RECENT = 100_000
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What is kept of a text to recognise its copies.

    Attributes:
        n_words: Words in the text.
        exact: Hash of all its words, case folded; 16 bytes.
        sketch: MinHash over runs of five words, 128 × uint32, little-endian.
        sentences: Hashes of its distinct sentences of eight words or more, ascending uint32.
        numbers: Hashes of its distinct numbers, weekdays and months, ascending uint16.
    """

    n_words: int
    exact: bytes
    sketch: bytes
    sentences: bytes
    numbers: bytes

    def to_bytes(self) -> bytes:
        """About 900 bytes for a news article; read by `from_bytes`."""
        head = _HEAD.pack(_FORMAT, self.n_words, len(self.sentences) // 4, len(self.numbers) // 2, self.exact)
        return head + self.sketch + self.sentences + self.numbers

    @classmethod
    def from_bytes(cls, stored: bytes) -> Fingerprint:
        """The fingerprint that `to_bytes` wrote.

        Raises:
            ValueError: If it is cut short or of another format.
        """
        if len(stored) < _HEAD.size or stored[0] != _FORMAT:
            raise ValueError(f"fingerprint of {len(stored)} bytes is not of format {_FORMAT}")
        _, n_words, n_sentences, n_numbers, exact = _HEAD.unpack_from(stored)
        ends = [_HEAD.size]
        for size in (4 * _N_HASHES, 4 * n_sentences, 2 * n_numbers):
            ends.append(ends[-1] + size)
        if ends[-1] != len(stored):
            raise ValueError(f"fingerprint has {len(stored)} bytes where {ends[-1]} were written")
        sketch, sentences, numbers = (stored[a:b] for a, b in pairwise(ends))
        return cls(n_words, exact, sketch, sentences, numbers)


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of a text; case, punctuation and white space do not count.

    Args:
        text: An article's normalised text, "" included. At most 65,535 sentences are kept.
    """
    folded = text.casefold()
    words: list[bytes] = []
    sentences: set[int] = set()
    for found in _sentences(folded):
        words += found
        if len(found) >= _SENTENCE_WORDS:
            sentences.add(crc32(b" ".join(found)))
    numbers = {*map(str.encode, _NUMBER.findall(folded)), *_CALENDAR.intersection(words)}
    return Fingerprint(
        n_words=len(words),
        exact=blake2b(b" ".join(words), digest_size=16).digest(),
        sketch=_sketch(words),
        sentences=np.array(sorted(sentences)[:0xFFFF], "<u4").tobytes(),
        numbers=np.array(sorted({crc32(n) & 0xFFFF for n in numbers})[:0xFFFF], "<u2").tobytes(),
    )


def _sentences(text: str) -> list[list[bytes]]:
    """The words of each sentence, as UTF-8."""
    sentences = _SENTENCE_END.split(text)
    plain = "\n".join(sentences)
    for mark in _MARKS:
        plain = plain.replace(mark, " ")
    encoded = plain.encode()
    others = encoded.translate(None, _ASCII).decode()
    if not others or others.isalnum():  # which is what \w means
        return [sentence.split() for sentence in encoded.translate(_PLAIN).split(b"\n")]
    return [[word.encode() for word in _WORD.findall(sentence)] for sentence in sentences]


class _WordHashes(dict[bytes, int]):
    """CRC-32 of words, each computed once while it is remembered: news repeats its words."""

    def __missing__(self, word: bytes) -> int:
        found = crc32(word)
        if len(word) <= _MAX_WORD_BYTES:
            if len(self) >= _MAX_WORD_HASHES:
                self.clear()
            self[word] = found
        return found


_word_hashes = _WordHashes()


@lru_cache(maxsize=1)
def _permutations() -> tuple[_Hashes, _Hashes]:
    """Factors and summands, (128, 1) each: h -> a * h + b modulo 2**32, a bijection where a is odd.

    Drawn as datasketch 2 draws its scheme "affine32" for seed 1, so that sketches stored by it stay comparable.
    """
    draw = np.random.RandomState(1)
    a = draw.randint(0, 1 << 31, _N_HASHES, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = draw.randint(0, 1 << 32, _N_HASHES, dtype=np.uint32)
    return a[:, None], b[:, None]


def _sketch(words: list[bytes]) -> bytes:
    """MinHash over the runs of five words, or over all of fewer words."""
    hashes = np.fromiter(map(_word_hashes.__getitem__, words), np.uint64, len(words))
    n_runs = max(len(words) - _SHINGLE_WORDS + 1, 1)
    runs = np.zeros(n_runs, np.uint64)
    for i in range(min(_SHINGLE_WORDS, len(words))):
        # Wraps at 2**64, which is meant; the upper half is the well-mixed one.
        runs = runs * np.uint64(0x9E3779B97F4A7C15) + hashes[i : i + n_runs]
    runs *= np.uint64(0x9E3779B97F4A7C15)
    mixed = _mixed((runs >> np.uint64(32)).astype(np.uint32))
    a, b = _permutations()
    sketch = np.full(_N_HASHES, 0xFFFFFFFF, np.uint32)
    for start in range(0, n_runs, _RUNS_AT_A_TIME):
        permuted = a * mixed[start : start + _RUNS_AT_A_TIME]
        permuted += b
        np.minimum(sketch, permuted.min(axis=1), out=sketch)
    return sketch.astype("<u4").tobytes()


def _mixed(hashes: _Hashes) -> _Hashes:
    """MurmurHash3's 32-bit finaliser, element by element: spreads what is alike over all values."""
    hashes = (hashes ^ (hashes >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashes = (hashes ^ (hashes >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return hashes ^ (hashes >> np.uint32(16))


def _uint32(packed: bytes) -> _Hashes:
    return np.frombuffer(packed, "<u4")


def _share(a: bytes, b: bytes, dtype: str) -> tuple[int, int, int]:
    """How many distinct hashes two packed sets have in common, and how many each has."""
    first, second = np.frombuffer(a, dtype), np.frombuffer(b, dtype)
    return len(np.intersect1d(first, second, assume_unique=True)), len(first), len(second)


def is_near_copy(new: Fingerprint, old: Fingerprint) -> bool:
    """Whether a new text nearly repeats an old one or stands whole inside it, numbers included.

    A new text that holds an old one and adds to it is no copy: measured, it is the same story a day or
    an event later, and what it adds is the news.
    """
    n_both, n_new, n_old = _share(new.numbers, old.numbers, "<u2")
    n_shared, n_sentences, _ = _share(new.sentences, old.sentences, "<u4")
    if n_sentences - n_shared > _MAX_NEW_SENTENCES:
        return False
    if np.mean(_uint32(new.sketch) == _uint32(old.sketch)) >= _MIN_JACCARD:
        return n_both >= _MIN_NUMBERS * (n_new + n_old - n_both)
    is_contained = n_shared >= max(_MIN_SENTENCES, _MIN_CONTAINED * n_sentences)
    return is_contained and n_both >= _MIN_NUMBERS * n_new


@lru_cache(maxsize=1)  # asked for to find a text's original, and again to add it
def _anchors(fp: Fingerprint) -> _Anchors:
    """What two near-copies have at least some of in common: bands of the sketch, and sentences; distinct."""
    # The start keeps equal values in different bands apart; bit 32 keeps bands apart from sentences.
    starts = range(0, 4 * (_N_HASHES - _BAND + 1), 4 * _BAND)
    bands = np.array([crc32(fp.sketch[start : start + 4 * _BAND], start) | _IS_BAND for start in starts], np.int64)
    return np.unique(np.concatenate([bands, _uint32(fp.sentences).astype(np.int64)]))


class _Postings:
    """Which rows hold an anchor, for one window of time: sorted arrays, and a dict of what came since.

    A dict of lists alone takes 9 kB an article, the arrays 12 bytes an anchor.
    """

    def __init__(self) -> None:
        self._anchors: _Anchors = np.zeros(0, np.int64)
        self._rows: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        self._recent: dict[int, list[int]] = {}

    def add(self, row: int, anchors: _Anchors) -> None:
        """Rows come in ascending order; an anchor that many have takes no more."""
        starts, ends = self._ranges(anchors)
        for anchor, n in zip(anchors.tolist(), (ends - starts).tolist(), strict=True):
            rows = self._recent.setdefault(anchor, [])
            if n + len(rows) < _MAX_POSTINGS:
                rows.append(row)

    def discard(self, row: int, anchors: _Anchors) -> None:
        for anchor in anchors.tolist():
            _drop(self._recent, anchor, row)
        if row in self._rows:
            kept = self._rows != row
            self._anchors, self._rows = self._anchors[kept], self._rows[kept]

    def rows(self, anchors: _Anchors) -> Iterator[tuple[int, int]]:
        """(anchor, row) for every row that holds one."""
        starts, ends = self._ranges(anchors)
        for at in np.flatnonzero(starts < ends).tolist():
            anchor = int(anchors[at])
            yield from ((anchor, row) for row in self._rows[starts[at] : ends[at]].tolist())
        for anchor in self._recent.keys() & anchors.tolist():
            yield from ((anchor, row) for row in self._recent[anchor])

    def compact(self) -> None:
        """Move what came since into the arrays."""
        if not self._recent:
            return
        n_rows = np.fromiter(map(len, self._recent.values()), np.int64, len(self._recent))
        anchors = np.repeat(np.fromiter(self._recent, np.int64, len(self._recent)), n_rows)
        rows = np.fromiter(chain.from_iterable(self._recent.values()), np.int32, len(anchors))
        order = np.argsort(anchors, kind="stable")
        places = np.searchsorted(self._anchors, anchors[order], side="right")
        self._anchors = np.insert(self._anchors, places, anchors[order])
        self._rows = np.insert(self._rows, places, rows[order])
        self._recent = {}

    def _ranges(self, anchors: _Anchors) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        return np.searchsorted(self._anchors, anchors), np.searchsorted(self._anchors, anchors, side="right")


@dataclass(frozen=True, slots=True)
class _Entry:
    article_id: str
    published_s: int | None
    fp: Fingerprint


class CopyFinder:
    """Finds, among the articles added so far, the earliest one that a text is a near-copy of.

    Time and memory grow with the articles, not with their pairs: an article is compared only with those
    of neighbouring windows that share a sentence or a band of its sketch.
    """

    def __init__(self, window_days: int = 10) -> None:
        """Args: window_days: how far apart two dated copies may be published."""
        if window_days < 1:
            raise ValueError(f"a window of {window_days} days holds no copies")
        self._window_s = window_days * DAY_S
        self._entries: dict[int, _Entry] = {}
        self._rows: dict[str, int] = {}
        self._n_added = 0
        self._exact: defaultdict[bytes, list[int]] = defaultdict(list)
        # None: undated.
        self._windows: defaultdict[int | None, _Postings] = defaultdict(_Postings)
        self._n_recent = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, article_id: str, published_s: int | None, fp: Fingerprint) -> None:
        """Makes an article findable; one added before under this id is replaced."""
        self.discard(article_id)
        row = self._n_added
        self._n_added += 1
        self._entries[row] = _Entry(article_id, published_s, fp)
        self._rows[article_id] = row
        if fp.n_words >= _MIN_WORDS_EXACT:
            self._exact[fp.exact].append(row)
        if fp.n_words >= _MIN_WORDS_NEAR:
            anchors = _anchors(fp)
            self._windows[self._window(published_s)].add(row, anchors)
            self._n_recent += len(anchors)
            if self._n_recent > _MAX_RECENT:
                for postings in self._windows.values():
                    postings.compact()
                self._n_recent = 0

    def discard(self, article_id: str) -> None:
        """Forgets an article; an unknown id is no error."""
        row = self._rows.pop(article_id, None)
        if row is None:
            return
        gone = self._entries.pop(row)
        _drop(self._exact, gone.fp.exact, row)
        self._windows[self._window(gone.published_s)].discard(row, _anchors(gone.fp))

    def find(self, published_s: int | None, fp: Fingerprint) -> str | None:
        """The id of the earliest article that this one is a near-copy of, or None.

        Ask before adding the article itself. Two dated articles must lie within the window of each other.
        An undated one matches undated ones, and a dated one only if the words are all the same.

        Args:
            published_s: When the article was published, None if unknown.
            fp: Its fingerprint.
        """
        found = [
            row
            for row in self._exact.get(fp.exact, ())
            if published_s is None or self._entries[row].published_s is None or self._is_close(row, published_s)
        ]
        if fp.n_words >= _MIN_WORDS_NEAR:
            found += [row for row in self._candidates(published_s, fp) if is_near_copy(fp, self._entries[row].fp)]
        return self._entries[min(found, key=self._order)].article_id if found else None

    def _candidates(self, published_s: int | None, fp: Fingerprint) -> Iterator[int]:
        window = self._window(published_s)
        windows = [None] if window is None else [window - 1, window, window + 1]
        places = [self._windows[w] for w in windows if w in self._windows]
        n_shared: Counter[int] = Counter()
        anchors = _anchors(fp)
        for postings in places:
            for anchor, row in postings.rows(anchors):
                # A shared band is reason enough to look; of sentences it takes as many as a copy must share.
                n_shared[row] += _MIN_SENTENCES if anchor & _IS_BAND else 1
        for row, n in n_shared.items():
            if n >= _MIN_SENTENCES and (published_s is None or self._is_close(row, published_s)):
                yield row

    def _window(self, published_s: int | None) -> int | None:
        return None if published_s is None else published_s // self._window_s

    def _is_close(self, row: int, published_s: int) -> bool:
        other = self._entries[row].published_s
        return other is not None and abs(other - published_s) <= self._window_s

    def _order(self, row: int) -> tuple[bool, int, int]:
        published_s = self._entries[row].published_s
        return published_s is None, published_s or 0, row


def _drop(postings: dict[_Key, list[int]], key: _Key, row: int) -> None:
    """Takes a row out of one posting list, and the list out if nothing is left."""
    rows = postings.get(key, [])
    if row in rows:
        rows.remove(row)
        if not rows:
            del postings[key]
