"""The bot's own words, a file for each language; a third language is one more file beside `en.py`.

A file is named after its ISO 639-1 code and holds `WORDS`. Braces are filled in by `str.format`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from bot.words.base import Words

ENGLISH = "en"


@cache
def languages() -> dict[str, Words]:
    """Every language there is, by its code."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if len(module.name) == 2:
            words = importlib.import_module(f"{__name__}.{module.name}").WORDS
            assert isinstance(words, Words)
            found[module.name] = words
    return found


def words_for(*codes: str) -> Words:
    """The words of the first code that there is a language for (`de`, `de-AT`, …); English where there is none."""
    for code in codes:
        words = languages().get(code[:2].lower())
        if words is not None:
            return words
    return languages()[ENGLISH]
