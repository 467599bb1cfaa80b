"""Numbers, sums, shares, dates and names as values, read out of a text, and whether two of them differ. Pure.

Knows nothing about quotes or questions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from bot.english import BELOW_TWENTY, MONTH_NUMBERS, SCALES, TENS, word_set
from bot.quote_words import stem
from index.sentences import sentence_spans
from index.types import Span

# Figures further apart count two things: those who were laid off, and all who work there.
MAX_RATIO = 10
# "residents" and "people" may be the same persons; "passengers" and "injured" are not. Words, not stems: whoever voted
# is no voter.
ANYBODY = word_set("people persons residents inhabitants humans")
# "four children" may be some of the "17 people".
SOME = word_set(
    "men women adults children boys girls babies teenagers students pupils soldiers troops civilians officers "
    "firefighters"
)
_PEOPLE = word_set(
    "demonstrators protesters protestors marchers participants passengers victims dead deaths injured injuries "
    "casualties fatalities workers employees jobs migrants refugees patients cases voters fans visitors guests "
    "spectators attendees supporters members survivors hostages prisoners inmates staff"
)
_UNITS = {
    stem(word): unit
    for unit, words in {
        "percent": "% percent percentage",
        "second": "second seconds",
        "minute": "minute minutes",
        "hour": "hour hours",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years",
        "metre": "metre metres meter meters",
        "kilometre": "kilometre kilometres kilometer kilometers km",
        "mile": "mile miles",
        "foot": "foot feet",
    }.items()
    for word in words.split()
}
_SMALL = BELOW_TWENTY | TENS
_SCALES = SCALES | {"dozen": 12, "k": 10**3, "m": 10**6, "b": 10**9, "bn": 10**9}
_CURRENCIES = {"us$": "$", "dollars": "$", "euros": "€", "pounds": "£", "yen": "¥"}
_WORDED = "|".join(sorted(_SMALL, key=len, reverse=True))
_BELOW_100 = rf"\b(?:{_WORDED})(?:-(?:{_WORDED}))?\b"
_SPELT = rf"{_BELOW_100}(?:[\s-](?:hundred|thousand|million|billion|trillion)\b(?:\s(?:and\s)?{_BELOW_100})?)*"
_FIGURE = re.compile(
    rf"(?P<money>(?:US|C|A)?[$£€¥]\s?)?(?P<figure>\d[\d,]*(?:\.\d+)?|{_SPELT})"
    r"(?:[\s-]?(?P<scale>(?:hundred|thousand|million|billion|trillion|dozen|bn|(?<=\d)b|m|k)\b))?"
    r"(?P<percent>\s?(?:%|per\s?cent\b))?"
    r"(?![\d:])(?:[\s-](?P<currency>dollars|euros|pounds|yen)\b)?",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"\b(?:(?<!no )(?<!not )more than|over|at least|in excess of|upwards of|above|exceed\w*"
    r"|no (?:fewer|less) than|minimum of)\s+(?:the\s)?$",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\b(?:up to|as many as|as much as|(?<!no )(?<!not )(?:fewer|less) than|under|below|not? more than|at most"
    r"|maximum of)\s+$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"\b(?:about|around|some|nearly|almost|roughly|approximately|an estimated|close (?:to|on)|estimated at)\s+$"
    r"|[~≈]\s?$",
    re.IGNORECASE,
)
_OR = r"(?:\s\w+){0,2}\sor\s"
_LEAST_AFTER = re.compile(rf"\+|-plus\b|\sand counting\b|{_OR}more\b", re.IGNORECASE)
_MOST_AFTER = re.compile(rf"{_OR}(?:fewer|less)\b", re.IGNORECASE)
_ABOUT_AFTER = re.compile(rf"{_OR}so\b", re.IGNORECASE)
_HEDGES = (
    ("least", _LEAST, _LEAST_AFTER),
    ("most", _MOST, _MOST_AFTER),
    ("about", _ABOUT, _ABOUT_AFTER),
)
# One end of "14 to 17", "14–17%", "between 14 and 17", "$4 or $5 million"; and "one and a half".
_RANGE_BEFORE = re.compile(
    rf"(?:[\d%]|\b(?:{_WORDED}|{'|'.join(_SCALES)}|per\s?cent))\s?(?:to|or|[-–—])\s?$"
    r"|\bbetween\s(?:[^\s,;]+\s){0,3}(?:and\s)?$",
    re.IGNORECASE,
)
_RANGE_AFTER = re.compile(
    rf"\s?(?:to|or|[-–—])\s?(?:[$£€¥]\s?)?(?:\d|(?:{_WORDED})\b)|\sand (?:a|three) (?:half|quarters?)\b", re.IGNORECASE
)
# "$8 a month", "$33.50 per share", "$20 monthly"; and "40 workers a day".
_PERIODS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annual": "year"}
_RATE = re.compile(
    rf"(?:[\s-](?:an?|per|each|every)[\s-]|/)(?P<each>[^\W\d_]+)|\s(?P<period>{'|'.join(_PERIODS)})",
    re.IGNORECASE,
)
_COUNT_RATE = re.compile(
    rf"(?:\s[^\W\d_][\w’'-]*){{0,2}}?\s(?:an?|per|each|every)\s(?:{'|'.join(_PERIODS.values())})\b", re.IGNORECASE
)
# An age ("Marla Quist, 42, was"), and the number of a name ("Apollo 11", "COVID-19").
_APART_BEFORE, _APART_AFTER = re.compile(r"[,(]\s?$"), re.compile(r"[,)]")
_NUMBERED = re.compile(r"(?<!^)(?<![\w’'-])[A-Z][\w’'-]*\s$")
_MONTH = "|".join(sorted(MONTH_NUMBERS, key=len, reverse=True))
DATE = re.compile(
    rf"\b(?:(?P<m1>{_MONTH})\.?\s(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?:\sof)?\s"
    rf"(?P<m2>{_MONTH})\.?)(?![\d:])(?:,?\s(?P<year>(?:19|20)\d\d))?\b",
    re.IGNORECASE,
)
# What ends the words for what a figure counts: verbs, prepositions and the like.
_ENDS = word_set(
    "were was are is be have has had took died say said will would did do does can could in on at to for from with "
    "without and or but by after before during than that who which"
)
_FOLLOWING = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_][\w’'-]*|[.,;:?!—–]")


@dataclass(frozen=True, slots=True)
class Value:
    """A figure, date or name in a text.

    Attributes:
        key: What makes two values comparable: a unit, "money: $", "date" or "name".
        amount: Of a figure.
        day: Month, day and year (0 where unsaid) of a date.
        name: Of a name, folded words.
        span: Where it stands in its text.
        said: The question's words right beside it, in its clause, that are neither names nor what is counted ("injuring
            17 people"); filled in by `bot.disagree`.
        digits: Significant digits of a figure as written.
        hedge: "", "about", "least" or "most".
    """

    key: str
    span: tuple[int, int]
    amount: float = 0.0
    day: tuple[int, int, int] = (0, 0, 0)
    name: frozenset[str] = frozenset()
    said: frozenset[str] = frozenset()
    digits: int = 0
    hedge: str = ""


def fits(asked: str, found: str) -> bool:
    """Whether a figure counts what is asked; one that counts nothing said ("17 were hurt") can count people."""
    if asked == "people":
        return found.startswith("people") or found == ""
    if asked == "money":
        return found.startswith("money: ")
    return found == asked or (asked.startswith("people") and found == "people")


def figures(text: str) -> Iterator[tuple[Span, Value]]:
    """Every figure of a text, its sentence, and what it says; years, times and parts of dates left out."""
    for span in sentence_spans(text):
        sentence = span.of(text)
        dates = [match.span() for match in DATE.finditer(sentence)]
        for figure in _FIGURE.finditer(sentence):
            if any(start < figure.end() and figure.start() < end for start, end in dates):
                continue
            value = _figure_value(sentence, figure, span.start)
            if value is not None:
                yield span, value


def _figure_value(sentence: str, figure: re.Match[str], offset: int) -> Value | None:
    written = figure["figure"].lower().replace(",", "").rstrip(".")
    before, after = sentence[: figure.start()], sentence[figure.end() :]
    if re.search(r"[\w.,:]$|\w[-–]$", before) or _RANGE_BEFORE.search(before) or _RANGE_AFTER.match(after):
        return None
    if written[0].isdigit():
        amount = Decimal(written)
        plain = written.replace(".", "")
        is_year = re.fullmatch(r"(?:19|20)\d\d", written) and not figure["scale"] and not figure["money"]
        if is_year and "," not in figure["figure"]:
            return None
    else:
        amount = Decimal(_spelt(written))
        plain = str(amount)
    amount *= _SCALES[figure["scale"].lower()] if figure["scale"] else 1
    if currency := (figure["money"] or figure["currency"]):
        written_as = currency.strip().lower()
        key = f"money: {_CURRENCIES.get(written_as, written_as)}{_per(after)}"
    elif figure["percent"]:
        key = "percent"
    elif _COUNT_RATE.match(after) or (_APART_BEFORE.search(before) and _APART_AFTER.match(after)):
        return None
    else:
        key = counted(after)
        if not key and _NUMBERED.search(before):
            return None
    hedge = next((name for name, led, followed in _HEDGES if led.search(before) or followed.match(after)), "")
    digits = len(plain.strip("0")) or 1
    return Value(key, _moved(figure, offset), amount=float(amount), digits=digits, hedge=hedge)


def _spelt(words: str) -> int:
    """The number that words give: "one hundred and twenty thousand" is 120,000."""
    whole = part = 0
    for word in re.split(r"[\s-]+", words):
        if word in _SMALL:
            part += _SMALL[word]
        elif word == "hundred":
            part *= 100
        elif word in _SCALES:
            whole, part = whole + part * _SCALES[word], 0
    return whole + part


def _per(after: str) -> str:
    """What each of a rate of money is for (" per month"); "" of a sum."""
    rate = _RATE.match(after)
    if rate is None:
        return ""
    return f" per {_PERIODS[rate['period'].lower()] if rate['period'] else stem(rate['each'])}"


def counted(after: str) -> str:
    """What follows a figure: "people", a unit or a noun's stem; "" where a verb, a preposition or a stop does.

    The noun is the first plural within three words ("two grand slam titles", "two planes carrying migrants"), or the
    first word where there is none.
    """
    first = ""
    for word in _FOLLOWING.findall(after)[:3]:
        lower, folded = word.lower(), stem(word)
        if not word[0].isalpha() or lower in _ENDS:
            break
        if lower == "of":  # "two of the passengers" counts a part of them
            return first or lower
        if persons := _persons(word):
            return persons
        if folded in _UNITS:
            return _UNITS[folded]
        if lower.endswith("s") and not lower.endswith(("ss", "’s", "'s")) and word[0].islower():
            return folded
        first = first or folded
    return first


def _persons(word: str) -> str:
    """Whom a word counts: "people" for a general word, "people: " and its stem for one that says which people, "some: "
    and its stem for one that may mean a part of them; "" for a word that means no persons.
    """
    lower = word.lower()
    for listed in (lower, f"{lower}s"):
        if listed in ANYBODY:
            return "people"
        if listed in SOME:
            return f"some: {stem(listed)}"
        if listed in _PEOPLE:
            return f"people: {stem(listed)}"
    return ""


def _moved(match: re.Match[str], offset: int) -> tuple[int, int]:
    return match.start() + offset, match.end() + offset


def date_of(match: re.Match[str], offset: int) -> Value:
    """The value of a match of `DATE` in a text that begins at an offset."""
    month = MONTH_NUMBERS[(match["m1"] or match["m2"]).lower()]
    return Value("date", _moved(match, offset), day=(month, int(match["d1"] or match["d2"]), int(match["year"] or 0)))


def folded_name(name: str) -> frozenset[str]:
    """The words of a name, for comparing."""
    return frozenset(word.lower().removesuffix("’s").removesuffix("'s") for word in name.split()) - {"the"}


def are_alike(one: Value, other: Value) -> bool:
    """Whether two values can be compared: sums only in one currency, and no rate with a sum; the injured not with the
    dead; and nothing that is many times the other.
    """
    if max(one.amount, other.amount) > MAX_RATIO * min(one.amount, other.amount):
        return False
    if one.key == other.key:
        return True
    keys = {one.key, other.key}
    return all(key == "" or key.startswith("people") for key in keys) and bool(keys & {"", "people"})


def agrees_with(value: Value, others: Iterable[Value]) -> bool:
    """Whether a value is among others; an equal figure counts, whatever it is said of."""
    return any(
        not differ(value, other) and (are_alike(value, other) or 0 < value.amount == other.amount) for other in others
    )


def differ(one: Value, other: Value) -> bool:
    """Whether two values that can be compared say different things, beyond what a hedge or a rounding allows."""
    if one.key == "name" or other.key == "name":
        return one.key == other.key and not one.name & other.name
    if one.key == "date" or other.key == "date":
        return one.key == other.key and not _same_day(one.day, other.day)
    for a, b in ((one, other), (other, one)):
        if a.hedge == "least" and b.amount >= a.amount:
            return False
        if a.hedge == "most" and b.amount <= a.amount:
            return False
    high, low = max(one.amount, other.amount), min(one.amount, other.amount)
    if high == low:
        return False
    if one.hedge or other.hedge:
        return low < 0.75 * high
    return not _rounds_to(one, other) and not _rounds_to(other, one)


def _same_day(one: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    return one[:2] == other[:2] and (one[2] == other[2] or 0 in (one[2], other[2]))


def _rounds_to(fine: Value, coarse: Value) -> bool:
    """Whether `coarse` is `fine` said in fewer digits; 1.9 is 2 and 212 is 200, but 14 is not 17."""
    if fine.digits <= coarse.digits or not coarse.amount:
        return False
    return float(f"{fine.amount:.{max(0, coarse.digits - 1)}e}") == coarse.amount
