"""Every stretch of a quote that could be marked as the answer: names, figures, days, quoted words, phrases, clauses.

Knows nothing about which of them is the likeliest.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bot.kind import Kind
from bot.quote_words import DAYS, MONTHS, TITLE_STEMS, Asked, Page, Token, stem, word_set

MAX_MARK_WORDS = 12

_UNITS = "(?:second|minute|hour|day|night|week|weekend|month|season|year|decade|centur(?:y|ie))s?"
_SMALL = (
    "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen"
    "|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-(?:one|two|three|four|five|six"
    "|seven|eight|nine))?"
)
# A comma belongs to a figure only between digits: "$3,000, he said".
_DIGITS = r"\d+(?:,\d+)*(?:\.\d+)?"
_FIGURE = rf"(?:{_DIGITS}|{_SMALL}|a hundred|half|dozens|hundreds|thousands|millions|billions)"
_SCALE = r"(?:[\s-](?:hundred|thousand|million|billion|trillion|m|bn|dozen|and a half)\b)*"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (form, re.compile(pattern, re.IGNORECASE))
    for form, pattern in (
        (
            "money",
            rf"(?:US|C|A)?[$£€]\s?{_DIGITS}(?:\s?(?:thousand|million|billion|trillion|bn|m|k)\b)?"
            rf"|\b{_FIGURE}{_SCALE}\s(?:dollars|pounds|euros|cents|pence|yen)\b",
        ),
        (
            "percent",
            rf"\b{_FIGURE}\s?(?:%|per\s?cent\b|percent\b)|\b(?:half|(?:one|two|three)[\s-](?:third|quarter|fifth)s?)\b",
        ),
        (
            "date",
            rf"(?:\b{DAYS},?\s)?\b{MONTHS}\s\d{{1,2}}(?:st|nd|rd|th)?\b(?!:)(?:,?\s(?:19|20)\d\d\b)?"
            rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?:\sof)?\s{MONTHS}(?:,?\s(?:19|20)\d\d)?\b"
            rf"|\b{MONTHS},?\s(?:of\s)?(?:19|20)\d\d\b|\b(?:(?:late|early|mid)[-\s])?(?:1[5-9]|20)\d\ds?\b"
            rf"|\b{DAYS}\b|\b(?:january|february|march|april|june|july|august|september|october|november"
            rf"|december)\b|\b(?:next|last|this)\s(?:week|month|year|spring|summer|fall|autumn|winter|{DAYS})\b",
        ),
        (
            "duration",
            rf"\b(?:{_FIGURE}|a|an|several|a few){_SCALE}(?:\s(?:more|consecutive|straight|full))?[\s-]{_UNITS}"
            rf"(?:\sand\s{_FIGURE}\s{_UNITS})?\b",
        ),
        ("number", rf"(?<![$£€\w.,-]){_FIGURE}(?:st|nd|rd|th)?\b{_SCALE}(?:[-–](?:to-)?\d[\d,.]*\d?\b)?°?"),
        (
            "quoted",
            r"(?<=“)[^”“]{2,90}?(?=[,.]?”)|(?<=\")[^\"]{2,90}?(?=[,.]?\")|(?<=(?<!\w)‘)[^’‘]{2,90}?(?=[,.]?’(?!\w))",
        ),
    )
)
_JOINERS = word_set("of the de van von der den la le du del di da bin ibn al & for")
_CLAUSE_CUE = re.compile(
    r"\b(?:because(?: of)?|due to|thanks to|citing|amid|after|over|following|so that|in order|to|for|that|by|as|from"
    r"|with|into|about|on|against)\s",
    re.IGNORECASE,
)

_REASON_CUE = re.compile(r"because|due|thanks|citing|in order|so that", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A span of the quote, its tokens, and the form it has."""

    start: int
    end: int
    first: int
    last: int
    form: str


def candidates(page: Page, asked: Asked) -> list[Candidate]:
    """Every stretch that could be marked, each once, in the order of the quote."""
    found: dict[tuple[int, int], Candidate] = {}
    for form, start, end in _spans(page, asked):
        while end > start and page.text[end - 1].isspace():
            end -= 1
        while start < end and page.text[start].isspace():
            start += 1
        first, last = bisect_left(page.starts, start), bisect_left(page.starts, end)
        words = [t for t in page.tokens[first:last] if t.is_word]
        if (
            not words
            or max(len(words), len(page.text[start:end].split())) > MAX_MARK_WORDS
            or (first == 0 and last >= len(page.tokens) - 1)
        ):
            continue
        new = [t for t in words if not t.is_stop and t.stem not in asked.stems]
        if new and (start, end) not in found:
            found[start, end] = Candidate(start, end, first, last, form)
    listed = [found[key] for key in sorted(found)]
    suitable = [c for c in listed if c.form in _ONLY.get(asked.kind, ())]
    return suitable or listed


# Where a sum is asked for and the quote holds one, nothing else is worth scoring.
_ONLY: dict[Kind, tuple[str, ...]] = {
    "percent": ("percent",),
    "money": ("money",),
    "date": ("date",),
    "duration": ("duration", "number"),
    "number": ("number", "duration", "percent", "money"),
    "quote": ("quoted",),
    "reason": ("reason",),
}


def _spans(page: Page, asked: Asked) -> Iterator[tuple[str, int, int]]:
    for form, pattern in _FORMS:
        for match in pattern.finditer(page.text):
            yield form, *match.span()
    for first, last in _names(page):
        yield "name", *_bare(page, first, last)
        trimmed = _without_asked(page, asked, first, last)
        if trimmed != (first, last):
            yield "name", *_bare(page, *trimmed)
    for first, last in _phrases(page):
        yield "phrase", *_bare(page, first, last)
        trimmed = _without_asked(page, asked, first, last)
        if trimmed != (first, last):
            yield "phrase", *_bare(page, *trimmed)
    for match in _CLAUSE_CUE.finditer(page.text):
        form = "reason" if _REASON_CUE.match(match[0]) else "clause"
        yield from ((form, a, b) for a, b in _clause(page, match.end()))


def _bare(page: Page, first: int, last: int) -> tuple[int, int]:
    """Code points of tokens `first` to `last`, without a possessive at the end."""
    end = page.tokens[last - 1].end
    word = page.tokens[last - 1].text
    return page.tokens[first].start, end - (2 if word.endswith(("'s", "’s")) else 0)


def _without_asked(page: Page, asked: Asked, first: int, last: int) -> tuple[int, int]:
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
        while j < n:
            if _is_name_word(tokens[j]) or (tokens[j].text[0].isdigit() and len(tokens[j].text) <= 4):
                run.append(j)
            elif tokens[j].text == "." and tokens[j - 1].text in _ABBREVIATED and tokens[j].start == tokens[j - 1].end:
                pass
            elif (tokens[j].text.lower() in _JOINERS or _is_plural_possessive(tokens, j)) and (
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
        start = i - 1 if i and tokens[i - 1].text.lower() == "the" else i
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
        while bare < end - 1 and stem(tokens[bare].text.rstrip(".")) in TITLE_STEMS:
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
        if _is_name_word(tokens[j]):
            return j
        if tokens[j].text.lower() not in _JOINERS:
            return None
    return None


def _phrases(page: Page) -> Iterator[tuple[int, int]]:
    """Runs of words of weight, without a leading verb too, and two runs joined by "of", "and", "or"."""
    tokens = page.tokens
    runs: list[tuple[int, int]] = []
    i = 0
    while i < len(tokens):
        j = i
        while j < len(tokens) and tokens[j].is_word and not tokens[j].is_stop:
            j += 1
        if j > i:
            runs.append((i, j))
        i = max(j, i + 1)
    for first, last in runs:
        led = first - 1 if first and tokens[first - 1].text.lower() in ("a", "an", "the") else first
        yield led, last
        if led != first:
            yield first, last
        for cut in (1, 2, 3):
            if first + cut < last:
                yield first + cut, last
                yield led, last - cut
    for (first, last), (second, end) in pairwise(runs):
        if second == last + 1 and tokens[last].text.lower() in ("of", "and", "or", "&", "in", "to", "for", "with"):
            yield first, end
            if last - first > 1:
                yield last - 1, end
        elif (
            second == last + 2
            and tokens[last].text.lower() in ("of", "and", "in", "to", "for", "with")
            and tokens[last + 1].text.lower() in ("a", "an", "the", "its", "his", "her", "their")
        ):
            yield first, end


_CLAUSE_END = re.compile(r"[,;:.?!](?!\d)|\s[–—-]\s|\s\(|[”“\"]")
_VISIBLE = re.compile(r"\S+")


def _clause(page: Page, start: int) -> Iterator[tuple[int, int]]:
    """From `start` to the next break of the sentence; of more than twelve words the first eight."""
    end = _CLAUSE_END.search(page.text, start)
    stop = end.start() if end else len(page.text)
    words = list(_VISIBLE.finditer(page.text, start, stop))
    if 2 <= len(words) <= MAX_MARK_WORDS:
        yield words[0].start(), words[-1].end()
    elif len(words) > MAX_MARK_WORDS:
        yield words[0].start(), words[7].end()
