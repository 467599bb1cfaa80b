"""A misspelt word of a question, and the word one letter off that is searched for in its place. Pure.

Knows nothing about where words are known from, nor how passages are found.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from bot.names import INSIDE
from index.words import STOP_WORDS

# Four letters are one off from too many others. A longer word than this is in no word index.
MIN_LETTERS, MAX_LETTERS = 5, 40
# Latin letters alone: one of another script may be a whole syllable.
_LETTERS = rf"[A-Za-zÀ-ÖØ-öø-ɏ]{{{MIN_LETTERS - 1},{MAX_LETTERS}}}\b"
_WORD = re.compile(rf"\b{_LETTERS}")
_CAPITAL = re.compile(rf"{INSIDE}(?=[A-ZÀ-ÖØ-Þ]){_LETTERS}")

_ROMAN = re.compile("[ivxlcdm]+", re.IGNORECASE)  # another number is another edition

# What was typed, and what is read in its place.
Respelt = tuple[tuple[str, str], ...]


def words_to_check(question: str) -> list[str]:
    """The words of a question that are long enough to be told from a misspelt one, each once."""
    words = dict.fromkeys(_WORD.findall(question))
    return [
        word
        for word in words
        if len(word) >= MIN_LETTERS and word.lower() not in STOP_WORDS and not _ROMAN.fullmatch(word)
    ]


def respelt(question: str, misspelt: Iterable[str], passages: Sequence[tuple[str, str]]) -> Respelt:
    """What to read in place of misspelt words: of those one letter off, the one that is written most often.

    A name, which has a capital inside a sentence, is read as a name alone: as no word that is written small, unless it
    has a capital inside a sentence as well ("the Maritime Museum"). Whoever writes names with capitals means no name by
    a word in small letters. A letter that stands for another tells a misspelt name; of ordinary words that makes
    others ("deportee" is no "deported").

    Args:
        question: For the capitals in it.
        misspelt: Words of it that are no words.
        passages: Title and text of each that was found for it, the best first.
    """
    written = Counter(word for passage in passages for part in passage for word in _WORD.findall(part))
    texts = "\n".join(text for _, text in passages)  # in a title every word may have a capital
    capitals = set(_CAPITAL.findall(texts))
    names = capitals.union(word for word in _WORD.findall(texts) if not word.islower() and word.lower() not in written)
    alike: dict[str, list[str]] = {}  # by how they begin: a question may be long, and of nothing but such words
    for word in written:
        alike.setdefault(word[0].lower(), []).append(word)
    typed_names = frozenset(_CAPITAL.findall(question))
    found = []
    for typed in misspelt:
        is_name = typed in typed_names
        begun = alike.get(typed[0].lower(), ())
        near = [
            word
            for word in begun
            if is_one_letter_off(typed.lower(), word.lower())
            and word.lower() not in STOP_WORDS
            and (word in names or not (is_name or _is_replaced(typed.lower(), word.lower())))
            and (is_name or not typed_names or word.lower() in written)
        ]
        meant = max(near, key=written.__getitem__, default=None)
        if meant is not None:
            found.append((typed, _in_case_of(typed, meant)))
    return tuple(found)


def _in_case_of(typed: str, meant: str) -> str:
    """A word with the capitals that it has where it was found; all in capitals only where it was typed so."""
    if typed.isupper():
        return meant.upper()
    if meant.isupper():
        return meant.capitalize()
    return meant[0].upper() + meant[1:] if typed[0].isupper() else meant


def is_one_letter_off(one: str, other: str) -> bool:
    """Whether two words begin alike and differ by a letter left out, put in or replaced, or by two swapped."""
    if one[:1] != other[:1] or abs(len(one) - len(other)) > 1:
        return False
    short, long = sorted((one, other), key=len)
    at = next((at for at, char in enumerate(short) if char != long[at]), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    is_swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return one != other and (is_swapped or short[at + 1 :] == long[at + 1 :])


def _is_replaced(one: str, other: str) -> bool:
    """Whether of two words that are one letter off a letter of one stands for another one of the other."""
    return len(one) == len(other) and sorted(one) != sorted(other)


def in_spelling(question: str, words: Respelt) -> str:
    """A question with what is read in place of its misspelt words."""
    meant = dict(words)
    return _WORD.sub(lambda match: meant.get(match[0], match[0]), question)
