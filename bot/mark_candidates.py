"""Every stretch of a quote that could be marked as the answer: names, figures, days, quoted words, phrases, clauses.

Knows nothing about which of them is the likeliest.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

from bot.english import MONTH, POSSESSIVE, WEEKDAY, word_set
from bot.gazetteer import CITIES, PLACES
from bot.kind import Kind
from bot.quote_words import TITLE_STEMS, Asked, Page, Token, stem
from index.sentences import sentence_spans

MAX_MARK_WORDS = 12

_UNITS = "(?:second|minute|hour|day|night|week|weekend|month|season|year|decade|centur(?:y|ie))s?"
# "One of the warmest" and "no one" count nothing.
_SMALL = (
    r"(?:(?<!\bno\s)one(?!\sof\b)|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen"
    "|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    "(?:-(?:one|two|three|four|five|six|seven|eight|nine))?"
)
# A comma belongs to a figure only between digits: "$3,000, he said". Atomic, so that no figure is cut in two: what
# looks on after it ("38.7C", "10:30", "1.2.3") must stand behind the whole of it. A possessive group would say the
# same, but takes the comma too before Python 3.11.5 (CPython issue 106052).
DIGITS = r"(?<!\d)(?<!\d[.,:/])(?>\d+(?:,\d+)*(?:\.\d+)?)(?![.,:/]\d)"
_RANGE = rf"(?:{DIGITS}[-–])?{DIGITS}"
_LARGE = "(?:hundreds|thousands|millions|billions)"
_IN_WORDS = (
    rf"(?:{_SMALL}|a (?:hundred|thousand|million|billion|dozen)|half(?: a (?:million|billion|dozen))?"
    rf"|(?:tens|dozens|hundreds|thousands|millions)\sof\s{_LARGE}|dozens|{_LARGE})"
)
_FIGURE = rf"(?:{_RANGE}|{_IN_WORDS})"
_SCALE = r"(?:[\s-](?:hundred|thousand|million|billion|trillion|m|bn|dozen|and[\s-]a[\s-]half)\b)*"
# Where the words behind a straight quotation mark begin; behind a letter or a mark, or before a space, it closes.
_OPENED = r"(?<![^\s(\[—–-]\")(?<=\")[^\"\s]"
# A unit that is glued to its figure: "38.7C", "4,500km", "$5bn".
_GLUED = r"(?:[^\W\d_]{1,4}\b)?"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern, re.IGNORECASE))
    for form, pattern in (
        (
            "money",
            rf"(?:US|C|A)?[$£€]\s?{DIGITS}(?:[-–][$£€]?{DIGITS})?{_GLUED}(?!\w)"
            r"(?:[\s-](?:thousand|million|billion|trillion|bn|m|k)\b)?"
            rf"|\b{_FIGURE}{_SCALE}\s(?:dollars|pounds|euros|cents|pence|yen)\b",
        ),
        (
            "percent",
            rf"\b{_FIGURE}\s?(?:%|per\s?cent\b|percent\b)|(?<![\w-])half\b(?!-|\sa\b)"
            r"|\b(?:one|two|three)[\s-](?:third|quarter|fifth)s?\b",
        ),
        (
            "date",
            rf"(?:\b{WEEKDAY},?\s)?\b{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,?\s(?:19|20)\d\d\b)?"
            rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?:\sof)?\s{MONTH}(?:,?\s(?:19|20)\d\d)?\b"
            rf"|\b{MONTH},?\s(?:of\s)?(?:19|20)\d\d\b"
            r"|(?<![$£€\d])(?<!\d[.,])\b(?:(?:late|early|mid)[-\s])?(?:1[5-9]|20)\d\ds?\b(?!%|[.,]\d)"
            rf"|\b{WEEKDAY}\b|\b(?:january|february|march|april|june|july|august|september|october|november"
            rf"|december)\b|\b(?:next|last|this)\s(?:week|month|year|spring|summer|fall|autumn|winter|{WEEKDAY})\b",
        ),
        (
            "time",
            r"(?<![\d.:,-])(?:(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap](?:\.\s?m\.|\.?m\b)|(?:[01]?\d|2[0-3]):[0-5]\d(?![\d:])"
            rf"|\b(?:{_SMALL}|1[0-2]|[1-9])\so['’]clock\b|\b(?:noon|midnight)\b)"
            r"(?:\s(?-i:[ECMP][SD]?T|BST|C?E?EST|CET|EET|IST|JST|HKT|MSK|GMT|UTC|AE[SD]T)\b|\s(?:local|eastern|central|mountain|pacific)"
            r"(?:\s(?:standard|daylight))?\stime\b)?",
        ),
        (
            "duration",
            rf"\b(?:{_FIGURE}|an?|several|a few){_SCALE}(?:\s(?:more|consecutive|straight|full))?[\s-]{_UNITS}"
            rf"(?:\sand\s{_FIGURE}\s{_UNITS})?(?:[\s-]old)?\b",
        ),
        (
            "number",
            rf"(?<![$£€\w.,-])(?:(?:(?-i:No)\.\s)?{_RANGE}{_GLUED}|{_IN_WORDS})(?!\w){_SCALE}"
            rf"(?:[-–](?:to-)?{DIGITS})?(?:\s?°{_GLUED})?",
        ),
        (
            "quoted",
            r"(?<=“)[^”“\n]{2,90}?(?=[,.]?”)|" + _OPENED + r"[^\"\n]{1,89}?(?=[,.]?\")"
            r"|(?<=(?<!\w)‘)[^’‘\n]{2,90}?(?=[,.]?’(?!\w))",
        ),
    )
)
_QUOTATION = re.compile(rf"(?<=“)[^”“\n]+(?=”)|{_OPENED}[^\"\n]*(?=\")")
# One of these stands, in small letters, in whatever has such a form: most quotes need not be looked through for it.
_SIGNS = {
    "money": ("$", "£", "€", "dollars", "pounds", "euros", "cents", "pence", "yen"),
    "percent": ("%", "cent", "half", "third", "quarter", "fifth"),
    "duration": ("second", "minute", "hour", "day", "night", "week", "month", "season", "year", "decade", "centur"),
    "quoted": ("“", '"', "‘"),
}
_LISTED = re.compile(r"^[^\S\n]*\d{1,3}[.)]\s", re.MULTILINE)
_JOINERS = word_set("of the de van von der den la le du del di da bin ibn al & for v vs")
_CLAUSE_CUE = re.compile(
    r"\b(?:because(?: of)?|due to|thanks to|citing|amid|after|over|following|so that|in order|to|for|that|by|as|from"
    r"|with|into|about|on|against)\s",
    re.IGNORECASE,
)

_REASON_CUE = re.compile(r"because|due|thanks|citing|in order|so that", re.IGNORECASE)


# "LONDON (AP) — The", "(CNN) The", "Tokyo CNN — The": where and for whom it was written is no answer. What goes on in
# lower case, "Ada Lind (the mayor) –", is no dateline.
_CAPITALS = r"(?:[A-Z][\w.’'/-]*,?[^\S\n]+)"
_DATELINE = re.compile(
    rf"^[^\S\n]*(?:{_CAPITALS}{{0,6}}\([A-Z][^()\n]{{0,30}}\)[^\S\n]*[—–-]+|\([A-Z][\w.]{{1,12}}\)"
    rf"|{_CAPITALS}{{1,6}}\((?:AFP|AP|Bloomberg|CNN|Reuters|UPI)\)"  # an organisation has its initials there, "(WHO)"
    rf"|(?:[A-Z]{{2}}[A-Z.’'/-]*,?[^\S\n]+{_CAPITALS}{{0,5}}|{_CAPITALS}{{1,6}}(?<=[A-Z]{{2}}\s))[—–-]+)"
    r"\s*(?=[\"“‘]?[A-Z\d])",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of the quote that could be marked: its code points, its tokens (`first`, one past `last`), its form."""

    start: int
    end: int
    first: int
    last: int
    form: str


def candidates(page: Page, asked: Asked) -> list[Candidate]:
    """Every stretch that could be marked, each once, in the order of the quote."""
    found: dict[tuple[int, int], Candidate] = {}
    text = page.text
    datelines = [match.span() for match in _DATELINE.finditer(text)]
    names = list(_names(page))
    known = [_bare(page, *name) for name in names if is_asked_about(page.tokens[slice(*name)], asked)]
    figures = list(_figures(page, asked.kind))
    counts_things = asked.is_counted and asked.kind == "number"
    uncut = {at for form, start, end in figures if form in _FIGURES for at in range(start + 1, end)}
    for form, start, end in chain(figures, () if asked.kind in _ONLY else _spans(page, asked)):
        while end > start and text[end - 1].isspace():
            end -= 1
        while start < end and text[start].isspace():
            start += 1
        if (start, end) in found:
            continue
        first, last = bisect_left(page.starts, start), bisect_left(page.starts, end)
        words = [t for t in page.tokens[first:last] if t.is_word]
        if (
            not words
            or len(words) > MAX_MARK_WORDS
            or (form not in _FIGURES and (start in uncut or end in uncut))
            or not is_markable(page, start, end)
            or (asked.kind == "duration" and text.endswith("old", start, end))
            or (form == "duration" and counts_things and not any(t.stem == asked.noun for t in words))
            or any(before <= start < after for before, after in datelines)
            or (asked.is_of_winner and _is_beaten(page.tokens, first, last))
            or is_of_another_kind(asked, page.tokens, first, last)
            or (form in _NOT_NAMES and any(_tears(page, asked, (first, last), name) for name in names))
            or any(end == last_known or first_known <= start < end < last_known for first_known, last_known in known)
        ):
            continue
        if any(not t.is_stop and t.stem not in asked.stems for t in words):
            found[start, end] = Candidate(start, end, first, last, form)
    listed = [found[key] for key in sorted(found)]
    if asked.is_of_age:
        listed = [c for c in listed if _is_age(page, c)]
    if asked.kind == "quote":
        listed = [c for c in listed if c.last - c.first >= _QUOTATION_WORDS] or listed
    if asked.kind in _ONLY:
        return [c for c in listed if c.form in _ONLY[asked.kind]]
    if asked.kind in _NEVER_FIGURES:
        listed = [c for c in listed if c.form not in _FIGURES]
    reasons = [c for c in listed if asked.kind == "reason" and c.form == "reason"]
    return reasons or listed


def is_markable(page: Page, start: int, end: int) -> bool:
    """Whether a span has few enough words, all on one line, and leaves more of the quote than its last word or mark."""
    inside = page.text[start:end]
    is_nearly_all = bisect_left(page.starts, start) == 0 and bisect_left(page.starts, end) >= len(page.tokens) - 1
    return not is_nearly_all and "\n" not in inside and len(inside.split()) <= MAX_MARK_WORDS


# Where a sum is asked for nothing else answers: rather no mark than a wrong one.
_ONLY: dict[Kind, tuple[str, ...]] = {
    "percent": ("percent",),
    "money": ("money",),
    "date": ("date",),
    "time": ("time",),
    "duration": ("duration", "number"),
    "number": ("number", "duration", "percent", "money"),
    "quote": ("quoted",),
}
_FIGURES = frozenset({"percent", "money", "date", "duration", "number"})
# Who, where and why are told by no figure and no day.
_NEVER_FIGURES: frozenset[Kind] = frozenset({"person", "organisation", "place", "reason"})


def _spans(page: Page, asked: Asked) -> Iterator[tuple[str, int, int]]:
    """Names, phrases and clauses, each with its form; names and phrases also without the question's words."""
    for form, runs in (("name", _names(page)), ("phrase", _phrases(page))):
        for run in runs:
            yield form, *_bare(page, *run)
            trimmed = _without_asked(page, asked, *run)
            if trimmed != run:
                yield form, *_bare(page, *trimmed)
    ends = _sentence_ends(page.text)
    for match in _CLAUSE_CUE.finditer(page.text):
        form = "reason" if _REASON_CUE.match(match[0]) else "clause"
        if (at := bisect_left(ends, match.end())) < len(ends):
            yield from ((form, a, b) for a, b in _clause(page, match.end(), ends[at]))


def _figures(page: Page, kind: Kind) -> Iterator[tuple[str, int, int]]:
    """What has a form of its own; no number out of a sum, share, date or duration, nor one of a list or a name."""
    inside = {at for match in _LISTED.finditer(page.text) for at in range(*match.span())}
    lower = page.text.lower()
    for form, pattern in _FORMS:
        if form == "time" and kind != "time":
            continue  # "at 5 p.m." is not what answers anything else
        if form in _SIGNS and not any(sign in lower for sign in _SIGNS[form]):
            continue
        for match in pattern.finditer(page.text):
            if form != "number":
                inside.update(range(*match.span()))
            elif match.start() in inside or _is_of_a_name(page, *match.span()):
                continue
            yield form, *match.span()
    if kind == "quote":
        for match in _QUOTATION.finditer(page.text):
            if len(match[0].split()) > MAX_MARK_WORDS:  # its beginning
                yield from (("quoted", start, end) for start, end in _clause(page, *match.span()))


def _is_of_a_name(page: Page, start: int, end: int) -> bool:
    """Whether a figure is the last word of a name ("Category 1", "Title 42"): no plural that it could count follows."""
    at = bisect_left(page.starts, start)
    if not at or not page.text[start].isdigit() or page.text[page.tokens[at - 1].end : start] != " ":
        return False
    before = page.tokens[at - 1]
    after = bisect_left(page.starts, end)
    following = page.tokens[after].text if after < len(page.tokens) else ""
    is_counted = following[:1].islower() and (following.endswith("s") or following in _PLURALS)
    return (
        _is_name_word(before)
        and not before.opens
        and not _DAY.fullmatch(before.text)
        and not is_counted
        and not re.search(r"\D", page.text[start:end])
    )


def is_of_another_kind(asked: Asked, tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether a span is of another kind than what is asked for: a city for a person (but a city may win), or any place
    where it says where, somebody in office for a place, a day without its year for a year.
    """
    if asked.kind == "date" and asked.noun == _YEAR:
        return not any(_FOUR_DIGITS.search(token.text) for token in tokens[first:last])
    if asked.kind == "person" and not asked.is_of_winner:
        words = [POSSESSIVE.sub("", token.lower) for token in tokens[first:last]]
        is_where = first > 0 and tokens[first - 1].lower in _WHERE
        return " ".join(words) in CITIES or (
            is_where and any(" ".join(words[:n]) in PLACES for n in range(1, len(words) + 1))
        )
    with_title = tokens[max(0, first - 1) : last]
    return asked.kind == "place" and any(token.lower.rstrip(".") in _OFFICES for token in with_title)


# A few words in quotation marks within a sentence are a word that somebody used, and what they said stands beside it.
_QUOTATION_WORDS = 4
_WHERE = word_set("in at near outside across around")
_AGED_BEFORE = re.compile(r"(?:,\s|\(|\b(?:age|aged|age\sof|at|was|is|turn(?:s|ed)|just|only)\s)$")
_AGED_AFTER = re.compile(r"[,.;:)]|\s(?:when|after|in|on|at|and|from|because|years?)\b|$")
_AGO = re.compile(r"\s(?:ago|old|of age)\b")


def _is_age(page: Page, candidate: Candidate) -> bool:
    """Whether a figure says how old somebody or something is: "42-year-old", "Lind, 42,", "at 42", "42 years ago"."""
    start, end, text = candidate.start, candidate.end, page.text
    if candidate.form == "duration":
        return text.endswith("old", start, end) or _AGO.match(text, end) is not None
    is_led = _AGED_BEFORE.search(text, max(0, start - 12), start) is not None
    return candidate.form == "number" and is_led and _AGED_AFTER.match(text, end) is not None


_NOT_NAMES = frozenset({"phrase", "clause", "reason"})


def _tears(page: Page, asked: Asked, span: tuple[int, int], name: tuple[int, int]) -> bool:
    """Whether a span goes on beyond one end of a name and leaves out the other: "former President" of "former President
    Ada Lind". It may begin behind a title or a word of the question.
    """
    first, last = span
    begins, ends = name
    while begins < ends and (page.tokens[begins].lower == "the" or _DAY.fullmatch(page.tokens[begins].text)):
        begins += 1
    if first < begins < last < ends:
        return True
    before = page.tokens[first - 1]
    is_whole = before.text == "." or before.stem in TITLE_STEMS or before.stem in asked.stems
    return begins < first < ends < last and not is_whole


_YEAR = stem("year")
_FOUR_DIGITS = re.compile(r"\d{4}")
_OFFICES = word_set(
    "president minister chancellor secretary senator sen gov governor rep representative mayor mr mrs ms dr ceo"
)
_PLURALS = word_set("people men women children others more percent")


def is_asked_about(name: Sequence[Token], asked: Asked) -> bool:
    """Whether a name is of someone of whom the question speaks: by surname, for "the White House" is nobody's."""
    return (
        asked.kind in ("person", "organisation")
        and len(name) > 1
        and name[0].lower != "the"
        and not any(_is_owner(token) for token in name[:-1])
        and name[-1].stem in asked.known
        and name[-1].stem != asked.noun
    )


_BEATS = re.compile(r"defeat(?:s|ed|ing)?|beat(?:s|en|ing)?", re.IGNORECASE)


def _is_beaten(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Whether a span holds "beat" or "defeated", or is its object, with "the", titles and names between."""
    if any(_BEATS.fullmatch(token.text) for token in tokens[first:last]):
        return True
    for at in range(first - 1, max(first - 6, -1), -1):
        if _BEATS.fullmatch(tokens[at].text):
            return True
        if not tokens[at].is_word or (tokens[at].is_stop and tokens[at].lower not in ("a", "an", "the")):
            break
    return False


def _is_owner(token: Token) -> bool:
    return POSSESSIVE.search(token.text) is not None


def _bare(page: Page, first: int, last: int) -> tuple[int, int]:
    """Code points of tokens `first` to `last`, without a possessive at the end."""
    end = page.tokens[last - 1].end
    word = page.tokens[last - 1].text
    return page.tokens[first].start, end - (2 if word.endswith(("'s", "’s")) else 0)


def _without_asked(page: Page, asked: Asked, first: int, last: int) -> tuple[int, int]:
    """Tokens `first` to `last` without the question's words and stop words at either end; the quote's first token where
    nothing else is left.
    """
    tokens = page.tokens
    while first < last and (tokens[first].stem in asked.stems or tokens[first].is_stop or not tokens[first].is_word):
        first += 1
    while last > first and (tokens[last - 1].stem in asked.stems or tokens[last - 1].is_stop):
        last -= 1
    return (first, last) if first < last else (0, 1)


def _names(page: Page) -> Iterator[tuple[int, int]]:
    """Runs of capitalised words; joined by "of", "the", …, and their parts; with a leading "the"."""
    tokens = page.tokens
    n = len(tokens)
    i = 0
    while i < n:
        if not _is_name_word(tokens[i]):
            i += 1
            continue
        run = [i]
        pieces = [i]
        j = i + 1
        while j < n and tokens[j].line == tokens[i].line:
            if _is_name_word(tokens[j]) or (tokens[j].text[0].isdigit() and len(tokens[j].text) <= 4):
                run.append(j)
            elif tokens[j].text == "." and tokens[j - 1].text in _ABBREVIATED and tokens[j].start == tokens[j - 1].end:
                pass
            elif (tokens[j].lower in _JOINERS or _is_plural_possessive(tokens, j)) and (
                k := _next_name(tokens, j)
            ) is not None:
                pieces.append(k)
                j = k
                run.append(j)
            else:
                break
            if tokens[j].text.endswith(("'s", "’s")):
                j += 1
                break
            j += 1
        start = i - 1 if i and tokens[i - 1].lower == "the" else i
        end = run[-1] + 1
        yield start, end
        if len(pieces) > 1:
            for a, b in pairwise([*pieces, end + 1]):
                stop = b - 1
                while stop > a and not _is_name_word(tokens[stop - 1]):
                    stop -= 1
                yield (start if a == i else a), max(stop, a + 1)
        # The person without the titles before.
        bare = i
        while bare < end - 1 and (tokens[bare].text == "." or stem(tokens[bare].text.rstrip(".")) in TITLE_STEMS):
            bare += 1
        if bare > i:
            yield bare, end
        i = max(j, i + 1)


_ABBREVIATED = word_set("Sen Gov Rep Mr Mrs Ms Dr St Jr Sr Gen Lt Col Sgt Rev No Inc Co Corp Ltd Mt Ft") | frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


def _is_name_word(token: Token) -> bool:
    return (
        token.is_word
        and token.is_capital
        and not (token.is_stop and (token.opens or token.text != token.text.upper() or len(token.text) < 2))
    )


def _is_plural_possessive(tokens: tuple[Token, ...], at: int) -> bool:
    return tokens[at].text in "'’" and tokens[at - 1].text.endswith("s") and tokens[at].start == tokens[at - 1].end


def _next_name(tokens: tuple[Token, ...], at: int) -> int | None:
    """Index of a name word after one or two joiners at `at`, or None."""
    for j in range(at + 1, min(at + 3, len(tokens))):
        if tokens[j].line != tokens[at].line:
            return None
        if _is_name_word(tokens[j]):
            return j
        if tokens[j].lower not in _JOINERS and not (tokens[j].text == "." and tokens[j - 1].text in ("v", "vs")):
            return None
    return None


_DAY = re.compile(WEEKDAY, re.IGNORECASE)


def _is_of_phrase(token: Token) -> bool:
    """No stop word, nor a weekday: "rose Thursday less than" is no phrase, and "Black Friday" is a name."""
    return token.is_word and not token.is_stop and not _DAY.fullmatch(token.text)


def _phrases(page: Page) -> Iterator[tuple[int, int]]:
    """Runs of words of weight, without a leading verb too, and two runs joined by "of", "and", "or"."""
    tokens = page.tokens
    runs: list[tuple[int, int]] = []
    i = 0
    while i < len(tokens):
        j = i
        while j < len(tokens) and _is_of_phrase(tokens[j]) and tokens[j].line == tokens[i].line:
            j += 1
        if j > i:
            runs.append((i, j))
        i = max(j, i + 1)
    for first, last in runs:
        led = first - 1 if first and tokens[first - 1].lower in ("a", "an", "the") else first
        yield led, last
        if led != first:
            yield first, last
        for cut in (1, 2, 3):
            if first + cut < last:
                yield first + cut, last
                yield led, last - cut
    for (first, last), (second, end) in pairwise(runs):
        if second == last + 1 and tokens[last].lower in ("of", "and", "or", "&", "in", "to", "for", "with"):
            yield first, end
            if last - first > 1:
                yield last - 1, end
        elif (
            second == last + 2
            and tokens[last].lower in ("of", "and", "in", "to", "for", "with")
            and tokens[last + 1].lower in ("a", "an", "the", "its", "his", "her", "their")
        ):
            yield first, end


_CLAUSE_END = re.compile(r"[,;:?!](?!\d)|\s[–—-]\s|\s\(|[”“\"\n]")
_VISIBLE = re.compile(r"\S+")


def _sentence_ends(text: str) -> list[int]:
    """Where the words of each sentence end: the full stops of "5 p.m." and "Norsund Inc. said" end none."""
    return [span.start + len(span.of(text).rstrip(".…)]’'”\"»")) for span in sentence_spans(text)]


def _clause(page: Page, start: int, sentence_end: int) -> Iterator[tuple[int, int]]:
    """From `start` to the next break of the sentence; of more than twelve words two to eight, up to a stop word."""
    end = _CLAUSE_END.search(page.text, start, sentence_end)
    stop = end.start() if end else sentence_end
    words = list(islice(_VISIBLE.finditer(page.text, start, stop), MAX_MARK_WORDS + 1))
    n = len(words)
    if n > MAX_MARK_WORDS:
        stops = [page.tokens[bisect_left(page.starts, word.start())].is_stop for word in words]
        n = max((at for at in range(2, 9) if stops[at] and not stops[at - 1]), default=0)
    if n >= 2:
        yield words[0].start(), words[n - 1].end()
