"""Which of the days that a question names limit what may answer, and which only suggest when it was.

"Since 5 November" and "between 3 and 9 March" filter; so do "before" and "after", where they plainly say when articles
were published. Rules over English words; the day of asking is an argument. Pure.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, datetime, timedelta

from bot.days import AUXILIARIES, FILTERING, GOES_ON, OPENING, Time, joins
from bot.english import word_list, word_set
from bot.kind import asking_sentence, question_word, sentences_in

# "the April 26 deadline", asked on April 20, is the coming one.
SOON_DAYS = 45

_MEASURED = re.compile(r"\b(?:first|only|most|least|worst|record|never|not|\w+n['’]t|\w+est)\b", re.IGNORECASE)
_NO_SUPERLATIVES = word_set(
    "arrest attest behest bequest budapest bucharest chest conquest contest crest detest digest divest everest "
    "forest guest harvest honest inquest interest invest jest latest manifest midwest modest nest northwest pest "
    "priest protest quest request rest southwest suggest test unrest vest west zest"
)
_CLAUSE_END = re.compile(r"(?<=[a-z\d”\"’)][.?!])\s|[;:]|,(?!\d)")
_REPORTED = re.compile(r"\b(?:happen|news|report|said|say|wr[io]t|publish|article|stor(?:y|ies))", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:increas|rise|rose|rising|gr[eo]w|fell|fall|drop|declin|chang|differ|gap)", re.I)
# "Cars made between 2006 and 2012": those are the years of the things. "Released between 2 and 9 April" is news.
_DATED_THINGS = re.compile(
    r"\b(?:built|made|manufactured|produced|sold|bought|purchased|registered|released|founded|issued|hired|jailed"
    r"|married)\s+$",
    re.IGNORECASE,
)
_AGED = re.compile(r"\b(?:born|aged)\s+$", re.IGNORECASE)
# "How many days after 2 April", "the week before": how far from it, not when it was published.
_MEASURES = re.compile(
    r"\b(?:(?:minute|hour|day|night|morning|evening|week|month|year|decade)s?|(?:how|so|too|as)\s+(?:long|soon)"
    r"|shortly|immediately|soon|long|just|right)\s+$",
    re.IGNORECASE,
)
# What tells the tense of a question is the first of these in it.
_OVER = word_list(
    "did was were had would could agreed freed won lost said told made left met spoke went came began became held took "
    "gave got led shot rose fell grew broke fought struck paid sold bought sent spent built found kept ran sat stood "
    "wrote drew drove flew saw knew threw caught taught thought brought felt heard hid hurt sank sang wore swore stole "
    "spread shook chose froze sought slept swept swam tore wept woke withdrew overthrew dealt meant bled fed"
)
_GOING_ON = word_list("is are am do does will shall can must might should")
# Their past looks like their present, which a subject in the singular has with an "s".
_EITHER = word_list("quit beat hit cut put set shut let bet cost burst split read cast thrust")
_SUBJECT = rf"(?:who|what|which(?:\s+(?!(?:{'|'.join(_GOING_ON)})\b)[\w’'-]+){{1,3}})"
_TENSE = re.compile(
    rf"\b(?:(?P<now>(?:{'|'.join(_GOING_ON)})(?:n?['’]?t)?|won['’]t|(?-i:may)|ha(?:s|ve)\s+(?:to|until|till)|needs?\s+to)"
    rf"|{_SUBJECT}\s+(?:{'|'.join(_EITHER)})"
    rf"|(?:{'|'.join(_OVER)})(?:n['’]?t)?|(?!hundred\b)(?-i:[a-z]+[a-df-z]ed|[A-Z]+[A-DF-Z]ED))\b",
    re.IGNORECASE,
)
_AHEAD = re.compile(
    r"\b(?:will|deadline|upcoming|next|expires?|due|by|schedul\w+|planned"
    r"|(?:set|going|headed|heading) to)\b",
    re.I,
)
# A question in the future tense: what it dates is ahead, however far; "was going to" is over.
_WILL = re.compile(
    r"\b(?:(?:will|won['’]t)\b|when(?:['’]?s|\s+(?:is|are))\b"
    r"|(?:is|are)\s+(?:\w+\s+){0,4}?(?:set|going|due|scheduled|expected|headed|heading)\s+to\b)",
    re.IGNORECASE,
)
_OWNS = re.compile(r"['’]s\b|(?<=s)['’](?!\w)")


def explicit_days(
    text: str, spoken: list[Time], asked_on: date
) -> tuple[date | None, date | None, list[tuple[int, int]]]:
    """Since, until, and the stretches of `text` that say so."""
    since: date | None = None
    until: date | None = None
    spent: list[tuple[int, int]] = []
    # "Before last week's vote" is about a vote.
    spoken = [time for time in spoken if not _OWNS.match(text, time.end)]
    skip = -1
    for i, time in enumerate(spoken):
        if i == skip or time.before not in FILTERING or time.form == "recent":
            continue
        goes_on = bool(spent) and _GOES_ON_FROM.fullmatch(text, spent[-1][1], time.lead) is not None
        if not (goes_on or _limits_the_answer(text, time.lead, time.before)):
            continue
        if _is_measured(text, time.lead, time.before):
            continue
        if not _dates_articles(text, time, asked_on, is_bounded=goes_on):
            continue
        other = spoken[i + 1] if i + 1 < len(spoken) else None
        first, last, end = time.first, time.last, time.end
        if time.before in ("between", "from"):
            if other and joins(text[time.end : other.start], time.before):
                first, last = _pair(time, other)
                end, skip = other.end, i + 1
            elif time.form not in ("days_month", "month_days"):
                continue
            low: date | None = first
            high: date | None = last
        else:
            low, high = _one_sided(time.before, first, last)
        # Nothing is published after the day of asking: "until 2030" is about the matter itself.
        if (low or high or asked_on) > asked_on or _goes_on_about(text, time.lead, end):
            continue
        since, until = low or since, high or until
        spent.append((spent.pop()[0] if goes_on else time.lead, end))
    if not spent and (read := _by_dateparser(text, asked_on)):
        return read
    return since, until, spent


def _dates_articles(text: str, time: Time, asked_on: date, *, is_bounded: bool) -> bool:
    """Whether a filter phrase says when articles were published, and not when the matter itself is, was or will be.

    "Since" says so of itself, and so does "between" of what is over. "Until Friday" says how long something goes on,
    "before" and "after" belong to what is asked as often as not: only in the past tense, of days that are not about to
    come, and not of a bare year.
    """
    if time.before == "since":
        return True
    lead = text[: time.lead]
    if _is_of_things(lead, time) or _is_asked_ahead(text, time, asked_on):
        return False
    if time.before in ("between", "from"):
        return _is_past(text) or not (time.is_guessed and _is_year_back(time, asked_on))
    if _MEASURES.search(lead) or _describes(text, time.end):
        return False
    if time.before in ("until", "till") and not (time.has_year or is_bounded):
        return False
    if time.form == "year":
        return _REPORTED.search(lead) is not None
    if time.is_guessed and time.before != "after" and _is_year_back(time, asked_on):
        return False
    return is_bounded or not time.is_guessed or _REPORTED.search(lead) is not None or _is_past(text)


def _is_of_things(lead: str, time: Time) -> bool:
    """Whether a time dates the things asked about: the years they were made in, or somebody's birth."""
    return _AGED.search(lead) is not None or (time.form == "year" and _DATED_THINGS.search(lead) is not None)


def _describes(text: str, end: int) -> bool:
    """Whether a time that stops at `end` belongs to the noun behind it: "Friday prayers", "the May 5 vote"."""
    following = re.match(r"\s+(\w[\w’'-]*)", text[end:])
    return following is not None and following[1].lower() not in GOES_ON | AUXILIARIES


def _goes_on_about(text: str, lead: int, end: int) -> bool:
    """Whether a filter phrase belongs to the subject: "how many cars made between 2006 and 2012 *were* recalled"."""
    begins = OPENING.search(text[:lead]) is not None
    following = re.match(r"\s+(\w+)", text[end:])
    return not begins and following is not None and following[1].lower() in AUXILIARIES


def _is_past(text: str) -> bool:
    """Whether what is asked is over, as far as the verb tells; "who has resigned" is over too, and so is what is only
    named: "port closures".
    """
    asked = asking_sentence(text)
    tense = _TENSE.search(asked)
    return question_word(asked) is None if tense is None else tense["now"] is None


def _is_year_back(time: Time, asked_on: date) -> bool:
    """Whether a day without a year would soon be a year back, so that the coming one is as likely."""
    return (asked_on - time.first).days > 365 - SOON_DAYS


_GOES_ON_FROM = re.compile(r"\s*(?:,?\s*(?:and|but)\s+)?", re.IGNORECASE)


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


def _is_measured(text: str, lead: int, word: str) -> bool:
    """Whether "since 2004" tells how rare a thing is ("the strongest storm to hit the coast since 2004"), not when."""
    if word not in ("since", "before", "after"):
        return False
    clause = _CLAUSE_END.split(text[:lead])[-1]
    return any(match[0].lower() not in _NO_SUPERLATIVES for match in _MEASURED.finditer(clause))


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


def _pair(time: Time, other: Time) -> tuple[date, date]:
    """From the first day of one time to the last of the other; a missing year is taken from its partner."""
    first, last = time.first, other.last
    if other.has_year and not time.has_year:
        first = _moved(first, last.year - (first.month > last.month))
    elif last < first and not other.has_year:
        last = _moved(last, first.year + (last.month < first.month))
    return (first, last) if first <= last else (other.first, time.last)


def _moved(day: date, year: int) -> date:
    return day.replace(year=year, day=min(day.day, monthrange(year, day.month)[1]))


_LOOSE = re.compile(
    r"\b(since|after|before|until|till)\s+((?:\d{1,2}/\d{1,2}/(?:\d{4}|\d\d)"
    r"|(?:the\s+)?\d+(?:st|nd|rd|th)\s+of\s+(?:this|last)\s+month"
    r"|(?:[\w-]+\s+){1,5}ago|(?:noon|midnight|\d{1,2}(?::\d\d)?\s*[ap]\.?m\.?)\s+(?:today|yesterday))\b)(?!['’]s)",
    re.IGNORECASE,
)


def _by_dateparser(text: str, asked_on: date) -> tuple[date | None, date | None, list[tuple[int, int]]] | None:
    """The one-sided phrases that the rules above do not read ("since 11/5/2022"), or None."""
    match = _LOOSE.search(text)
    if not match or _is_measured(text, match.start(), match[1].lower()):
        return None
    if not _limits_the_answer(text, match.start(), match[1].lower()) or _is_either_way(match[2]):
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


def _is_either_way(day: str) -> bool:
    """Whether "4/5/2025" is two days: which comes first depends on the country."""
    numbers = day.split("/")
    return len(numbers) == 3 and numbers[0].lstrip("0") != numbers[1].lstrip("0") and max(map(int, numbers[:2])) <= 12


def suggested_days(
    text: str, spoken: list[Time], spent: list[tuple[int, int]], asked_on: date
) -> tuple[tuple[date, date] | None, str]:
    """The narrowest window that the words suggest, and those words; (None, "") without one.

    "Now" and "recently" count where nothing else is named.
    """
    best: tuple[date, date] | None = None
    words, was_vague = "", False
    for time in spoken:
        if any(a <= time.start < b for a, b in spent) or time.before in ("by", "until", "till", "before"):
            continue
        if time.before == "after" and not (_OWNS.match(text, time.end) or _describes(text, time.end)):
            continue  # later than that, whenever
        if _is_measured(text, time.lead, time.before) or _is_of_things(text[: time.lead], time):
            continue
        if time.first > asked_on or _is_coming(text, time, asked_on):
            continue
        slack = timedelta(time.slack_days)
        first, last = time.first - slack, min(time.last + slack, asked_on)
        # "Prices are falling now. What was the record in June?"
        is_vague = time.form == "recent"
        if best is None or (was_vague and not is_vague) or (was_vague == is_vague and last - first < best[1] - best[0]):
            best, words, was_vague = (first, last), text[time.start : time.end], is_vague
    return best, words


def _is_coming(text: str, time: Time, asked_on: date) -> bool:
    """Whether a day without a year is more likely the one just ahead than the one a year back."""
    if _is_asked_ahead(text, time, asked_on):
        return True
    if time.form == "unit" and text[time.start : time.end].lower() == "this weekend":
        return not _is_past(text) and asked_on.weekday() in range(1, 5)  # on a Monday it is the one just over
    if time.form == "month" or not time.is_guessed:
        return False
    if time.form == "weekday":
        return _AHEAD.search(text) is not None
    return _is_year_back(time, asked_on) and (_AHEAD.search(text) is not None or not _is_past(text))


def _is_asked_ahead(text: str, time: Time, asked_on: date) -> bool:
    """Whether a weekday, or a day or month without a year, stands after a future tense, in its sentence."""
    if not time.is_guessed or time.last >= asked_on:
        return False
    sentence = next(span for span in sentences_in(text) if time.start < span.end)
    is_led = _WILL.search(text, sentence.start, time.start) is not None
    return is_led and not text[time.start : time.end].lower().startswith(("last", "past"))
