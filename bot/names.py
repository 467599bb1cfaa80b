"""The names in a question, and whether an article has them. Pure."""

from __future__ import annotations

import re

from bot.gazetteer import NATIONALITIES, PLACES
from bot.quote_words import DAYS, MONTHS, POSSESSIVE
from index.types import Article

# A capital inside a sentence; one that opens a sentence, or what is quoted, says nothing.
_CAPITAL = re.compile(r"(?<=[^\s.?!:“‘\"'(] )[A-Z][\w’'-]*\w")
_DAY_OR_MONTH = re.compile(f"{DAYS}|{MONTHS}", re.IGNORECASE)
# "The UK" is "Britain" elsewhere, and who is British lives there: places and peoples go by several names.
_OF_PLACES = frozenset(word for place in PLACES for word in place.split()) | NATIONALITIES


def names_in(question: str) -> tuple[str, ...]:
    """A question's words that are names, each once: no places, peoples, days or months, nor short ones but initials."""
    words = dict.fromkeys(POSSESSIVE.sub("", word) for word in _CAPITAL.findall(question))
    return tuple(
        word
        for word in words
        if (len(word) > 2 or word.isupper()) and word.lower() not in _OF_PLACES and not _DAY_OR_MONTH.fullmatch(word)
    )


def has_name(article: Article, name: str) -> bool:
    """Whether an article has a name, as it is written."""
    return name in article.text or name in article.title
