"""Writing systems that search and counting of words must know of: those without spaces between words, and Arabic.

Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer are searched by overlapping pairs of characters: no dictionary
to ship, keep and disagree with, and a question finds what was written in whatever way it was cut into words. What is
made here is for the index and for counting alone; no offset and no stored text comes from it.
Knows nothing about articles or the index.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from index.types import Span

_HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HIRAGANA = "\u3041-\u309f"
_KATAKANA = "\u30a1-\u30ff\u31f0-\u31ff\uff66-\uff9f"
_HANGUL = "\u1100-\u11ff\uac00-\ud7af"
_SOUTH_EAST = "\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\u1780-\u17ff"
_UNSPACED = f"{_HAN}{_HIRAGANA}{_KATAKANA}{_SOUTH_EAST}"

# A run ends where the script changes: in Japanese that is mostly where a word ends.
_RUN = re.compile(f"[{_HAN}]+|[{_HIRAGANA}]+|[{_KATAKANA}]+|[{_HANGUL}]+|[{_SOUTH_EAST}]+")
_ARABIC_WORD = re.compile("[\u0621-\u065f\u0670-\u06d3\u06d5]+")
_ANY = re.compile(f"[{_UNSPACED}{_HANGUL}\u0621-\u06d5]")

# Vowel signs and the stretching dash that writers leave out or put in as they like.
_ARABIC_MARKS = re.compile("[\u064b-\u065f\u0670\u0640]")
_ARABIC_LETTERS = str.maketrans("أإآٱىةیک", "اااايهيك")
# "and", "with", "like", "so", "for" and the article, as one writes them onto a noun.
_ARABIC_HEADS = ("وال", "بال", "كال", "فال", "لل", "ال")
_MIN_STEM = 3

_UNSPACED_CHAR = re.compile(f"[{_UNSPACED}]")
# Two characters are about a word; a mark belongs to the character before it, closing punctuation to its word.
_MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
_CLOSING = "。、，！？：；．」』”’）》〉】"
_WORD = re.compile(f"(?:[{_UNSPACED}][{_MARKS}]*){{1,2}}[{_CLOSING}]*|[^\\s{_UNSPACED}]+")
_SPACED_WORD = re.compile(r"\S+")


def searchable(text: str) -> str:
    """A text as the word index takes it and as questions are put to it.

    Runs of scripts without spaces, and of Hangul, become overlapping pairs of characters with spaces between; Arabic
    words lose article, vowel signs and the variants of letters. All other text stays as it is.
    """
    if text.isascii() or not _ANY.search(text):
        return text
    folded = unicodedata.normalize("NFKC", text)
    return _ARABIC_WORD.sub(_arabic, _RUN.sub(_pairs, folded))


def _pairs(run: re.Match[str]) -> str:
    units = _units(run[0])
    if len(units) < 3:
        return f" {''.join(units)} "
    return f" {' '.join(units[i] + units[i + 1] for i in range(len(units) - 1))} "


def _units(run: str) -> list[str]:
    """The run's letters, each with the vowel signs behind it that are letters too; tone marks go."""
    units: list[str] = []
    for char in run:
        if not unicodedata.category(char).startswith("M") or not units:
            units.append(char)
        elif unicodedata.combining(char) == 0:
            units[-1] += char
    return units


def _arabic(word: re.Match[str]) -> str:
    bare = _ARABIC_MARKS.sub("", word[0]).translate(_ARABIC_LETTERS)
    for head in _ARABIC_HEADS:
        if bare.startswith(head) and len(bare) - len(head) >= _MIN_STEM:
            return bare[len(head) :]
    return bare


def count_words(text: str) -> int:
    """How many words a text has: separated by white space, or two characters of a script without spaces."""
    if text.isascii() or not _UNSPACED_CHAR.search(text):
        return len(text.split())
    return sum(1 for _ in _WORD.finditer(text))


def has_words(text: str, n: int) -> bool:
    """Whether a text has so many words; of a long one without counting them all."""
    return len(text.split(maxsplit=n)) > n or count_words(text) >= n


def words_in(text: str, span: Span) -> Iterator[Span]:
    """Where these words stand inside `span`; together they cover all of it that is not white space."""
    pattern = _WORD if _UNSPACED_CHAR.search(text, span.start, span.end) else _SPACED_WORD
    for found in pattern.finditer(text, span.start, span.end):
        yield Span(found.start(), found.end())
