"""Of two figures told together the one asked for: 85 of "85 of its 340 jobs", £1.80 of "from £1.20 to £1.80".

What is counted stands behind the whole, so that signs of nearness take the whole for the part; and a former value is
like the new one in all but its place. Knows nothing about scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

from bot.english import AUXILIARY, MONTH, WEEKDAY, word_set
from bot.mark_candidates import Candidate
from bot.mark_figures import HEDGE
from bot.quote_words import Asked, Page

_STOPS = frozenset(".?!")
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
# "How many passengers were on the ferry": "on the ferry" can be said of the whole. "How many who were on it" cannot.
_ASKS_WHERE = re.compile(r"\b(?:is|are|was|were)\s(?:aboard|at|in|inside|of|on|within)\b", re.IGNORECASE)
_ASKS_OF_SOME = re.compile(r"\s(?:who|that|which)\b", re.IGNORECASE)
_WHERE = word_set("aboard at in inside of on within")
_RELATIVE = word_set("who that which it he she they")
_LEADS = word_set("in for with at by among")
_AUXILIARY = re.compile(AUXILIARY)
_ASKS_FORMER = re.compile(
    r"\b(?:before|(?:previous|former|original|initial)(?:ly)?|earlier|(?<!how\s)old|used\sto|until\snow|from\s(?:what|how))\b"
    r"|\bfrom\W*$",
    re.IGNORECASE,
)
# "In May", "a year ago", "last year", "in the first quarter".
_TIME = re.compile(
    rf"\b(?:{MONTH}|{WEEKDAY}|\d{{4}}|yesterday|\w+{_SPACE}ago|(?:first|second|third|fourth|last){_SPACE}\w+)\b",
    re.IGNORECASE,
)
_NEXT_WORDS = re.compile(rf"(?:{_SPACE}[\w’'-]+){{0,5}}")


def asked_of_pair(
    question: str, candidate: Candidate, others: Iterable[Candidate], page: Page, asked: Asked
) -> Candidate:
    """A figure, or the one of `others` beside it that is asked for: the part of it that is meant, or what it became."""
    if candidate.form not in _FORMS:
        return candidate
    text, figures = page.text, [other for other in others if other.form == candidate.form]
    if asked.kind == "number" and not _ASKS_WHOLE.search(question):
        parts = (other for other in figures if _OF.fullmatch(text, other.end, candidate.start))
        part = next(parts, None)
        if part is not None and not _is_told_of_whole(question, part, candidate, page, asked):
            candidate = part
    named = frozenset(re.findall(r"\w+", question.lower()))  # "in May" too, which is among no words of weight
    if not _stands_behind(_FROM, text, candidate):
        formers = (other for other in figures if _became(other, candidate, text) and _stands_behind(_FROM, text, other))
        return next((former for former in formers if _is_of_former_time(former, candidate, text, named)), candidate)
    if _ASKS_FORMER.search(question):
        return candidate
    news = (other for other in figures if _became(candidate, other, text))
    return next((new for new in news if not _is_of_former_time(candidate, new, text, named)), candidate)


def _is_told_of_whole(question: str, part: Candidate, whole: Candidate, page: Page, asked: Asked) -> bool:
    """Whether what the question says of the things it counts is said of all of them, "on the ferry", "who attend".

    It then stands right behind them, ahead of the verb that is the part's, and nowhere before the part.
    """
    told = asked.stems - {asked.noun}
    told = (told - asked.known) or told  # "they" may stand for a name
    counted = range(whole.last, min(whole.last + 3, len(page.tokens)))
    at = next((at + 1 for at in counted if page.tokens[at].stem == asked.noun), whole.last)
    behind = list(takewhile(lambda token: token.is_word, page.tokens[at:]))
    weighty = [i for i, token in enumerate(behind) if not token.is_stop]
    if not weighty or behind[weighty[0]].stem not in told:
        return False
    ends = (i for i, token in enumerate(behind) if i > weighty[0] and _AUXILIARY.fullmatch(token.lower))
    if not told <= {token.stem for token in behind[: next(ends, None)]}:
        return False
    before = list(takewhile(lambda token: token.text not in _STOPS, reversed(page.tokens[: part.first])))
    if not told.isdisjoint(token.stem for token in before):
        return False
    if behind[0].lower in _WHERE:
        return _ASKS_WHERE.search(question) is not None
    if behind[0].lower in _RELATIVE:
        return _ASKS_OF_SOME.search(question) is None
    # "In 12 of the 300 cases studied": elsewhere the verb of the part would stand there, "85 of the 340 homes burned".
    return weighty[0] == 0 and bool(before) and before[0].lower in _LEADS


def _became(former: Candidate, new: Candidate, text: str) -> bool:
    """Whether a figure behind "from" is told to have become another."""
    if _TO.fullmatch(text, former.end, new.start):
        return True
    back = _BACK.fullmatch(text, new.end, former.start)
    return back is not None and (back[1] is not None or _stands_behind(_BEHIND_TO, text, new))


def _is_of_former_time(former: Candidate, new: Candidate, text: str, named: frozenset[str]) -> bool:
    """Whether the question names more of the times behind the former value than of those behind the new one."""
    return _n_times(former, new, text, named) > _n_times(new, former, text, named)


def _n_times(figure: Candidate, other: Candidate, text: str, named: frozenset[str]) -> int:
    """How many times the question names of those told right behind a figure: "a year ago" is no "decade ago"."""
    words = _NEXT_WORDS.match(text, figure.end, other.start if other.start > figure.end else len(text))
    times = _TIME.findall(words[0]) if words else ()
    return sum(named.issuperset(re.findall(r"\w+", time.lower())) for time in times)


def _stands_behind(words: re.Pattern[str], text: str, candidate: Candidate) -> bool:
    return words.search(text[max(0, candidate.start - _LOOKED_BACK) : candidate.start]) is not None
