"""A figure with what it counts or measures, and how sure it is: "about 9.4 knots", "26 amber beads", "$4 a gallon".

Knows nothing about which figure answers.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from bot.quote_words import Asked, Page

_LENGTHS = r"(?:milli|centi|kilo)?met(?:re|er)s?|feet|foot|inch(?:es)?|yards?|miles?|km|cm|mm"
_WEIGHTS = r"(?:milli|kilo)?grams?|tons?|tonnes?|pounds|ounces|kg"
_OTHERS = (
    r"knots|mph|km/?h|kph|acres?|hectares?|lit(?:re|er)s?|gallons?|barrels|degrees?(?:\s(?:Celsius|Fahrenheit|C|F)\b)?"
    r"|(?:kilo|mega|giga)watts?(?:[\s-]hours?)?|percentage points?"
)
# What "how fast", "how high" and "how much rain" ask for.
UNIT = re.compile(
    rf"[\s-](?:(?:square|cubic|nautical|metric)\s)?(?:{_LENGTHS}|{_WEIGHTS}|{_OTHERS})(?![\w-])", re.IGNORECASE
)
_EACH = re.compile(
    r"\s(?:an?|per)\s(?:second|minute|hour|day|night|week|month|season|year|person|head|household|mile|gallon|lit(?:re|er)"
    r"|pound|ounce|barrel|bushel|ton(?:ne)?|share|square\s(?:foot|met(?:re|er)|mile))\b|\s(?:in\s(?:prison|jail)|behind\sbars)\b",
    re.IGNORECASE,
)
_HEDGE = re.compile(
    r"(?<![\w-])(?:(?:(?:just|slightly|far|well)\s)?(?:more|less|fewer)\sthan|(?:just|well)\s(?:over|under)|up\sto"
    r"|at\s(?:least|most)|as\s(?:many|much)\sas|an\sestimated|about|almost|nearly|around|roughly|approximately|some)\s$",
    re.IGNORECASE,
)
_HEDGE_CHARS = 30
_MAX_BETWEEN = 2  # "26 amber beads", "640 striking bus drivers"


def whole_figure(page: Page, asked: Asked, start: int, end: int) -> tuple[int, int]:
    """A figure's span grown over what belongs to it, on its own line."""
    text = page.text
    if unit := UNIT.match(text, end):
        end = unit.end()
    elif counted := _counted_end(page, asked, end):
        end = counted
    if each := _EACH.match(text, end):
        end = each.end()
    if hedge := _HEDGE.search(text[max(0, start - _HEDGE_CHARS) : start]):
        start -= len(hedge[0])
    return start, end


def _counted_end(page: Page, asked: Asked, end: int) -> int | None:
    """Where what is counted ends, the noun that the question counts: close behind the figure, words between alone."""
    if not asked.noun or page.text[end : end + 1] not in (" ", "\u00a0"):
        return None
    at = bisect_left(page.starts, end)
    for token in page.tokens[at : at + _MAX_BETWEEN + 1]:
        if not token.is_word or token.is_stop or token.opens:
            return None
        if token.stem == asked.noun:
            return token.end
    return None
