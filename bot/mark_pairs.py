"""Of two figures told together the one asked for: 85 of "85 of its 340 jobs", £1.80 of "from £1.20 to £1.80".

What is counted stands behind the whole, so that signs of nearness take the whole for the part; and a former value is
like the new one in all but its place. Knows nothing about scores.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

from bot.english import MONTH, WEEKDAY
from bot.mark_candidates import Candidate
from bot.mark_figures import HEDGE
from bot.quote_words import Asked, Page

_FORMS = frozenset({"number", "money", "percent"})
_SPACE = r"[^\S\n]"
_OF = re.compile(
    rf"{_SPACE}(?:out{_SPACE})?of{_SPACE}(?:(?:all|the|these|those|its|their|his|her|our|my){_SPACE})?(?:{HEDGE})?",
    re.IGNORECASE,
)
_FROM = re.compile(rf"\bfrom{_SPACE}(?:{HEDGE})?$", re.IGNORECASE)
_LOOKED_BACK = 48
# "from 9.1% in May to 6.4%", "from 41 jobs to a record 58"; "to 6.4% from 9.1%", "6.4% in June, down from 9.1%".
_LED_BY_TO = rf"to{_SPACE}(?:a{_SPACE}(?:new|record){_SPACE})?(?:{HEDGE})?"
_TO = re.compile(rf"(?:{_SPACE}[\w’'-]+){{0,4}},?{_SPACE}{_LED_BY_TO}", re.IGNORECASE)
_BACK = re.compile(
    rf"(?:{_SPACE}(?:in|on|last|this){_SPACE}\w+)?,?{_SPACE}(?:(up|down){_SPACE})?from{_SPACE}(?:{HEDGE})?",
    re.IGNORECASE,
)
_BEHIND_TO = re.compile(rf"\b{_LED_BY_TO}$", re.IGNORECASE)
# "How many planes does it have", "are there"; "how many planes has it sold" asks for a part.
_ASKS_WHOLE = re.compile(
    r"\b(?:owns?|owned|employs?|employed|there|total|altogether|in\sall|out\sof|surveyed|polled|interviewed)\b"
    r"|\b(?:do|does|did)(?:\s\S+){1,6}?\shave\b(?!\sto\b)",
    re.IGNORECASE,
)
_ASKS_FORMER = re.compile(
    r"\b(?:before|(?:previous|former|original|initial)(?:ly)?|earlier|(?<!how\s)old|used\sto|until\snow|from\s(?:what|how))\b"
    r"|\bfrom\W*$",
    re.IGNORECASE,
)
_TIME = re.compile(rf"{MONTH}|{WEEKDAY}|\d{{4}}")


def asked_of_pair(
    question: str, candidate: Candidate, others: Iterable[Candidate], page: Page, asked: Asked
) -> Candidate:
    """A figure, or the one of `others` beside it that is asked for: the part of it that is meant, or what it became."""
    if candidate.form not in _FORMS:
        return candidate
    text, figures = page.text, [other for other in others if other.form == candidate.form]
    if asked.kind == "number" and not _ASKS_WHOLE.search(question):
        parts = (other for other in figures if _OF.fullmatch(text, other.end, candidate.start))
        candidate = next(parts, candidate)
    if not _stands_behind(_FROM, text, candidate) or _ASKS_FORMER.search(question):
        return candidate
    named = frozenset(re.findall(r"\w+", question.lower()))  # "in May" too, which is among no words of weight
    return next((other for other in figures if _became(candidate, other, page, named)), candidate)


def _became(former: Candidate, new: Candidate, page: Page, named: frozenset[str]) -> bool:
    """Whether a figure behind "from" is told to have become another, and at no time that the question names."""
    if not _TO.fullmatch(page.text, former.end, new.start):
        back = _BACK.fullmatch(page.text, new.end, former.start)
        return back is not None and (back[1] is not None or _stands_behind(_BEHIND_TO, page.text, new))
    between = page.tokens[former.last : bisect_left(page.starts, new.start)]
    return not any(token.lower in named and _TIME.fullmatch(token.lower) for token in between)


def _stands_behind(words: re.Pattern[str], text: str, candidate: Candidate) -> bool:
    return words.search(text[max(0, candidate.start - _LOOKED_BACK) : candidate.start]) is not None
