"""A figure with what it counts or measures, and how sure it is: "about 9.4 knots", "26 amber beads", "$4 a gallon".

Knows nothing about which figure answers.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from bot.mark_candidates import DIGITS
from bot.quote_words import Asked, Page

_SPACE = r"[^\S\n]"
_LENGTHS = r"(?:milli|centi|kilo)?met(?:re|er)s?|feet|foot|inch(?:es)?|yards?|miles?|km|cm|mm"
_WEIGHTS = r"(?:milli|kilo)?grams?|tons?|tonnes?|pounds|ounces|kg"
_OTHERS = (
    rf"knots|mph|km/?h|kph|acres?|hectares?|lit(?:re|er)s?|gallons?|barrels|degrees?(?:{_SPACE}(?:Celsius|Fahrenheit|C|F)\b)?"
    rf"|(?:kilo|mega|giga)watts?(?:(?:{_SPACE}|-)hours?)?|(?:basis|percentage){_SPACE}points?"
)
# What "how fast", "how high" and "how much rain" ask for; of "8.5-mile-long" as far as "mile".
UNIT = re.compile(
    rf"(?:{_SPACE}|-)(?:(?:square|cubic|nautical|metric){_SPACE})?(?:{_LENGTHS}|{_WEIGHTS}|{_OTHERS})"
    r"(?!\w|-(?!long|tall|high|wide|deep))",
    re.IGNORECASE,
)
# "$4 a gallon"; "$5 million a year ago" is no rate.
_EACH = re.compile(
    rf"{_SPACE}(?:an?|per){_SPACE}(?:second|minute|hour|day|night|week|month|season|year|person|head|household|mile|gallon"
    rf"|lit(?:re|er)|pound|ounce|barrel|bushel|ton(?:ne)?|share|square{_SPACE}(?:foot|met(?:re|er)|mile))\b"
    rf"(?!{_SPACE}(?:after|ago|apart|away|before|earlier|from|later)\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(rf"{_SPACE}(?:in{_SPACE}(?:prison|jail)|behind{_SPACE}bars)\b", re.IGNORECASE)
# Stands before a figure.
HEDGE = (
    rf"(?:(?<![\w-])(?:(?:(?:no|not|just|slightly|far|well){_SPACE})?(?:more|less|fewer){_SPACE}than"
    rf"|(?:just|well){_SPACE}(?:over|under)|(?<!added\s)(?<!adds\s)up{_SPACE}to|at{_SPACE}(?:least|most)"
    rf"|as{_SPACE}(?:many|much){_SPACE}as|an{_SPACE}estimated|about|almost|nearly|around|roughly|approximately|some)"
    rf"{_SPACE}){{1,2}}"
)
_HEDGE = re.compile(rf"{HEDGE}$", re.IGNORECASE)
# "A film about two brothers" speaks of two, not of about two.
_TOPIC = re.compile(
    r"\b(?:films?|movies?|books?|novels?|songs?|shows?|stor(?:y|ies)|talks?|talked|talking|questions?|asked|asking|spoke"
    r"|speak(?:s|ing)?|worr(?:y|ied|ies)|complain(?:s|ed|ts?)?|kn[eo]w|learned|thought|concerns?|concerned|joked?)(?:\s(?:is|was|were))?\s$",
    re.IGNORECASE,
)
_MINUS = re.compile(rf"(?<![\w-])minus{_SPACE}$", re.IGNORECASE)
_PLAIN_FIGURE = rf"[$£€]?{DIGITS}%?(?:{_SPACE}(?:thousand|million|billion|trillion)\b)?"
# "4 to 6", but of "from 4 to 6" the latter.
_UP_TO = re.compile(rf"{_SPACE}to{_SPACE}{_PLAIN_FIGURE}(?!\w)")
_AND = re.compile(rf"{_SPACE}and{_SPACE}{_PLAIN_FIGURE}(?!\w)")
_FIRST_END = re.compile(
    rf"\bbetween{_SPACE}{_PLAIN_FIGURE}{_SPACE}and{_SPACE}$|(?<!\bfrom\s)(?<![\w.,$£€]){_PLAIN_FIGURE}{_SPACE}to{_SPACE}$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(rf"\bbetween{_SPACE}$", re.IGNORECASE)
_LOOKED_BACK = 48
_MAX_BETWEEN = 2  # "640 striking bus drivers"


def whole_figure(page: Page, asked: Asked, form: str, start: int, end: int) -> tuple[int, int]:
    """A figure's span grown over what belongs to it on its line."""
    start, end = _with_range(page.text, start, end)
    if unit := UNIT.match(page.text, end):
        end = unit.end()
    elif counted := _counted_end(page, asked, end):
        end = counted
    behind = _EACH.match(page.text, end) or (_SENTENCE.match(page.text, end) if form == "duration" else None)
    return start - _n_hedging(page.text, start, end), behind.end() if behind else end


def _with_range(text: str, start: int, end: int) -> tuple[int, int]:
    """Both ends of "4 to 6" and of "between 4 and 6", whichever of them was given."""
    before = text[max(0, start - _LOOKED_BACK) : start]
    if led := _BETWEEN.search(before):
        other = _AND.match(text, end)
        return (start - len(led[0]), other.end()) if other else (start, end)
    if led := _FIRST_END.search(before):
        return start - len(led[0]), end
    other = None if before.lower().endswith("from ") else _UP_TO.match(text, end)
    return start, other.end() if other else end


def _n_hedging(text: str, start: int, end: int) -> int:
    """How many characters before a figure say how sure it is, or that it is below nothing."""
    before = text[max(0, start - _LOOKED_BACK) : start]
    minus = _MINUS.search(before)
    n_minus = len(minus[0]) if minus else 0
    before = before[: len(before) - n_minus]
    hedge = _HEDGE.search(before)
    if hedge is None or text.endswith("-old", start, end):
        return n_minus
    is_topic = hedge[0].lower().startswith("about") and _TOPIC.search(before[: hedge.start()]) is not None
    return n_minus if is_topic else n_minus + len(hedge[0])


def _counted_end(page: Page, asked: Asked, end: int) -> int | None:
    """Where what is counted ends, the noun that the question counts: close behind the figure, words between alone."""
    if not asked.noun or page.text[end : end + 1] not in (" ", "\u00a0"):
        return None
    at = bisect_left(page.starts, end)
    for token in page.tokens[at : at + _MAX_BETWEEN + 1]:
        if not token.is_word or token.opens or (token.is_stop and not token.is_capital):
            return None
        if token.stem == asked.noun:
            return token.end
    return None
