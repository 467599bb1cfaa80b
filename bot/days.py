"""Days that a question names or means: "since 5 November", "last August", "the week of the vote".

Rules over English words; the day of asking is an argument. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from bot.english import BELOW_TWENTY, MONTH_NUMBERS, MONTHS, WEEKDAYS, word_list, word_set

RECENT_DAYS = 7
_COUNTS = {word: n for word, n in BELOW_TWENTY.items() if 1 <= n <= 12} | {
    "a": 1,
    "an": 1,
    "a couple of": 2,
    "few": 3,
    "a few": 3,
    "several": 5,
}
_UNIT_DAYS = {"hour": 0, "day": 1, "week": 7, "fortnight": 14, "month": 30, "year": 365}
_SEASON_START = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}

_M = "(?:" + "|".join([*MONTHS, *(f"{m[:3]}\\.?" for m in MONTHS if m != "may"), "sept\\.?"]) + ")"
_D = r"(?:[12]\d|3[01]|0?[1-9])(?:st|nd|rd|th)?"
_Y = r"(?:19|20)\d\d"
_N = r"(?:\d{1,3}|" + "|".join(sorted(_COUNTS, key=len, reverse=True)).replace(" ", r"\s+") + ")"
# "Friday, April 4" is one day, and not the last Friday.
_ON_DAY = rf"(?:(?:{'|'.join(WEEKDAYS)}),?\s+)?"
_TO = r"(?:\s*[-–—]\s*|\s+(?:to|and|through|until|till)\s+)"

# Not the "Mar" of "Mar-a-Plata".
_TIME = re.compile(
    rf"""(?:(?<![\w$£€/.-])|(?<=\bearly-)|(?<=\bmid-)|(?<=\blate-))(?:
      {_ON_DAY}(?P<iso>{_Y}-\d\d-\d\d|{_Y}/\d\d/\d\d)
    | {_ON_DAY}(?P<dotted>(?:[12]\d|3[01]|0?[1-9])\.(?:1[0-2]|0?[1-9])\.{_Y})
    | {_ON_DAY}(?P<days_month>(?P<d1>{_D}){_TO}(?P<d2>{_D})\s+(?P<m1>{_M})(?:,?\s+(?P<y1>{_Y}))?)
    | {_ON_DAY}(?P<day_month>(?:the\s+(?=\S+\s+of\b))?(?P<d3>{_D})(?:\s+of)?\s+(?P<m2>{_M})(?:,?\s+(?P<y2>{_Y}))?)
    | {_ON_DAY}(?P<month_days>(?P<m3>{_M})\s+(?P<d4>{_D}){_TO}(?P<d5>{_D})(?:,?\s+(?P<y3>{_Y}))?)
    | {_ON_DAY}(?P<month_day>(?P<m4>{_M})\s+(?:the\s+)?(?P<d6>{_D})(?:,?\s+(?P<y4>{_Y}))?)
    | (?P<month_year>(?P<m5>{_M}),?\s+(?:of\s+)?(?P<y5>{_Y}))
    | (?P<month>(?:(?P<m_which>last|this|past)\s+)?(?P<m6>{_M}))
    | (?P<ago>(?P<n1>{_N})\s+(?P<u1>day|week|fortnight|month|year)s?\s+ago(?P<to_the_day>\s+today)?)
    | (?P<span>(?:last|past|previous)\s+(?P<n2>{_N})\s+(?P<u2>hour|day|week|month|year)s?)
    | (?P<unit>(?P<u_which>this|last|past|previous)\s+(?P<u3>weekend|week|month|year))
    | (?P<season>(?P<s_which>this|last|past)\s+(?P<s1>spring|summer|autumn|fall|winter))
    | (?P<weekday>(?:(?P<w_which>last|this|past)\s+)?(?P<w1>{"|".join(WEEKDAYS)})
        (?:\s+(?-i:morning|afternoon|evening|night)\b)?)
    | (?P<near>last\s+night|(?:the\s+day\s+before\s+)?yesterday|today|tonight
        |this\s+(?:morning|afternoon|evening))
    | (?P<recent>recently|recent|latest|lately|currently|at\s+the\s+moment|these\s+days
        |(?<!from\s)(?<!before\s)(?:right\s+)?now(?!\s+that\b|-)
        |current(?=\s+(?!(?:account|was|is|has|had|that|of|in|off|near|along)\b)[a-z]))
    | (?P<year>{_Y})
    )(?![\w%/]|-\d|-[a-z]-|[.,]\d)""",
    re.IGNORECASE | re.VERBOSE,
)

# "Twenty two years ago", "half a year ago": what stands behind is not all of it.
_NUMBER_GOES_ON = re.compile(
    r"\b(?:half|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred|thousand)[\s-]+(?:and\s+)?$", re.I
)
_BEFORE = re.compile(
    r"\b(between|from|since|after|before|until|till|on|in|during|throughout|by|next|early|late|mid|of"
    r"|every|each|through)[\s-]+$",
    re.IGNORECASE,
)
# What sets a bound, in front of a time.
FILTERING = frozenset({"since", "after", "before", "until", "till", "from", "between"})
_DATING = FILTERING | {"on", "in", "during", "throughout", "by", "early", "late", "mid", "of", "through"}
_BELIEF = re.compile(r"\b(?:confidence|faith|trust|belie\w+|interest\w*)\s+in\s+$", re.IGNORECASE)
# Lower-case words that may follow a time or a name without being part of it.
GOES_ON = word_set(
    "at in on by to for of from with and or but when which what who where how why the a an that as after "
    "before until about over this his her because during amid against than if while according near inside outside "
    "across within under around through regarding concerning involving due alone"
)
AUXILIARIES = word_set("did was is were are has have had do does will would could can should")
_WEEKDAY_TITLE = re.compile(r"\s+(?:the 13th|Times|Telegraph|Mirror|Mail|Post|Express|Night (?:Football|Live|Lights))")


@dataclass(frozen=True, slots=True)
class Time:
    """A time expression in the question: where it stands and the days it means.

    Attributes:
        start: First code point of it.
        end: The one behind its last.
        first: First day.
        last: Last day.
        form: The group of `_TIME` that it is.
        has_year: Whether the year needs no guess.
        before: The preposition that leads it in, or "".
        lead: Where that preposition starts; `start` without one.
        slack_days: How far from these days a window still reaches: "two weeks ago" is no exact day.
    """

    start: int
    end: int
    first: date
    last: date
    form: str
    has_year: bool
    before: str
    lead: int
    slack_days: int = 0

    @property
    def is_guessed(self) -> bool:
        """Whether the year, or a weekday's week, is not said: a day that may be over or to come."""
        return self.form == "weekday" or (self.form in _YEARLESS and not self.has_year)


def times(text: str, asked_on: date) -> list[Time]:
    """Every stretch of `text` that is meant as a time, in order."""
    found: list[Time] = []
    for match in _TIME.finditer(text):
        days = _days(match, asked_on)
        form = next(name for name in _FORMS if match[name] is not None)
        lead = _BEFORE.search(text, 0, match.start())
        if lead and lead[1].lower() in ("early", "mid", "late"):
            outer = _BEFORE.search(text, 0, lead.start())
            lead = outer if outer and outer[1].lower() == "by" else lead
        before = lead[1].lower() if lead else ""
        opening = found[-1] if found else None
        if opening and opening.before in ("between", "from"):
            joined = joins(text[opening.end : match.start()], opening.before)
            before = opening.before if joined else before
        if days and _is_meant(text, match, form, before):
            has_year = form not in _YEARLESS or any(match[f"y{i}"] for i in range(1, 6))
            start = lead.start() if lead else match.start()
            slack = _UNIT_DAYS[match["u1"].lower()] // 2 if form == "ago" and not match["to_the_day"] else 0
            found.append(Time(match.start(), match.end(), *days, form, has_year, before, start, slack))
    return found


def joins(between: str, opening: str) -> bool:
    """Whether the words between two times join them to one stretch, as "between" or "from" has opened it."""
    words = r"\s+and\s+" if opening == "between" else r"\s+(?:to|until|till|through)\s+|\s*[-–]\s*"
    return re.fullmatch(words, between, re.IGNORECASE) is not None


_FORMS = word_list(
    "iso dotted days_month day_month month_days month_day month_year month ago span unit season weekday near recent"
    " year"
)
_YEARLESS = frozenset({"days_month", "day_month", "month_days", "month_day", "month"})
OPENING = re.compile(r"(?:^|[.?!:;“\"(])\s*$")


def _is_meant(text: str, match: re.Match[str], form: str, before: str) -> bool:
    """Whether the words are a time here, and not a name, a verb or a number."""
    after = text[match.end() :]
    word = re.match(r"\s+([\w-]+)", after)
    following = word[1] if word else ""
    if before in ("next", "every", "each"):
        return False
    if form in ("span", "unit", "season", "near", "recent") and match[0][0].isupper():
        # "USA Today", "This Morning", "The Tonight Show".
        return OPENING.search(text[: match.start()]) is not None or text.isupper()
    if form in ("days_month", "day_month") and (name := match["m1"] or match["m2"]) in ("may", "march"):
        # "the 9 may face charges", "the 20 march on": verbs.
        return before in FILTERING | {"on"}
    if form == "ago":
        return _NUMBER_GOES_ON.search(text, 0, match.start()) is None
    if form == "weekday":
        if _WEEKDAY_TITLE.match(after):
            return False
        leads = re.search(r"\b(\w+)\s+$", text[: match.start()])
        bare = not match["w_which"] and before not in _DATING
        return not (bare and (match[0].islower() or following[:1].isupper() or (leads and leads[1][0].isupper())))
    if form == "year":
        return before in _DATING - {"by", "of", "on"} and (not following or following in GOES_ON | AUXILIARIES)
    if form in ("month_day", "month_days"):
        return match[0][0].isupper() or before in _DATING
    if form == "month" and not match["m_which"]:
        if before not in _DATING or _BELIEF.search(text[: match.start()]):
            return False
        name = match["m6"].lower()
        if name in ("may", "april", "june") and after.startswith(("'s", "’s")):
            return False
        return not following or following in GOES_ON or (name != "may" and following in AUXILIARIES)
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
        return (day := date.fromisoformat(group["iso"].replace("/", "-"))), day
    if group["dotted"]:  # with points the day comes first everywhere; with strokes it depends on the country
        number, month, year = map(int, group["dotted"].split("."))
        return (day := date(year, month, number)), day
    if group["days_month"]:
        return _days_in_month(group["d1"], group["d2"], group["m1"], group["y1"], asked_on)
    if group["day_month"]:
        return _on_weekday(match, group["d3"], group["m2"], group["y2"], asked_on)
    if group["month_days"]:
        return _days_in_month(group["d4"], group["d5"], group["m3"], group["y3"], asked_on)
    if group["month_day"]:
        return _on_weekday(match, group["d6"], group["m4"], group["y4"], asked_on)
    if group["month_year"]:
        return _month(int(group["y5"]), _month_number(group["m5"]))
    if group["month"]:
        number = _month_number(group["m6"])
        if (group["m_which"] or "").lower() == "this" and number > asked_on.month:
            raise ValueError(f"this {group['m6']} is yet to come")
        # "last March" said in March is a year ago.
        skip = (group["m_which"] or "").lower() in ("last", "past") and number == asked_on.month
        return _month(asked_on.year - (number > asked_on.month or skip), number)
    if group["ago"]:
        return (day := _ago(_count(group["n1"]), group["u1"].lower(), asked_on)), day
    if group["span"]:
        n_days = max(1, _count(group["n2"]) * _UNIT_DAYS[group["u2"].lower()])
        return asked_on - timedelta(n_days), asked_on
    if group["unit"]:
        return _unit(group["u_which"].lower(), group["u3"].lower(), asked_on)
    if group["season"]:
        return _season(group["s_which"].lower(), group["s1"].lower(), asked_on)
    if group["weekday"]:
        which = (group["w_which"] or "").lower()
        back = asked_on.weekday() - WEEKDAYS.index(group["w1"].lower())
        # "This Friday" is the one of this week, Monday to Sunday, be it over or to come; any other is the one before.
        if which != "this":
            back = back % 7 or 7 * (which in ("last", "past"))
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


def _on_weekday(match: re.Match[str], day: str, month: str, year: str | None, asked_on: date) -> tuple[date, date]:
    """A day of a month; where no year is named, the weekday before it may tell that it is still to come."""
    weekday = re.match(r"[a-z]+", match[0].lower())
    if weekday and weekday[0] in WEEKDAYS and not year:
        for candidate in (asked_on.year, asked_on.year - 1, asked_on.year + 1):
            try:
                found = date(candidate, _month_number(month), int(re.sub(r"\D", "", day)))
            except ValueError:
                continue
            if found.weekday() == WEEKDAYS.index(weekday[0]):
                return found, found
    return _days_in_month(day, day, month, year, asked_on)


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
    return MONTH_NUMBERS[name.lower().rstrip(".")]


def _count(words: str) -> int:
    return int(words) if words.isdigit() else _COUNTS[" ".join(words.lower().split())]


def _ago(n: int, unit: str, asked_on: date) -> date:
    """The day by the calendar; how exactly it is meant says `Time.slack_days`."""
    if unit not in ("month", "year"):
        return asked_on - timedelta(n * _UNIT_DAYS[unit])
    year, month = divmod(12 * asked_on.year + asked_on.month - 1 - n * (12 if unit == "year" else 1), 12)
    return date(year, month + 1, min(asked_on.day, _month(year, month + 1)[1].day))


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


# --- How to say it ---------------------------------------------------------------------------------


def _said(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1].title()} {day.year}"


def day_range(first: date, last: date) -> str:
    """`18–24 April 2025`, with month and year named once where they are shared."""
    if first == last:
        return _said(first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{_said(last)}"
    if first.year == last.year:
        return f"{first.day} {MONTHS[first.month - 1].title()} – {_said(last)}"
    return f"{_said(first)} – {_said(last)}"


def filter_note(since: date | None, until: date | None) -> str:
    """Bounds in words, "since 5 April 2025"; "" where there are none."""
    if since and until:
        return f"from {day_range(since, until)}"
    return f"since {_said(since)}" if since else f"until {_said(until)}" if until else ""
