"""What a question asks for: its kind, the days and outlets it names, the words to search with.

Rules over English words, no model and no clock: the day of asking is an argument. Only what the words
say outright ("since 5 November", "according to Reuters") becomes a filter; a time that is merely
meant ("this week", "last August") is a window that may move the ranking. Knows nothing about the
corpus beyond the names of its outlets.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from index.errors import BadInput

Kind = Literal[
    "person",
    "organisation",
    "place",
    "date",
    "duration",
    "number",
    "money",
    "percent",
    "quote",
    "reason",
    "yes_no",
    "name",
    "other",
]

MAX_QUESTION_CHARS = 2_000
RECENT_DAYS = 7
# "the April 26 deadline", asked on April 20, is the coming one.
SOON_DAYS = 45


@dataclass(frozen=True, slots=True)
class Understood:
    """A question, read.

    Attributes:
        question: As asked, in NFC, control characters out, white space squeezed.
        topic: The words to search with: `question` without its filter phrases.
        kind: What the answer will be.
        since: First day of publication asked for outright, or None.
        until: Last day of publication asked for outright (inclusive), or None.
        window: First and last day that the words only suggest; never a filter.
        sources: Outlets asked for outright, spelt as the corpus spells them, in the order of mention.
        notes: What was understood, a short phrase each, for showing.
    """

    question: str
    topic: str
    kind: Kind
    since: date | None
    until: date | None
    window: tuple[date, date] | None
    sources: tuple[str, ...]
    notes: tuple[str, ...]


def understand(
    question: str, asked_on: date, known_sources: Collection[str] = (), *, filters: bool = True
) -> Understood:
    """Read a question.

    Args:
        question: As typed.
        asked_on: The day that "today" is.
        known_sources: Outlets of the corpus (names or hosts); an outlet that is not among them stays
            a word to search for.
        filters: False takes nothing out and reads no times and no outlets.

    Raises:
        BadInput: No words in it, or more than 2,000 characters.
    """
    asked = _cleaned(question)
    if not filters:
        return Understood(asked, asked, kind_of(asked), None, None, None, (), ())
    spoken = _times(asked, asked_on)
    since, until, spent = _explicit_days(asked, spoken, asked_on)
    window, words = _suggested_days(asked, spoken, spent, asked_on)
    sources, named = _named_sources(asked, known_sources)
    notes = []
    if since or until:
        notes.append(_filter_note(since, until))
    if window:
        notes.append(f'around {day_range(*window)} ("{words}")')
    if sources:
        notes.append("only " + " or ".join(sources))
    topic = _without(asked, [*spent, *named])
    return Understood(asked, topic, kind_of(topic), since, until, window, sources, tuple(notes))


def _cleaned(question: str) -> str:
    """NFC, invisible characters out, white space squeezed; `BadInput` where no words are left."""
    seen = "".join(
        " " if unicodedata.category(c) == "Cc" else c
        for c in unicodedata.normalize("NFC", question[: 50 * MAX_QUESTION_CHARS])
        if unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn")
    )
    asked = " ".join(seen.split())
    if len(asked) > MAX_QUESTION_CHARS:
        raise BadInput(f"the question has {len(question):,} characters, and at most {MAX_QUESTION_CHARS:,} are read")
    if not asked:
        raise BadInput("the question is empty: ask something, for example: Who won the election?")
    if not any(c.isalnum() for c in asked):
        raise BadInput("the question has no words to search for")
    return asked


def _words(listed: str) -> list[str]:
    return listed.split()


# --- Days in words ---------------------------------------------------------------------------------

_MONTHS = _words("january february march april may june july august september october november december")
_MONTH_NUMBER = {name[:n]: i for i, name in enumerate(_MONTHS, 1) for n in (3, len(name))} | {"sept": 9}
_WEEKDAYS = _words("monday tuesday wednesday thursday friday saturday sunday")
_COUNTS = {
    word: n for n, word in enumerate(_words("one two three four five six seven eight nine ten eleven twelve"), 1)
} | {"a": 1, "an": 1, "a couple of": 2, "few": 3, "a few": 3, "several": 5}
_UNIT_DAYS = {"hour": 0, "day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_SEASON_START = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

_M = "(?:" + "|".join([*_MONTHS, *(f"{m[:3]}\\.?" for m in _MONTHS if m != "may"), "sept\\.?"]) + ")"
_D = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_Y = r"(?:19|20)\d\d"
_N = r"(?:\d{1,3}|" + "|".join(sorted(_COUNTS, key=len, reverse=True)) + ")"
_TO = r"(?:\s*[-–—]\s*|\s+(?:to|and|through|until|till)\s+)"

_TIME = re.compile(
    rf"""(?<![\w$£€/.-])(?:
      (?P<iso>{_Y}-\d\d-\d\d)
    | (?P<days_month>(?P<d1>{_D}){_TO}(?P<d2>{_D})\s+(?P<m1>{_M})(?:,?\s+(?P<y1>{_Y}))?)
    | (?P<day_month>(?:the\s+(?=\S+\s+of\b))?(?P<d3>{_D})(?:\s+of)?\s+(?P<m2>{_M})(?:,?\s+(?P<y2>{_Y}))?)
    | (?P<month_days>(?P<m3>{_M})\s+(?P<d4>{_D}){_TO}(?P<d5>{_D})(?:,?\s+(?P<y3>{_Y}))?)
    | (?P<month_day>(?P<m4>{_M})\s+(?:the\s+)?(?P<d6>{_D})(?:,?\s+(?P<y4>{_Y}))?)
    | (?P<month_year>(?P<m5>{_M}),?\s+(?:of\s+)?(?P<y5>{_Y}))
    | (?P<month>(?:(?P<m_which>last|this|past)\s+)?(?P<m6>{_M}))
    | (?P<ago>(?P<n1>{_N})\s+(?P<u1>day|week|fortnight|month|year)s?\s+ago)
    | (?P<span>(?:last|past|previous)\s+(?P<n2>{_N})\s+(?P<u2>hour|day|week|month|year)s?)
    | (?P<unit>(?P<u_which>this|last|past|previous)\s+(?P<u3>weekend|week|month|year))
    | (?P<season>(?P<s_which>this|last|past)\s+(?P<s1>spring|summer|autumn|fall|winter))
    | (?P<weekday>(?:(?P<w_which>last|this|past)\s+)?(?P<w1>{"|".join(_WEEKDAYS)}))
    | (?P<near>last\s+night|(?:the\s+day\s+before\s+)?yesterday|today|tonight
        |this\s+(?:morning|afternoon|evening))
    | (?P<recent>recently|recent|latest|lately)
    | (?P<year>{_Y})
    )(?![\w%/]|-\d|[.,]\d)""",
    re.IGNORECASE | re.VERBOSE,
)

_BEFORE = re.compile(
    r"\b(between|from|since|after|before|until|till|on|in|during|throughout|by|next|early|late|mid|of"
    r"|every|each|through)[\s-]+$",
    re.IGNORECASE,
)
_FILTERING = frozenset({"since", "after", "before", "until", "till", "from", "between"})
_DATING = _FILTERING | {"on", "in", "during", "throughout", "by", "early", "late", "mid", "of", "through"}
_NOT_A_FILTER = re.compile(
    r"\b(?:first|only|\w+est|most|least|record|never|not|\w+n['’]t)(?:[\s-]+[\w-]+){0,2}"
    r"\s+(?:since|before|after)\s+$",
    re.IGNORECASE,
)
_BELIEF = re.compile(r"\b(?:confidence|faith|trust|belie\w+|interest\w*)\s+in\s+$", re.IGNORECASE)
_REPORTED = re.compile(r"\b(?:happen|news|report|said|say|wr[io]t|publish|article|stor(?:y|ies))", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:increas|rise|rose|rising|gr[eo]w|fell|fall|drop|declin|chang|differ|gap)", re.I)
_AHEAD = re.compile(
    r"\b(?:will|deadline|upcoming|next|expires?|due|by|schedul\w+|planned"
    r"|(?:set|going|headed|heading) to)\b",
    re.I,
)
_GOES_ON = frozenset(
    _words(
        "at in on by to for of from with and or but when which what who where how why the a an that as after "
        "before until about over this his her because during amid against than if while according"
    )
)
_AUXILIARIES = frozenset(_words("did was is were are has have had do does will would could can should"))
_WEEKDAY_TITLE = re.compile(r"\s+(?:the 13th|Times|Telegraph|Mirror|Mail|Post|Express|Night (?:Football|Live|Lights))")


@dataclass(frozen=True, slots=True)
class _Time:
    """A time expression in the question: where it stands and the days it means."""

    start: int
    end: int
    first: date
    last: date
    form: str
    has_year: bool
    before: str  # the preposition that leads it in, or ""
    lead: int  # where that preposition starts; `start` without one


def _times(text: str, asked_on: date) -> list[_Time]:
    """Every stretch of `text` that is meant as a time, in order."""
    found: list[_Time] = []
    for match in _TIME.finditer(text):
        days = _days(match, asked_on)
        form = next(name for name in _FORMS if match[name] is not None)
        lead = _BEFORE.search(text, 0, match.start())
        before = lead[1].lower() if lead else ""
        opening = found[-1] if found else None
        if opening and opening.before in ("between", "from"):
            joined = _joins(text[opening.end : match.start()], opening.before)
            before = opening.before if joined else before
        if days and _is_meant(text, match, form, before):
            has_year = form not in _YEARLESS or any(match[f"y{i}"] for i in range(1, 6))
            start = lead.start() if lead else match.start()
            found.append(_Time(match.start(), match.end(), *days, form, has_year, before, start))
    return found


_FORMS = _words(
    "iso days_month day_month month_days month_day month_year month ago span unit season weekday near recent year"
)
_YEARLESS = frozenset({"days_month", "day_month", "month_days", "month_day", "month"})


def _is_meant(text: str, match: re.Match[str], form: str, before: str) -> bool:
    """Whether the words are a time here, and not a name, a verb or a number."""
    after = text[match.end() :]
    word = re.match(r"\s+([\w-]+)", after)
    following = word[1] if word else ""
    if before in ("next", "every", "each"):
        return False
    if form == "weekday":
        if _WEEKDAY_TITLE.match(after):
            return False
        leads = re.search(r"(\w+)\s+$", text[: match.start()])
        bare = not match["w_which"] and before not in _DATING
        return not (bare and (match[0].islower() or following[:1].isupper() or (leads and leads[1][0].isupper())))
    if form == "year":
        return before in _DATING - {"by", "of", "on"} and (not following or following in _GOES_ON | _AUXILIARIES)
    if form in ("month_day", "month_days"):
        return match[0][0].isupper() or before in _DATING
    if form == "month" and not match["m_which"]:
        if before not in _DATING or _BELIEF.search(text[: match.start()]):
            return False
        name = match["m6"].lower()
        if name in ("may", "april", "june") and after.startswith(("'s", "’s")):
            return False
        return not following or following in _GOES_ON or (name != "may" and following in _AUXILIARIES)
    return True


def _days(match: re.Match[str], asked_on: date) -> tuple[date, date] | None:
    """First and last day meant by a match of `_TIME`; None for a day that does not exist."""
    try:
        return _days_of(match, asked_on)
    except (ValueError, OverflowError):
        return None


def _days_of(match: re.Match[str], asked_on: date) -> tuple[date, date]:
    group = match.groupdict()
    if group["iso"]:
        return (day := date.fromisoformat(group["iso"])), day
    if group["days_month"]:
        return _days_in_month(group["d1"], group["d2"], group["m1"], group["y1"], asked_on)
    if group["day_month"]:
        return _days_in_month(group["d3"], group["d3"], group["m2"], group["y2"], asked_on)
    if group["month_days"]:
        return _days_in_month(group["d4"], group["d5"], group["m3"], group["y3"], asked_on)
    if group["month_day"]:
        return _days_in_month(group["d6"], group["d6"], group["m4"], group["y4"], asked_on)
    if group["month_year"]:
        return _month(int(group["y5"]), _month_number(group["m5"]))
    if group["month"]:
        number = _month_number(group["m6"])
        # "last March" said in March is a year ago.
        skip = (group["m_which"] or "").lower() in ("last", "past") and number == asked_on.month
        return _month(asked_on.year - (number > asked_on.month or skip), number)
    if group["ago"]:
        return _ago(_count(group["n1"]), group["u1"].lower(), asked_on)
    if group["span"]:
        n_days = max(1, _count(group["n2"]) * _UNIT_DAYS[group["u2"].lower()])
        return asked_on - timedelta(n_days), asked_on
    if group["unit"]:
        return _unit(group["u_which"].lower(), group["u3"].lower(), asked_on)
    if group["season"]:
        return _season(group["s_which"].lower(), group["s1"].lower(), asked_on)
    if group["weekday"]:
        back = (asked_on.weekday() - _WEEKDAYS.index(group["w1"].lower())) % 7
        if (group["w_which"] or "").lower() in ("last", "past") and not back:
            back = 7
        return (day := asked_on - timedelta(back)), day
    if group["near"]:
        words = group["near"].lower()
        if "before" in words:
            return (day := asked_on - timedelta(2)), day
        return (
            asked_on - timedelta(words.startswith(("last", "yesterday"))),
            asked_on - timedelta(words == "yesterday"),
        )
    if group["recent"]:
        return asked_on - timedelta(RECENT_DAYS - 1), asked_on
    return date(int(group["year"]), 1, 1), date(int(group["year"]), 12, 31)


def _days_in_month(first: str, last: str, month: str, year: str | None, asked_on: date) -> tuple[date, date]:
    low, high = sorted(int(re.sub(r"\D", "", day)) for day in (first, last))
    number = _month_number(month)
    # A 29 February without a year may lie up to eight years back.
    for candidate in [int(year)] if year else range(asked_on.year, asked_on.year - 9, -1):
        try:
            days = date(candidate, number, low), date(candidate, number, high)
        except ValueError:
            continue
        if year or days[0] <= asked_on:
            return days
    raise ValueError(f"no day {low} in month {number}")


def _month(year: int, number: int) -> tuple[date, date]:
    following = date(year + number // 12, number % 12 + 1, 1)
    return date(year, number, 1), following - timedelta(1)


def _month_number(name: str) -> int:
    return _MONTH_NUMBER[name.lower().rstrip(".")]


def _count(words: str) -> int:
    return int(words) if words.isdigit() else _COUNTS[words.lower()]


def _ago(n: int, unit: str, asked_on: date) -> tuple[date, date]:
    """Days are exact; "three weeks ago" is that day give or take half a week, and so on."""
    day = asked_on - timedelta(n * _UNIT_DAYS[unit])
    slack = timedelta(_UNIT_DAYS[unit] // 2)
    return day - slack, min(day + slack, asked_on)


def _unit(which: str, unit: str, asked_on: date) -> tuple[date, date]:
    monday = asked_on - timedelta(asked_on.weekday())
    if unit == "week":
        if which == "this":
            return asked_on - timedelta(6), asked_on
        # People mean the calendar's last week or the last seven days; ranking takes both.
        return min(monday - timedelta(7), asked_on - timedelta(7)), asked_on - timedelta(1)
    if unit == "weekend":
        saturday = asked_on - timedelta((asked_on.weekday() - 5) % 7)
        if which == "last" and asked_on.weekday() >= 5:
            saturday -= timedelta(7)
        return saturday, min(saturday + timedelta(1), asked_on)
    if which == "past":
        return asked_on - timedelta(_UNIT_DAYS[unit]), asked_on
    if unit == "month":
        if which == "this":
            return asked_on.replace(day=1), asked_on
        return _month(asked_on.year - (asked_on.month == 1), (asked_on.month - 2) % 12 + 1)
    if which == "this":
        return date(asked_on.year, 1, 1), asked_on
    return date(asked_on.year - 1, 1, 1), date(asked_on.year - 1, 12, 31)


def _season(which: str, name: str, asked_on: date) -> tuple[date, date]:
    """In the northern hemisphere's months; a `ValueError` for "this summer" said in spring."""
    month = _SEASON_START[name]
    last_month = (month + 1) % 12 + 1
    years = [asked_on.year, asked_on.year - 1, asked_on.year - 2]
    seasons = [(date(y, month, 1), _month(y + (last_month < month), last_month)[1]) for y in years]
    if which == "this":
        # In autumn "this summer" is the one just over; in January it is yet to come.
        latest = next(s for s in seasons if s[0] <= asked_on)
        if (asked_on - latest[1]).days > 120:
            raise ValueError(f"{which} {name} has not begun")
        return latest
    return next(s for s in seasons if s[1] < asked_on)


def _explicit_days(
    text: str, spoken: list[_Time], asked_on: date
) -> tuple[date | None, date | None, list[tuple[int, int]]]:
    """Since, until, and the stretches of `text` that say so."""
    since: date | None = None
    until: date | None = None
    spent: list[tuple[int, int]] = []
    skip = -1
    for i, time in enumerate(spoken):
        if i == skip or time.before not in _FILTERING or time.form == "recent":
            continue
        if not _limits_the_answer(text, time.lead, time.before) or _NOT_A_FILTER.search(text[: time.start]):
            continue
        other = spoken[i + 1] if i + 1 < len(spoken) else None
        first, last, end = time.first, time.last, time.end
        if time.before in ("between", "from"):
            if other and _joins(text[time.end : other.start], time.before):
                first, last = _pair(time, other)
                end, skip = other.end, i + 1
            elif time.form not in ("days_month", "month_days"):
                continue
            low: date | None = first
            high: date | None = last
        else:
            low, high = _one_sided(time.before, first, last)
        # Nothing is published after the day of asking: "until 2030" is about the matter itself.
        if (low or high or asked_on) > asked_on:
            continue
        since, until = low or since, high or until
        spent.append((time.lead, end))
    if not spent and (read := _by_dateparser(text, asked_on)):
        return read
    return since, until, spent


def _limits_the_answer(text: str, lead: int, word: str) -> bool:
    """Whether a filter phrase at `lead` belongs to what is asked, and not to the background told first.

    Of 2,339 quiz questions four say "from … to …", and each means the matter itself ("sales from April
    to April"); so that one needs to open the question or follow a word for reporting.
    """
    asked = asking_sentence(text)
    begin = text.rfind(asked)
    if lead - begin in (0, 1):
        return True
    wh = question_word(asked)
    if lead < begin or (wh is not None and begin + wh > lead):
        return False
    if word == "between":
        return _COMPARED.search(text[begin:lead]) is None
    return word != "from" or _REPORTED.search(text[begin:lead]) is not None


def _one_sided(word: str, first: date, last: date) -> tuple[date | None, date | None]:
    match word:
        case "since":
            return first, None
        case "after":
            return last + timedelta(1), None
        case "before":
            return None, first - timedelta(1)
        case _:
            return None, last


def _joins(between: str, opening: str) -> bool:
    words = r"\s+and\s+" if opening == "between" else r"\s+(?:to|until|till|through)\s+|\s*[-–]\s*"
    return re.fullmatch(words, between, re.IGNORECASE) is not None


def _pair(time: _Time, other: _Time) -> tuple[date, date]:
    """From the first day of one time to the last of the other; a missing year is taken from its partner."""
    first, last = time.first, other.last
    if other.has_year and not time.has_year:
        first = _moved(first, last.year - (first.month > last.month))
    elif last < first and not other.has_year:
        last = _moved(last, first.year + (last.month < first.month))
    return (first, last) if first <= last else (other.first, time.last)


def _moved(day: date, year: int) -> date:
    return day.replace(year=year, day=min(day.day, _month(year, day.month)[1].day))


_LOOSE = re.compile(
    r"\b(since|after|before|until|till)\s+((?:\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d\d)"
    r"|(?:the\s+)?\d+(?:st|nd|rd|th)\s+of\s+(?:this|last)\s+month"
    r"|(?:[\w-]+\s+){1,5}ago|(?:noon|midnight|\d{1,2}(?::\d\d)?\s*[ap]\.?m\.?)\s+(?:today|yesterday))\b)",
    re.IGNORECASE,
)


def _by_dateparser(text: str, asked_on: date) -> tuple[date | None, date | None, list[tuple[int, int]]] | None:
    """The one-sided phrases that the rules above do not read ("since 11/5/2022"), or None."""
    match = _LOOSE.search(text)
    if not match or _NOT_A_FILTER.search(text[: match.start(2)]):
        return None
    if not _limits_the_answer(text, match.start(), match[1].lower()):
        return None
    import dateparser  # takes half a second, and few questions need it

    read: datetime | None = dateparser.parse(
        match[2],
        languages=["en"],
        settings={
            "RELATIVE_BASE": datetime(asked_on.year, asked_on.month, asked_on.day, 12),
            "PREFER_DATES_FROM": "past",
            "TIMEZONE": "UTC",
        },
    )
    if read is None or read.date() > asked_on:
        return None
    low, high = _one_sided(match[1].lower(), read.date(), read.date())
    return low, high, [match.span()]


def _suggested_days(
    text: str, spoken: list[_Time], spent: list[tuple[int, int]], asked_on: date
) -> tuple[tuple[date, date] | None, str]:
    """The narrowest window that the words suggest, and those words; (None, "") without one."""
    best: _Time | None = None
    for time in spoken:
        if any(a <= time.start < b for a, b in spent) or time.before in ("by", "until", "till", "before"):
            continue
        if time.before in ("since", "after") and _NOT_A_FILTER.search(text[: time.start]):
            continue
        if time.first > asked_on or _is_coming(text, time, asked_on):
            continue
        if best is None or time.last - time.first < best.last - best.first:
            best = time
    if best is None:
        return None, ""
    return (best.first, min(best.last, asked_on)), text[best.start : best.end]


def _is_coming(text: str, time: _Time, asked_on: date) -> bool:
    """Whether a day without a year is more likely the one just ahead than the one a year back."""
    if time.form == "month" or time.has_year is (time.form != "weekday") or not _AHEAD.search(text):
        return False
    return time.form == "weekday" or (asked_on - time.first).days > 365 - SOON_DAYS


# --- Outlets ---------------------------------------------------------------------------------------

_NAME = r"(?P<name>(?:[Tt]he\s+)?[\w&.'’-]+(?:\s+[\w&.'’-]+){0,5})"
_STRONG = re.compile(rf"[,(]?\s*\b(?:as\s+)?(?:according\s+to|(?:as\s+)?reported\s+(?:by|in)|per)\s+{_NAME}", re.I)
_ASKED = re.compile(
    rf"\b(?:did|does|has|do)\s+{_NAME}",
    re.IGNORECASE,
)
_WEAK = re.compile(rf"[,(]?\s*\b(?:in|on|from)\s+{_NAME}", re.IGNORECASE)
_REPORTING = re.compile(r"\s+(?:report(?:ed)?|writ(?:e|ten)|publish(?:ed)?|cover(?:ed)?|print(?:ed)?)\b", re.IGNORECASE)
_SAYING = re.compile(r"\s+say(?=\s+about)\b", re.IGNORECASE)
_OF_ITS_OWN = re.compile(r"\s+(?:poll|survey|data|analysis|study|sources?|interview|presenter|journalist|host)\b", re.I)
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "ac", "edu"})


def _named_sources(text: str, known_sources: Collection[str]) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
    """Known outlets that the question asks for outright, and the stretches of `text` that do."""
    if not known_sources:
        return (), []
    known = _source_keys(frozenset(known_sources))
    found: list[str] = []
    spent: list[tuple[int, int]] = []
    for pattern in (_STRONG, _ASKED, _WEAK):
        at = 0
        while match := pattern.search(text, at):
            at = match.start("name")
            read = _read_source(text, match, known)
            if read is None:
                continue
            sources, end = read
            if pattern is _ASKED:
                tail = _REPORTING.match(text, end) or (
                    _SAYING.match(text, end) if match[0].lower().startswith("do") else None
                )
                if tail is None:
                    continue
                end = tail.end()
            elif _OF_ITS_OWN.match(text, end) or (
                pattern is _WEAK and not re.sub(r"^[Tt]he\s+", "", match["name"])[:1].isupper()
            ):
                continue
            if any(a < end and match.start() < b for a, b in spent):
                continue
            found += [s for s in sources if s not in found]
            spent.append((match.start(), end))
            at = end
    return tuple(found), spent


def _read_source(
    text: str, match: re.Match[str], known: dict[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], int] | None:
    """The longest known outlet that the match's name begins with, and where it ends in `text`."""
    words = list(re.finditer(r"[^\s]+", match["name"]))
    for n in range(len(words), 0, -1):
        raw = match["name"][: words[n - 1].end()]
        name = re.sub(r"(?:['’]s?|[.,;:?!])+$", "", raw)
        for key in _phrase_keys(name):
            if key in known:
                return known[key], match.start("name") + len(name)
    return None


def _phrase_keys(phrase: str) -> list[str]:
    """How an outlet's host may abbreviate a name: "New York Times" is nytimes.com, "BBC News" is bbc.com."""
    words = re.findall(r"[^\W_]+", phrase.lower().replace(".", ""))
    if words[:1] == ["the"]:
        words = words[1:]
    if not words:
        return []
    squashed = "".join(words)
    keys = [squashed, f"the{squashed}", f"{squashed}news"]
    if "." in phrase:
        keys += [k for k in (_host_label(phrase.lower()),) if k]
    if len(words) > 1:
        initials = "".join(w[0] for w in words)
        keys.append(initials[:-1] + words[-1])
        if len(words) > 2:
            keys.append(initials)
        if words[-1] == "news":
            keys.append("".join(words[:-1]))
    return keys


@lru_cache(maxsize=8)
def _source_keys(known_sources: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Squashed name → outlets, so that "the Harbor Courier" finds harbor-courier.example."""
    keys: dict[str, list[str]] = {}
    for source in sorted(known_sources):
        lowered = source.lower()
        own = {re.sub(r"[\W_]", "", re.sub(r"^the\s+", "", lowered))}
        if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+", lowered):
            own.add(_host_label(lowered))
        for key in own - {""}:
            keys.setdefault(key, []).append(source)
    return {key: tuple(sources) for key, sources in keys.items()}


def _host_label(host: str) -> str:
    """`www.harbor-courier.co.uk` → `harborcourier`."""
    labels = host.strip(".").split(".")[:-1] or [host]
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels = labels[:-1]
    return re.sub(r"[\W_]", "", labels[-1])


# --- What is left, and how to say it ---------------------------------------------------------------

_EMPTY_WORDS = frozenset(_words("what which who whose whom when where why how did do does the a an is was and or of"))


def _without(text: str, spent: list[tuple[int, int]]) -> str:
    """`text` without the stretches `spent`, tidied; `text` itself where no word of weight would be left."""
    left = text
    for start, end in sorted(spent, reverse=True):
        left = left[:start] + " " + left[end:]
    left = re.sub(r"\s+([?!.,;:)])", r"\1", " ".join(left.split()))
    left = re.sub(r"[,;]+(?=[?!.])", "", left).strip(" ,;:")
    words = {w.lower() for w in re.findall(r"\w+", left)}
    return left if words - _EMPTY_WORDS else text


def _filter_note(since: date | None, until: date | None) -> str:
    if since and until:
        return f"from {day_range(since, until)}"
    return f"since {_said(since)}" if since else f"until {_said(until)}" if until else ""


def _said(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1].title()} {day.year}"


def day_range(first: date, last: date) -> str:
    """`18–24 April 2025`, with month and year named once where they are shared."""
    if first == last:
        return _said(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{_said(last)}"
    if first.year == last.year:
        return f"{first.day} {_MONTHS[first.month - 1].title()} – {_said(last)}"
    return f"{_said(first)} – {_said(last)}"


# --- Kind ------------------------------------------------------------------------------------------

_NOUNS: dict[str, Kind] = {}
_NOUN_LISTS: dict[Kind, str] = {
    "person": (
        "person man woman actor actress singer rapper artist musician author writer poet comedian "
        "player athlete golfer driver boxer quarterback coach manager star celebrity politician "
        "president senator governor mayor minister chancellor secretary lawmaker mp mps congressman "
        "congresswoman representative justice judge lawyer attorney billionaire ceo executive "
        "entrepreneur founder leader king queen prince princess royal pope candidate nominee "
        "journalist host presenter anchor director filmmaker designer model scientist astronaut "
        "general official figure winner victim suspect student teacher doctor chef influencer "
        "youtuber commissioner spokesman spokeswoman guest pilot activist donor economist"
    ),
    "organisation": (
        "company companies firm corporation business brand retailer supermarket chain automaker "
        "carmaker airline airlines bank manufacturer startup organisation organization agency "
        "department ministry union party team club franchise university college school network "
        "broadcaster channel station newspaper outlet magazine publisher group band court committee "
        "council charity museum hospital league conference studio label regulator institution "
        "restaurant store giant maker operator platform service militia"
    ),
    "place": (
        "country countries nation state states city cities town village county province region "
        "territory island continent capital place location airport stadium venue river lake mountain "
        "street neighborhood neighbourhood park beach destination site hemisphere district republic"
    ),
    "date": "date dates day days year years month months deadline weekday decade century",
    "duration": "duration period sentence length",
    "number": ("number age score temperature magnitude rank total distance height speed size population margin"),
    "money": ("amount price cost fine salary sum fee budget value worth wage pay bounty penalty reward income"),
    "percent": "percentage percent proportion share rate fraction",
    "quote": "quote slogan motto",
    "reason": "reason reasons cause excuse explanation",
    "name": (
        "name title film movie song album book novel show series game app product drug vaccine ship "
        "vessel storm hurricane operation award prize word phrase term nickname law act bill breed "
        "species sport event festival"
    ),
}
_NOUNS.update({noun: kind for kind, nouns in _NOUN_LISTS.items() for noun in _words(nouns)})

_WH = re.compile(r"\b(?:what|which|who|whose|whom|when|where|why|how)(?:['’]s|\b)", re.IGNORECASE)
_AUX = r"(?:did|do|does|was|were|is|are|has|have|had|will|would|can|could|should|might|may|must)"
_HOW: tuple[tuple[str, Kind], ...] = (
    (r"how (?:long|many (?:more )?(?:seconds|minutes|hours|days|weeks|months|years|decades))\b", "duration"),
    (r"how (?:much|many) (?:money|dollars|pounds|euros)\b|how (?:expensive|costly|rich)\b", "money"),
    (r"how (?:many|old|far|tall|fast|high|big|large|heavy|deep|hot|cold|wide)\b", "number"),
    (r"how much.*\b(?:percent\w*)\b", "percent"),
    (rf"how much (?:{_AUX}|of a (?:fine|settlement)|more {_AUX})\b", "money"),
    (
        r"how much.*\b(?:cost|pa(?:y|id)|worth|spen[dt]|fined?|settle\w*|sold|sell|price|charge|earn\w*"
        r"|donat\w+)\b",
        "money",
    ),
    (r"how much\b", "number"),
    (r"how soon\b", "date"),
    (r"how come\b", "reason"),
)
_CAUSE = re.compile(
    r"what (?:caused|prompted|triggered|sparked|led|motivated|inspired|made)\b"
    r"|what(?: \w+)* (?:reason|cause)s?\b",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"what (?:exactly )?{_AUX}\b.*\b(?:say|said|tell|told|tweet|post|respond|reply|write|shout|call for)\b"
    r"|\b(?:said|says|saying) what\b",
    re.IGNORECASE,
)
_CALLED = re.compile(r"\b(?:called|named|titled|nicknamed|dubbed|known as)\s*(?:what)?\s*\W*$", re.IGNORECASE)
_COPULA = re.compile(
    r"(?:what|which|who)(?:['’]s| is| was| are| were| will be)\s+(?:the |his |her |their |its |an? )?",
    re.IGNORECASE,
)
_CLOZE: tuple[tuple[str, Kind], ...] = (
    (r"[$£€]\s*_{2,}", "money"),
    (r"_{2,}\s*(?:%|per ?cent)", "percent"),
    (r"_{2,}\s+(?:seconds|minutes|hours|days|weeks|months|years)\b", "duration"),
    (r"_{2,}\s+(?:million|billion|people|points|deaths|votes|seats|\w+s\b)", "number"),
    (
        r"\b(?:president|minister|senator|sen\.|gov\.|governor|mayor|king|queen|prince|princess|pope|justice"
        r"|judge|mr\.?|mrs\.?|ms\.?|dr\.?|sir|chancellor|secretary|star|actor|singer)\s+_{2,}",
        "person",
    ),
    (r"\b(?:city|state|town|republic|county|province) of\s+_{2,}", "place"),
    (r"\b(?:until|by|since)\s+_{2,}", "date"),
)


def kind_of(question: str) -> Kind:
    """What the answer to `question` will be, from its question word and the noun beside it."""
    if re.match(r"true or false\b", question, re.IGNORECASE):
        return "yes_no"
    asked = asking_sentence(question)
    if "__" in asked:
        return next((kind for pattern, kind in _CLOZE if re.search(pattern, asked, re.I)), "name")
    at = question_word(asked)
    if at is None:
        if re.match(rf"(?:{_AUX}\b|\w+n['’]t\b)", asked, re.IGNORECASE):
            return "yes_no"
        shown = re.search(r"\bthis (\w+)\b[^?]*[:.]?$", asked)
        return _NOUNS.get(shown[1].lower(), "other") if shown else "other"
    return _kind_from(asked, at)


def asking_sentence(question: str) -> str:
    """The last sentence that asks: background often comes first."""
    sentences = [s for s in re.split(r"(?<=[a-z\d”\"’)][.?!])\s+(?=[A-Z“\"])", question) if s]
    asking = [s for s in sentences if s.rstrip(' "”').endswith("?") or "__" in s or _WH.match(s)]
    return (asking or sentences or [question])[-1].strip()


def question_word(asked: str) -> int | None:
    """Where the asking word stands; a leading "when …," clause and relative "who" are passed over."""
    found = list(_WH.finditer(asked))
    if not found:
        return None
    first = found[0]
    if (
        first.start() <= 15
        and re.fullmatch(r"(?:\W|\w+\s)*", asked[: first.start()])
        and (first.start() == 0 or first[0].lower() in ("what", "which", "whose", "how", "whom"))
    ):
        is_clause = first[0].lower() in ("when", "where", "how") and not re.match(
            rf"\s+(?:{_AUX}\b|\w+\b)" if first[0].lower() == "how" else rf"['’]?s?\s*(?:{_AUX}\b|else\b|exactly\b|$)",
            asked[first.end() :],
            re.IGNORECASE,
        )
        if not is_clause:
            return first.start()
    if re.match(rf"(?:{_AUX})\s", asked, re.IGNORECASE) and not asked.rstrip().endswith(("what?", "who?", "which?")):
        return None
    strong = [m for m in found if m[0].lower() in ("what", "how", "which") and asked[: m.start()][-2:] != ", "]
    return (strong or found[-1:])[0].start()


def _kind_from(asked: str, at: int) -> Kind:
    tail = asked[at:]
    word = re.match(r"\w+", tail)
    match word[0].lower() if word else "":
        case "who" | "whom" | "whose":
            return "person"
        case "when":
            return "date"
        case "where":
            return "place"
        case "why":
            return "reason"
        case "how":
            return next((kind for pattern, kind in _HOW if re.match(pattern, tail, re.I)), "other")
    if _CAUSE.match(tail):
        return "reason"
    if _SAID.search(asked):
        return "quote"
    noun = asked_noun(tail)
    if noun and (kind := _NOUNS.get(noun)) and not (kind == "name" and noun == "name"):
        return kind
    if named := re.match(
        r"what(?:['’]s| is| was| are| were) the (?:full |first |last |new )?names? of (.*)", tail, re.I
    ):
        return _NOUNS.get(asked_noun("which " + _COPULA.sub("", "what is " + named[1])) or "", "name")
    if noun == "name" or _CALLED.search(asked):
        return "name"
    return "other"


_NOUN_ENDS = frozenset(
    _words(
        "of in on at by to for from with that who which whose and or into about as after before during than "
        "did do does was were is are has have had will would can could should may might must"
    )
)


def asked_noun(tail: str) -> str | None:
    """The noun that "which …" or "what is the …" asks for, lower case, or None."""
    copula = _COPULA.match(tail)
    rest = tail[copula.end() :] if copula else re.sub(r"^\w+(?:['’]s)?\s+(?:of (?:these|the following)\s+)?", "", tail)
    best = None
    for word in re.findall(r"[\w’'-]+|[,.?!:;“\"(]", rest)[:7]:
        lowered = re.sub(r"['’]s$", "", word.lower())
        if lowered in _NOUN_ENDS or not lowered[:1].isalnum():
            break
        if lowered in _NOUNS:
            best = lowered
            if lowered != word.lower():  # "which country's singer" asks for the country
                break
        elif best:
            break
    return best
