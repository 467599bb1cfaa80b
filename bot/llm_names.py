"""Names in a text: runs of words with capitals, whether one stands within another, and names in small letters. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.english import word_list, word_set
from bot.gazetteer import PLACES_AND_PEOPLES
from bot.llm_facts import FUNCTION_WORDS, NUMBER_WORDS, WORD, weighs

_LINKS = word_set("of de del della di da du van von der den la le al bin ibn y")
TITLES = word_set("""
    president chancellor premier minister secretary senator governor mayor representative commissioner ambassador
    judge justice chief chairman chairwoman king queen prince princess pope general captain professor coach
    mr mrs ms dr sir dame lord
    """)
# What these stand before is not what it is without them: a vice president, South Korea, New York.
_NARROWS_TITLES = word_list("vice deputy assistant associate acting interim former ex")
_NARROWS_PLACES = word_list("""
    new north south east west northern southern eastern western northeast northwest southeast southwest northeastern
    northwestern southeastern southwestern
""")
_NARROWS = frozenset((*_NARROWS_TITLES, *_NARROWS_PLACES))
_TITLE_BEFORE_NAME = re.compile(
    rf"\b(?i:(?:(?:{'|'.join(_NARROWS_TITLES)})\s)*(?:{'|'.join(sorted(TITLES))}))(?=\s[^\W\d_a-z])"
)
_NAME_TOKEN = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’\-–.][^\W_]+)*")


def with_titles(text: str) -> str:
    """A text that writes each title before a name as part of it: "deputy mayor Lind" as "Deputy Mayor Lind"."""
    return _TITLE_BEFORE_NAME.sub(lambda match: match[0].title(), text)


def name_runs(text: str) -> list[tuple[str, ...]]:
    """Names as runs of words: each begins and ends with a word that has a capital letter, and holds nothing between
    its words but blanks and "of", "van" and their like.
    """
    runs: list[tuple[str, ...]] = []
    run: list[str] = []
    held: list[str] = []
    end = -1
    for match in _NAME_TOKEN.finditer(text):
        word = match[0]
        gap = text[end : match.start()] if end >= 0 else ""
        # The dot of an initial ends no name: "Ada J. Lind".
        is_initial = bool(run) and len(run[-1]) == 1 and gap[:1] == "."
        if run and not (gap[is_initial:].isspace() and "\n" not in gap):
            runs.append(tuple(run))
            run, held = [], []
        if any(char.isupper() for char in word):
            run += [*held, _bare_name(word)]
            held = []
            if re.search(r"['’]s$|s['’]$", word):  # "Ukraine's President Zelensky": two names
                runs.append(tuple(run))
                run = []
        elif run and word in _LINKS:
            held.append(word)
        elif run:
            runs.append(tuple(run))
            run, held = [], []
        end = match.end()
    if run:
        runs.append(tuple(run))
    return runs


# Places and peoples but for those that are ordinary words in small letters.
_SMALL_PLACES = PLACES_AND_PEOPLES - word_set("us turkey china polish phoenix chad")
_SAYS = word_set("said says told added announced")
# "Employers added jobs" is no speech: what is added or announced there is a thing.
_SPEAKS = re.compile(r"(?:said|says|told|(?:added|announced)(?=\s+that\b|\s*(?:[.,:;!?\"“”„«‘]|\Z)))(?![\w'’-])")
_DETERMINERS = word_set(
    "the a an his her its their our this that these those some many most all both every each no other"
)
_WORD_OR_STOP = re.compile(rf"{WORD.pattern}|[^\w\s'’-]")


def small_names(text: str) -> list[str]:
    """Words of a text in small letters that are names by their place: of countries and peoples, behind a title or
    "named", and of whoever speaks.

    What has an article before it is none: "the mayor won", "a firm said".
    """
    matches = list(_WORD_OR_STOP.finditer(text))
    words = [match[0] for match in matches]
    found = []
    for n, word in enumerate(words):
        if not word[0].islower() or not weighs(word) or word in NUMBER_WORDS:
            continue
        before = [one.lower() for one in words[max(0, n - 3) : n]]
        is_titled = before[-1:] != [] and before[-1] in TITLES
        goes_on = n + 1 < len(matches) and _SPEAKS.match(text, matches[n + 1].start()) is not None
        speaks = goes_on and not word.endswith("ly") and word != "later"
        is_named = (
            before[-1:] == ["named"]
            or before[-2:] == ["according", "to"]
            or (len(before) > 1 and before[-2] in (",", "”", '"') and before[-1] in _SAYS)
        )
        is_name = is_named or (is_titled and not _has_article(before)) or (speaks and not _has_article(before[-2:]))
        if is_name or word in _SMALL_PLACES:
            found.append(word)
    return found


def _has_article(words: Sequence[str]) -> bool:
    """Whether "the" or the like stands among words and nothing between it and their end parts them."""
    for word in reversed(words):
        if word in _DETERMINERS or word.endswith(("'s", "’s")):
            return True
        if not word[0].isalpha() or word in FUNCTION_WORDS:
            return False
    return False


def _bare_name(word: str) -> str:
    bare = re.sub(r"['’]s$", "", word).replace("’", "'").replace("–", "-")
    return bare.replace(".", "") if re.fullmatch(r"(?:[^\W\d_]\.)+[^\W\d_]?", bare) else bare


def is_within(run: Sequence[str], other: Sequence[str]) -> bool:
    """Whether all words of one run stand in another, together and in their order.

    Only initials may be left out between them, and the one given name behind a title: "Mayor [Ada J] Lind". A bank of
    New York is none of York, and South Korea is not Korea.
    """
    return any(
        _begins_with(other[at:], run) and not (at and other[at - 1].lower() in _NARROWS)
        for at in range(len(other) - len(run) + 1)
    )


def _begins_with(other: Sequence[str], run: Sequence[str]) -> bool:
    at = 0
    for n, word in enumerate(run):
        left_out: list[str] = []
        while n and at < len(other) and other[at] != word:
            left_out.append(other[at])
            at += 1
        if at == len(other) or other[at] != word:
            return False
        at += 1
        names = [name for name in left_out if len(name) > 1]
        is_surname = n == len(run) - 1 and at == len(other) and run[n - 1].lower() in TITLES
        if len(names) > is_surname or any(name.islower() for name in names):
            return False
    return True
