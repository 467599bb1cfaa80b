"""The names in a question, and whether an article has them. Pure."""

from __future__ import annotations

import re

from bot.english import MONTH, POSSESSIVE, WEEKDAY
from bot.gazetteer import NATIONALITIES, PLACES
from index.types import Article
from index.words import STOP_WORDS

INSIDE = r"(?<=[^\s.?!:“‘\"'(] )"  # a capital that opens a sentence, or what is quoted, says nothing
_CAPITAL = re.compile(INSIDE + r"[A-Z][\w’'-]*\w")
_WORD = re.compile(r"[a-z][\w’'-]*\w")
_DAY_OR_MONTH = re.compile(f"{WEEKDAY}|{MONTH}", re.IGNORECASE)
# "The UK" is "Britain" elsewhere, and who is British lives there: places and peoples go by several names.
_OF_PLACES = frozenset(word for place in PLACES for word in place.split()) | NATIONALITIES


def names_in(question: str) -> list[str]:
    """A question's words with a capital inside a sentence, each once; no places, peoples, days or months."""
    return _unplaced(_CAPITAL.findall(question))


def names_of(question: str, article: Article) -> list[str]:
    """A question's words that are names in an article, each once; no places, peoples, days or months.

    Of a question without capitals any word may be one: those are, that the article writes with a capital alone.
    """
    if capitals := names_in(question):
        return [name for name in capitals if has_name(article, name)]
    words = [word for word in _WORD.findall(question) if word not in STOP_WORDS]
    return [word for word in _unplaced(words) if _is_name(word, article)]


def has_name(article: Article, *names: str) -> bool:
    """Whether an article has one of some names, whatever their case."""
    if not names:
        return False
    text = f"{article.title}\n{article.text}".lower()
    return any(name.lower() in text for name in names)


def _unplaced(words: list[str]) -> list[str]:
    bare = dict.fromkeys(POSSESSIVE.sub("", word) for word in words)
    return [
        word
        for word in bare
        if (len(word) > 2 or word.isupper()) and word.lower() not in _OF_PLACES and not _DAY_OR_MONTH.fullmatch(word)
    ]


def _is_name(word: str, article: Article) -> bool:
    text = f"{article.title}\n{article.text}"
    if re.search(rf"\b{re.escape(word)}\b", text):
        return False
    return re.search(rf"{INSIDE}(?:{re.escape(word.capitalize())}|{re.escape(word.upper())})\b", text) is not None
